"""Whole calls: the real processes, the real wire, recorded speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.server import RehearsalServer
from calls.simulated_phone import Script, SimulatedPhone
from tests.openai_types import check_client_event, check_server_event
from tests.platform import NUMBER, TOKEN, Platform, free_port

MODEL_PORT, STAND_INS_PORT = free_port(), free_port()
"""Fixed for the session: the web process is started once, the model anew for each test."""


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    made = Platform(
        tmp_path_factory.mktemp("vp"), f"ws://127.0.0.1:{MODEL_PORT}/v1/realtime", STAND_INS_PORT=str(STAND_INS_PORT)
    )
    made.manage("migrate", "-v0")
    made.manage("seed_demo")
    made.change("update agents_agent set greeting = 'Hello.'")
    made.start("redis", "worker", "pages", "web")
    yield made
    made.stop()


BARE = """update agents_turnsettings set mode='full', threshold=0.6, silence_floor_ms=500, response_latency_ms=300, min_speech_ms=0,
    stop_sound='at_once', speech_probability=0, min_loudness_db=0, ignore_backchannels=0, echo_guard=0, laughter_guard=0,
    idle_prompt_ms=0"""
"""The five steps with nothing before them: what these tests look at. Any speech is an interruption."""


@pytest.fixture(autouse=True)
def bare_settings(request: pytest.FixtureRequest) -> None:
    if "platform" in request.fixturenames:
        made: Platform = request.getfixturevalue("platform")
        made.change(BARE)


class Model:
    """The rehearsal model of one test, and everything that was on its wire."""

    def __init__(self) -> None:
        self.wire: list[tuple[str, dict[str, Any]]] = []
        self.faults: list[AssertionError] = []
        self.server: RehearsalServer | None = None

    async def start(self, **behaviour: Any) -> Model:
        self.server = RehearsalServer(Behaviour(**behaviour), self._watch)
        await self.server.start(port=MODEL_PORT)
        return self

    def _watch(self, side: str, event: dict[str, Any]) -> None:
        self.wire.append((side, event))
        try:
            (check_client_event if side == "client" else check_server_event)(event)
        except AssertionError as fault:
            self.faults.append(fault)

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """What the bridge sent of a kind."""
        return [event for side, event in self.wire if side == "client" and event["type"] == kind]

    def gave(self, kind: str) -> list[dict[str, Any]]:
        return [event for side, event in self.wire if side == "server" and event["type"] == kind]

    def order(self, *kinds: str) -> list[str]:
        return [event["type"] for _, event in self.wire if event["type"] in kinds]


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    made = Model()
    yield made
    if made.server is not None:
        await made.server.close()
    assert not made.faults, made.faults[:3]


def phone(platform: Platform, **more: Any) -> SimulatedPhone:
    return SimulatedPhone(base_url=platform.base_url, auth_token=TOKEN, to=NUMBER, **more)


async def place(platform: Platform, script: Script, **more: Any) -> SimulatedPhone:
    """One whole call by a script."""
    made = phone(platform, **more)
    await made.ring()
    async with asyncio.timeout(script.longest_s + 30):
        await made.talk(script)
    return made


@pytest.fixture(scope="session")
def audio_dir() -> Path:
    return Path(__file__).parent.parent.parent / "audio"
