"""The table names methods that exist, for events that exist."""

import typing

from calls.conversation import events as e
from calls.conversation.conversation import Conversation
from calls.conversation.states import EVERYWHERE, TABLE, State


def test_every_event_has_a_row_and_every_row_a_method() -> None:
    assert set(TABLE) | set(EVERYWHERE) == set(typing.get_args(e.Event))
    assert not set(TABLE) & set(EVERYWHERE)
    for method in [*EVERYWHERE.values(), *(m for row in TABLE.values() for m in row.values())]:
        assert callable(getattr(Conversation, method))


def test_nothing_is_answered_after_the_end() -> None:
    assert all(State.ENDED not in row for row in TABLE.values())
