"""What a first start needs: an agent, its number, and somebody who may sign in. Made once."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from agents import services
from agents.models import Agent, PhoneNumber, TurnSettings

NUMBER = "+12025550142"
GREETING = "Good day, this is the Harbour Street dental practice. You are talking to our telephone assistant. How can I help you?"
INSTRUCTIONS = """You answer the telephone of the Harbour Street dental practice.
You can say when the practice is open (Monday to Friday, eight to six), take down a wish for an appointment (name, telephone
number, reason, two possible days), and in an emergency give the number of the emergency service: 202 555 0117.
You give no medical advice and no prices; offer that somebody calls back.
Speak warmly and briefly: one or two sentences, one question at a time. When you are interrupted, listen; do not repeat what the
caller has already heard. Read numbers back digit by digit."""


class Command(BaseCommand):
    help = "Create the demo agent, its number and an administrator, unless they exist. Prints the password once."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if not Agent.objects.exists():
            agent = Agent(name="Front desk", greeting=GREETING, instructions=INSTRUCTIONS, language="en")
            marks = services.mark(None, "made for the demo")
            for row in (agent, TurnSettings(agent=agent)):
                vars(row).update(marks)
                row.save()
            if not PhoneNumber.objects.exists():
                PhoneNumber.objects.create(number=NUMBER, agent=agent)
            self.stdout.write(f"Made the agent “{agent}” on {NUMBER}.")
        users = get_user_model().objects
        if not users.filter(is_superuser=True).exists():
            password = secrets.token_urlsafe(12)
            users.create_superuser("admin", password=password)
            self.stdout.write(f"Made the administrator: user admin, password {password} (shown only now).")
