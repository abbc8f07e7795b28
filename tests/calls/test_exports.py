"""What leaves the product can be read by other programs. Also run on PostgreSQL."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from agents.models import Agent, PhoneNumber
from calls import exports, services
from calls.models import Call
from calls.ordering import Order
from tests.calls.many import many
from tests.calls.test_services import LINES, claim, line, ring

pytestmark = pytest.mark.django_db


def pieces(calls: Any, order: Order) -> list[str]:
    async def fetched() -> list[str]:
        return [piece async for piece in exports.as_csv(calls, order, "https://voice.example")]

    return async_to_sync(fetched)()


NEWEST = Order()


def rows(calls: Any, order: Order = NEWEST) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(pieces(calls, order)).removeprefix("\ufeff"))))


@pytest.mark.parametrize("order", ["-when", "length", "-interruptions"])
def test_the_whole_list_is_exported_in_its_order_and_in_chunks(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "CHUNK", 7)
    many(30)
    given = Order.of(order)
    assert [row["id"] for row in rows(Call.objects.all(), given)] == [
        str(call.pk) for call in given.sort(Call.objects.all())
    ]
    assert len(pieces(Call.objects.all(), given)) == 1 + 5


def test_the_head_comes_before_anything_is_read(django_assert_num_queries: Any) -> None:
    async def first() -> str:
        return await anext(exports.as_csv(Call.objects.all(), Order(), ""))

    with django_assert_num_queries(0):
        assert async_to_sync(first)().startswith("\ufeffid,rang_at,")


def test_a_row_tells_what_the_list_tells() -> None:
    many(1, voice="cedar", revision=3, last_revision=4, interruption_count=2, first_words="Hello", duration_ms=1500)
    [row] = rows(Call.objects.all())
    told = {name: row[name] for name in ("agent", "voice", "revision", "last_revision", "interruptions", "first_words")}
    assert told == {
        "agent": "Front desk",
        "voice": "cedar",
        "revision": "3",
        "last_revision": "4",
        "interruptions": "2",
        "first_words": "Hello",
    }
    assert row["url"] == f"https://voice.example/calls/{row['id']}/"
    assert (row["duration_ms"], row["caller"]) == ("1500", "+12025550000")


@pytest.mark.parametrize("words", ["=HYPERLINK(1)", "+cmd|x", "-2+3", "@SUM(1)", "\t=1"])
def test_words_of_a_caller_are_no_formula(words: str) -> None:
    many(1, first_words=words, caller=words)
    [row] = rows(Call.objects.all())
    assert row["first_words"] == row["caller"] == f"'{words}"


def test_an_empty_list_is_a_head() -> None:
    assert rows(Call.objects.none()) == []


@pytest.fixture
def call() -> Call:
    agent = Agent.objects.create(name="Front <desk> & more", instructions="Help.")
    made = claim(ring(PhoneNumber.objects.create(number="+12025550142", agent=agent)))
    wordless = line(50, "caller_turn", 4000, item_id="u9", started_ms=3_725_500, ended_ms=3_726_000)
    services.apply_events(call_id=made.pk, lines=[*LINES, wordless])
    made.refresh_from_db()
    return made


def test_a_transcript_is_text_with_what_was_not_heard_in_brackets(call: Call) -> None:
    text = exports.as_text(call, list(call.turns.all()))
    assert "00:00:00.100  Caller: I lost my card\n" in text
    assert "00:00:00.400  Front <desk> & more: Good [day how]\n" in text
    assert "01:02:05.500  Caller: (no words)\n" in text


def test_a_transcript_is_json(call: Call) -> None:
    told = json.loads(exports.as_json(call, list(call.turns.all())))
    assert (told["call"], told["agent"], told["duration_ms"]) == (str(call.pk), "Front <desk> & more", 5000)
    assert told["turns"][0] == {
        "side": "caller",
        "item_id": "u1",
        "started_ms": 100,
        "ended_ms": 900,
        "text": "I lost my card",
    }
    assert told["turns"][1]["interruption"] == 1
    assert told["turns"][1]["unheard_text"] == "day how"


def test_captions_hold_what_was_heard_while_it_was_heard(call: Call) -> None:
    services.apply_events(call_id=call.pk, lines=[line(51, "caller_words", 1, item_id="u9", text="a <b> & c\n\n--> d")])
    vtt = exports.as_vtt(call, list(call.turns.all()))
    assert vtt.startswith("WEBVTT\n\n")
    assert "00:00:00.400 --> 00:00:01.800\n<v Front desk more>Good\n" in vtt
    assert "day how" not in vtt
    assert "<v Caller>a &lt;b&gt; &amp; c --&gt; d\n" in vtt
    assert vtt.count("-->") == vtt.count("<v ")


def test_events_are_lines_as_the_spool_had_them(call: Call) -> None:
    lines = [json.loads(text) for text in exports.as_lines(call)]
    assert [entry["seq"] for entry in lines] == [*sorted(entry["seq"] for entry in LINES), 50]
    assert lines[1] == LINES[1]
    services.apply_events(call_id=call.pk, lines=lines)
    assert call.events.count() == len(lines)
