"""What the call list can be narrowed by."""

from __future__ import annotations

import django_filters
from django import forms

from agents.models import Agent, PhoneNumber
from calls.models import Call, CallQuerySet

DAY = forms.DateInput(attrs={"type": "date"})


class CallFilter(django_filters.FilterSet):
    agent = django_filters.ModelChoiceFilter(queryset=Agent.objects.all(), empty_label="every agent")
    number = django_filters.ModelChoiceFilter(queryset=PhoneNumber.objects.all(), empty_label="every number")
    since = django_filters.DateFilter("rang_at", lookup_expr="date__gte", label="From", widget=DAY)
    until = django_filters.DateFilter("rang_at", lookup_expr="date__lte", label="To", widget=DAY)
    interrupted = django_filters.ChoiceFilter(
        label="Interrupted",
        empty_label="with or without",
        choices=[("yes", "interrupted"), ("no", "not interrupted")],
        method="by_interrupted",
    )
    went_on = django_filters.ChoiceFilter(
        label="Sounds over the agent",
        empty_label="with or without",
        choices=[("any", "that did not interrupt"), ("silent", "for which it fell silent and went on")],
        method="by_went_on",
    )

    class Meta:
        model = Call
        fields = ["agent", "number", "since", "until", "interrupted", "went_on"]

    def by_interrupted(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return queryset.interrupted() if value == "yes" else queryset.uninterrupted()

    def by_went_on(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return queryset.stopped_for_nothing() if value == "silent" else queryset.went_on()
