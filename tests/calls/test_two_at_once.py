"""Two connections to PostgreSQL at once: the second waits for the first, or does not, as it should. See test_on_postgresql.py."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from calls import counting, services, tasks
from calls.models import Backlog, Call, DayFigures, Label
from tests.calls.many import many
from tests.calls.test_counting import agent_named, ended

pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has one writer at a time"),
    pytest.mark.django_db(transaction=True),
]
WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


def beside(act: Callable[[], Any]) -> Future[Any]:
    """Begin it on a connection of its own, and come back when it waits for us or is done."""

    def on_its_own() -> Any:
        try:
            return act()
        finally:
            connection.close()

    begun = ThreadPoolExecutor(1).submit(on_its_own)
    while not begun.done():
        with connection.cursor() as cursor:
            cursor.execute("select pg_stat_clear_snapshot()")
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                break
    return begun


@pytest.fixture
def left() -> None:
    many(3)
    Backlog.objects.create(before=timezone.now() + timedelta(1))


def test_the_command_waits_for_the_worker_and_does_what_it_left(left: None, capsys: pytest.CaptureFixture[str]) -> None:
    with transaction.atomic():
        Backlog.objects.select_for_update().get()
        command = beside(lambda: call_command("sum_up_calls"))
        assert not command.done()
    command.result(timeout=60)
    assert capsys.readouterr().out == "Summed up 3 calls.\n"
    assert not Backlog.objects.exists()


def test_the_worker_leaves_it_to_the_command(left: None) -> None:
    with transaction.atomic():
        Backlog.objects.select_for_update().get()
        assert beside(tasks.sum_up_earlier_calls).result(timeout=60) == 0
    assert tasks.sum_up_earlier_calls() == 3


def test_the_last_two_calls_of_a_day_can_be_deleted_at_once() -> None:
    desk = agent_named("Desk")
    one, other = ended(desk, stops=1).call, ended(desk, stops=2).call
    counting.count_pending()
    with transaction.atomic():
        services.forget_call(call=one)
        second = beside(lambda: services.forget_call(call=other))
        assert not second.done()
    second.result(timeout=60)
    counting.count_pending()
    assert not Call.objects.exists()
    assert list(DayFigures.objects.values_list("calls", "stops")) == [(0, 0)]


def test_two_reviewers_at_once_both_count() -> None:
    [call] = many(1)
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    with transaction.atomic():
        services.label(call=call, by=ada, kind=Label.Kind.LATE, at_ms=10)
        other = beside(lambda: services.label(call=call, by=bob, kind=Label.Kind.LATE, at_ms=10))
    assert other.result(timeout=60).author == bob
    assert Call.objects.get().label_count == 2


def test_who_takes_a_label_back_waits_for_who_makes_one() -> None:
    [call] = many(1)
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    first = services.label(call=call, by=ada, kind=Label.Kind.LATE, at_ms=10)
    with transaction.atomic():
        services.label(call=call, by=bob, kind=Label.Kind.LATE, at_ms=10)
        other = beside(lambda: services.remove_label(label=first, by=ada))
    other.result(timeout=60)
    assert Call.objects.get().label_count == 1
