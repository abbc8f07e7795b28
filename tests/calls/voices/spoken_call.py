"""A conversation whose replies a provider speaks: the core, the outlet and the link as in a call, the provider's stand-in at the
other end of a real socket, and a phone that plays what it gets. Only the model is absent: a test says what it writes.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from django.utils.module_loading import import_string

from calls import circuit, providers
from calls.bridge import Bridge
from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation.conversation import Conversation
from calls.conversation.settings import ConversationSettings
from calls.rehearsal.voices.host import Host, Spoken
from calls.voice_outlet import VoiceOutlet
from voiceplatform import registry

KEY = "sk-of-nobody"


class Everything:
    """What was commanded, in order, with its times."""

    takes = frozenset(kind for kind in c.Command.__args__ if kind not in VoiceOutlet.takes)

    def __init__(self, call: SpokenCall) -> None:
        self._call = call

    def take(self, command: c.Command, now: float) -> None:
        self._call.commands.append((now, command))
        self._call.stirred.set()
        if isinstance(command, c.DeleteItem):
            self._call.soon(e.ItemDeleted(command.item_id))
        elif isinstance(command, c.AddItem):
            self._call.soon(e.ItemPlaced(command.item_id, command.after if command.after != "root" else None))


class SpokenCall:
    """One call. Feed it what the model writes and what the caller does; wait for what comes of it."""

    def __init__(self, voices: list[Any], **settings: Any) -> None:
        self.commands: list[tuple[float, c.Command]] = []
        self.stirred = asyncio.Event()
        self._number = 0
        chosen = ConversationSettings(**settings).with_providers(tuple(voice.slug for voice in voices), "")
        self.outlet = VoiceOutlet(voices, self.feed)
        self.bridge = Bridge(
            Conversation(chosen, time.monotonic()), [Everything(self), self.outlet], call_id="voice-test"
        )

    def feed(self, event: e.Event) -> None:
        self.bridge.feed(event)
        self.stirred.set()

    def soon(self, event: e.Event) -> None:
        asyncio.get_running_loop().call_soon(self.feed, event)

    # --- what happens

    def answer(self) -> None:
        self.feed(e.CallAnswered())
        self.feed(e.ModelReady("sess_1"))

    def caller_asks(self) -> None:
        self._number += 1
        item = f"u_{self._number}"
        self.feed(e.SpeechStarted(item, 0))
        self.feed(e.SpeechStopped(item, 1000))
        self.feed(e.InputCommitted(item))
        self.feed(e.ItemPlaced(item, None))

    def model_writes(self, text: str) -> str:
        """A whole reply, a few characters at a time, all at once as models do; its item."""
        reply, item = f"r{self._number}", f"a{self._number}"
        self.feed(e.ReplyCreated(reply, self.bridge.conversation.replies.asked))
        self.feed(e.ItemAdded(reply, item))
        self.feed(e.ItemPlaced(item, f"u_{self._number}"))
        for piece in re.findall(r".{1,7}", text, re.DOTALL):
            self.feed(e.ReplyText(reply, item, 0, piece, spoken=False))
        self.feed(e.ReplyTextDone(reply, item, 0, text, spoken=False))
        self.feed(e.ReplyDone(reply, "completed"))
        return item

    def caller_interrupts(self) -> None:
        self.feed(e.SpeechStarted(f"i_{self._number}", 5000))

    # --- what came of it

    async def until(self, met: Callable[[], bool], within_s: float = 20.0) -> None:
        """Wait for a fact."""
        async with asyncio.timeout(within_s):
            while not met():
                self.stirred.clear()
                await self.stirred.wait()

    def of(self, kind: type) -> list[Any]:
        return [command for _, command in self.commands if type(command) is kind]

    def notes(self, kind: str) -> list[dict[str, Any]]:
        return [note.data for note in self.of(c.Note) if note.kind == kind]

    @property
    def played_ms(self) -> float:
        return sum(len(command.audio) for command in self.of(c.PlayAudio)) / 8

    async def heard_ms(self, ms: float) -> None:
        """Wait until the caller has heard so much of what is being played."""
        await self.until(lambda: bool(self.of(c.PlayAudio)))
        await asyncio.sleep(max(0.0, self.of(c.PlayAudio)[0].play_at + ms / 1000 - time.monotonic()))

    async def finished(self) -> None:
        """Wait until the reply was heard to its end; the phone returns its marks as it plays."""
        conversation = self.bridge.conversation
        await self.until(lambda: bool(self.notes("reply_started")))
        while not self.notes("reply_finished"):
            await asyncio.sleep(0.02)
            if not conversation.making and not conversation.playback.unheard_s(time.monotonic()):
                for mark in self.of(c.SendMark):
                    self.feed(e.MarkPlayed(mark.name))


class Provider:
    """A provider of the registry with its stand-in on a socket."""

    def __init__(self, kind: Any, stand_in: Any, url: str) -> None:
        self.kind = kind
        self.stand_in = stand_in
        self.url = url

    def behave(self, **behaviour: Any) -> None:
        self.stand_in.behaviour = replace(self.stand_in.behaviour, **behaviour)

    @property
    def spoken(self) -> list[Spoken]:
        return list(self.stand_in.spoken)


@asynccontextmanager
async def provider(slug: str, settings: Any, **behaviour: Any) -> AsyncIterator[Provider]:
    """A provider's stand-in, listening; `settings`: pytest-django's, for the address."""
    kind = registry.load("VOICES", slug)
    stand_in = import_string(kind.stand_in)()
    host = Host({slug: stand_in})
    settings.STAND_INS_PORT = int((await host.start()).rpartition(":")[2])
    url = registry.stand_in("VOICES", slug)
    setattr(settings, kind.url_variable, url)
    made = Provider(kind, stand_in, url)
    made.behave(**behaviour)
    circuit.forget_all()
    try:
        yield made
    finally:
        await host.close()


@asynccontextmanager
async def spoken_call(*slugs: str, **settings: Any) -> AsyncIterator[SpokenCall]:
    """A call that is answered, with these voices in their order."""
    call = SpokenCall([providers.voice(slug, {}, KEY) for slug in slugs], **settings)
    call.answer()
    try:
        yield call
    finally:
        call.bridge.close()
        await call.outlet.close()
