"""What is asked of Speechmatics for a sentence, and what its refusals mean."""

from __future__ import annotations

import pytest

from calls.voices import options
from calls.voices.base import Request
from calls.voices.speechmatics import SpeechmaticsOptions, SpeechmaticsVoice


def voice(api_key: str = "sm-secret", **values: str) -> SpeechmaticsVoice:
    chosen = options.build(SpeechmaticsOptions, values)
    return SpeechmaticsVoice(chosen, url="https://preview.tts.speechmatics.com/", api_key=api_key, language="en")


def test_a_sentence_is_one_request_with_the_key_in_a_header_only() -> None:
    assert voice(voice="theo").request("Good morning.") == Request(
        "POST",
        "https://preview.tts.speechmatics.com/generate/theo?output_format=pcm_16000",
        {"Authorization": "Bearer sm-secret"},
        {"text": "Good morning."},
    )
    assert voice("").request("Hi.").headers == {}


def test_a_voice_that_they_do_not_have_cannot_be_chosen() -> None:
    assert options.problems(SpeechmaticsOptions, {"voice": "../admin"}) == {"voice": "Not one of the choices."}


def test_a_strange_voice_stays_one_part_of_the_address() -> None:
    made = SpeechmaticsVoice(SpeechmaticsOptions(voice="../x?y"), url="http://127.0.0.1:1/speechmatics", api_key="")
    assert made.request("").url == "http://127.0.0.1:1/speechmatics/generate/..%2Fx%3Fy?output_format=pcm_16000"


@pytest.mark.parametrize(
    ("status", "code", "retry"),
    [
        (401, "key_refused", False),
        (403, "key_refused", False),
        (402, "quota", False),
        (404, "voice_unknown", False),
        (429, "busy", True),
        (503, "busy", True),
        (500, "http_500", True),
        (422, "http_422", True),
    ],
)
def test_a_refusal_says_whether_to_try_again(status: int, code: str, retry: bool) -> None:
    assert voice().refusal(status) == (code, retry)


def test_each_answer_is_a_sound_of_its_own() -> None:
    made = voice()
    first, second = made.sound(), made.sound()
    first.take(b"\x00\x40" * 101)
    assert second.take(bytes(320)) == b"\xff" * 80
