"""After a change of SECRET_KEY: encrypts the providers' keys with the new one, so that the old one can go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from agents import keys


class Command(BaseCommand):
    help = "Encrypt the providers' keys with the SECRET_KEY of today. Earlier ones stand in SECRET_KEY_FALLBACKS meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        changed, lost = keys.rotate()
        self.stdout.write(f"{changed} key{'' if changed == 1 else 's'} encrypted anew.")
        for row in lost:
            self.stderr.write(f"The {row} cannot be read with any SECRET_KEY that is known. Type it anew.")
