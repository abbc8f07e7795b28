"""The same sounds in other places: over the agent's own echo, before a reply's first sound, and in its last moments.

Each is made of a scene over the agent, which says what the caller's sound is; where it falls is ours. So these have no labels of
their own, and measure the beginning of a decision and not its manners.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from calls import audio
from calls.scoring import mixing, scenes
from calls.scoring.echo import PATHS
from calls.scoring.mixing import Laid
from calls.scoring.scenes import NO_PROMPT, Channel, Folder, Scene

ECHO_MS = 8000
"""Of a reply that only its echo speaks over."""

SHORT_MS = 4000
"""Noises longer than this are none that fall between a request and a reply, or into its last words."""

AFTER_REQUEST_MS = 100
"""From the request to the caller's sound: before a first sound can have come."""

LEFT_MS = (250, 500, 750)
"""Of the reply, when the caller's sound begins in its last moments; in turns."""


def of(folder: Folder) -> Iterator[Scene]:
    """Scenes in other places, of those of a folder."""
    if folder.scenes:
        yield from _echoes(folder.prompts or [NO_PROMPT])
    places = [scene for scene in folder.scenes if scene.kind in scenes.BEFORE_REPLY and _is_short(scene)]
    for number, scene in enumerate(s for s in folder.scenes if s.kind == scenes.INTERRUPTION):
        path = PATHS[number % len(PATHS)]
        yield replace(scene, id=f"{scene.id}/over-echo", kind=scenes.OVER_ECHO, of=scene, echo=path)
    for scene in places:
        yield replace(scene, id=f"{scene.id}/before-reply", kind=scenes.BEFORE_REPLY[scene.kind], of=scene)
    for number, scene in enumerate(places):
        left_ms = LEFT_MS[number % len(LEFT_MS)]
        yield replace(scene, id=f"{scene.id}/at-end", kind=scenes.AT_END[scene.kind], of=scene, left_ms=left_ms)


def _echoes(prompts: list[Channel]) -> Iterator[Scene]:
    """Each prompt back over each path, while the caller is silent."""
    for prompt in prompts:
        for number, path in enumerate(PATHS, 1):
            yield Scene(
                id=f"echo/{prompt.path.stem or 'reply'}-{number}",
                kind=scenes.ECHO,
                part="echo",
                caller=prompt,
                agent=prompt,
                start_ms=0,
                end_ms=ECHO_MS,
                label=f"echo over {path.name}",
                echo=path,
            )


def _is_short(scene: Scene) -> bool:
    return scene.kind != scenes.NOISE or scene.end_ms - scene.start_ms <= SHORT_MS


def lay(scene: Scene) -> Laid:
    """The sounds of any scene. Raises Unplayable."""
    if scene.kind == scenes.ECHO:
        return _echo(scene)
    if scene.of is None:
        return mixing.lay(scene)
    laid = mixing.lay(scene.of)
    if scene.kind == scenes.OVER_ECHO:
        return replace(laid, echo=scene.echo)
    return _before_reply(laid) if scene.kind in scenes.BEFORE_REPLY.values() else _at_end(laid, scene.left_ms)


def _echo(scene: Scene) -> Laid:
    length_ms = scene.end_ms + mixing.QUIET_AFTER_MS + 500
    return Laid(
        caller=audio.SILENCE * (length_ms * audio.BYTES_PER_MS),
        agent=mixing.prompt(scene, length_ms + mixing.AFTER_MS),
        line=b"",
        start_ms=0,
        end_ms=scene.end_ms,
        echo=scene.echo,
    )


def _before_reply(laid: Laid) -> Laid:
    """From shortly before the event on; the reply is what was being said at it."""
    cut_ms = laid.start_ms - AFTER_REQUEST_MS
    end_ms = min(laid.end_ms, laid.duration_ms) - cut_ms
    return replace(
        laid,
        caller=_until(laid, end_ms + cut_ms)[cut_ms * audio.BYTES_PER_MS :],
        agent=laid.agent[laid.start_ms * audio.BYTES_PER_MS :],
        start_ms=AFTER_REQUEST_MS,
        end_ms=end_ms,
        speech=tuple((a - cut_ms, b - cut_ms) for a, b in laid.speech if b > cut_ms),
        words=tuple((at - cut_ms, word) for at, word in laid.words if at > cut_ms),
        on_request=True,
    )


def _at_end(laid: Laid, left_ms: int) -> Laid:
    """The reply ends `left_ms` after the event has begun."""
    end_ms = min(laid.end_ms, laid.duration_ms)
    agent = laid.agent[: (laid.start_ms + left_ms) * audio.BYTES_PER_MS]
    return replace(laid, caller=_until(laid, end_ms), agent=agent, end_ms=end_ms)


def _until(laid: Laid, end_ms: int) -> bytes:
    """The caller's sound to its end, and the open line for as long as an answer is waited for."""
    line = laid.line or audio.SILENCE
    length = (end_ms + mixing.TAIL_MS) * audio.BYTES_PER_MS
    return (laid.caller + line * (length // len(line) + 1))[: max(length, len(laid.caller))]
