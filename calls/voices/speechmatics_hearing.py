"""Speechmatics' real-time speech to text, version 2: their ear in place of the model's. Both directions, pure.

Facts are from their API reference, their SDK and its recorded sessions. The service sends *partials*, each of which replaces the
one before, and *finals*, which stay; both often without a word. It has no event for the start of speech: the first words are it.
An end of utterance comes after the final of its last words, once for each silence.

What is not in the reference and happens all the same, each of which a caller would notice:

- Words that were never final when their utterance ended are said with it; their final, when it comes, says nothing new.
- A final that comes after the end of its utterance holds words that somebody said: they are a turn of their own, ended at once.
- Words that were announced and taken back: no end of utterance has to follow, so the turn ends when the silence is over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from calls.conversation import commands as c
from calls.conversation import events as e

from .hearing import HearingCommand
from .options import option

Json = dict[str, Any]

SHORTEST_DELAY, LONGEST_DELAY = 0.7, 4.0
LONGEST_SILENCE = 2.0
"""Seconds, as the service takes them."""

MOST_WORDS = 1000
"""Of the additional vocabulary: more are refused."""

LANGUAGES = {"zh": "cmn", "nb": "no", "nn": "no", "iw": "he"}
"""What the service calls differently."""

RETRYABLE = frozenset({"quota_exceeded", "job_error", "unknown_error", "idle_timeout", "session_timeout"})
"""Errors after which another session can hope for better. A quota is of sessions at the same time: one may have ended."""

FINAL_CODES = frozenset({1003, 1008, 4001, 4003, 4004, 4006})
"""Close codes after which it cannot: unreadable, against the rules, not authorised, not allowed, no such model, no time left."""

_NOTHING: Sequence[e.Event] = ()


@dataclass(frozen=True, slots=True)
class SpeechmaticsHearingOptions:
    model: str = option(
        "Accuracy",
        "How carefully it listens. Standard is quicker and cheaper, and mishears names and accents more often.",
        default="enhanced",
        choices=(("enhanced", "Enhanced"), ("standard", "Standard")),
    )
    max_delay: float = option(
        "Longest wait for words",
        "Seconds until what was said is final. With less the agent answers sooner and mishears more. It is never below the silence "
        "that ends the caller's turn.",
        default=SHORTEST_DELAY,
        least=SHORTEST_DELAY,
        most=LONGEST_DELAY,
    )
    vocabulary: str = option(
        "Names and rare words",
        "Words that callers say and that it would not know, with commas between. How one sounds stands behind an equals sign: "
        "Siobhan = shivawn, Nguyen = win.",
        default="",
    )
    quietest: float = option(
        "Ignore quieter speech",
        "Speech below this loudness is not heard: other people in the room, a television. 0 hears everything, 100 nothing; "
        "try 3 first.",
        default=0.0,
        least=0.0,
        most=100.0,
    )


@dataclass(frozen=True, slots=True)
class Word:
    """As the service tells it. `attaches`: "previous", "next" or "both" for marks without a space there."""

    text: str
    begins_ms: int
    ends_ms: int
    attaches: str = ""
    spoken: bool = True


class SpeechmaticsHearing:
    """One socket's dialect: it collects the words of a turn."""

    slug = "speechmatics"
    label = "Speechmatics"
    Options = SpeechmaticsHearingOptions
    key_variable = "SPEECHMATICS_API_KEY"
    url_variable = "SPEECHMATICS_RT_URL"
    service_url = "wss://eu2.rt.speechmatics.com/v2"
    stand_in = "calls.rehearsal.voices.speechmatics.SpeechmaticsStandIn"

    def __init__(
        self,
        options: SpeechmaticsHearingOptions,
        *,
        url: str,
        api_key: str,
        language: str = "",
        silence_ms: int = 500,
    ) -> None:
        self._options = options
        self._url = url
        self._api_key = api_key
        self._language = language
        self._silence_ms = silence_ms
        self._session = secrets.token_hex(6)  # a call may need several sockets, and no id may come twice
        self._ready = False
        self._space = " "
        self._frames = self._sent_bytes = 0
        self._turns = 0
        self._turn = ""
        self._finals: list[Word] = []
        self._partial: list[Word] = []
        self._told = ""  # what was last said of the turn
        self._last_ms = 0  # where its last word ends, taken back or not
        self._known_until_ms = 0  # up to here words were said in a turn that is over
        self._over_ms = 0  # where the last end of utterance was

    # --- opening

    def url(self) -> str:
        return self._url

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def _patience(self) -> Json:
        """How long it waits for the end of a turn, and for more before a word is final."""
        silence = min(max(self._silence_ms / 1000, 0.1), LONGEST_SILENCE)  # 0 would turn it off
        # The reference wants the silence below the delay.
        delay = min(max(self._options.max_delay, silence + 0.1), LONGEST_DELAY)
        return {
            "max_delay": round(delay, 2),
            "max_delay_mode": "flexible",
            "conversation_config": {"end_of_utterance_silence_trigger": round(silence, 2)},
        }

    def opening(self) -> Sequence[str]:
        options = self._options
        language, _, place = self._language.replace("_", "-").partition("-")
        code = language.lower() or "en"
        config: Json = {
            "language": LANGUAGES.get(code, code),
            "model": options.model,
            "enable_partials": True,
            **self._patience(),
        }
        if code == "en" and place:
            config["output_locale"] = f"en-{place.upper()}"
        if words := vocabulary(options.vocabulary):
            config["additional_vocab"] = words
        if options.quietest:
            config["audio_filtering_config"] = {"volume_threshold": options.quietest}
        sound = {"type": "raw", "encoding": "mulaw", "sample_rate": 8000}
        return [_json({"message": "StartRecognition", "audio_format": sound, "transcription_config": config})]

    def may_retry(self, close_code: int | None, http_status: int | None) -> bool:
        if http_status is not None:
            return http_status == 429 or http_status >= 500
        return close_code not in FINAL_CODES

    # --- to the ear

    def write(self, command: HearingCommand) -> Sequence[str | bytes]:
        if not self._ready:
            return ()  # sound before the answer to our opening is an error that ends the session
        if isinstance(command, c.SendToHearing):
            if not command.audio:
                return ()
            self._frames += 1
            self._sent_bytes += len(command.audio)
            return (command.audio,)
        if isinstance(command, c.ConfigureHearing):
            self._silence_ms = command.silence_ms
            return (_json({"message": "SetRecognitionConfig", "transcription_config": self._patience()}),)
        return (_json({"message": "ForceEndOfUtterance", "timestamp": self._sent_bytes / e.BYTES_PER_MS / 1000}),)

    def closing(self) -> Sequence[str]:
        return (_json({"message": "EndOfStream", "last_seq_no": self._frames}),) if self._ready else ()

    # --- from the ear

    def parse(self, text: str | bytes) -> Sequence[e.Event]:
        try:
            message = orjson.loads(text)
            read = READERS.get(message["message"])
            return read(self, message) if read is not None else _NOTHING
        except orjson.JSONDecodeError:
            return (e.BadMessage("hearing", "not JSON"),)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError):
            return (e.BadMessage("hearing", "fields missing or of the wrong type"),)

    def _started(self, m: Json) -> Sequence[e.Event]:
        if self._ready:
            return _NOTHING
        delimiter = (m.get("language_pack_info") or {}).get("word_delimiter", " ")
        self._space = delimiter if isinstance(delimiter, str) else " "
        self._ready = True
        return (e.HearingReady(),)

    def _error(self, m: Json) -> Sequence[e.Event]:
        kind = m.get("type")
        # The type is one of a list; the reason is free text and stays out of the record.
        reason = (
            kind if isinstance(kind, str) and kind.replace("_", "").isalpha() and len(kind) < 40 else "unknown_error"
        )
        return (e.HearingLost(reason, reason in RETRYABLE),)

    def _heard_partial(self, m: Json) -> Sequence[e.Event]:
        self._partial = self._new(_words(m))
        return self._say()

    def _heard_final(self, m: Json) -> Sequence[e.Event]:
        words, until_ms = _words(m), _ms(m["metadata"]["end_time"])
        fresh = self._new(words)
        self._finals += fresh
        final_ms = max([until_ms, *(word.ends_ms for word in words)])
        self._partial = [word for word in self._partial if word.begins_ms >= final_ms]
        events = [*self._say()]
        if self._turn and not self._partial:
            late = _spoken(self._finals) and self._last_ms <= self._over_ms
            taken_back = not _spoken(self._finals) and until_ms >= self._last_ms + self._silence_ms
            if late or taken_back:
                events += self._end()
        return events

    def _ended(self, m: Json) -> Sequence[e.Event]:
        # Whatever else is wrong with it: a turn that never ends is worse.
        time = (m.get("metadata") or {}).get("end_time")
        until_ms = _ms(time) if time is not None else self._last_ms
        self._over_ms = max(self._over_ms, until_ms)
        if not self._turn:
            return _NOTHING
        after: list[Word] = []
        if any(word.begins_ms < until_ms for word in (*self._finals, *self._partial)):
            # What begins later belongs to the next utterance.
            after = [word for word in self._partial if word.begins_ms >= until_ms]
            self._partial = [word for word in self._partial if word.begins_ms < until_ms]
        events = [*self._end()]
        self._partial = after
        return [*events, *self._say()]

    def _new(self, words: list[Word]) -> list[Word]:
        """Without those of a turn that is over. Times of a word move a little when it is looked at again, so its middle counts."""
        return [word for word in words if word.begins_ms + word.ends_ms > 2 * self._known_until_ms]

    def _say(self) -> Sequence[e.Event]:
        """What is to be told of the words so far."""
        words = [*self._finals, *self._partial]
        events: list[e.Event] = []
        if not self._turn:
            if not _spoken(words):
                self._finals.clear()  # a mark that came too late
                return _NOTHING
            self._turns += 1
            self._turn = f"heard_{self._session}_{self._turns}"
            events.append(e.SpeechStarted(self._turn, next(word.begins_ms for word in words if word.spoken)))
        self._last_ms = max([self._last_ms, *(word.ends_ms for word in words)])
        text = _joined(words, self._space)
        if text != self._told:
            self._told = text
            events.append(e.EarlyWords(self._turn, text))
        return events

    def _end(self) -> Sequence[e.Event]:
        """The turn is over, with the words that it has."""
        words = [*self._finals, *self._partial]
        ends_ms = max((word.ends_ms for word in words), default=self._last_ms)
        item_id, text = self._turn, _joined(words, self._space) if _spoken(words) else ""
        if words:
            self._known_until_ms = max(self._known_until_ms, ends_ms)
        self._finals, self._partial = [], []
        self._turn, self._told, self._last_ms = "", "", 0
        return (
            e.CallerTranscript(item_id, text),
            e.SpeechStopped(item_id, ends_ms + self._silence_ms),
            e.InputCommitted(item_id),
        )


