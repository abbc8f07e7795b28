"""The rehearsal model's voice: eSpeak NG, a GPL-3 library that is loaded at run time from the espeakng-loader package."""

from __future__ import annotations

import bisect
import ctypes
import functools
import itertools
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass

import espeakng_loader

from calls import audio
from calls.rehearsal import sound

_SYNCHRONOUS = 2
_UTF8 = 1
_RATE_PARAMETER = 1
_WORD = 1
_END = 0
_SLOWEST, _FASTEST = 80, 450  # words a minute that the library takes
WORDS_PER_MINUTE = 165
VARIANTS = {
    "alloy": "+m3",
    "ash": "+m1",
    "ballad": "+m4",
    "coral": "+f2",
    "echo": "+m5",
    "sage": "+f3",
    "shimmer": "+f4",
    "verse": "+m7",
    "marin": "",
    "cedar": "+m2",
}
"""Each voice of the service is another variant, so that a change of the setting is heard. They do not sound alike."""

PAUSE_MS = 250
"""Between sentences, which are spoken one by one: then each needs to be made only once."""

_SENTENCE = re.compile(r"(?<=[.!?…])[”\"')]*\s+")
_LOCK = threading.Lock()  # the library is one global machine


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h. Positions of text count characters from 1, those of sound are milliseconds."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class VoiceUnavailable(RuntimeError):
    """The library cannot be loaded; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, with the space that follows it, and when it begins to sound."""

    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Speech:
    """Spoken text: `audio` in the format asked for, and its words; together they are the text."""

    audio: bytes
    words: tuple[Word, ...]


@functools.cache
def _library() -> tuple[ctypes.CDLL, int]:
    """The library and its rate in Hz."""
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise VoiceUnavailable(f"The rehearsal voice cannot be loaded: {error}. Reinstall espeakng-loader.") from error
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        raise VoiceUnavailable("The rehearsal voice found no data. Reinstall espeakng-loader.")
    return library, rate


def speak(text: str, kind: str = "audio/pcmu", *, voice: str = "marin", speed: float = 1.0) -> Speech:
    """Speech in a format of the protocol. Raises VoiceUnavailable. Some 200 times faster than real time, known sentences
    at once."""
    rate = 24000 if kind == "audio/pcm" else audio.RATE
    per_minute = round(min(_FASTEST, max(_SLOWEST, WORDS_PER_MINUTE * speed)))
    pieces: list[bytes] = []
    words: list[Word] = []
    began_ms = 0
    for sentence in sentences(text):
        if pieces:
            pieces.append(b"\0\0" * (rate * PAUSE_MS // 1000))
            began_ms += PAUSE_MS
        pcm, times = _sentence(sentence, rate, per_minute, VARIANTS.get(voice, ""))
        pieces.append(pcm)
        words += [Word(spelled, began_ms + at_ms) for spelled, at_ms in zip(_words(sentence), times, strict=True)]
        began_ms += len(pcm) * 1000 // (2 * rate)
    return Speech(sound.encode(b"".join(pieces), kind), tuple(words))


def sentences(text: str) -> list[str]:
    """A text cut behind its sentences; put together they are the text, with its outer space gone."""
    text = text.strip()
    cuts = [0, *(match.end() for match in _SENTENCE.finditer(text)), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(cuts) if text[a:b]]


def prepare(texts: Iterable[str]) -> None:
    """Make the sentences of these texts now, so that no session waits for them. Raises VoiceUnavailable."""
    for text in texts:
        speak(text)


def _words(sentence: str) -> list[str]:
    return re.findall(r"\S+\s*", sentence)


@functools.lru_cache(maxsize=256)
def _sentence(text: str, rate: int, per_minute: int, variant: str) -> tuple[bytes, tuple[int, ...]]:
    """PCM at `rate`, and for each word when it begins (ms)."""
    pcm, own_rate, events = _synthesise(text, per_minute, variant)
    positions = [position for position, _ in events]
    times: list[int] = []
    at_ms, start = 0, 1
    for word in _words(text):
        event = bisect.bisect_left(positions, start)
        if event < len(events) and positions[event] < start + len(word):
            at_ms = max(at_ms, events[event][1])
        times.append(at_ms)
        start += len(word)
    return audio.resample(pcm, own_rate, rate), tuple(times)


def _synthesise(text: str, per_minute: int, variant: str) -> tuple[bytes, int, list[tuple[int, int]]]:
    """PCM, its rate, and (character from 1, ms) of each word that the library saw."""
    pieces: list[bytes] = []
    words: list[tuple[int, int]] = []

    def take(samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        if samples and count > 0:
            pieces.append(ctypes.string_at(samples, count * 2))
        index = 0
        while events and events[index].type != _END:
            if events[index].type == _WORD:
                words.append((events[index].text_position, events[index].audio_position))
            index += 1
        return 0

    callback = _CALLBACK(take)
    spoken = text.replace("\0", " ").encode("utf-8", "replace") + b"\0"
    with _LOCK:
        library, rate = _library()
        library.espeak_SetVoiceByName(f"en-us{variant}".encode())
        library.espeak_SetParameter(_RATE_PARAMETER, per_minute, 0)
        library.espeak_SetSynthCallback(callback)
        library.espeak_Synth(spoken, len(spoken), 0, 0, 0, _UTF8, None, None)
    return b"".join(pieces), rate, sorted(words)
