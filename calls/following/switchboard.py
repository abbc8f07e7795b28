"""One process's calls for all who follow calls, whatever process serves their page.

Those who look say so every few seconds, in a group that every process reads; a call is told of only for as long as somebody has
said so. One task reads and one writes, and neither is on the way of any sound: when the layer is slow or away, calls go on and
those who look see less.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from calls.following.call import FollowedCall
from calls.live_settings import AWAY_S, PAUSES_S

logger = logging.getLogger("calls")

GROUP = "switchboards"
"""Every process that carries calls reads it."""

BOARD = "live-board"
"""Everybody who looks at the board reads it."""

ASK_AGAIN_S = 5.0
"""How often those who look say so."""

LEASE_S = 12.0
"""For so long a process believes it: two of these messages may be lost."""

NEWS_S = 0.25
"""From one telling to the next; what happened in between goes together."""

SOUND_S = 0.1
"""The same for sound, while somebody listens."""

LINES_AT_ONCE = 200
ANSWERS_KEPT = 200

Message = dict[str, Any]


def follow_group(call_id: object) -> str:
    return f"follow-{call_id}"


def listen_group(call_id: object) -> str:
    return f"listen-{call_id}"


class Entry:
    """A call and how far it was told."""

    def __init__(self, call: FollowedCall) -> None:
        self.call = call
        self.followed_until = self.listened_until = 0.0
        self.told_board: Message = {}
        self.told_now: Message = {}
        self.told_seq = 0


class Switchboard:
    """All calls of one event loop."""

    def __init__(self) -> None:
        self._calls: dict[str, Entry] = {}
        self._board_until = 0.0
        self._news_at = 0.0
        self._answers: deque[tuple[str, Message]] = deque(maxlen=ANSWERS_KEPT)
        self._wake = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._failed = 0

    # --- calls come and go

    def join(self, call: FollowedCall) -> None:
        self._calls[call.id] = Entry(call)
        loop = asyncio.get_running_loop()
        if self._reading is None:
            self._reading = loop.create_task(self._read_on())
        if self._telling is None:
            self._telling = loop.create_task(self._tell_on())
        self._wake.set()

    def leave(self, call: FollowedCall) -> None:
        """The call is over; what is not told yet is told in the next round."""
        call.over = True
        self._wake.set()

    # --- from those who look

    async def _read_on(self) -> None:
        """While there are calls. Every failure is logged, and tried again after a pause."""
        while True:
            try:
                await self._read()
            except Exception as error:
                pause = PAUSES_S[min(self._failed, len(PAUSES_S) - 1)]
                self._failed += 1
                logger.warning("Nobody can follow calls (%s); again in %g s", type(error).__name__, pause)
                await asyncio.sleep(pause)

    async def _read(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel("switchboard.")
        try:
            await layer.group_add(GROUP, channel)
            self._failed = 0
            while True:
                message = await layer.receive(channel)
                try:
                    self._take(message, time.monotonic())
                except Exception:
                    logger.exception("What was asked about calls could not be read")
        finally:
            with contextlib.suppress(Exception):
                await layer.group_discard(GROUP, channel)

    def _take(self, message: Message, now: float) -> None:
        ticket = str(message.get("ticket", ""))
        if message["type"] == "board.look":
            self._board_until = now + LEASE_S
            rows = [self._row(entry) for entry in self._calls.values() if not entry.call.over]
            self._answer(ticket, {"type": "board.rows", "rows": rows})
            return
        entry = self._calls.get(str(message.get("call", "")))
        if entry is None or entry.call.over:
            return  # another process's, or nobody's any more
        if message["type"] == "call.order":
            done = entry.call.order(message)
            self._answer(ticket, {"type": "call.ordered", "order": message["order"], "done": done})
        elif message["type"] == "call.look":
            self._look(entry, message, ticket, now)
        self._wake.set()

    def _look(self, entry: Entry, message: Message, ticket: str, now: float) -> None:
        if not entry.call.followed:  # what was written before goes with the answer
            entry.told_seq = entry.call.lines[-1]["seq"] if entry.call.lines else 0
        entry.followed_until, entry.call.followed = now + LEASE_S, True
        if message.get("listen"):
            entry.listened_until, entry.call.listened = now + LEASE_S, True
        if message.get("after") is None:
            return  # only says that it still looks
        call, after = entry.call, int(message["after"])
        lines = [line for line in call.lines if line["seq"] > after]
        news = {
            "lines": lines,
            "now": call.now(),
            "speech": call.speech(),
            "turn": call.turn(),
            "age_ms": call.age_ms(),
        }
        self._answer(ticket, {"type": "call.news", **news})

    def _answer(self, ticket: str, message: Message) -> None:
        if ticket:
            self._answers.append((ticket, message))
            self._wake.set()

    # --- to those who look

    async def _tell_on(self) -> None:
        while self._calls:
            self._wake.clear()
            if not self._anybody():
                await self._wake.wait()
            try:
                async with asyncio.timeout(AWAY_S):
                    await self._tell(time.monotonic())
            except Exception as error:
                self._answers.clear()
                logger.warning("Those who follow calls could not be told (%s)", type(error).__name__)
                await asyncio.sleep(PAUSES_S[0])
            listened = any(entry.call.listened for entry in self._calls.values())
            if self._anybody():
                with contextlib.suppress(TimeoutError):
                    # A question is answered at once.
                    await asyncio.wait_for(self._wake.wait(), SOUND_S if listened else NEWS_S)
        self._telling = None
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()

    def _anybody(self) -> bool:
        now = time.monotonic()
        return bool(
            self._answers
            or self._board_until > now
            or any(entry.call.over or entry.call.followed for entry in self._calls.values())
        )

    async def _tell(self, now: float) -> None:
        layer = get_channel_layer()
        while self._answers:
            ticket, message = self._answers.popleft()
            await layer.send(ticket, message)
        if now >= self._news_at:
            self._news_at = now + NEWS_S
            await self._tell_news(layer, now)
        for entry in list(self._calls.values()):
            if entry.listened_until > now and not entry.call.over:
                await self._tell_listeners(layer, entry.call)
            elif entry.call.listened:
                entry.call.stop_listening()

    async def _tell_news(self, layer: Any, now: float) -> None:
        if self._board_until > now:
            await self._tell_board(layer)
        for entry in list(self._calls.values()):
            if entry.followed_until > now:
                await self._tell_followers(layer, entry)
            else:
                entry.call.followed = False
            if entry.call.over:
                self._calls.pop(entry.call.id, None)

    async def _tell_board(self, layer: Any) -> None:
        rows, gone = [], []
        for entry in self._calls.values():
            if entry.call.over:
                gone.append(entry.call.id)
            elif (now := entry.call.now()) != entry.told_board:
                entry.told_board = now
                rows.append({**now, "age_ms": entry.call.age_ms()})
        if rows or gone:
            await layer.group_send(BOARD, {"type": "board.rows", "rows": rows, "gone": gone})

    def _row(self, entry: Entry) -> Message:
        return {**entry.call.now(), "age_ms": entry.call.age_ms()}

    async def _tell_followers(self, layer: Any, entry: Entry) -> None:
        call = entry.call
        lines = [line for line in call.lines if line["seq"] > entry.told_seq][:LINES_AT_ONCE]
        entry.told_seq = lines[-1]["seq"] if lines else entry.told_seq
        now = {"now": call.now(), "speech": call.speech(), "turn": call.turn()}
        sounds = call.take_sounds()
        changed = {name: value for name, value in now.items() if value != entry.told_now.get(name)}
        entry.told_now = now
        if lines or sounds or changed:
            news = {"lines": lines, "sounds": sounds, "age_ms": call.age_ms(), **changed}
            await layer.group_send(follow_group(call.id), {"type": "call.news", **news})

    async def _tell_listeners(self, layer: Any, call: FollowedCall) -> None:
        caller, agent = call.take_sound()
        await layer.group_send(listen_group(call.id), {"type": "call.sound", "caller": caller, "agent": agent})


_boards: WeakKeyDictionary[asyncio.AbstractEventLoop, Switchboard] = WeakKeyDictionary()


def of_this_loop() -> Switchboard:
    """The process's switchboard; tests have a loop each."""
    return _boards.setdefault(asyncio.get_running_loop(), Switchboard())
