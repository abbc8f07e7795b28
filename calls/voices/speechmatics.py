"""Speechmatics' text to speech: one HTTP request a sentence, answered with PCM as it is made. Pure.

The service is a preview: English only, PCM or WAV at 16 kHz, no times of words. It takes whole texts, so sentences are cut before
(calls/voice_http.py). Their ear is in speechmatics_hearing.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from .base import Request, Sound
from .options import option
from .pcm import Pcm16k

VOICES = (
    ("sarah", "Sarah (British, female)"),
    ("theo", "Theo (British, male)"),
    ("megan", "Megan (female)"),
    ("jack", "Jack (male)"),
)

REFUSALS = {
    401: ("key_refused", False),
    402: ("quota", False),
    403: ("key_refused", False),
    404: ("voice_unknown", False),
    429: ("busy", True),
    503: ("busy", True),
}
"""What an HTTP status says of us or of them, and whether to try again."""


@dataclass(frozen=True, slots=True)
class SpeechmaticsOptions:
    voice: str = option(
        "Voice",
        "Whose voice callers hear. All of them speak English only; other languages come out as gibberish.",
        default="sarah",
        choices=VOICES,
    )


class SpeechmaticsVoice:
    """One object per call; it remembers nothing."""

    slug = "speechmatics"
    label = "Speechmatics"
    transport = "http"
    Options = SpeechmaticsOptions
    key_variable = "SPEECHMATICS_API_KEY"
    url_variable = "SPEECHMATICS_TTS_URL"
    service_url = "https://preview.tts.speechmatics.com"
    stand_in = "calls.rehearsal.voices.speechmatics.SpeechmaticsStandIn"

    def __init__(self, options: SpeechmaticsOptions, *, url: str, api_key: str, language: str = "") -> None:
        self._address = f"{url.rstrip('/')}/generate/{quote(options.voice, safe='')}?output_format=pcm_16000"
        self._api_key = api_key

    def request(self, text: str) -> Request:
        headers = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}
        return Request("POST", self._address, headers, {"text": text})

    def sound(self) -> Sound:
        return Pcm16k()

    def refusal(self, http_status: int) -> tuple[str, bool]:
        # Any other refusal is of this text, and the next may pass.
        return REFUSALS.get(http_status, (f"http_{http_status}", True))
