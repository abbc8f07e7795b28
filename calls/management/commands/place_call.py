"""Call a number of ours without a carrier, and watch what happens."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseAway
from django.urls import reverse

from calls.models import Call
from calls.simulated_phone import CallRefused, Moment, Script, SimulatedPhone, read_wav

SIGNS = {
    "agent began": "🗣  agent begins",
    "agent stopped": "   agent is silent",
    "caller began": "👤 caller begins",
    "caller stopped": "   caller is silent",
    "cleared": "🛑 sound cleared",
    "said": "📢 carrier says",
    "closed": "☎  line closed",
}


class Command(BaseCommand):
    help = "Place a call through the signed webhook and the media protocol, as a carrier does."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, help="the number to call, +1…")
        parser.add_argument("--audio", type=Path, help="WAV that the caller says after the greeting")
        parser.add_argument(
            "--at-agent-speech",
            type=Path,
            action="append",
            default=[],
            help="WAV that the caller says over the agent; may be repeated, one for each time the agent speaks",
        )
        parser.add_argument("--into-speech", type=float, default=1.2, help="seconds into the agent's speech (1.2)")
        parser.add_argument("--from", dest="caller", default="+12025550199", help="the caller's number")
        parser.add_argument("--url", default=settings.PUBLIC_BASE_URL, help="where the platform answers")
        parser.add_argument("--delay-ms", type=float, default=0.0, help="network delay each way")
        parser.add_argument("--seconds", type=float, default=90.0, help="the longest call")
        parser.add_argument("--save", type=Path, help="where to keep what was said (left) and heard (right)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            script = Script(
                opening=read_wav(options["audio"]) if options["audio"] else b"",
                over_agent=tuple(read_wav(path) for path in options["at_agent_speech"]),
                into_speech_s=options["into_speech"],
                longest_s=options["seconds"],
            )
            phone = SimulatedPhone(
                base_url=options["url"],
                auth_token=settings.TWILIO_AUTH_TOKEN.split(",")[0].strip(),
                to=options["to"],
                caller=options["caller"],
                delay_s=options["delay_ms"] / 1000,
                on_moment=self._show,
            )
            self.stdout.write(f"Calling {options['to']} from {options['caller']} …")
            try:
                asyncio.run(_call(phone, script))
            except KeyboardInterrupt:
                self.stdout.write("Hung up.")
            else:
                _judge(phone)
            finally:
                self._show_what_is_left(phone, options)
        except CallRefused as refusal:
            raise CommandError(str(refusal)) from None
        except OSError as error:
            raise CommandError(f"The recording cannot be saved: {error}") from None

    def _show(self, moment: Moment) -> None:
        sign = SIGNS.get(moment.what, moment.what)
        self.stdout.write(f"{moment.at_ms / 1000:7.2f} s  {sign:<19} {moment.detail}".rstrip())
        self.stdout.flush()

    def _show_what_is_left(self, phone: SimulatedPhone, options: dict[str, Any]) -> None:
        """Where to hear the call, and where to read it."""
        if phone.spoken:
            saved = options["save"] or settings.DATA_DIR / "heard" / f"{phone.call_sid}.wav"
            phone.save(saved)
            self.stdout.write(f"What was said (left) and heard (right): {saved}")
        try:
            call = Call.objects.filter(carrier_call_id=phone.call_sid).first()
        except DatabaseAway:
            call = None
        if call is not None:
            self.stdout.write(f"Review: {phone.base_url}{call.get_absolute_url()}")
        elif phone.answer.stream_url:
            self.stdout.write(
                f"Review: {phone.base_url}{reverse('calls:list')} (the database here does not hold the call)"
            )


async def _call(phone: SimulatedPhone, script: Script) -> None:
    answer = await phone.ring()
    if not answer.stream_url:
        raise CallRefused("The call was not put through. The sentence above is what a caller hears.")
    await phone.talk(script)


def _judge(phone: SimulatedPhone) -> None:
    """Raises CallRefused when the call was not what was asked for."""
    apologised = phone.timeline[-1].what == "said"
    if phone.closed_by_platform and (apologised or phone.close_code != 1000):
        raise CallRefused(
            f"The platform closed the line (code {phone.close_code}). Its log says why, after the id in the address above."
        )
    if phone.unsaid:
        raise CallRefused(
            f"{phone.unsaid} of the recordings could not be played: the agent did not speak often or long enough."
        )
