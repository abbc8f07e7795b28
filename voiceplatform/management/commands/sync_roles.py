"""After `migrate`: the three roles get the permissions that this version has."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand

from voiceplatform import roles


class Command(BaseCommand):
    help = "Make the groups Admin, Tuner and Reviewer what voiceplatform/roles.py says. Harmless twice."

    def handle(self, *args: Any, **options: Any) -> None:
        counts = roles.sync(Group.objects, Permission.objects)
        if options["verbosity"] > 1:
            self.stdout.write(", ".join(f"{role}: {count} permissions" for role, count in counts.items()))
