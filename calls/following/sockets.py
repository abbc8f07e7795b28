"""The websockets of the pages that follow calls. They hold no call: what they tell comes through the channel layer."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from uuid import UUID

import orjson
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.middleware import BaseMiddleware
from django.contrib.auth import get_user_model

from calls import access, explanations, setting_names
from calls.following import tuning
from calls.following.switchboard import ASK_AGAIN_S, BOARD, GROUP, follow_group, listen_group
from calls.live_settings import digest
from calls.models import Call
from voiceplatform import audit
from voiceplatform.access import may
from voiceplatform.audit import Act

logger = logging.getLogger("calls")

CHECK_EVERY = 6
"""Of the times that a socket asks again, each so many-th asks whether its user may still see this: every 30 s."""

ROWS_ASKED = 200
LONGEST_SENTENCE = 400
LONGEST_MESSAGE = 16_384
ATTEMPTS = 5
"""At changing what others change at the same moment."""

CHANGES_KEPT = 50
TRY_LATER, NOT_ALLOWED = 1013, 4403

Message = dict[str, Any]


class PlacingStaff(BaseMiddleware):
    """Before a browser's media socket: only staff who may place calls come as far as its token."""

    async def __call__(self, scope: Message, receive: Callable[..., Any], send: Callable[..., Awaitable[None]]) -> Any:
        if not await database_sync_to_async(access.may_place)(scope.get("user")):
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": NOT_ALLOWED})  # before accept: HTTP 403
            return None
        return await self.inner(scope, receive, send)


class StaffSocket(AsyncWebsocketConsumer):
    """A page's socket: only for who may see calls, for as long as they may. A layer that is away ends it; the page tries again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Message, receive: Callable[..., Any], send: Callable[..., Awaitable[None]]) -> None:
        try:
            await super().__call__(scope, receive, send)
        except Exception as error:
            logger.warning("A page that follows calls lost its socket (%s)", type(error).__name__)
            with contextlib.suppress(Exception):
                await send({"type": "websocket.close", "code": TRY_LATER})
        finally:
            if self._asking is not None:
                self._asking.cancel()

    async def dispatch(self, message: Message) -> None:
        """Without the stock's thread hop, which lets one slow query stop the sound of every call."""
        handler = getattr(self, get_handler_name(message), None)
        if handler is not None:
            await handler(message)

    async def connect(self) -> None:
        if not await self.may_see():
            await self.close(NOT_ALLOWED)
            return
        await self.joined()
        await self.accept()
        self._asking = asyncio.get_running_loop().create_task(self._ask_on())

    async def may_see(self) -> bool:
        return await self.may(access.may_see)

    async def may(self, what: Callable[[Any], bool]) -> bool:
        """Asked anew each time: rights are taken, people leave."""

        def ask() -> bool:
            user = get_user_model().objects.filter(pk=getattr(self.scope.get("user"), "pk", None)).first()
            session = self.scope.get("session")
            return bool(user and session is not None and session.exists(session.session_key) and what(user))

        return bool(await database_sync_to_async(ask)())

    async def _ask_on(self) -> None:
        """Say that somebody still looks, again and again."""
        turn = 0
        while True:
            try:
                if turn and turn % CHECK_EVERY == 0:
                    if not await self.may_see():
                        await self.close(NOT_ALLOWED)
                        return
                    await self.check()
                await self.ask(first=turn == 0)
            except Exception as error:
                logger.warning("A page that follows calls lost the layer (%s)", type(error).__name__)
                await self.close(TRY_LATER)
                return
            turn += 1
            await asyncio.sleep(ASK_AGAIN_S)

    async def joined(self) -> None:
        """Join the groups whose news the page wants."""

    async def check(self) -> None:
        """Whether its user may still do what this page does."""

    async def ask(self, *, first: bool) -> None:
        """Say that somebody looks."""

    async def tell(self, message: Message) -> None:
        await self.send(text_data=orjson.dumps(message, default=str).decode())


