"""Sums up calls of earlier versions for the list, without waiting for the worker that does it in the background."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from calls import earlier


class Command(BaseCommand):
    help = "Sum up calls of earlier versions for the list, as far as that is still to be done."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"Summed up {earlier.sum_up()} calls.")
