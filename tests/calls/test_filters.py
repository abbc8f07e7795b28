"""Each filter keeps the calls that it names. Also run on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from agents.models import Agent, PhoneNumber
from calls import filters, search
from calls.filters import CallFilter
from calls.models import Call, Label, Transcript
from tests.calls.many import many

pytestmark = pytest.mark.django_db


def narrowed(query: str) -> list[Call]:
    chosen = CallFilter(QueryDict(query), queryset=Call.objects.order_by("-rang_at"))
    assert chosen.is_valid(), chosen.errors
    found = list(chosen.qs)
    assert {row.pk for row in chosen.rows} == {call.pk for call in found}, "found in another way, these are others"
    return found


def change(call: Call, **values: Any) -> None:
    Call.objects.filter(pk=call.pk).update(**values)


BY_A_COLUMN = [
    ("interrupted=yes", {"interruption_count": 2}),
    ("went_on=any", {"refusal_count": 1}),
    ("went_on=silent", {"false_stop_count": 1}),
    ("labelled=any", {"label_count": 1}),
    ("status=failed", {"status": "failed"}),
    ("longer=60", {"duration_ms": 60_000}),
    ("voice=cedar", {"voice": "cedar"}),
    ("revision=7", {"revision": 7}),
    ("caller=9876", {"caller": "+4319876543"}),
    ("caller=%2B43+1+9876-54", {"caller": "+4319876543"}),
    ("caller=anna", {"caller": "sip:anna@example.com"}),
    ("carrier=twilio", {"carrier": "twilio"}),
]


@pytest.mark.parametrize(("query", "values"), BY_A_COLUMN)
def test_a_call_like_that_is_kept_and_others_are_not(query: str, values: dict[str, Any]) -> None:
    plain = {"interruption_count": 0, "false_stop_count": 0, "duration_ms": 30_000, "voice": "marin", "revision": 3}
    one, *others = many(3, **plain, carrier="other")
    change(one, **values)
    assert narrowed(query) == [one]
    assert len(narrowed("")) == 1 + len(others)


@pytest.mark.parametrize("is_changed_later", [False, True])
@pytest.mark.parametrize(
    ("query", "values"), [*BY_A_COLUMN, ("voice=O%27Brien%5C+%26+co", {"voice": "O'Brien\\ & co"})]
)
def test_a_word_and_a_filter_keep_what_both_keep(query: str, values: dict[str, Any], is_changed_later: bool) -> None:
    plain = {"interruption_count": 0, "false_stop_count": 0, "duration_ms": 30_000, "voice": "marin", "revision": 3}
    one, *others = many(3, **plain, carrier="other")
    if not is_changed_later:
        change(one, **values)
    for call in (one, *others):
        Transcript.objects.create(call=call, rang_at=call.rang_at, text=" my card ")
    change(one, **values)
    assert narrowed(f"q=card&{query}") == [one]
    assert narrowed(f"q=-card&{query}") == narrowed(f"q=%22my%22+-card&{query}") == []
    change(one, **{name: getattr(one, name) for name in values})
    assert narrowed(f"q=card&{query}") == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite finds calls in one way")
def test_few_calls_are_found_by_their_marks_and_many_by_walking(monkeypatch: pytest.MonkeyPatch) -> None:
    def times(query: str) -> int:
        """That the index of words is asked."""
        return str(CallFilter(QueryDict(query), queryset=Call.objects.all()).rows.query).count("@@")

    assert [times("q=card&interrupted=yes"), times("q=card&interrupted=no"), times("interrupted=yes")] == [2, 1, 0]
    monkeypatch.setattr(filters, "FEW", 0)
    assert times("q=card&interrupted=yes") == 1


def test_a_word_and_filters_keep_a_call_whose_agent_was_another() -> None:
    one, other = many(2, interruption_count=1)
    for call in (one, other):
        Transcript.objects.create(call=call, rang_at=call.rang_at, text=" my card ")
    night = Agent.objects.create(name="Night", instructions="x")
    number = PhoneNumber.objects.create(number="+12025550143", agent=night)
    change(one, agent=night, number=number)
    assert narrowed(f"q=card&agent={night.pk}&number={number.pk}&interrupted=yes") == [one]
    assert narrowed(f"q=card&agent={other.agent_id}") == [other]
    night.delete()
    number.delete()
    assert set(narrowed("q=card&interrupted=yes")) == {one, other}


def test_no_word_finds_what_the_index_knows_of_calls_beside_their_words() -> None:
    one, *_ = many(1, interruption_count=1, voice="cedar")
    Transcript.objects.create(call=one, rang_at=one.rang_at, text=" my card ")
    for word in ("a", "=i", "=vcedar", "vcedar", "c", "i"):
        assert narrowed(f"q={word.replace('=', '%3D')}") == ([one] if word == "c" else []), word


@pytest.mark.parametrize("query", ["interrupted=no", "labelled=none", "shorter=30"])
def test_a_call_that_is_not_like_that_is_left_out(query: str) -> None:
    one, other = many(2, interruption_count=0, duration_ms=30_000)
    change(one, interruption_count=1, label_count=1, duration_ms=30_001)
    assert narrowed(query) == [other]


def test_agent_and_number_are_kept() -> None:
    one, _ = many(2)
    agent = Agent.objects.create(name="Night", instructions="x")
    number = PhoneNumber.objects.create(number="+12025550143", agent=agent)
    change(one, agent=agent, number=number)
    assert narrowed(f"agent={agent.pk}") == [one]
    assert narrowed(f"number={number.pk}") == [one]
    assert narrowed(f"agent={agent.pk}&interrupted=yes") == []


def test_days_begin_and_end_at_midnight_of_the_pages_zone(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Vienna"  # an hour before UTC in winter
    one, other = many(2)
    change(one, rang_at=datetime(2026, 1, 14, 23, 0, tzinfo=UTC))
    change(other, rang_at=datetime(2026, 1, 15, 23, 0, tzinfo=UTC) - timedelta(microseconds=1))
    assert narrowed("since=2026-01-15&until=2026-01-15") == [other, one]
    assert narrowed("since=2026-01-16") == []
    assert narrowed("until=2026-01-14") == []
    assert len(narrowed("until=9999-12-31")) == 2


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Vienna", "UTC", "Pacific/Pago_Pago"])
def test_the_first_and_the_last_day_of_all_are_days_everywhere(zone: str, settings: Any) -> None:
    settings.TIME_ZONE = zone
    assert len(many(2)) == len(narrowed("since=0001-01-01")) == len(narrowed("until=9999-12-31"))
    assert narrowed("until=0001-01-01") == narrowed("since=9999-12-31") == []
    assert len(narrowed("since=0001-01-02&until=9999-12-30")) == 2


def test_a_kind_of_label_is_kept() -> None:
    one, other = many(2)
    for call, kind in ((one, "stop"), (other, "late")):
        Label.objects.create(call=call, kind=kind, at_ms=0)
        change(call, label_count=1)
    assert narrowed("labelled=stop") == [one]
    assert set(narrowed("labelled=any")) == {one, other}


def test_words_ids_and_carriers_ids_are_found_in_one_field() -> None:
    one, other = many(2)
    Transcript.objects.create(call=one, rang_at=one.rang_at, text=search.plain(["I lost my card"]))
    Transcript.objects.create(call=other, rang_at=other.rang_at, text=search.plain(["I found my card"]))
    change(one, carrier_call_id="CA" + "0af1" * 8)
    assert narrowed("q=lost") == [one]
    assert narrowed("q=card+-lost") == [other]
    assert narrowed(f"q={one.pk}") == [one]
    assert narrowed(f"q={'CA' + '0af1' * 8}") == [one]
    assert narrowed("q=%3F%3F") == []


@pytest.mark.parametrize(
    "query", ["revision=-1", "longer=soon", "carrier=nobody", "status=odd", "revision=99999999999"]
)
def test_a_wrong_value_is_named(query: str) -> None:
    assert CallFilter(QueryDict(query), queryset=Call.objects.all()).errors


def test_an_enormous_length_is_as_good_as_none() -> None:
    one, *_ = many(1, duration_ms=1000)
    assert narrowed("shorter=99999999999") == [one]


def test_what_is_in_force_is_told_with_its_way_out() -> None:
    many(1)
    agent = Agent.objects.get()
    chosen = CallFilter(
        QueryDict(f"agent={agent.pk}&interrupted=yes&since=2026-01-05&voice=&after=x&sort=-length"),
        queryset=Call.objects.all(),
    ).chosen
    assert [(one["label"], one["value"]) for one in chosen] == [
        ("Agent", "Front desk"),
        ("From", "5 Jan 2026"),
        ("Interrupted", "at least once"),
    ]
    assert "agent" not in QueryDict(chosen[0]["without"])
    assert QueryDict(chosen[0]["without"])["interrupted"] == "yes"
    assert "after" not in QueryDict(chosen[0]["without"])
