"""Labelled recordings as scenes: which sound the caller makes, what the agent is saying, what ought to happen.

A folder holds WAV files, a `manifest.json` that describes each file and the conversations made of pairs of them, and maybe a
`scenarios.json` of mixed scenes. The format is described in the README of our development set. Anything may be missing: what
cannot be used is left out, and why is in `Folder.skipped`. Times of the labels are milliseconds from the start of a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from calls.scoring.echo import EchoPath

INTERRUPTION, BACKCHANNEL, OVERLAP = "interruption", "backchannel", "overlap"
NOISE, SILENCE, PAUSE, TURN_END = "noise", "silence", "pause", "turn_end"

ECHO, OVER_ECHO = "echo", "speech_over_echo"
BEFORE_REPLY = {
    INTERRUPTION: "speech_before_a_reply",
    BACKCHANNEL: "backchannel_before_a_reply",
    NOISE: "noise_before_a_reply",
}
AT_END = {
    INTERRUPTION: "speech_at_the_end_of_a_reply",
    BACKCHANNEL: "backchannel_at_the_end_of_a_reply",
    NOISE: "noise_at_the_end_of_a_reply",
}
"""Kinds that are made of others, by what the caller's sound is."""

GROUPS = {
    "interruptions": (INTERRUPTION,),
    "backchannels": (BACKCHANNEL, OVERLAP),
    "noises": (NOISE,),
    "silences": (SILENCE,),
    "pauses": (PAUSE, TURN_END),
    "echoes": (ECHO, OVER_ECHO),
    "requests": tuple(BEFORE_REPLY.values()),
    "ends": tuple(AT_END.values()),
}
"""What can be asked for by name, and the kinds of scenes that are in it."""

_OVER_AGENT = {"interruption": INTERRUPTION, "backchannel": BACKCHANNEL, "overlap_no_take": OVERLAP}
_IN_A_TURN = {"pause": PAUSE, "turn_end": TURN_END}
_MIXED = {"interruption": INTERRUPTION, "backchannel": BACKCHANNEL, "false_trigger": NOISE, "overlap_no_take": OVERLAP}

NOISE_AT_MS = 3000
"""How far into a reply a noise is laid."""

NOISE_MS = 10_000
"""Of a long noise, such as music on hold, only so much is used."""

Span = tuple[int, int]