class BoardSocket(StaffSocket):
    """All running calls: rows as they are, and as they change."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known: dict[str, Message] = {}

    async def joined(self) -> None:
        await self.channel_layer.group_add(BOARD, self.channel_name)

    async def ask(self, *, first: bool) -> None:
        await self.channel_layer.group_send(GROUP, {"type": "board.look", "ticket": self.channel_name})
        if first:
            await self.tell({"type": "hello"})

    async def board_rows(self, message: Message) -> None:
        rows = message["rows"]
        await self._meet([row["id"] for row in rows if row["id"] not in self._known])
        told = [{**row, **self._known.get(row["id"], {})} for row in rows]
        for call_id in message.get("gone", ()):
            self._known.pop(call_id, None)
        await self.tell({"type": "rows", "rows": told, "gone": message.get("gone", [])})

    async def _meet(self, ids: list[str]) -> None:
        """What the database knows of calls that are new to this page."""
        if ids:
            rows = await database_sync_to_async(lambda: list(Call.objects.filter(pk__in=ids)))()
            self._known |= {
                str(row.pk): {"caller": row.caller, "called": row.called, "carrier": row.carrier} for row in rows
            }

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """The page asks about rows that no process has told of for a while: which of them are over."""
        try:
            asked = {UUID(call_id) for call_id in orjson.loads(text_data or "")["over"][:ROWS_ASKED]}
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
            return
        over = Call.objects.filter(pk__in=asked).exclude(status=Call.Status.LIVE).values_list("pk", flat=True)
        if gone := await database_sync_to_async(lambda: [str(pk) for pk in over])():
            await self.tell({"type": "rows", "rows": [], "gone": gone})

    async def disconnect(self, code: int) -> None:
        with contextlib.suppress(Exception):
            await self.channel_layer.group_discard(BOARD, self.channel_name)


class CallSocket(StaffSocket):
    """One running call: its lines, what is happening, its sound for who listens in, and what staff do."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._call: Call | None = None
        self._turn: Message = {}  # what the next change is based on
        self._asked: dict[str, Asked] = {}
        self._numbers = count(1)
        self._words: dict[str, str] = {}
        self._listens = False
        self._seq = 0

    async def joined(self) -> None:
        call_id: UUID = self.scope["url_route"]["kwargs"]["call_id"]
        self._call = await database_sync_to_async(Call.objects.filter(pk=call_id).first)()
        await self.channel_layer.group_add(follow_group(call_id), self.channel_name)

    async def ask(self, *, first: bool) -> None:
        if self._call is None:
            await self.tell({"type": "unknown"})
            return
        asked = {"type": "call.look", "call": str(self._call.pk), "ticket": self.channel_name, "listen": self._listens}
        await self.channel_layer.group_send(GROUP, {**asked, "after": self._seq} if first else asked)
        if first:
            await self.tell({"type": "hello"})

    # --- from the call

    async def call_news(self, message: Message) -> None:
        if "turn" in message:
            self._turn = message["turn"]
        lines = [self._explained(line) for line in message.get("lines", ())]
        if lines:
            self._seq = max(self._seq, *(line["seq"] for line in lines))
        await self.tell({**message, "type": "news", "lines": lines})

    def _explained(self, line: Message) -> Message:
        """With the sentence that the review has for it."""
        data = line["data"]
        if line["kind"] == explanations.facts.CALLER_WORDS:
            self._words[str(data.get("item_id", ""))] = str(data.get("text", ""))
        item = str(data.get("speech_item_id") or data.get("item_id") or "")
        return {
            **line,
            "says": explanations.sentence(line["kind"], data, self._words.get(item, ""), setting_names.of_the_screen()),
        }

    async def call_sound(self, message: Message) -> None:
        """Which sides there are (1 caller, 2 agent), how long, and the sound of each."""
        caller, agent = message["caller"], message["agent"]
        if self._listens:
            head = struct.pack("<BH", bool(caller) + 2 * bool(agent), max(len(caller), len(agent)))
            await self.send(bytes_data=head + caller + agent)

    async def call_ordered(self, message: Message) -> None:
        await self.tell({"type": "ordered", "order": message["order"], "done": message["done"]})

    async def settings_answered(self, message: Message) -> None:
        asked = self._asked.pop(str(message.pop("change", "")), None)
        self._turn = message.get("turn") or self._turn
        if message["state"] != "overtaken":
            await self.tell({**message, "type": "settings", "change": asked.change if asked else None})
        elif asked is not None:
            try:
                if asked.attempt == ATTEMPTS:
                    raise Refusal("Others are changing this call at the same moment. Try again.")
                await self._change(asked.again())
            except Refusal as why:
                await self._refuse("settings", why, asked.change)

    # --- from the page

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not text_data or len(text_data) > LONGEST_MESSAGE or self._call is None:
            return
        try:
            message = orjson.loads(text_data)
            do = DOES[message["do"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            await self.tell({"type": "refused", "why": "The page asked for something unknown. Load it again."})
            return
        try:
            await do(self, message)
        except Refusal as why:
            await self._refuse(message["do"], why, message.get("change"))

    async def _refuse(self, do: str, why: Refusal, change: object) -> None:
        await self.tell({"type": "refused", "do": do, "why": str(why), "change": change, "turn": self._turn})

    async def _say(self, message: Message) -> None:
        await self._needs(access.may_steer, "You may not speak to callers. Ask an administrator.")
        text = " ".join(str(message.get("text", "")).split())[:LONGEST_SENTENCE]
        if not text:
            raise Refusal("There is nothing to say.")
        await self._order("say", text=text)
        await audit.heard(self.scope, Act.SAID, self._call)

    async def _hang_up(self, message: Message) -> None:
        await self._needs(access.may_steer, "You may not hang up calls. Ask an administrator.")
        await self._order("hang_up")
        await audit.heard(self.scope, Act.HUNG_UP, self._call)

    async def _listen(self, message: Message) -> None:
        if message.get("on") is not True:
            await self._stop_listening()
            return
        await self._needs(access.may_hear, "You may not hear calls. Ask an administrator.")
        if not self._listens:
            # Nothing is heard before the call and the audit log know of it.
            await self._order("listen")
            await audit.heard(self.scope, Act.LISTENED, self._call)
            await self.channel_layer.group_add(listen_group(self._call_id), self.channel_name)
            self._listens = True
            await self.ask(first=False)

    async def _stop_listening(self) -> None:
        self._listens = False
        await self.channel_layer.group_discard(listen_group(self._call_id), self.channel_name)

    async def check(self) -> None:
        if self._listens and not await self.may(access.may_hear):
            await self._stop_listening()
            await self._refuse("listen", Refusal("You may not hear calls any more. Ask an administrator."), None)

    async def _settings(self, message: Message) -> None:
        await self._needs(may_tune, "You may not change turn settings. Ask an administrator.")
        values = message.get("values")
        if not isinstance(values, dict) or not self._turn or self._call is None:
            raise Refusal("The call has not told its settings yet.")
        await self._change(Asked(values, message.get("change")))
        await audit.heard(self.scope, Act.APPLIED_LIVE, self._call, **{k: str(v) for k, v in values.items()})

    async def _change(self, asked: Asked) -> None:
        """Make the whole of it, from what the call has or will have, and offer that."""
        assert self._call is not None
        try:
            whole = await database_sync_to_async(tuning.changed)(self._call.agent_id, self._turn, asked.values)
        except tuning.NotAccepted as why:
            raise Refusal(str(why)) from None
        number = str(next(self._numbers))
        await self._order("settings", **whole, based_on=digest(self._turn), change=number)
        self._asked[number], self._turn = asked, whole["turn"]
        if len(self._asked) > CHANGES_KEPT:
            self._asked.pop(next(iter(self._asked)))

    async def _needs(self, what: Callable[[Any], bool], otherwise: str) -> None:
        if not await self.may(what):
            raise Refusal(otherwise)

    async def _order(self, order: str, **more: Any) -> None:
        by = self.scope["user"].get_username()
        asked = {"type": "call.order", "order": order, "call": self._call_id, "ticket": self.channel_name, "by": by}
        try:
            await self.channel_layer.group_send(GROUP, {**asked, **more})
        except Exception as error:
            logger.warning("[%s] Nobody could be told to %s (%s)", self._call_id, order, type(error).__name__)
            raise Refusal("The broker (Redis) cannot be reached. The call goes on as it was.") from None

    @property
    def _call_id(self) -> str:
        return str(self._call.pk) if self._call is not None else ""

    async def disconnect(self, code: int) -> None:
        for group in (follow_group(self._call_id), listen_group(self._call_id)):
            with contextlib.suppress(Exception):
                await self.channel_layer.group_discard(group, self.channel_name)


@dataclass(frozen=True, slots=True)
class Asked:
    """A change on its way to the call: values by name, and the page's own number of it."""

    values: Message
    change: object
    attempt: int = 1

    def again(self) -> Asked:
        return replace(self, attempt=self.attempt + 1)


class Refusal(Exception):
    """What staff asked for cannot be done. The message is for them."""


def may_tune(user: Any) -> bool:
    """Change the turn settings of a running call."""
    return may(user, access.SEE, "agents.change_turnsettings")


DOES = {
    "say": CallSocket._say,
    "hang_up": CallSocket._hang_up,
    "listen": CallSocket._listen,
    "settings": CallSocket._settings,
}
