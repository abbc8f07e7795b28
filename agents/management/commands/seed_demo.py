"""What a first start needs: an agent, its number, and somebody who may sign in. Made once.

Beside it one agent for each provider of voices, with the same manners and a number of its own: the same call can be placed with
each voice, and without keys the providers' stand-ins answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from agents import services
from agents.models import Agent, PhoneNumber, TurnSettings
from voiceplatform import registry

NUMBER = "+12025550142"
NUMBERS = [f"+120255501{end}" for end in range(43, 60)]
"""Kept for examples, so that nobody else is called."""

GREETING = "Good day, this is the Harbour Street dental practice. You are talking to our telephone assistant. How can I help you?"
INSTRUCTIONS = """You answer the telephone of the Harbour Street dental practice.
You can say when the practice is open (Monday to Friday, eight to six), take down a wish for an appointment (name, telephone
number, reason, two possible days), and in an emergency give the number of the emergency service: 202 555 0117.
You give no medical advice and no prices; offer that somebody calls back.
Speak warmly and briefly: one or two sentences, one question at a time. When you are interrupted, listen; do not repeat what the
caller has already heard. Read numbers back digit by digit."""


class Command(BaseCommand):
    help = "Create the demo agents, their numbers and an administrator, unless they exist. Prints the password once."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if not Agent.objects.exists():
            with_numbers = not PhoneNumber.objects.exists()
            for agent, number in [(_agent("Front desk"), NUMBER), *zip(_with_voices(), NUMBERS, strict=False)]:
                _save(agent)
                if with_numbers:
                    PhoneNumber.objects.create(number=number, agent=agent)
                self.stdout.write(f"Made the agent “{agent}” on {number}.")
        users = get_user_model().objects
        if not users.filter(is_superuser=True).exists():
            password = secrets.token_urlsafe(12)
            users.create_superuser("admin", password=password)
            self.stdout.write(f"Made the administrator: user admin, password {password} (shown only now).")


def _agent(name: str, **more: str) -> Agent:
    return Agent(name=name, greeting=GREETING, instructions=INSTRUCTIONS, language="en", **more)


def _with_voices() -> Iterator[Agent]:
    """One for each provider; the next one takes over when it fails. Providers that also hear do both."""
    voices = registry.choices("VOICES")
    for (slug, label), (following, _) in zip(voices, [*voices[1:], *voices[:1]], strict=True):
        yield _agent(
            f"Front desk ({label})",
            voice_provider=slug,
            second_voice_provider=following if following != slug else "",
            hearing_provider=slug if registry.knows("HEARINGS", slug) else "",
        )


def _save(agent: Agent) -> None:
    marks = services.mark(None, "made for the demo")
    for row in (agent, TurnSettings(agent=agent)):
        vars(row).update(marks)
        row.save()
