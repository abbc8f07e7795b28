"""A real Redis of the test's own, and calls that are followed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest

from calls.conversation import events as e
from calls.conversation.conversation import Conversation
from calls.conversation.settings import ConversationSettings
from calls.following import switchboard
from calls.following.call import FollowedCall
from tests.calls.broker import Broker
from tests.calls.following.staff_page import live_row
from tests.calls.following.test_call import Journal, Settings


class RunningCall:
    """A call of this process, without a phone and a model."""

    def __init__(self, call_id: object = None, agent_id: int = 1) -> None:
        self.fed: list[e.Event] = []
        self.settings = Settings()
        self.followed = FollowedCall(
            call_id or uuid4(), {"agent": "Front desk", "agent_id": agent_id}, Journal(), self._feed
        )
        self.conversation = Conversation(ConversationSettings(greeting=""), time.monotonic())
        self.followed.conversation, self.followed.live = self.conversation, self.settings
        self._feed(e.CallAnswered())
        self._feed(e.ModelReady("s"))

    @property
    def id(self) -> str:
        return self.followed.id

    def _feed(self, event: e.Event) -> None:
        self.fed.append(event)
        self.conversation.handle(event, time.monotonic())

    def write(self, kind: str, **data: Any) -> None:
        self.followed.write(kind, data, self.followed.age_ms())

    def join(self) -> RunningCall:
        switchboard.of_this_loop().join(self.followed)
        return self

    def leave(self) -> None:
        switchboard.of_this_loop().leave(self.followed)


async def until(fact: Callable[[], Any], what: str) -> Any:
    """Wait for a fact on this loop."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if value := fact():
            return value
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within 15 s: {what}")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that a test can afford."""
    monkeypatch.setattr(switchboard, "PAUSES_S", (0.05,))
    monkeypatch.setattr(switchboard, "AWAY_S", 1.0)


@pytest.fixture
async def call(broker: Broker) -> AsyncIterator[RunningCall]:
    row = await live_row()
    made = RunningCall(row.pk, row.agent_id)
    made.settings.turn = row.settings["turn"]
    made.join()
    board = switchboard.of_this_loop()
    await until(lambda: board._reading is not None, "the switchboard reads")
    await asyncio.sleep(0.2)
    yield made
    made.leave()
    await until(lambda: board._telling is None, "the switchboard rests")
