"""What becomes of calls that an earlier version left. On SQLite here, and on PostgreSQL by test_on_postgresql."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from calls import earlier
from calls.models import Backlog, Call, Transcript

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE_THE_LIST = ("calls", "0004_call_permissions")


def go_to(*targets: tuple[str, str]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return executor.loader.project_state(list(targets)).apps


def go_to_the_newest() -> None:
    go_to(*MigrationExecutor(connection).loader.graph.leaf_nodes())


@pytest.fixture
def old() -> Iterator[Any]:
    """The models of before the list was searched."""
    yield go_to(BEFORE_THE_LIST)
    go_to_the_newest()


def test_calls_that_exist_are_left_to_the_background(old: Any) -> None:
    call = old.get_model("calls", "Call").objects.create(
        carrier="twilio", carrier_call_id="CA1", settings={"voice": "cedar", "turn": {"revision": 3}}, duration_ms=9000
    )
    old.get_model("calls", "Turn").objects.create(
        call=call, side="caller", item_id="u1", started_ms=0, ended_ms=900, text="My card is lost"
    )
    go_to_the_newest()
    assert Backlog.objects.count() == 1
    assert not Transcript.objects.exists()
    assert earlier.sum_up() == 1
    now = Call.objects.get()
    assert (now.voice, now.revision, now.turn_count, now.first_words) == ("cedar", 3, 1, "My card is lost")
    assert Transcript.objects.get().text == " my card is lost "


def test_a_new_database_has_nothing_to_be_summed_up(old: Any) -> None:
    go_to_the_newest()
    assert not Backlog.objects.exists()
