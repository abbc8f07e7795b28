"""Calls from a browser, whole: Chromium with a recording for a microphone, the real processes, the rehearsal model."""

from __future__ import annotations

import contextlib
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.calls.whole.conftest import Model
from tests.platform import Platform, wait_for

SECONDS = 20_000
"""Of patience with a machine that does much else, in ms."""

BOSS = """
from django.contrib.auth.models import User
User.objects.filter(username="boss").exists() or User.objects.create_superuser("boss", password="a-good-password")
"""


def microphone(path: Path, clips: Path, *parts: float | str) -> Path:
    """A WAV for Chromium: clips by name, silences by seconds. It starts when the page gets the microphone."""
    sound = []
    for part in parts:
        if isinstance(part, str):
            with wave.open(str(clips / f"{part}.wav")) as clip:
                samples = np.frombuffer(clip.readframes(clip.getnframes()), "<i2").astype(float)
            sound.append(np.interp(np.arange(len(samples) * 6) / 6, np.arange(len(samples)), samples))
        else:
            sound.append(np.zeros(int(part * 48000)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(np.concatenate(sound).astype("<i2").tobytes())
    return path


@contextlib.asynccontextmanager
async def chromium(sound: Path) -> AsyncIterator[Browser]:
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    arguments = ["--no-sandbox", *fake, f"--use-file-for-fake-audio-capture={sound}%noloop"]
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*arguments, "--autoplay-policy=no-user-gesture-required"]
        )
        yield made
        await made.close()


async def signed_in(browser: Browser, platform: Platform) -> BrowserContext:
    context = await browser.new_context(base_url=platform.base_url)
    context.set_default_timeout(SECONDS)
    page = await context.new_page()
    await page.goto("/admin/login/")
    await page.fill("[name=username]", "boss")
    await page.fill("[name=password]", "a-good-password")
    await page.click("[type=submit]")
    await page.close()
    return context


@pytest.fixture
def office(platform: Platform, bare_settings: None) -> Platform:
    """The platform, with somebody who may do everything."""
    platform.manage("shell", "-c", BOSS)
    return platform


async def dial(context: BrowserContext, platform: Platform) -> Page:
    """The agent's page, the button on it, the call."""
    (agent,) = platform.rows("select id from agents_agent where name = 'Front desk'")
    page = await context.new_page()
    await page.goto(f"/admin/agents/agent/{agent['id']}/change/")
    await page.get_by_role("link", name="Call this agent from the browser").click()
    await page.get_by_role("button", name="Call ").click()
    await expect(page.locator("#lv-bye")).to_be_visible(timeout=SECONDS)
    return page


async def test_the_agent_is_interrupted_stops_and_the_call_is_in_the_log(
    office: Platform, model: Model, clips: Path, tmp_path: Path
) -> None:
    await model.start()
    sound = microphone(tmp_path / "mic.wav", clips, 8.0, "request", 5.0, "interruption", 60.0)
    async with chromium(sound) as browser:
        context = await signed_in(browser, office)
        page = await dial(context, office)
        await page.wait_for_function("document.getElementById('lv-mic').value > 0.3")
        await page.wait_for_function("document.getElementById('lv-out').value > 0.3")
        await expect(page.locator("#lv-events [data-kind=interruption]").first).to_be_visible(timeout=30_000)
        await page.wait_for_function("document.getElementById('lv-out').value === 0")
        await expect(page.locator("#lv-said .lv-cut del").first).not_to_be_empty(timeout=SECONDS)
        await page.get_by_role("button", name="Hang up").click()
        await expect(page.locator("#lv-state")).to_have_text("ended: caller hung up", timeout=SECONDS)
        (call,) = office.rows("select * from calls_call where carrier = 'browser' order by rang_at desc limit 1")
        row = office.call(call["carrier_call_id"])
        wait_for(lambda: not office.spools(), "every line of its record has arrived", 60)
        await page.goto("/calls/")
        await expect(page.get_by_role("row").filter(has_text="boss").first).to_contain_text("Front desk")
        await page.goto(f"/calls/{'-'.join(_grouped(row['id']))}/")
        await expect(page.locator("body")).to_contain_text("Interruption 1")
    stops = office.rows("select * from calls_interruption where call_id = ? and phase <> 'asked'", row["id"])
    assert stops
    assert all(stop["heard_ms"] <= stop["generated_ms"] for stop in stops)
    assert any(stop["heard_ms"] > 200 and stop["cleared_ms"] > 0 for stop in stops)
    (recording,) = office.rows("select * from calls_recording where call_id = ?", row["id"])
    assert (office.folder / recording["path"]).stat().st_size > 8000
    assert [line["act"] for line in office.rows("select act from voiceplatform_auditentry")].count("called") == 1
    assert not [event for event in office.events(row["id"]) if event["kind"] in ("bad_input", "stuck", "unexpected")]


