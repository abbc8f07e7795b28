"""The phone's websocket: parse, feed, write; nothing else.

A Channels consumer whose `__call__` runs a loop of its own. The stock loop makes a task and a thread hop for every message, and the
hop lets one slow query of any page stop the sound of every call.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError

from agents import keys
from agents.snapshot import AgentSnapshot
from calls import outbox, providers, services, tokens
from calls.bridge import Bridge
from calls.carriers.base import PhoneDialect, Refused, StreamStarted, StreamStopped
from calls.conversation import facts
from calls.conversation.commands import EndCall
from calls.conversation.conversation import Conversation
from calls.conversation.events import BadMessage, CallAnswered, CallerAudio, Event, PhoneClosed, SoundHeard
from calls.conversation.settings import ConversationSettings
from calls.ear.live import LiveEar
from calls.ear.track import SpeechTrack
from calls.following import switchboard
from calls.following.call import FollowedCall
from calls.hearing_outlet import HearingOutlet
from calls.live_settings import LiveSettings
from calls.outlets import ModelOutlet, PhoneOutlet, RecorderOutlet, RecordOutlet
from calls.realtime.base import ModelDialect
from calls.recorder import Recorder
from calls.voice_outlet import VoiceOutlet
from calls.writer import writer
from voiceplatform import registry

logger = logging.getLogger("calls")

Message = dict[str, Any]

START_S = 10.0
"""A socket that has not named its call by then is closed."""

FLOOD_MS = 10_000
"""How far a caller's sound may run ahead of the clock. A phone speaks in real time; who does not is no phone."""

POLICY, TRY_LATER, INTERNAL = 1008, 1013, 1011


class Stop(Exception):
    """The socket ends before a call has begun: `code` for the peer, `why` for the log."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class CallConsumer(AsyncConsumer):
    """One media socket of a carrier: at most one call."""

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        self._receive, self._send = receive, send
        await receive()  # websocket.connect
        try:
            slug = scope["url_route"]["kwargs"]["carrier"]
            self._dialect: PhoneDialect = registry.load("CARRIERS", slug)()
        except ImproperlyConfigured:
            await send({"type": "websocket.close", "code": POLICY})  # before accept: HTTP 403
            return
        await send({"type": "websocket.accept"})
        try:
            start = await asyncio.wait_for(self._started(), START_S)
            call_id, snapshot, secrets = await self._claim(slug, start)
        except TimeoutError:
            await self._close(POLICY, f"no start within {START_S:.0f} s")
        except Stop as stop:
            await self._close(stop.code, str(stop))
        else:
            if start is not None:
                await Line(call_id, snapshot, self._dialect, receive, send, secrets=secrets).carry(start)

    async def _started(self) -> StreamStarted:
        """Read until the stream names its call. Nothing else is believed before that."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise Stop(0, "closed before its start")
            event = self._dialect.parse(message.get("text"), message.get("bytes"))
            if isinstance(event, StreamStarted):
                return event
            if isinstance(event, Refused) and event.fatal:
                raise Stop(event.close_code, event.problem)

    async def _claim(self, carrier: str, start: StreamStarted) -> tuple[UUID, AgentSnapshot, dict[str, str]]:
        try:
            call_id = tokens.read(start.parameters.get("token", ""), start.carrier_call_id)
            claimed = await database_sync_to_async(_claimed)(call_id, start.carrier_call_id)
        except tokens.BadToken as error:
            raise Stop(POLICY, str(error)) from None
        except DatabaseError as error:
            raise Stop(INTERNAL, f"the database is away ({type(error).__name__})") from None
        if claimed is None:
            raise Stop(POLICY, "the stream's token was used before, or its agent is gone")
        return call_id, *claimed

    async def _close(self, code: int, why: str) -> None:
        logger.warning("A media socket was closed: %s", why)
        if code:
            await self._send({"type": "websocket.close", "code": code})


