"""The link to a voice that takes one HTTP request a sentence: asked for ahead, given on in order, broken off at once.

An utterance is two tasks: one asks for its sentences, one hands their sound on. While a sentence plays, the next is asked for, but
not the whole of a long reply: what is made and then not heard was paid for.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import ssl
from collections.abc import Coroutine
from typing import Any

import httpx

from calls.conversation.commands import FinishSpeaking, Speak
from calls.conversation.events import BYTES_PER_MS, VoiceAudio, VoiceDone, VoiceFailed, VoiceTimed
from calls.voice_links import Feed, Lost
from calls.voices.base import HttpVoice, VoiceCommand
from calls.voices.sentences import Sentences

logger = logging.getLogger("calls")

TIMEOUTS = httpx.Timeout(connect=2.0, read=5.0, write=2.0, pool=1.0)
KEPT_S = 120.0
"""How long a connection that is not used stays ours, if the provider lets it."""

COLD_S = 30.0
"""After so long without a request the other end may have closed: another connection is made while the first sentence is written."""

AT_ONCE = 2
"""Sentences of an utterance that are being made at a time: the one that is given on, and the next."""

AHEAD_S = 8.0
"""With so much sound that cannot have been played yet, no further sentence is asked for."""

WAITS = (0.1, 0.2, 0.4)
"""Between attempts when the provider is busy: within a second, because a caller is waiting."""

PATIENCE_S = 1.0
BUSY = 503
LONGEST_S = 120.0
"""Of sound for one sentence. Whatever sends more is no voice."""

NO_SOUND = ("text/", "application/json", "application/xml", "application/problem")
"""Content types that must not be played: as sound they are a loud noise."""


class _Trouble(Exception):
    """A sentence that cannot be had. `code` is safe to log; `passing`: the same request may succeed in a moment."""

    def __init__(self, code: str, retry: bool, passing: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.retry = retry
        self.passing = passing


class _Answer:
    """The sound of one sentence as it arrives; None, or what went wrong, is its end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pieces: asyncio.Queue[bytes | _Trouble | None] = asyncio.Queue()
        self.bytes = 0

    def put(self, sound: bytes) -> None:
        self.bytes += len(sound)
        if self.bytes > LONGEST_S * 1000 * BYTES_PER_MS:
            raise _Trouble("endless", retry=True)
        self.pieces.put_nowait(sound)


class _Utterance:
    """One stretch of text on its way to sound."""

    def __init__(self, name: str, language: str) -> None:
        self.id = name
        self.over = False
        self.text = Sentences(language)
        self.sentences: asyncio.Queue[str | None] = asyncio.Queue()
        self.answers: asyncio.Queue[_Answer | None] = asyncio.Queue()
        self.room = asyncio.Semaphore(AT_ONCE)
        self.characters = 0  # whose sound has all been given on
        self.sound_bytes = 0
        self.plays_until = 0.0  # if it was played without a pause
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, sentences: list[str]) -> None:
        for sentence in sentences:
            self.sentences.put_nowait(sentence)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> set[asyncio.Task[None]]:
        """Nothing comes of it any more. The tasks that are still ending."""
        self.over = True
        for task in self._tasks:
            task.cancel()
        return set(self._tasks)


