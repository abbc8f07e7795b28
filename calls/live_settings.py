"""Changed settings reach calls that are running: the page asks, each call answers, whatever process carries it.

The way is the channel layer: one group for each agent, joined by each of its calls. A layer that is away costs the change and never
the call: a call that cannot be reached goes on with what it had, and the page says that it has not answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

import orjson
from channels.layers import get_channel_layer

from calls.conversation import facts
from calls.conversation.commands import Command, Note
from calls.conversation.events import Event, SettingsChanged
from calls.conversation.settings import ConversationSettings

logger = logging.getLogger("calls")

WAIT_S = 2.0
"""How long the page waits for the calls' answers. A model echoes a change within some tenths of a second."""

AWAY_S = 5.0
"""A layer that has not taken the message by then is away."""

PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Between two attempts of a call to reach the layer; the last one again and again. Each attempt that fails costs the layer a queue
that it never gives back, so they become rare."""

PART = "#"
"""Between a page's channel and the number of its change; no channel's name has one."""

Message = dict[str, Any]


class LayerAway(Exception):
    """The channel layer did not take the message: no call was reached."""


def group(agent_id: int) -> str:
    return f"agent-{agent_id}"


def digest(turn: Message) -> str:
    """The same for the same settings, whatever way they have come."""
    return hashlib.sha256(orjson.dumps(turn, option=orjson.OPT_SORT_KEYS)).hexdigest()


class LiveSettings:
    """One call's ear for changed settings, and the outlet that tells what became of them.

    A task of its own reads the layer: nothing here is on the way of the call's sound.
    """

    takes = frozenset({Note})

    def __init__(
        self, call_id: UUID, agent_id: int, turn: Message, greeting: str, feed: Callable[[Event], None]
    ) -> None:
        self._call_id = call_id
        self._group = group(agent_id)
        self.turn = turn  # as it is in force
        self._greeting = greeting
        self._feed = feed
        self._offered: dict[str, Message] = {}
        self._failed = 0
        self._listening: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    # --- from the layer

    def start(self) -> None:
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        """Until the call ends. Every failure is logged, and tried again after a pause."""
        while True:
            try:
                await self._read()
            except Exception as error:
                pause = PAUSES_S[min(self._failed, len(PAUSES_S) - 1)]
                self._failed += 1
                logger.warning(
                    "[%s] Cannot listen for changed settings (%s); again in %g s",
                    self._call_id,
                    type(error).__name__,
                    pause,
                )
                await asyncio.sleep(pause)

    async def _read(self) -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel()
        try:
            await layer.group_add(self._group, channel)
            self._failed = 0
            while True:
                self.offer(await layer.receive(channel))
        finally:
            with contextlib.suppress(Exception):
                await layer.group_discard(self._group, channel)

    def newest(self) -> Message:
        """The turn settings as they will be when all that was offered is in force."""
        return next(reversed(self._offered.values()), self.turn)

    def offer(self, message: Message) -> None:
        """Tell the conversation. What differs is reckoned here: each call may have begun with another revision.

        `based_on`: the digest of the settings of which somebody changed a part. When others have changed them since, nothing is
        taken, and the answer brings the newest, for another attempt: else the second change would take the first one back.
        """
        try:
            newest = self.newest()
            ticket = f"{message.get('ticket', '')}{PART}{message['change']}" if "change" in message else ""
            if "based_on" in message and message["based_on"] != digest(newest):
                self._tell(ticket, {"state": "overtaken"})
                return
            turn = dict(message["turn"])
            settings = ConversationSettings.of(
                turn, greeting=self._greeting, turn_detection=dict(message["turn_detection"])
            )
            changes = {
                name: (newest.get(name), value)
                for name, value in turn.items()
                if name != "revision" and newest.get(name) != value
            }
            ticket = ticket or str(message.get("ticket", ""))
            self._offered[ticket] = turn
            self._feed(SettingsChanged(settings, str(message.get("by", "")), changes, ticket))
        except Exception:
            logger.exception("[%s] Changed settings could not be read", self._call_id)

    # --- to the layer

    def take(self, command: Command, now: float) -> None:
        if not isinstance(command, Note) or command.kind not in (facts.SETTINGS_APPLIED, facts.SETTINGS_REFUSED):
            return
        applied = command.kind == facts.SETTINGS_APPLIED
        ticket = command.data.get("ticket", "")
        turn = self._offered.pop(ticket, None)
        if applied and turn is not None:
            self.turn = turn
        data = command.data
        answer = {
            "state": "applied" if applied else "refused",
            "revision": data.get("revision", 0),
            "differences": list(data.get("differences", ())),
            "code": data.get("code", ""),
        }
        self._tell(ticket, answer)

    def _tell(self, ticket: str, answer: Message) -> None:
        """Who asked, if anybody waits: with the number of the change, and the settings to base the next one on."""
        channel, numbered, change = ticket.partition(PART)
        if not channel:
            return
        answer = {"type": "settings.answered", "call": str(self._call_id), **answer}
        if numbered:
            answer |= {"change": change, "turn": self.newest()}
        task = asyncio.get_running_loop().create_task(self._send(channel, answer))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _send(self, channel: str, answer: Message) -> None:
        try:
            async with asyncio.timeout(AWAY_S):
                await get_channel_layer().send(channel, answer)
        except Exception as error:
            logger.warning("[%s] Nobody could be told of the settings (%s)", self._call_id, type(error).__name__)

    async def close(self) -> None:
        """Leave the layer; do not wait for one that is away. Harmless twice."""
        tasks = {*self._answering, *([self._listening] if self._listening else [])}
        if self._listening is not None:
            self._listening.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1)


# --- the page's side


async def offer(agent_id: int, message: Message, expected: Collection[str]) -> dict[str, Message]:
    """Send settings to every call of an agent, and wait a little for the answers of those expected. Call id -> answer."""
    answers: dict[str, Message] = {}
    complete = asyncio.Event()
    layer = get_channel_layer()

    async def read(ticket: str) -> None:
        while not complete.is_set():
            answer = await layer.receive(ticket)
            answers[answer["call"]] = answer
            if answers.keys() >= set(expected):
                complete.set()
        await layer.receive(ticket)  # until it is cancelled: that is how the layer forgets a channel

    reading: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(AWAY_S):
            ticket = await layer.new_channel("settings.")
            reading = asyncio.ensure_future(read(ticket))
            await layer.group_send(group(agent_id), {"type": "settings.changed", **message, "ticket": ticket})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(complete.wait(), WAIT_S)
    except Exception as error:
        logger.warning("Changed settings of agent %s reached no call (%s)", agent_id, type(error).__name__)
        raise LayerAway from error
    finally:
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading}, timeout=1)
    return answers