class NoScenes(Exception):
    """A folder that cannot be read at all; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One file, one speaker, and what its labels say. `ignore`: nobody should be scored on these."""

    path: Path
    file: str
    duration_ms: int
    segments: tuple[Span, ...] = ()
    ignore: tuple[Span, ...] = ()
    words: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing to try. `start_ms` and `end_ms` are the labelled event on the clock of the caller's file.

    Without an agent's channel the agent is silent, and the caller's turn is what matters. `offset_ms`: when the caller's file
    begins, counted from the first sound of the agent's, in the scenes that prescribe it.
    """

    id: str
    kind: str
    part: str  # conversation | mixed | noise | silence | single | echo
    caller: Channel
    start_ms: int
    end_ms: int
    agent: Channel | None = None
    offset_ms: int = 0
    text: str = ""
    label: str = ""  # of a noise
    in_pause: bool = False  # a backchannel that fell into a gap of the other
    line: Channel | None = None  # the open line under a noise
    of: Scene | None = None  # whose sounds these are, in another place
    echo: EchoPath | None = None  # the agent's sound comes back
    left_ms: int = 0  # of the reply, when the event begins in its last moments

    @property
    def says(self) -> str:
        """What is heard of the caller, in words."""
        return self.text or self.label


@dataclass(slots=True)
class Folder:
    """All scenes of a folder, and what could not be used of it."""

    path: Path
    scenes: list[Scene] = field(default_factory=list)
    prompts: list[Channel] = field(default_factory=list)  # of an agent
    skipped: list[str] = field(default_factory=list)


def read(path: Path) -> Folder:
    """The scenes of a folder, in the order of its lists. Raises NoScenes."""
    if not path.is_dir():
        raise NoScenes(f"{path} is no folder.")
    folder = Folder(path)
    manifest = _json(path / "manifest.json")
    if manifest is None and not (path / "scenarios.json").exists():
        raise NoScenes(f"{path} holds neither manifest.json nor scenarios.json: it is no folder of labelled scenes.")
    files = _Files(path, folder.skipped)
    manifest = manifest or {}
    for entry in _list(manifest, "files", folder.skipped):
        files.know(entry)
    prompts, lines = files.of_kind("agent prompt"), files.of_kind("silence")
    folder.prompts = prompts
    for conversation in _list(manifest, "conversations", folder.skipped):
        folder.scenes += _safely(_conversation(conversation, files), folder.skipped, conversation)
    for scenario in _list(_json(path / "scenarios.json") or {}, "scenarios", folder.skipped):
        folder.scenes += _safely(_mixed(scenario, files), folder.skipped, scenario)
    for number, entry in enumerate(files.entries("noise")):
        folder.scenes += _safely(_noise(entry, files, prompts, lines, number), folder.skipped, entry)
    for number, entry in enumerate(files.entries("silence")):
        folder.scenes += _safely(_silence(entry, files, prompts, number), folder.skipped, entry)
    for entry in files.entries("single speaker"):
        folder.scenes += _safely(_single(entry, files), folder.skipped, entry)
    folder.scenes = _with_ids_of_their_own(folder.scenes)
    return folder


class _Files:
    """The files that the manifest describes, as far as they exist."""

    def __init__(self, root: Path, skipped: list[str]) -> None:
        self._root = root
        self._entries: dict[str, dict[str, Any]] = {}
        self._skipped = skipped

    def know(self, entry: dict[str, Any]) -> None:
        name = entry.get("file")
        if isinstance(name, str):
            self._entries[name] = entry
        else:
            self._skipped.append("manifest.json: a file without a name")

    def entries(self, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self._entries.values() if entry.get("kind") == kind]

    def of_kind(self, kind: str) -> list[Channel]:
        """The channels of a kind; a missing one is told of when a scene needs it."""
        return [self._channel(e["file"]) for e in self.entries(kind) if (self._root / e["file"]).is_file()]

    def find(self, name: object) -> Channel | None:
        """A channel by its name in the lists, or None, and why."""
        try:
            return self.get(name)
        except _Unusable as why:
            self._skipped.append(str(why))
            return None

    def get(self, name: object) -> Channel:
        """A channel by its name in the lists. Raises _Unusable."""
        if not isinstance(name, str):
            raise _Unusable("no file is named")
        if not (self._root / name).is_file():
            raise _Unusable(f"the file {name} is missing")
        return self._channel(name)

    def _channel(self, name: str) -> Channel:
        entry = self._entries.get(name, {})
        return Channel(
            path=self._root / name,
            file=name,
            duration_ms=int(entry.get("duration_ms") or 0),
            segments=_spans(entry.get("segments")),
            ignore=_spans(entry.get("ignore")),
            words=tuple((int(a), int(b), str(word)) for a, b, word in entry.get("words") or ()),
        )


class _Unusable(Exception):
    """An entry that no scene can be made of."""


def _safely(scenes: Iterator[Scene], skipped: list[str], entry: dict[str, Any]) -> list[Scene]:
    """What can be made of an entry; what is wrong with it is told, and the rest goes on."""
    made: list[Scene] = []
    name = entry.get("id") or entry.get("file") or "an entry"
    try:
        made.extend(scenes)
    except _Unusable as why:
        skipped.append(f"{name}: {why}")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        skipped.append(f"{name}: fields missing or of the wrong type ({type(error).__name__} {error})")
    return made


def _conversation(entry: dict[str, Any], files: _Files) -> Iterator[Scene]:
    """A scene for each event, the channels swapped where the one who stands for the caller is on the agent's."""
    channels = {side: files.find(entry["channels"].get(side)) for side in ("caller", "agent")}
    numbers: dict[str, int] = {}
    for event in entry.get("events") or ():
        kind = {**_OVER_AGENT, **_IN_A_TURN}.get(str(event.get("type")))
        by = event.get("by")
        if kind is None or by not in channels:
            continue
        numbers[kind] = numbers.get(kind, 0) + 1
        start_ms, end_ms = int(event["start_ms"]), int(event.get("end_ms", event["start_ms"]))
        if kind == PAUSE and event.get("cut_at_window_end"):
            continue  # how it goes on is not in the file
        caller, agent = channels[by], channels["caller" if by == "agent" else "agent"]
        if kind in _IN_A_TURN.values():
            agent = None
        elif agent is None:
            continue
        if caller is None:
            continue
        yield Scene(
            id=f"{entry['id']}/{kind}-{numbers[kind]}",
            kind=kind,
            part="conversation",
            caller=caller,
            agent=agent,
            start_ms=start_ms,
            end_ms=max(start_ms, end_ms),
            text=str(event.get("text") or ""),
            in_pause=bool(event.get("in_pause")),
        )


