"""A call to be reviewed."""

from __future__ import annotations

from django.conf import settings

from agents.models import Agent, PhoneNumber
from calls import audio, services
from calls.conversation import facts
from calls.models import Call
from tests.calls.test_services import LINES, claim, line, ring

MORE = [
    line(20, facts.CALLER_SPEAKING, 420, item_id="u0", over_agent=True),
    line(21, facts.CALLER_WORDS, 3000, item_id="u0", text="mm-hm"),
    line(
        22,
        facts.SETTINGS_CHANGED,
        3100,
        revision=12,
        by="ada",
        changes={"min_speech_ms": [550, 400], "threshold": [0.6, 0.7]},
        ticket="t1",
    ),
    line(23, facts.SETTINGS_APPLIED, 3300, revision=12, ticket="t1", differences=[]),
    line(24, facts.STUCK, 4000, state="preparing", after_ms=8000, repair="ask for the reply again"),
]


def reviewed_call() -> Call:
    """A finished call with an interruption and a real recording."""
    agent = Agent.objects.create(name="Front desk", instructions="Help.")
    number = PhoneNumber.objects.create(number="+12025550142", agent=agent)
    made = claim(ring(number))
    path = settings.DATA_DIR / "recordings" / f"{made.pk}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = bytes(range(0, 256, 4)) * 625
    path.write_bytes(audio.mulaw_wav_header(80000) + audio.interleave(tone, audio.silence(5000)))
    recorded = line(
        9,
        "recording",
        5000,
        path=f"recordings/{path.name}",
        duration_ms=5000,
        bytes=80058,
        peaks=[[0.5, 0.9], [0.1, 0.2]],
    )
    services.apply_events(call_id=made.pk, lines=[*LINES[:8], recorded, *LINES[9:12], *MORE])
    made.refresh_from_db()
    return made
