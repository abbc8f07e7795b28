"""How the simulated phone asks the webhooks, and what it makes of their answers."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest

from calls.carriers import twilio
from calls.simulated_phone import CallRefused, SimulatedPhone, parse_answer
from tests.calls.small_platform import TOKEN, SmallPlatform, running


@pytest.fixture
async def platform() -> AsyncIterator[SmallPlatform]:
    async with running() as made:
        yield made


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (403, "", "answered 403. Are TWILIO_AUTH_TOKEN and PUBLIC_BASE_URL here"),
        (500, "", "answered 500. See the server's log"),
        (404, "", "answered 404"),
        (301, "https://elsewhere.example/", "points to https://elsewhere.example/"),
        (200, "", "not XML"),
        (200, "<html/>", "not TwiML: it begins with <html>"),
    ],
)
async def test_a_webhook_that_refuses_is_told_loudly(platform: SmallPlatform, status: int, body: str, why: str) -> None:
    platform.answer("/carriers/twilio/voice/", body, status)
    with pytest.raises(CallRefused, match="webhook") as refused:
        await platform.phone().ring()
    assert why in str(refused.value)
    assert len(platform.asked) == 1


async def test_where_nobody_listens_nobody_answers() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CallRefused, match=f"Nobody answers at {url}"):
            await SimulatedPhone(base_url=url, auth_token=TOKEN, to="+1").ring()


@pytest.mark.parametrize("url", ["voice.example.com", "ftp//x", "http://", "file:///etc/hostname"])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(CallRefused):
        await SimulatedPhone(base_url=url, auth_token=TOKEN, to="+1").ring()


async def test_a_polite_refusal_is_heard(platform: SmallPlatform) -> None:
    platform.answer("/carriers/twilio/voice/", twilio.say_and_hang_up("Nobody & nothing."))
    call = platform.phone()
    assert (await call.ring()).stream_url == ""
    assert [(m.what, m.detail) for m in call.timeline] == [("said", "Nobody & nothing.")]


def test_an_answer_without_a_stream_is_only_words() -> None:
    answer = parse_answer("<Response><Pause/><Say>One.</Say><Connect/><Say>Two.</Say><Hangup/></Response>")
    assert (answer.said, answer.stream_url, answer.fallback) == (["One.", "Two."], "", [])
