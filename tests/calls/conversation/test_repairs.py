"""Where an item is put back, and what is waited for."""

from __future__ import annotations

from calls.conversation.commands import AddItem, DeleteItem
from calls.conversation.playback import Item
from calls.conversation.repairs import Repairs


def known(*items: str) -> Repairs:
    repairs, before = Repairs(), None
    for item in items:
        repairs.placed(item, before)
        before = item
    return repairs


def test_an_item_comes_back_to_its_old_place_under_a_new_name() -> None:
    repairs = known("u1", "a1", "u2")
    item = Item("r1", "a1")
    assert list(repairs.repair(item, "One two", 5.0)) == [
        DeleteItem("a1"),
        AddItem("assistant", "One two", "heard_1", "u1"),
    ]
    assert item.model_id == "heard_1"


def test_the_first_item_of_all_comes_back_to_the_beginning() -> None:
    (_, add) = known("a1", "u1").repair(Item("r1", "a1"), "One", 5.0)
    assert add == AddItem("assistant", "One", "heard_1", "root")


def test_an_item_whose_neighbour_we_never_saw_is_put_behind_it_all_the_same() -> None:
    repairs = known()
    repairs.placed("a1", "of which we were not told")
    (_, add) = repairs.repair(Item("r1", "a1"), "One", 5.0)
    assert add == AddItem("assistant", "One", "heard_1", "of which we were not told")


def test_an_item_that_was_repaired_can_be_repaired_again() -> None:
    repairs = known("u1", "a1")
    item = Item("r1", "a1")
    list(repairs.repair(item, "One two", 5.0))
    repairs.removed("a1")
    repairs.placed("heard_1", "u1")
    assert list(repairs.repair(item, "One", 6.0)) == [
        DeleteItem("heard_1"),
        AddItem("assistant", "One", "heard_2", "u1"),
    ]


def test_a_repair_is_over_when_both_of_its_parts_are_confirmed() -> None:
    repairs = known("u1", "a1")
    list(repairs.repair(Item("r1", "a1"), "One", 5.0))
    assert repairs.outstanding
    assert not repairs.removed("a1")
    assert repairs.placed("heard_1", "u1")
    assert not repairs.outstanding


def test_what_was_never_in_the_conversation_needs_no_confirmation() -> None:
    repairs = known("u1", "a1")
    list(repairs.repair(Item("r1", "a1"), "", 5.0))
    assert list(repairs.refused("delete:a1")) == []
    assert not repairs.outstanding


def test_what_the_model_says_of_other_items_settles_nothing() -> None:
    repairs = known("u1", "a1")
    list(repairs.repair(Item("r1", "a1"), "One", 5.0))
    assert not repairs.placed("u2", "a1")
    assert not list(repairs.refused("add:u2"))
    assert repairs.outstanding
