"""One sentence of a voice, outside of any call: what an admin hears who tries it, or why there is nothing to hear."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from calls.conversation.commands import FinishSpeaking, Speak
from calls.conversation.events import BYTES_PER_MS, VoiceAudio, VoiceDone, VoiceFailed
from calls.voice_outlet import Voice
from calls.voices.base import VoiceEvent

TOTAL_S = 8.0
"""From the click on; closing the link takes up to one of them."""

UTTERANCE = "trial"

UNREADABLE = "unreadable"
"""What a dialect says of a message that it cannot read. The sound may come all the same."""

WHY = [
    (r"voice", "{} does not know this voice id."),
    (r"key|auth|HTTP 40[13]|forbidden|permission|4001", "{} refuses the key."),
    (r"quota|credit|payment|HTTP 402", "The quota of this account with {} is used up."),
    (r"busy|concurren|too.?many|max_active|HTTP (429|503)", "{} is busy just now. Try again in a moment."),
    (r"model", "{} does not know this model, or has no access to it with this key."),
    (r"language", "{} does not speak this language with these options."),
    (r"slow|timeout", "{} did not answer in time."),
    (r"HTTP 404|address|unsupported", "There is no {} at the address that the settings name."),
    (r"refused|error$|closed", "{} cannot be reached, or broke the connection off."),
]
"""(pattern of a code or reason, what to say of it), the first that fits. Providers have codes of their own for the same things."""


class Failed(Exception):
    """There is nothing to hear. `code`: the provider's or the link's, without a secret."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    def in_words(self, provider: str) -> str:
        told = next((text for pattern, text in WHY if re.search(pattern, self.code, re.IGNORECASE)), "{} refuses this.")
        return f"{told.format(provider)} ({self.code})"


@dataclass(frozen=True, slots=True)
class Spoken:
    """The sound of a sentence."""

    mulaw: bytes
    first_sound_ms: int  # after the text was sent, on a connection that stood
    whole: bool  # False: time was up before its end

    @property
    def duration_ms(self) -> int:
        return len(self.mulaw) // BYTES_PER_MS


async def speak(voice: Voice, text: str, total_s: float = TOTAL_S) -> Spoken:
    """Have a voice say a text, and nothing else. Raises Failed."""
    loop = asyncio.get_running_loop()
    end: asyncio.Future[str] = loop.create_future()  # what went wrong; "" when nothing did
    sound, first_at = bytearray(), 0.0

    def over(why: str) -> None:
        if not end.done():
            end.set_result(why)

    def feed(event: VoiceEvent) -> None:
        nonlocal first_at
        if isinstance(event, VoiceAudio):
            first_at = first_at or loop.time()
            sound.extend(event.audio)
        elif isinstance(event, VoiceDone):
            over("" if sound else "no sound")
        elif isinstance(event, VoiceFailed) and event.code != UNREADABLE:
            over(event.code)

    link = voice.link(feed, lambda reason, retry: over(reason))
    sent_at = 0.0
    try:
        async with asyncio.timeout(total_s - 1):
            await link.open()
            sent_at = loop.time()
            link.take(Speak(0, UTTERANCE, text))
            link.take(FinishSpeaking(0, UTTERANCE))
            why = await end
    except TimeoutError:
        why = "" if sound else "slow"
    finally:
        await link.close()
    if why:
        raise Failed(why)
    return Spoken(bytes(sound), round((first_at - sent_at) * 1000), whole=end.done())