class HttpLink:
    """One voice of one call; see VoiceLink. `language`: of the text, for how its sentences end."""

    def __init__(
        self,
        dialect: HttpVoice,
        feed: Feed,
        lost: Lost,
        *,
        language: str = "",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._transport = transport  # where no network is meant to be
        self._dialect = dialect
        self._feed = feed
        self._lost = lost
        self._language = language
        self._client: httpx.AsyncClient | None = None
        self._asked_at = float("-inf")
        self._utterances: dict[str, _Utterance] = {}
        self._ended: set[str] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._closed = False

    async def open(self) -> None:
        """Have a connection stand before the first sentence. Harmless while it does."""
        if self._closed:
            return
        reason, retry = await self._warm()
        if reason and not self._closed and not self._utterances:
            self._lost(reason, retry)

    def take(self, command: VoiceCommand) -> None:
        """Say this, or stop saying it. Text for an utterance that is over is dropped."""
        if self._closed:
            return
        if isinstance(command, Speak):
            if utterance := self._utterance(command.utterance):
                utterance.put(utterance.text.take(command.text))
        elif isinstance(command, FinishSpeaking):
            if utterance := self._utterance(command.utterance):
                utterance.put(utterance.text.rest())
                utterance.sentences.put_nowait(None)
        else:
            self._over(command.utterance)

    def _utterance(self, name: str) -> _Utterance | None:
        if name not in self._utterances and name not in self._ended:
            utterance = self._utterances[name] = _Utterance(name, self._language)
            utterance.start(self._ask(utterance))
            utterance.start(self._give(utterance))
            if asyncio.get_running_loop().time() - self._asked_at > COLD_S:
                utterance.start(self._warm_again())
        return self._utterances.get(name)

    def _over(self, name: str) -> None:
        self._ended.add(name)
        utterance = self._utterances.pop(name, None)
        if utterance is not None:
            for task in utterance.stop():
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)

    # --- one utterance

    async def _ask(self, utterance: _Utterance) -> None:
        """Ask for its sentences, a little ahead of what plays."""
        clock = asyncio.get_running_loop().time
        while (sentence := await utterance.sentences.get()) is not None:
            await utterance.room.acquire()
            while (early := utterance.plays_until - AHEAD_S - clock()) > 0:  # noqa: ASYNC110  time is what is waited for
                await asyncio.sleep(early)
            answer = _Answer(sentence)
            utterance.answers.put_nowait(answer)
            utterance.start(self._fetch(answer))
        utterance.answers.put_nowait(None)

    async def _give(self, utterance: _Utterance) -> None:
        """Hand its sound on, sentence after sentence."""
        while (answer := await utterance.answers.get()) is not None:
            while (piece := await answer.pieces.get()) is not None:
                if isinstance(piece, _Trouble):
                    self._end(utterance, VoiceFailed(utterance.id, piece.code, piece.retry))
                    return
                self._sound(utterance, piece)
                if utterance.over:
                    return
            utterance.room.release()
            utterance.characters += len(answer.text)
            self._feed(VoiceTimed(utterance.id, ((utterance.characters, utterance.sound_bytes / BYTES_PER_MS),)))
            if utterance.over:
                return
        self._end(utterance, VoiceDone(utterance.id))

    def _sound(self, utterance: _Utterance, sound: bytes) -> None:
        now = asyncio.get_running_loop().time()
        utterance.sound_bytes += len(sound)
        utterance.plays_until = max(utterance.plays_until, now) + len(sound) / BYTES_PER_MS / 1000
        self._feed(VoiceAudio(utterance.id, sound))

    def _end(self, utterance: _Utterance, event: VoiceDone | VoiceFailed) -> None:
        self._over(utterance.id)
        self._feed(event)

    # --- one sentence

    async def _fetch(self, answer: _Answer) -> None:
        """Get the sound of a sentence into its answer; one without a letter or a figure has none."""
        end: _Trouble | None = None
        try:
            if any(character.isalnum() for character in answer.text):
                await self._try(answer)
        except _Trouble as trouble:
            end = trouble
        except Exception as error:
            logger.exception("A sentence could not be asked for")
            end = _Trouble(type(error).__name__, retry=True)
        answer.pieces.put_nowait(end)

    async def _try(self, answer: _Answer) -> None:
        """Ask until it is answered, for as long as a caller can be kept waiting. Raises _Trouble."""
        clock = asyncio.get_running_loop().time
        until = clock() + PATIENCE_S
        for wait in (*WAITS, None):
            try:
                await self._once(answer)
                return
            except _Trouble as trouble:
                if answer.bytes or not trouble.passing or wait is None or clock() + wait > until:
                    raise
                await asyncio.sleep(wait)

    async def _once(self, answer: _Answer) -> None:
        request, sound = self._dialect.request(answer.text.strip()), self._dialect.sound()
        self._asked_at = asyncio.get_running_loop().time()
        try:
            async with self._http(request.url).stream(
                request.method, request.url, headers=request.headers, json=request.json
            ) as response:
                status = response.status_code
                if status != httpx.codes.OK:
                    raise _Trouble(*self._dialect.refusal(status), passing=status == BUSY)
                if response.headers.get("content-type", "").lower().startswith(NO_SOUND):
                    raise _Trouble("no sound but text", retry=True)
                async for chunk in response.aiter_bytes():
                    if piece := sound.take(chunk):
                        answer.put(piece)
        except httpx.HTTPError as error:
            # Only the type: the exception has the request with it, and that has the key.
            slow = isinstance(error, httpx.TimeoutException)
            raise _Trouble(type(error).__name__, retry=True, passing=not slow) from None
        except httpx.InvalidURL:
            raise _Trouble("the address is not one of the web", retry=False) from None
        if not answer.bytes:
            raise _Trouble("no sound", retry=True, passing=True)

    # --- the connection

    def _http(self, url: str) -> httpx.AsyncClient:
        if self._client is None:
            secure = url.startswith("https:")
            self._client = httpx.AsyncClient(
                transport=self._transport,
                verify=_trusted() if secure else False,
                trust_env=secure,  # no proxy between us and a stand-in
                timeout=TIMEOUTS,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=4, keepalive_expiry=KEPT_S),
                headers={"accept-encoding": "identity"},
            )
        return self._client

    async def _warm(self) -> tuple[str, bool]:
        """Make a connection, and keep it for the next request. (what was wrong, whether to try again); empty: nothing was."""
        url = self._dialect.request("").url
        try:
            self._asked_at = asyncio.get_running_loop().time()
            # Whatever the answer: it is about a page, and the connection stands.
            await self._http(url).head(httpx.URL(url).copy_with(raw_path=b"/"))
        except httpx.HTTPError as error:
            return type(error).__name__, not isinstance(error, httpx.UnsupportedProtocol)
        except httpx.InvalidURL:
            return "the address is not one of the web", False
        return "", False

    async def _warm_again(self) -> None:
        await self._warm()

    async def close(self) -> None:
        """Leave the provider, within a second. No event comes after it. Harmless twice."""
        self._closed = True
        for name in list(self._utterances):
            self._over(name)
        if self._ending:
            await asyncio.wait(self._ending, timeout=1)
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.aclose(), 1)


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted: reading them takes some 20 ms, so once for all calls."""
    return httpx.create_ssl_context()
