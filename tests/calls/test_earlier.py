"""Calls that an earlier version stored are summed up as if this one had. Also run on PostgreSQL."""

from __future__ import annotations

import sqlite3
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from agents.models import Agent, PhoneNumber
from calls import earlier, search, services, tasks
from calls.models import Backlog, Call, Transcript
from tests.calls.many import many
from tests.calls.test_services import claim, ring
from tests.calls.test_summary import RECORD, summary

pytestmark = pytest.mark.django_db
TWO = earlier.Pace(calls=2, batches=2)
EMPTY: dict[str, Any] = dict.fromkeys(earlier.COLUMNS, 0) | {"voice": "", "first_words": "", "delay_ms": None}


@pytest.fixture
def stored(db: None) -> list[Call]:
    """Seven calls, the newest first, each with what the earlier version knew of it. Two rang at the same moment."""
    agent = Agent.objects.create(name="Front desk", instructions="Help.", voice="cedar")
    number = PhoneNumber.objects.create(number="+12025550142", agent=agent)
    calls = [claim(ring(number, f"CA{n}")) for n in range(7)]
    for n, call in enumerate(calls):
        services.apply_events(call_id=call.pk, lines=RECORD)
        Call.objects.filter(pk=call.pk).update(rang_at=timezone.now() - timedelta(hours=n - (n == 2)), **EMPTY)
    Call.objects.filter(pk=calls[2].pk).update(rang_at=Call.objects.get(pk=calls[1].pk).rang_at)
    Transcript.objects.all().delete()
    Backlog.objects.create(before=timezone.now())
    return calls


@pytest.fixture
def expected(stored: list[Call]) -> dict[str, object]:
    """Of each: they have the same record."""
    call = claim(ring(PhoneNumber.objects.get(), "CAnew"))
    services.apply_events(call_id=call.pk, lines=RECORD)
    told = summary(call)
    assert (told["voice"], told["turn_count"]) == ("cedar", 2)
    return told


def done(calls: list[Call]) -> list[bool]:
    return [
        Transcript.objects.filter(call=call).exists() and Call.objects.get(pk=call.pk).turn_count > 0 for call in calls
    ]


def test_they_become_what_a_call_of_this_version_is(stored: list[Call], expected: dict[str, object]) -> None:
    assert earlier.sum_up() == 7
    assert [summary(call) for call in stored] == [expected] * 7
    assert not Backlog.objects.exists()
    assert Transcript.objects.filter(rang_at=Call.objects.get(pk=stored[5].pk).rang_at).get().call == stored[5]


def test_who_is_stopped_half_way_goes_on_where_it_was(
    stored: list[Call], expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = earlier._store

    def stopped(calls: list[Call]) -> None:
        store(calls)
        if stored[3] in calls:
            raise KeyboardInterrupt

    monkeypatch.setattr(earlier, "_store", stopped)
    with pytest.raises(KeyboardInterrupt):
        earlier.sum_up(pace=TWO)
    assert done(stored) == [True, True, True, False, False, False, False]  # the newest; nothing of the batch in hand
    monkeypatch.setattr(earlier, "_store", store)
    Call.objects.filter(pk=stored[0].pk).update(turn_count=99)
    assert earlier.sum_up(batches=1, pace=TWO) == 2
    assert earlier.sum_up() == 2
    assert Call.objects.get(pk=stored[0].pk).turn_count == 99  # what is done is not done again
    assert [summary(call) for call in stored[1:]] == [expected] * 6


def test_the_same_moment_is_not_parted(stored: list[Call]) -> None:
    assert earlier.sum_up(batches=1, pace=TWO) == 3
    assert done(stored[:4]) == [True, True, True, False]


def test_calls_that_came_in_since_are_left_alone(stored: list[Call]) -> None:
    new = ring(PhoneNumber.objects.get(), "CAnew")
    Call.objects.filter(pk=new.pk).update(first_words="as they are")
    earlier.sum_up()
    new.refresh_from_db()
    assert new.first_words == "as they are"


def test_a_second_time_changes_nothing(stored: list[Call]) -> None:
    earlier.sum_up()
    told = [summary(call) for call in stored]
    Backlog.objects.create(before=timezone.now())
    assert earlier.sum_up() == 7
    assert [summary(call) for call in stored] == told


@pytest.mark.parametrize("settings", [{}, [], {"turn": "none"}, {"voices": [{}], "turn": None}], ids=str)
def test_a_call_that_cannot_be_read_does_not_stop_the_others(stored: list[Call], settings: Any) -> None:
    Call.objects.filter(pk=stored[1].pk).update(settings=settings)
    assert earlier.sum_up() == 7
    assert done(stored)[2:] == [True] * 5
    assert Call.objects.said(search.terms("card")).count() == 7


def test_calls_without_a_record_are_summed_up_too() -> None:
    many(3, turn_count=5)
    Backlog.objects.create(before=timezone.now() + timedelta(1))
    assert earlier.sum_up() == 3
    assert set(Call.objects.values_list("turn_count", flat=True)) == {0}
    assert not Transcript.objects.exists()


def test_the_worker_does_it_and_the_command_does_not_wait_for_it(
    stored: list[Call], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(earlier, "PACES", {connection.vendor: earlier.Pace(calls=1, batches=2)})
    assert tasks.sum_up_earlier_calls() == 3
    call_command("sum_up_calls")
    assert capsys.readouterr().out == "Summed up 4 calls.\n"
    assert tasks.sum_up_earlier_calls() == 0


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL locks rows only")
@pytest.mark.django_db(transaction=True)
def test_on_sqlite_who_waits_to_write_gets_in_between_two_batches(
    stored: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ringing call's process, for which a lock of half a second, taken again at once, left no gap."""
    store, ringing, written = earlier._store, ThreadPoolExecutor(1), list[Future[int]]()

    def write() -> int:
        """How many calls had been summed up by then."""
        with sqlite3.connect(connection.settings_dict["NAME"], timeout=60, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            count: int = other.execute("SELECT count(*) FROM calls_transcript").fetchone()[0]
            other.execute("UPDATE calls_call SET end_reason = 'written'")
            other.execute("COMMIT")
        return count

    def stored_while_one_waits(calls: list[Call]) -> None:
        store(calls)
        if not written:
            written.append(ringing.submit(write))

    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        written[0].result(timeout=60)  # would never come while we held the lock

    monkeypatch.setattr(earlier, "_store", stored_while_one_waits)
    pace = earlier.Pace(calls=2, batches=2, pause_s=earlier.usual().pause_s)
    assert earlier.sum_up(pace=pace, pause=pause) == 7
    assert written[0].result() == 3
    assert not Call.objects.exclude(end_reason="written").exists()
    assert len(pauses) == 3
    assert min(pauses) > 0.1, "SQLite looks every 100 ms whether the lock is free"


def test_a_batch_on_sqlite_is_small_and_a_worker_is_not_asked_before_it_is_done() -> None:
    pace = earlier.PACES["sqlite"]
    assert pace.calls <= 50
    assert pace.batches * pace.pause_s < settings.CELERY_BEAT_SCHEDULE["sum-up-earlier-calls"]["schedule"] / 2