def _grouped(hexadecimal: str) -> list[str]:
    plain = hexadecimal.replace("-", "")
    return [plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]]


async def test_a_colleague_follows_listens_speaks_changes_and_hangs_up(
    office: Platform, model: Model, clips: Path, tmp_path: Path
) -> None:
    await model.start()
    async with chromium(microphone(tmp_path / "mic.wav", clips, 120.0)) as browser:
        context = await signed_in(browser, office)
        board = await context.new_page()
        await board.goto("/calls/live/")
        page = await dial(context, office)
        line = board.locator(".lv-row", has_text="boss")
        await expect(line).to_be_visible(timeout=SECONDS)
        await expect(line).to_contain_text("Agent: Hello.", timeout=SECONDS)
        await line.get_by_role("link").focus()
        await board.keyboard.press("Enter")
        await expect(board.locator("#lv-listen")).to_be_enabled(timeout=SECONDS)
        await board.get_by_role("button", name="Listen in").press("Enter")
        await expect(board.get_by_role("button", name="Stop listening")).to_be_visible(timeout=SECONDS)
        await board.fill("#lv-text", "A colleague will join you.")
        await board.keyboard.press("Enter")
        await board.wait_for_function("document.getElementById('lv-out').value > 0.2")
        for follower in (board, page):
            await expect(follower.locator("#lv-said")).to_contain_text("A colleague will join you.", timeout=SECONDS)
        await board.locator("#lv-threshold").focus()
        await board.keyboard.press("ArrowRight")
        await expect(board.locator("#lv-told")).to_have_text("In force.", timeout=SECONDS)
        await board.get_by_role("button", name="Keep what you changed for Front desk").click()
        saved = "Saved for Front desk: threshold 0.6 → 0.61. Calls from now on begin with it."
        await expect(board.locator("#lv-told")).to_have_text(saved, timeout=SECONDS)
        await expect(board.locator("#lv-keep")).to_be_hidden()
        assert [
            update["session"]["audio"]["input"]["turn_detection"]["threshold"]
            for update in model.sent("session.update")
        ][-1] == 0.61
        board.on("dialog", lambda dialog: dialog.accept())
        await board.get_by_role("button", name="Hang up").press("Enter")
        for follower in (board, page):
            await expect(follower.locator("#lv-state")).to_have_text("ended: hung up by staff", timeout=SECONDS)
        await board.goto("/calls/live/")
        await expect(board.locator(".lv-row")).to_have_count(0, timeout=SECONDS)
    (call,) = office.rows("select * from calls_call where carrier = 'browser' order by rang_at desc limit 1")
    assert office.call(call["carrier_call_id"])["end_reason"] == "hung up by staff"
    kinds = [event["kind"] for event in office.events(call["id"])]
    assert {"listened_in", "sentence_typed", "settings_applied", "hang_up_asked"} <= set(kinds)

    def acts() -> set[str]:
        return {line["act"] for line in office.rows("select act from voiceplatform_auditentry")}

    wait_for(lambda: {"listened", "said", "applied-live", "hung-up"} <= acts(), "the audit log has all acts")
