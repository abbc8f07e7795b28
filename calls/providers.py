"""The providers of one call, made from its agent's snapshot: the model's session, other voices beside it, and another ear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from calls.realtime.base import ModelSession
from calls.sockets import MakeConnection, Socket
from calls.voice_http import HttpLink
from calls.voice_links import Feed, Lost, SocketLink, VoiceLink
from calls.voice_outlet import Voice
from calls.voices import options
from calls.voices.hearing import HearingDialect

if TYPE_CHECKING:
    from agents.snapshot import AgentSnapshot  # which would load the models, where a scene is played without Django

Keys = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Network:
    """How providers are reached: as in a call, or where no network is meant to be."""

    connection: MakeConnection = Socket
    transport: httpx.AsyncBaseTransport | None = None


NETWORK = Network()


class Ear(NamedTuple):
    """Where it is, and what makes a dialect for each socket."""

    address: str
    dialect: Callable[[], HearingDialect]


def slugs(snapshot: AgentSnapshot) -> list[str]:
    """The providers whose keys a call needs."""
    return [chosen["provider"] for chosen in (*snapshot.voices, *filter(None, [snapshot.hearing]))]


def model_session(snapshot: AgentSnapshot, turn_detection: dict[str, Any] | None) -> ModelSession:
    """What a session with the speech model is configured with; `turn_detection` as it is in force."""
    return ModelSession(
        model=snapshot.model,
        instructions=snapshot.instructions,
        voice=snapshot.voice,
        turn_detection=turn_detection,
        transcription=snapshot.transcription,
        noise_reduction=snapshot.noise_reduction,
        speed=snapshot.speed,
        as_text=bool(snapshot.voices),
    )


def voices(snapshot: AgentSnapshot, keys: Keys) -> list[Voice]:
    """The agent's voices in the order of their use, each with what makes its link."""
    return [
        voice(chosen["provider"], chosen["options"], keys.get(chosen["provider"], ""), snapshot.language)
        for chosen in snapshot.voices
    ]


def voice(slug: str, values: Mapping[str, Any], key: str, language: str = "", network: Network = NETWORK) -> Voice:
    """One voice. Options that are not valid any more fall back to their defaults: a call goes on with what can be had."""
    from voiceplatform import registry  # needs Django, without which scenes are played that have no providers

    kind = registry.load("VOICES", slug)
    url = registry.address("VOICES", slug, key=key)
    chosen = _options(kind.Options, values)

    def dialect() -> Any:
        return kind(chosen, url=url, api_key=key, language=language)

    def link(feed: Feed, lost: Lost) -> VoiceLink:
        if kind.transport == "http":
            return HttpLink(dialect(), feed, lost, language=language, transport=network.transport)
        return SocketLink(dialect, feed, lost, connection=network.connection)

    return Voice(slug, url, link)


def hearing(snapshot: AgentSnapshot, keys: Keys, silence_ms: int) -> Ear:
    """The agent's ear."""
    assert snapshot.hearing is not None
    slug = snapshot.hearing["provider"]
    return ear(slug, snapshot.hearing["options"], keys.get(slug, ""), snapshot.language, silence_ms=silence_ms)


def ear(slug: str, values: Mapping[str, Any], key: str, language: str = "", *, silence_ms: int) -> Ear:
    """One ear. `silence_ms`: after which a turn is over."""
    from voiceplatform import registry

    kind = registry.load("HEARINGS", slug)
    url = registry.address("HEARINGS", slug, key=key)
    chosen = _options(kind.Options, values)
    return Ear(url, lambda: kind(chosen, url=url, api_key=key, language=language, silence_ms=silence_ms))


def _options(declared: type, values: Mapping[str, Any]) -> Any:
    wrong: Iterable[str] = options.problems(declared, values)
    return options.build(declared, {name: value for name, value in values.items() if name not in wrong})
