"""What the call list can be narrowed by."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.utils import timezone

from agents.models import Agent, PhoneNumber
from calls import listing, marks, search
from calls.labels import Label
from calls.models import Call, CallQuerySet, Transcript, TranscriptQuerySet
from calls.ordering import COLUMNS, Order
from voiceplatform import registry

FEW = 3_000
"""Calls that are collected and sorted about as soon as a page is found among them by walking, in a million."""

FIRST_DAY = date(1, 1, 2)
"""East of Greenwich the day before begins in a year that there is not. No call rang so long ago, so all are since either."""

DAY = forms.DateInput(attrs={"type": "date"})
SECONDS = forms.NumberInput(attrs={"min": 0, "inputmode": "numeric", "placeholder": "seconds"})
CARRIER_ID = re.compile(r"[A-Za-z]{2}[0-9a-fA-F]{32}")
"""Of a call, as Twilio and its like write them."""


class CallFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        label="Search what was said",
        method="by_words",
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "words, “a phrase”, -without, or a call's id", "maxlength": 200}
        ),
    )
    agent = django_filters.ModelChoiceFilter(queryset=Agent.objects.only("name"), empty_label="every agent")
    number = django_filters.ModelChoiceFilter(queryset=PhoneNumber.objects.only("number"), empty_label="every number")
    caller = django_filters.CharFilter(
        label="Caller's number",
        method="by_caller",
        widget=forms.TextInput(attrs={"inputmode": "tel", "placeholder": "or a piece of it", "maxlength": 32}),
    )
    since = django_filters.DateFilter(label="From", method="by_since", widget=DAY)
    until = django_filters.DateFilter(label="To", method="by_until", widget=DAY)
    interrupted = django_filters.ChoiceFilter(
        label="Interrupted",
        empty_label="with or without",
        choices=[("yes", "at least once"), ("no", "never")],
        method="by_interrupted",
    )
    went_on = django_filters.ChoiceFilter(
        label="Sounds over the agent",
        empty_label="with or without",
        choices=[("any", "that did not interrupt"), ("silent", "for which it fell silent: false stops")],
        method="by_went_on",
    )
    labelled = django_filters.ChoiceFilter(
        label="Labels of reviewers",
        empty_label="with or without",
        choices=[
            ("any", "any label"),
            ("none", "no label"),
            *((kind.value, kind.label.lower()) for kind in Label.Kind),
        ],
        method="by_labelled",
    )
    status = django_filters.ChoiceFilter(label="Outcome", empty_label="every outcome", choices=Call.Status.choices)
    longer = django_filters.NumberFilter(label="Length from", method="by_longer", min_value=0, widget=SECONDS)
    shorter = django_filters.NumberFilter(label="Length to", method="by_shorter", min_value=0, widget=SECONDS)
    carrier = django_filters.ChoiceFilter(
        label="Carrier", empty_label="every carrier", choices=lambda: registry.choices("CARRIERS")
    )
    voice = django_filters.CharFilter(
        label="Voice", widget=forms.TextInput(attrs={"list": "voices", "placeholder": "every voice", "maxlength": 80})
    )
    revision = django_filters.NumberFilter(
        label="Revision at the start",
        method="by_revision",
        min_value=0,
        max_value=2**31 - 1,
        widget=forms.NumberInput(attrs={"min": 1, "placeholder": "every revision"}),
    )

    class Meta:
        model = Call
        fields: list[str] = []

    @property
    def wanted(self) -> list[search.Term]:
        """What is searched for, to show where it was found."""
        return search.terms(self._value("q") or "")

    @property
    def order(self) -> Order:
        return Order.of(self.data.get("sort"))

    @property
    def rows(self) -> CallQuerySet | TranscriptQuerySet:
        """The calls, in the form in which a database finds a page of them soonest. `qs` are the same.

        Where words are all that is asked for, in the order of time, the transcripts answer without the calls. Where few calls are
        left, they are found by words and marks, and then sorted; where many are, by walking along the order until a page is full.
        PostgreSQL would choose by itself, but marks beside the columns that they repeat let it guess far too few.
        """
        narrowed: CallQuerySet = self.qs
        if not self.wanted or _is_id(self._value("q")):
            return narrowed
        if self.order.name == "when" and [one["name"] for one in self.chosen] == ["q"]:
            return Transcript.objects.said(self.wanted)
        asked = marks.of(self.form.cleaned_data)
        guess = listing.guess(narrowed) if asked else None
        return narrowed.marked(asked) if guess is not None and guess <= FEW else narrowed

    @property
    def chosen(self) -> list[dict[str, str]]:
        """What the list is narrowed by: label, value as it is shown, and the address without it."""
        rows = []
        for name, field in self.form.fields.items():
            value = self._value(name)
            if value in (None, ""):
                continue
            shown = dict(field.choices).get(value, value) if isinstance(field, forms.ChoiceField) else value
            shown = str(value) if hasattr(value, "pk") else f"{shown:%-d %b %Y}" if isinstance(value, date) else shown
            query = self.data.copy()
            for gone in (name, "after", "before"):
                query.pop(gone, None)
            rows.append({"name": name, "label": str(field.label), "value": str(shown), "without": query.urlencode()})
        return rows

    def _value(self, name: str) -> Any:
        return self.form.cleaned_data.get(name) if self.is_bound and self.form.is_valid() else None

    def by_words(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        if CARRIER_ID.fullmatch(value):
            return calls.filter(carrier__in=[slug for slug, _ in registry.choices("CARRIERS")], carrier_call_id=value)
        if _is_id(value):
            return calls.filter(pk=UUID(value))
        wanted = search.terms(value)
        return calls.said(wanted) if wanted else calls.none()

    def by_caller(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        """Numbers are written in many ways: only their digits count. Who calls with a name is found by it."""
        digits = re.sub(r"[\s()./-]", "", value).removeprefix("00") if re.search(r"\d", value) else value.strip()
        return calls.filter(caller__contains=digits) if digits else calls

    def by_since(self, calls: CallQuerySet, name: str, value: date) -> CallQuerySet:
        return calls.filter(rang_at__gte=_begin(value))

    def by_until(self, calls: CallQuerySet, name: str, value: date) -> CallQuerySet:
        return calls.filter(rang_at__lt=_begin(value + timedelta(days=1))) if value < date.max else calls

    def by_interrupted(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return calls.interrupted() if value == "yes" else calls.uninterrupted()

    def by_went_on(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return calls.stopped_for_nothing() if value == "silent" else calls.went_on()

    def by_labelled(self, calls: CallQuerySet, name: str, value: str) -> CallQuerySet:
        if value == "none":
            return calls.filter(label_count=0)
        return calls.labelled("" if value == "any" else value)

    def by_longer(self, calls: CallQuerySet, name: str, value: Any) -> CallQuerySet:
        return calls.alias(length_ms=COLUMNS["length"]).filter(length_ms__gte=_ms(value))  # in the words of the index

    def by_shorter(self, calls: CallQuerySet, name: str, value: Any) -> CallQuerySet:
        calls = calls.alias(length_ms=COLUMNS["length"])
        return calls.filter(length_ms__lte=_ms(value), duration_ms__isnull=False)

    def by_revision(self, calls: CallQuerySet, name: str, value: Any) -> CallQuerySet:
        return calls.of_revision(int(value))


def _is_id(text: str) -> bool:
    """Whether this names one call, by our id or the carrier's."""
    try:
        return bool(CARRIER_ID.fullmatch(text) or UUID(text))
    except ValueError:
        return False


def _begin(day: date) -> datetime:
    """A day's first moment, in the time zone of the pages. A range of moments can use an index; a day of a moment cannot."""
    return timezone.make_aware(datetime.combine(max(day, FIRST_DAY), time.min))


def _ms(seconds: Any) -> int:
    return min(int(seconds * 1000), 2**31 - 1)