def _mixed(entry: dict[str, Any], files: _Files) -> Iterator[Scene]:
    """Scenes that are laid out already: both files are played as they are."""
    agent, caller = files.get(entry["agent"].get("file")), files.get(entry["caller"].get("file"))
    offset_ms = int(entry["caller"].get("start_ms", 0)) - int(entry["agent"].get("start_ms", 0))
    for number, event in enumerate(entry["events"], 1):
        kind = _MIXED.get(str(event.get("type") or entry.get("kind")))
        if kind is None:
            continue
        start_ms, end_ms = int(event["start_ms"]) - offset_ms, int(event["end_ms"]) - offset_ms
        if not caller.segments:
            caller = replace(caller, segments=((start_ms, end_ms),))
        yield Scene(
            id=str(entry["id"]) if number == 1 else f"{entry['id']}/{number}",
            kind=kind,
            part="mixed",
            caller=caller,
            agent=agent,
            start_ms=start_ms,
            end_ms=end_ms,
            offset_ms=offset_ms,
            text=str(event.get("text") or ""),
            label=str(event.get("label") or ""),
        )


def _noise(
    entry: dict[str, Any], files: _Files, prompts: list[Channel], lines: list[Channel], number: int
) -> Iterator[Scene]:
    channel = files.get(entry["file"])
    yield Scene(
        id=Path(channel.file).with_suffix("").as_posix(),
        kind=NOISE,
        part="noise",
        caller=channel,
        agent=_one_of(prompts, number),
        line=_one_of(lines, number) if lines else None,
        start_ms=0,
        end_ms=min(channel.duration_ms or NOISE_MS, NOISE_MS),
        offset_ms=NOISE_AT_MS,
        label=str(entry.get("label") or ""),
    )


def _silence(entry: dict[str, Any], files: _Files, prompts: list[Channel], number: int) -> Iterator[Scene]:
    channel = files.get(entry["file"])
    yield Scene(
        id=Path(channel.file).with_suffix("").as_posix(),
        kind=SILENCE,
        part="silence",
        caller=channel,
        agent=_one_of(prompts, number),
        start_ms=0,
        end_ms=channel.duration_ms,
        label=str(entry.get("label") or ""),
    )


def _single(entry: dict[str, Any], files: _Files) -> Iterator[Scene]:
    channel = files.get(entry["file"])
    for number, pause in enumerate(entry.get("pauses") or (), 1):
        yield Scene(
            id=f"{Path(channel.file).with_suffix('').as_posix()}/pause-{number}",
            kind=PAUSE,
            part="single",
            caller=channel,
            start_ms=int(pause[0]),
            end_ms=int(pause[1]),
        )


NO_PROMPT = Channel(Path(), "", 0)
"""Stands for a reply of our own making, in a folder without prompts of an agent."""


def _one_of(channels: list[Channel], number: int) -> Channel:
    return channels[number % len(channels)] if channels else NO_PROMPT


def _with_ids_of_their_own(scenes: Iterable[Scene]) -> list[Scene]:
    """No two scenes with one id, whatever the lists say."""
    seen: dict[str, int] = {}
    made = []
    for scene in scenes:
        seen[scene.id] = seen.get(scene.id, 0) + 1
        made.append(replace(scene, id=f"{scene.id}~{seen[scene.id]}") if seen[scene.id] > 1 else scene)
    return made


def _spans(given: Any) -> tuple[Span, ...]:
    return tuple(sorted((int(span[0]), int(span[1])) for span in given or ()))


def _list(data: Any, name: str, skipped: list[str]) -> list[dict[str, Any]]:
    """A list of objects; what else stands in it is told of."""
    entries = data.get(name) if isinstance(data, dict) else None
    if entries is None:
        return []
    if not isinstance(entries, list):
        skipped.append(f"{name}: not a list")
        return []
    wrong = sum(not isinstance(entry, dict) for entry in entries)
    if wrong:
        skipped.append(f"{name}: {wrong} entries that are no objects")
    return [entry for entry in entries if isinstance(entry, dict)]


def _json(path: Path) -> dict[str, Any] | None:
    """A JSON file; None when it does not exist. Raises NoScenes."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, ValueError, TypeError) as error:
        raise NoScenes(f"{path} cannot be read: {error}") from None
