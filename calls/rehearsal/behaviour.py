"""How the rehearsal model behaves, well or badly: what a test or a trial may want of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The defaults are what recordings of the real service show."""

    first_words_s: float = 0.2  # from response.created to the item and its first words
    first_audio_s: float = 0.4  # from response.created to the first sound
    delta_ms: int = 251  # some 2,000 bytes of mu-law; not a multiple of 20 ms
    pace: float = 10.0  # times real time
    late_deltas: int = 1  # that are in flight when a cancel arrives
    cancel_s: float = 0.02  # from a cancel, or its last late delta, to response.done
    items: int = 1  # a reply is spoken in this many items, as far as it has sentences
    transcript_s: float = 0.3  # from the end of the caller's speech to its transcription
    heard: tuple[str, ...] = ()  # what the caller's turns say, handed over by whoever plays the caller
    word_ms: int = 300  # of the caller's speech for each of these words that is known before its end

    drop_after_s: float | None = None  # the socket ends
    drop_code: int | None = None  # with this close code; None: it breaks without one
    refuse_status: int | None = None  # the handshake is answered with this HTTP status
    deaf: bool = False  # never notices speech
    mute: bool = False  # accepts response.create and says nothing
    echo_threshold: float | None = None  # what the echo of the session says instead of what was asked
    update_error: str | None = None  # every session.update is refused with this code
    reply_error: str | None = None  # every reply fails with this code
    session_s: float = 3600.0

    def __post_init__(self) -> None:
        if min(self.delta_ms, self.word_ms, self.items) < 1 or self.pace <= 0:
            raise ValueError("delta_ms, word_ms and items start at 1, pace is above 0")

    @classmethod
    def parse(cls, settings: list[str]) -> Behaviour:
        """From `name=value` texts, as on a command line. Raises ValueError with what is wrong."""
        made: dict[str, Any] = {}
        kinds = {field.name: str(field.type) for field in dataclasses.fields(cls)}
        for setting in settings:
            name, equals, value = setting.partition("=")
            if name not in kinds or not equals:
                raise ValueError(f"{setting!r} is not one of {', '.join(f'{known}=…' for known in kinds)}")
            try:
                made[name] = _read(kinds[name], value)
            except ValueError:
                raise ValueError(f"{name} takes {kinds[name]}, not {value!r}") from None
        return cls(**made)


def _read(kind: str, value: str) -> Any:
    """A text as a field of this kind. Tuples are divided by a bar."""
    if kind == "bool":
        if value not in ("true", "false"):
            raise ValueError(value)
        return value == "true"
    if kind.startswith("tuple"):
        return tuple(value.split("|"))
    for of, read in (("float", float), ("int", int), ("str", str)):
        if kind.startswith(of):
            return read(value)
    raise ValueError(value)