def _claimed(call_id: UUID, carrier_call_id: str) -> tuple[AgentSnapshot, dict[str, str]] | None:
    """All that a call reads from the database: what its agent is, and its providers' keys, which stand in no snapshot."""
    call = services.claim_stream(call_id=call_id, carrier_call_id=carrier_call_id)
    if call is None:
        return None
    snapshot = AgentSnapshot.from_json(call.settings)
    return snapshot, keys.keys_for(snapshot.agent_id, providers.slugs(snapshot))


class Line:
    """One call on one socket: its conversation with all that hangs on it, from the stream's start to its end."""

    def __init__(
        self,
        call_id: UUID,
        snapshot: AgentSnapshot,
        dialect: PhoneDialect,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
        *,
        secrets: dict[str, str],
    ) -> None:
        now = time.monotonic()
        self.call_id = call_id
        self._snapshot = snapshot
        self._dialect = dialect
        self._receive, self._send = receive, send
        self._began_at = now
        self._frames = 0
        self._heard_bytes = 0
        self._close_code = 1000
        self._spool = outbox.open_spool(call_id)
        path = settings.DATA_DIR / f"recordings/{datetime.now():%Y/%m/%d}/{call_id}.wav"
        self._recorder = Recorder(path, now, writer)
        self._speech = SpeechTrack(path.with_suffix(".speech"), now, writer)
        self._ear = LiveEar(call_id, self._heard)  # also while no setting asks for it: settings change during a call
        who = {"agent": snapshot.name, "agent_id": snapshot.agent_id}
        self._followed = FollowedCall(call_id, who, self._spool, self._feed)
        self._record = RecordOutlet(call_id, self._followed, lambda: self._began_at)
        policy = ConversationSettings.of(
            snapshot.turn,
            greeting=snapshot.greeting,
            turn_detection=snapshot.turn_detection,
        ).with_providers(
            tuple(voice["provider"] for voice in snapshot.voices),
            snapshot.hearing["provider"] if snapshot.hearing else "",
        )
        self._model = ModelOutlet(self._model_dialect, self._feed)
        self._providers: list[VoiceOutlet | HearingOutlet] = []
        if snapshot.voices:
            self._providers.append(VoiceOutlet(providers.voices(snapshot, secrets), self._feed))
        if snapshot.hearing:
            ear = providers.hearing(snapshot, secrets, policy.silence_ms)
            self._providers.append(HearingOutlet(ear.dialect, ear.address, self._feed))
        self._phone = PhoneOutlet(dialect, self._write, self._feed, self._record.note)
        self._live = LiveSettings(call_id, snapshot.agent_id, snapshot.turn, snapshot.greeting, self._feed)
        tracks = (self._recorder, self._ear, self._followed)
        self._bridge = Bridge(
            Conversation(policy, now),
            [self._record, self._phone, self._model, *self._providers, *map(RecorderOutlet, tracks), self._live],
            call_id=call_id,
            hear=self._hear,
        )
        self._followed.conversation, self._followed.live = self._bridge.conversation, self._live

    def _feed(self, event: Event) -> None:
        self._bridge.feed(event)

    def _hear(self, mulaw: bytes, now: float) -> None:
        self._recorder.caller(mulaw, now)
        self._ear.caller(mulaw, now)
        self._followed.caller(mulaw, now)

    def _heard(self, sound: SoundHeard) -> None:
        self._speech.add(sound)
        self._followed.heard(sound)
        self._bridge.feed(sound)

    def _model_dialect(self) -> ModelDialect:
        # As it is in force: a session that is opened anew must not fall back to what the call began with.
        turn_detection = self._bridge.conversation.session_turn_detection
        session = providers.model_session(self._snapshot, turn_detection)
        dialect: ModelDialect = registry.load("MODELS", "openai")(
            session, url=settings.OPENAI_REALTIME_URL, api_key=settings.OPENAI_API_KEY
        )
        return dialect

    async def carry(self, start: StreamStarted) -> None:
        """Carry the call to its end, whoever ends it."""
        self._record.note(
            facts.CALL_STARTED,
            {"agent": self._snapshot.name, "model": self._snapshot.model, "stream_id": start.stream_id},
        )
        writing = asyncio.create_task(self._phone.run())
        reading = asyncio.create_task(self._read())
        self._feed(CallAnswered())
        self._live.start()
        switchboard.of_this_loop().join(self._followed)
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self._feed(PhoneClosed("server stopping", failed=True))
        finally:
            # Not to be cut short: this is what makes the record whole.
            await asyncio.shield(asyncio.ensure_future(self._finish(writing, reading)))

    async def _read(self) -> None:
        """The hot loop: one parse and one feed for a message."""
        receive, parse, feed = self._receive, self._dialect.parse, self._bridge.feed
        while self._bridge.ended is None:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                stopping = message.get("code") == 1012  # what uvicorn says when it is told to stop
                feed(PhoneClosed("server stopping" if stopping else "caller hung up", failed=stopping))
                return
            event = parse(message.get("text"), message.get("bytes"))
            if type(event) is CallerAudio:
                self._frames += 1
                self._heard_bytes += len(event.audio)
                if self._frames % 50 == 0 and self._is_flood():
                    self._stop(Refused("sound faster than real time", fatal=True, close_code=POLICY))
                    return
                feed(event)
            elif isinstance(event, StreamStopped):
                feed(PhoneClosed("caller hung up"))
                return
            elif isinstance(event, Refused):
                if event.fatal:
                    self._stop(event)
                    return
                feed(BadMessage("phone", event.problem))
            elif event is not None and not isinstance(event, StreamStarted):
                feed(event)

    def _is_flood(self) -> bool:
        return self._heard_bytes / 8 > (time.monotonic() - self._began_at) * 1000 + FLOOD_MS

    def _stop(self, refusal: Refused) -> None:
        self._close_code = refusal.close_code
        self._feed(BadMessage("phone", refusal.problem))
        self._feed(PhoneClosed(f"protocol error: {refusal.problem}", failed=True))

    async def _write(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def _finish(self, writing: asyncio.Task[EndCall], reading: asyncio.Task[None]) -> None:
        """Leave the model at once, tell the carrier how it went, close the record."""
        if self._bridge.ended is None:
            # The phone's socket failed under our writing: the caller is gone.
            self._feed(PhoneClosed("connection to the phone lost"))
        self._bridge.close()
        self._ear.close()
        end = self._bridge.ended or EndCall("unknown", failed=True)
        now = time.monotonic()
        if end.failed:
            await self._note_failure(end)
        for task in (reading, writing):
            task.cancel()
        leaving = (self._model.close(), *(p.close() for p in self._providers), self._live.close(), self._hang_up())
        await asyncio.gather(reading, writing, *leaving, return_exceptions=True)
        await self._close_record(end, now)

    async def _note_failure(self, end: EndCall) -> None:
        """Before the socket closes: the carrier asks at once what comes next, and the record is slower than that."""
        try:
            await asyncio.wait_for(
                database_sync_to_async(services.note_failure)(call_id=self.call_id, reason=end.reason), 2
            )
        except (DatabaseError, TimeoutError) as error:
            logger.error("[%s] The failure could not be noted (%s)", self.call_id, type(error).__name__)

    async def _hang_up(self) -> None:
        await self._send({"type": "websocket.close", "code": self._close_code})

    async def _close_record(self, end: EndCall, now: float) -> None:
        try:
            made = await self._recorder.close(now)
            self._record.note(
                facts.RECORDING,
                {
                    "path": str(made.path.relative_to(settings.DATA_DIR)),
                    "duration_ms": made.duration_ms,
                    "bytes": made.size,
                    "peaks": made.peaks,
                },
            )
        except Exception:
            logger.exception("[%s] The recording could not be finished", self.call_id)
        try:
            await self._speech.close()
        except Exception:
            logger.exception("[%s] The speech beside the recording could not be finished", self.call_id)
        self._record.note(
            facts.CALL_ENDED,
            {
                "reason": end.reason,
                "failed": end.failed,
                "duration_ms": round((now - self._began_at) * 1000),
                "frames_in": self._frames,
                "messages_out": self._phone.messages,
            },
        )
        self._spool.close()
        switchboard.of_this_loop().leave(self._followed)
