"""Call a number of ours without a carrier, and watch what happens."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

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
            asyncio.run(self._call(options))
        except CallRefused as refusal:
            raise CommandError(str(refusal)) from None
        except KeyboardInterrupt:
            self.stdout.write("Hung up.")

    async def _call(self, options: dict[str, Any]) -> None:
        script = Script(
            opening=read_wav(options["audio"]) if options["audio"] else b"",
            over_agent=tuple(read_wav(path) for path in options["at_agent_speech"]),
            into_speech_s=options["into_speech"],
            longest_s=options["seconds"],
        )
        phone = SimulatedPhone(
            base_url=options["url"],
            auth_token=settings.TWILIO_AUTH_TOKEN.split(",")[0],
            to=options["to"],
            caller=options["caller"],
            delay_s=options["delay_ms"] / 1000,
            on_moment=self._show,
        )
        self.stdout.write(f"Calling {options['to']} from {options['caller']} …")
        answer = await phone.ring()
        if not answer.stream_url:
            raise CallRefused("The call was not put through: see what the carrier says above.")
        await phone.talk(script)
        saved = options["save"] or settings.DATA_DIR / "heard" / f"{phone.call_sid}.wav"
        phone.save(saved)
        self.stdout.write(f"What was said (left) and heard (right): {saved}")
        call = await Call.objects.filter(carrier_call_id=phone.call_sid).afirst()
        if call is not None:
            self.stdout.write(f"Review: {options['url'].rstrip('/')}{call.get_absolute_url()}")

    def _show(self, moment: Moment) -> None:
        self.stdout.write(
            f"{moment.at_ms / 1000:7.2f} s  {SIGNS.get(moment.what, moment.what)}  {moment.detail}".rstrip()
        )
        self.stdout.flush()