def vocabulary(text: str) -> list[Json]:
    """Words with commas or lines between them, each with how it sounds behind an equals sign if need be, as the service wants."""
    entries: list[Json] = []
    for part in text.replace("\n", ",").split(","):
        word, _, sounds = (piece.strip() for piece in part.partition("="))
        if word:
            entries.append({"content": word, "sounds_like": [sounds]} if sounds else {"content": word})
    return entries[:MOST_WORDS]


def _words(m: Json) -> list[Word]:
    """Of a partial or a final. Punctuation has the time of the word before it."""
    words = []
    for result in m["results"]:
        best = result["alternatives"][0]["content"]
        if not isinstance(best, str):
            raise TypeError("content")
        kind, attaches = result["type"], result.get("attaches_to") or ""
        begins_ms = _ms(result["start_time"])
        ends_ms = max(begins_ms, _ms(result["end_time"]))
        words.append(Word(best, begins_ms, ends_ms, str(attaches), kind != "punctuation"))
    about = m["metadata"]
    told = about["transcript"].strip()
    if told and not words:
        words.append(Word(told, _ms(about["start_time"]), _ms(about["end_time"])))
    return words


def _spoken(words: Sequence[Word]) -> bool:
    return any(word.spoken for word in words)


def _joined(words: Sequence[Word], space: str) -> str:
    """The transcripts of finals, joined, would have a space before each mark that came in a final of its own."""
    text, close = "", True
    for word in words:
        if not close and word.attaches not in ("previous", "both"):
            text += space
        text += word.text
        close = word.attaches in ("next", "both")
    return text


def _ms(seconds: Any) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError("time")
    return max(0, round(seconds * 1000))


def _json(message: Json) -> str:
    return orjson.dumps(message).decode()


READERS: dict[str, Callable[[SpeechmaticsHearing, Json], Sequence[e.Event]]] = {
    "RecognitionStarted": SpeechmaticsHearing._started,
    "AddPartialTranscript": SpeechmaticsHearing._heard_partial,
    "AddTranscript": SpeechmaticsHearing._heard_final,
    "EndOfUtterance": SpeechmaticsHearing._ended,
    "Error": SpeechmaticsHearing._error,
}
