"""The voices of a call: takes what is to be said, and leaves a voice that has failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from calls import circuit
from calls.conversation import commands as c
from calls.conversation.events import Event, VoiceAudio, VoiceFailed, VoiceLost
from calls.voice_links import Feed, Lost, VoiceLink
from calls.voices.base import VoiceEvent


@dataclass(frozen=True, slots=True)
class Voice:
    """One of an agent's voices: where it is, and how its link is made."""

    slug: str
    address: str
    link: Callable[[Feed, Lost], VoiceLink]


class VoiceOutlet:
    """One link for each voice that was opened. What a voice says after it was left is not heard any more."""

    takes = frozenset({c.OpenVoice, c.LeaveVoice, c.Speak, c.FinishSpeaking, c.StopSpeaking, c.EndCall})

    def __init__(self, voices: Sequence[Voice], feed: Callable[[Event], None]) -> None:
        self._voices = voices
        self._feed = feed
        self._links: dict[int, VoiceLink] = {}
        self._refused: set[int] = set()  # for what is wrong with this agent, and not with the provider
        self._lost_once: set[int] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def take(self, command: c.Command, now: float) -> None:
        match command:
            case c.OpenVoice():
                self._open(command.voice, now)
            case c.LeaveVoice():
                self._leave(command, now)
            case c.Speak() | c.FinishSpeaking() | c.StopSpeaking():
                link = self._links.get(command.voice)
                if link is not None:
                    link.take(command)
            case c.EndCall():
                self._leave_all()

    def _open(self, number: int, now: float) -> None:
        voice = self._voices[number]
        if number in self._links:
            return  # it stands, or is on its way
        if not circuit.of(voice.address).allows(now):
            self._feed(VoiceLost(number, "out of order", retry=False))
            return
        link = voice.link(
            lambda event: self._from(number, link, event), lambda reason, retry: self._lost(number, link, reason, retry)
        )
        self._links[number] = link
        self._start(link.open())

    def _from(self, number: int, link: VoiceLink, event: VoiceEvent) -> None:
        if self._links.get(number) is not link:
            return
        if type(event) is VoiceAudio:
            circuit.of(self._voices[number].address).succeeded()
        elif isinstance(event, VoiceFailed) and not event.retry:
            self._refused.add(number)
        self._feed(event)

    def _lost(self, number: int, link: VoiceLink, reason: str, retry: bool) -> None:
        if self._links.get(number) is link:
            if not retry:
                self._refused.add(number)
            else:
                self._lost_once.add(number)
            self._start(self._links.pop(number).close())
            self._feed(VoiceLost(number, reason, retry))

    def _leave(self, command: c.LeaveVoice, now: float) -> None:
        tried = command.voice in self._links or command.voice in self._lost_once
        if command.failed and tried and command.voice not in self._refused:
            circuit.of(self._voices[command.voice].address).failed(now)
        link = self._links.pop(command.voice, None)
        if link is not None:
            self._start(link.close())

    def _leave_all(self) -> None:
        for number in list(self._links):
            self._start(self._links.pop(number).close())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Leave all voices and wait for it. Harmless twice."""
        self._leave_all()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=2)
