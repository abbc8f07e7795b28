"""Every order is a line without gaps and repetitions, and can be walked in both directions. Also run on PostgreSQL."""

from __future__ import annotations

from itertools import pairwise

import pytest

from calls import search
from calls.models import Call, Transcript
from calls.ordering import COLUMNS, VALUES, Order
from tests.calls.many import many

pytestmark = pytest.mark.django_db
ORDERS: list[Order] = [Order(name, falling) for name in COLUMNS for falling in (True, False)]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_each_call_is_followed_by_the_next_and_preceded_by_the_one_before(order: Order) -> None:
    many(30)
    line = list(order.sort(Call.objects.all()))
    assert len(line) == 30
    for one, other in pairwise(line):
        assert order.after(Call.objects.all(), one).first() == other
        assert order.before(Call.objects.all(), other).first() == one
    assert not order.after(Call.objects.all(), line[-1]).exists()
    assert not order.before(Call.objects.all(), line[0]).exists()
    assert list(order.after(Call.objects.all(), line[9])) == line[10:]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_it_sorts_by_what_it_says(order: Order) -> None:
    many(30)
    value = VALUES.get(order.name, lambda call: call.rang_at)
    shown = [value(call) for call in order.sort(Call.objects.all())]
    assert shown == sorted(shown, reverse=order.falling)


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_an_order_is_what_its_address_says(order: Order) -> None:
    assert Order.of(str(order)) == order


@pytest.mark.parametrize("text", [None, "", "-", "caller", "--when", "pk"])
def test_an_unknown_order_is_the_newest_first(text: str | None) -> None:
    assert Order.of(text) == Order("when", falling=True)


@pytest.mark.parametrize("falling", [True, False])
def test_transcripts_stand_in_the_order_of_time_of_their_calls(falling: bool) -> None:
    for call in many(12):
        Transcript.objects.create(call=call, rang_at=call.rang_at, text=" card ")
    order, found = Order(falling=falling), Transcript.objects.said(search.terms("card"))
    line = list(order.sort(Call.objects.all()))
    assert [row.call for row in order.sort(found)] == line
    assert [row.call for row in order.after(found, line[4])] == line[5:]
    assert order.before(found, line[4]).first().call == line[3]
