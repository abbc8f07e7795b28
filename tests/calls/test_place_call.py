"""`manage.py place_call`: what somebody at the terminal sees, and what its exit code says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from calls import audio
from calls.carriers import twilio
from calls.management.commands import place_call
from calls.models import Call
from tests.calls.small_platform import TOKEN, Line, SmallPlatform, running

pytestmark = pytest.mark.django_db

SENTENCE = bytes(range(200)) * 80  # two seconds


@pytest.fixture
def platform(settings: Any) -> Iterator[SmallPlatform]:
    """A platform in a thread of its own: the command has an event loop itself."""
    settings.TWILIO_AUTH_TOKEN = f"{TOKEN}, an older one"
    ready, over = threading.Event(), threading.Event()
    made: list[SmallPlatform] = []

    async def serve() -> None:
        async with running() as platform:
            made.append(platform)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield made[0]
    over.set()
    thread.join(10)
    assert not thread.is_alive()


async def greets_and_answers(line: Line) -> None:
    await line.when("media")
    await line.play(SENTENCE[:4000])
    await line.mark("greeting")
    await line.when("mark")
    await line.when("media", 150)
    await line.play(SENTENCE * 5)
    await line.when("media", 240)
    await line.send("clear")


def call(platform: SmallPlatform, *arguments: str | Path, to: str = "+12025550142") -> str:
    out = StringIO()
    call_command("place_call", "--to", to, "--url", platform.url, *map(str, arguments), stdout=out)
    return out.getvalue()


def failing(platform: SmallPlatform, *arguments: str | Path) -> tuple[str, str]:
    """What was shown, and the message of the failure."""
    out = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("place_call", "--to", "+12025550142", "--url", platform.url, *map(str, arguments), stdout=out)
    return out.getvalue(), str(failure.value)


def test_a_call_is_shown_as_it_happens_and_kept(
    platform: SmallPlatform, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.play = greets_and_answers
    known = Call.objects.create(carrier="twilio", carrier_call_id="CA-of-this-test")
    monkeypatch.setattr("calls.simulated_phone.secrets.token_hex", lambda n: "-of-this-test")
    shown = call(
        platform,
        "--audio",
        clips / "cough.wav",
        "--at-agent-speech",
        clips / "cough.wav",
        "--save",
        tmp_path / "out.wav",
    )
    lines = shown.splitlines()
    assert lines[0] == "Calling +12025550142 from +12025550199 …"
    happened = [
        what
        for line in lines
        if line[7:10] == " s "
        for what, sign in place_call.SIGNS.items()
        if line[11:].startswith(sign)
    ]
    assert happened == [
        "agent began",
        "agent stopped",
        "caller began",
        "caller stopped",
        "agent began",
        "caller began",
        "cleared",
        "agent stopped",
        "caller stopped",
        "closed",
    ]
    times = [float(line[:7]) for line in lines if line[7:10] == " s "]
    assert all(0 <= time < 60 for time in times) and max(times) > 3
    assert f"What was said (left) and heard (right): {tmp_path / 'out.wav'}" in lines
    assert f"Review: {platform.url}{known.get_absolute_url()}" in lines
    heard = (tmp_path / "out.wav").read_bytes()[audio.HEADER_BYTES + 1 :: 2]
    assert SENTENCE[:12_000] in heard and SENTENCE * 2 not in heard


def test_a_recording_is_kept_without_being_asked_for(platform: SmallPlatform, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    shown = call(platform, "--seconds", "0.5", "--from", "+12025550111")
    [saved] = (tmp_path / "heard").glob("CA*.wav")
    assert str(saved) in shown and "from +12025550111" in shown
    assert platform.asked[0][1]["From"] == "+12025550111"
    assert f"Review: {platform.url}/calls/ (the database here does not hold the call)" in shown


def test_the_delay_of_the_network_can_be_set(platform: SmallPlatform, tmp_path: Path) -> None:
    call(platform, "--seconds", "0.5", "--delay-ms", "100", "--save", tmp_path / "o.wav")
    assert platform.lines[0].got[-1][1]["event"] == "stop"


def test_a_number_that_nobody_answers_fails_with_what_the_carrier_says(platform: SmallPlatform) -> None:
    platform.answer("/carriers/twilio/voice/", twilio.say_and_hang_up("Nobody can take your call."))
    shown, why = failing(platform)
    assert "📢 carrier says      Nobody can take your call." in shown
    assert "not put through" in why and "Review" not in shown


def test_a_wrong_token_fails_with_what_to_check(platform: SmallPlatform, settings: Any) -> None:
    platform.answer("/carriers/twilio/voice/", "", 403)
    _, why = failing(platform)
    assert "403" in why and "TWILIO_AUTH_TOKEN" in why and TOKEN not in why


def test_a_call_that_the_platform_breaks_off_fails(platform: SmallPlatform, tmp_path: Path) -> None:
    async def breaks_off(line: Line) -> None:
        await line.when("media", 5)
        await line.socket.close(1011)

    platform.play = breaks_off
    shown, why = failing(platform, "--save", tmp_path / "out.wav")
    assert "code 1011" in why and "☎  line closed" in shown
    assert (tmp_path / "out.wav").exists()


def test_a_call_that_ends_in_an_apology_fails(platform: SmallPlatform, tmp_path: Path) -> None:
    async def gives_up(line: Line) -> None:
        await line.when("media", 5)
        await line.socket.close(1000)

    platform.play = gives_up
    platform.answer("/after/", twilio.say_and_hang_up("We are sorry."))
    shown, why = failing(platform, "--save", tmp_path / "out.wav")
    assert "📢 carrier says      We are sorry." in shown and "closed the line" in why


def test_a_call_that_the_platform_ends_in_order_does_not_fail(platform: SmallPlatform, tmp_path: Path) -> None:
    async def says_goodbye(line: Line) -> None:
        await line.when("media", 5)
        await line.socket.close(1000)

    platform.play = says_goodbye
    assert "by the platform" in call(platform, "--save", tmp_path / "out.wav")


def test_a_recording_without_its_moment_fails(platform: SmallPlatform, clips: Path, tmp_path: Path) -> None:
    _, why = failing(
        platform, "--at-agent-speech", clips / "cough.wav", "--seconds", "0.5", "--save", tmp_path / "out.wav"
    )
    assert why.startswith("1 of the recordings could not be played")


@pytest.mark.parametrize("name", ["missing.wav", "."])
def test_a_recording_that_is_none_fails_before_anybody_is_called(
    platform: SmallPlatform, tmp_path: Path, name: str
) -> None:
    _, why = failing(platform, "--audio", tmp_path / name)
    assert "cannot be read as a WAV file" in why and platform.asked == []


def test_a_place_where_nothing_can_be_kept_is_named(platform: SmallPlatform, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    _, why = failing(platform, "--seconds", "0.3", "--save", tmp_path / "file" / "out.wav")
    assert "cannot be saved" in why
