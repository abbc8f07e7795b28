"""Measures stored calls anew and counts them into the figures of the dashboard: calls from before there were figures, or after a
definition has changed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from calls import counting
from calls.models import Call


class Command(BaseCommand):
    help = "Measure stored calls anew and count them into the figures of the dashboard."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only-missing", action="store_true", help="leave calls alone that are measured already")

    def handle(self, *args: Any, **options: Any) -> None:
        calls = Call.objects.filter(duration_ms__isnull=False, agent__isnull=False).order_by("rang_at")
        if options["only_missing"]:
            calls = calls.filter(figures__isnull=True)
        measured = 0
        for call in calls.iterator(chunk_size=500):
            counting.recount(call)
            measured += 1
        self.stdout.write(f"Measured {measured} calls, and counted {counting.count_pending()} days of agents anew.")
