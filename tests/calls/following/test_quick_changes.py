"""Changes of a running call that come quickly, or from two people: none takes another one back."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest

from calls.conversation import events as e
from calls.conversation.commands import ConfigureModel
from calls.conversation.settings import ConversationSettings
from calls.live_settings import LiveSettings
from tests import people
from tests.calls.following.conftest import RunningCall, until
from tests.calls.following.staff_page import Page, cookie_of, path_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]


class Tuned:
    """A call whose settings are really changed; the model's echo comes when a test says so."""

    def __init__(self, call: RunningCall) -> None:
        self.conversation = call.conversation
        self.live = LiveSettings(UUID(call.id), 1, dict(call.settings.turn), "", self.feed)
        call.followed.live = self.live
        call.conversation.settings = ConversationSettings.of(
            self.live.turn, greeting="", turn_detection={"type": "server_vad", "threshold": 0.6}
        )
        self.told: list[ConfigureModel] = []
        self.changes: list[dict[str, Any]] = []

    def feed(self, event: e.Event) -> None:
        if isinstance(event, e.SettingsChanged):
            self.changes.append(event.changes)
        for command in self.conversation.handle(event, time.monotonic()):
            if isinstance(command, ConfigureModel):
                self.told.append(command)
            self.live.take(command, time.monotonic())

    async def echo(self, number: int) -> None:
        """Of the change that was told so many-th."""
        await until(lambda: len(self.told) >= number, "the model is told")
        self.feed(e.ModelConfigured(self.told[number - 1].request_id))

    async def refuse(self, number: int) -> None:
        await until(lambda: len(self.told) >= number, "the model is told")
        self.feed(e.ModelError("benign", "invalid_value", request_id=self.told[number - 1].request_id))


async def test_the_second_of_two_quick_changes_does_not_take_the_first_back(call: RunningCall) -> None:
    tuned = Tuned(call)
    page = Page(path_of(call), await cookie_of(people.TUNER))
    assert await page.open()
    await page.when("news")
    await page.do("settings", values={"threshold": 0.8}, change=1)
    await page.do("settings", values={"silence_floor_ms": 900}, change=2)
    await until(lambda: len(tuned.changes) == 2, "both have come")
    await tuned.echo(1)
    await page.when("settings", change=1, state="applied")
    await tuned.echo(2)
    answer = await page.when("settings", change=2, state="applied")
    assert (tuned.live.turn["threshold"], tuned.live.turn["silence_floor_ms"]) == (0.8, 900)
    assert tuned.conversation.settings.turn_detection["threshold"] == 0.8
    assert answer["turn"]["threshold"] == 0.8
    assert "threshold" not in tuned.changes[1]
    assert tuned.changes[1]["silence_floor_ms"] == (500, 900)
    await page.close()


async def test_what_two_people_change_at_the_same_moment_holds(call: RunningCall) -> None:
    tuned = Tuned(call)
    cookies = [await cookie_of(people.TUNER), await cookie_of(people.ADMIN)]
    ann, bob = [Page(path_of(call), cookie) for cookie in cookies]
    for page in (ann, bob):
        assert await page.open()
        await page.when("news")
    await ann.do("settings", values={"threshold": 0.8}, change=1)
    await until(lambda: len(tuned.changes) == 1, "the first has come")
    await bob.do("settings", values={"silence_floor_ms": 900}, change=1)  # his page knows nothing of hers
    while len(tuned.changes) < 2:
        await bob.read()
    await tuned.echo(1)
    await tuned.echo(2)
    await bob.when("settings", change=1, state="applied")
    assert (tuned.live.turn["threshold"], tuned.live.turn["silence_floor_ms"]) == (0.8, 900)
    for page in (ann, bob):
        await page.close()


async def test_a_refused_change_leaves_the_next_one_what_is_in_force(call: RunningCall) -> None:
    tuned = Tuned(call)
    page = Page(path_of(call), await cookie_of(people.TUNER))
    assert await page.open()
    await page.when("news")
    await page.do("settings", values={"threshold": 0.8}, change=1)
    await tuned.refuse(1)
    refused = await page.when("settings", change=1, state="refused")
    assert refused["turn"]["threshold"] == 0.6
    await page.do("settings", values={"silence_floor_ms": 900}, change=2)
    await tuned.echo(2)
    await page.when("settings", change=2, state="applied")
    assert (tuned.live.turn["threshold"], tuned.live.turn["silence_floor_ms"]) == (0.6, 900)
    await page.close()
