"""Pages of the list: each call once, whatever comes in meanwhile. Also run on PostgreSQL."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection
from django.http import QueryDict

from calls import listing, search
from calls.filters import CallFilter
from calls.models import Call, Transcript, Turn
from calls.ordering import Order
from tests.calls.many import many

pytestmark = pytest.mark.django_db
NEWEST = Order()


def test_pages_follow_each_other_and_lead_back() -> None:
    made = many(120)
    pages, after = [], None
    while True:
        page = listing.page(Call.objects.all(), NEWEST, after=after)
        pages.append(page)
        if page.after is None:
            break
        after = str(page.after)
    walked = [call.pk for page in pages for call in page.calls]
    assert [len(page.calls) for page in pages] == [50, 50, 20]
    assert len(set(walked)) == 120
    assert set(walked) == {call.pk for call in made}
    assert pages[0].before is None
    assert pages[0].total == "120"
    back = listing.page(Call.objects.all(), NEWEST, before=str(pages[2].before))
    assert [call.pk for call in back.calls] == [call.pk for call in pages[1].calls]
    first = listing.page(Call.objects.all(), NEWEST, before=str(back.before))
    assert [call.pk for call in first.calls] == [call.pk for call in pages[0].calls]
    assert first.before is None
    assert first.after == pages[0].after


def test_pages_of_what_was_found_are_those_of_the_list() -> None:
    for call in many(120):
        Transcript.objects.create(call=call, rang_at=call.rang_at, text=" card ")
    chosen = CallFilter(QueryDict("q=card"), queryset=Call.objects.all())
    assert chosen.rows.model is Transcript
    pages = [listing.page(chosen.rows, chosen.order)]
    while pages[-1].after:
        pages.append(listing.page(chosen.rows, chosen.order, after=str(pages[-1].after)))
    plain = [call.pk for call in NEWEST.sort(Call.objects.all())]
    assert [call.pk for page in pages for call in page.calls] == plain
    back = listing.page(chosen.rows, chosen.order, before=str(pages[2].before))
    assert [call.pk for call in back.calls] == plain[50:100]
    assert back.total == "120"


@pytest.mark.parametrize("query", ["", "q=card&interrupted=yes", "q=card&sort=-length", f"q={uuid4()}"])
def test_what_words_alone_do_not_tell_is_asked_of_the_calls(query: str) -> None:
    assert CallFilter(QueryDict(query), queryset=Call.objects.all()).rows.model is Call


def test_a_call_that_comes_in_moves_no_page() -> None:
    many(60)
    first = listing.page(Call.objects.all(), NEWEST)
    Call.objects.create(carrier="twilio", carrier_call_id="new")
    second = listing.page(Call.objects.all(), NEWEST, after=str(first.after))
    assert not {call.pk for call in first.calls} & {call.pk for call in second.calls}
    assert len(second.calls) == 10


@pytest.mark.parametrize("cursor", ["nonsense", str(uuid4()), ""])
def test_a_place_that_is_gone_is_the_beginning(cursor: str) -> None:
    many(60)
    for page in (
        listing.page(Call.objects.all(), NEWEST, after=cursor),
        listing.page(Call.objects.all(), NEWEST, before=cursor),
    ):
        assert len(page.calls) == 50
        assert page.before is None


def test_neighbours_stay_within_what_the_list_is_narrowed_to() -> None:
    made = many(12)
    calls = Call.objects.filter(interruption_count=1)
    line = [call.pk for call in NEWEST.sort(calls)]
    assert listing.neighbours(calls, NEWEST, Call.objects.get(pk=line[1])) == (line[0], line[2])
    assert listing.neighbours(calls, NEWEST, Call.objects.get(pk=line[0]))[0] is None
    outside = made[3]
    assert outside.interruption_count == 0
    assert set(listing.neighbours(calls, NEWEST, outside)) <= {*line, None}


def test_few_calls_are_counted_and_many_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    many(60)
    assert listing.how_many(Call.objects.all()) == "60"
    monkeypatch.setattr(listing, "COUNTED", 20)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("analyze calls_call")
        assert listing.how_many(Call.objects.all()) == "about 60"
    else:
        assert listing.how_many(Call.objects.all()) == "more than 20"
    assert listing.how_many(Call.objects.none()) == "0"


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no such limit")
def test_what_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PATIENCE_MS", 20)
    with pytest.raises(listing.TooSlow), listing.within_patience(Call.objects.all()), connection.cursor() as cursor:
        cursor.execute("select pg_sleep(5)")
    assert Call.objects.count() == 0  # the connection goes on


def test_a_line_is_found_in_each_call_that_has_it() -> None:
    one, other = many(2)
    Turn.objects.create(call=one, side="agent", item_id="a", started_ms=0, ended_ms=1, text="Good day")
    Turn.objects.create(call=one, side="caller", item_id="b", started_ms=900, ended_ms=950, text="My card is lost")
    found = listing.found([one, other], search.terms("card"))
    assert {pk: line.at_ms for pk, line in found.items()} == {one.pk: 900}
    assert listing.found([one], []) == {}
