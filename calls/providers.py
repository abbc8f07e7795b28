"""The providers of one call, made from its agent's snapshot: its voices beside the model's own, and its ear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from agents.snapshot import AgentSnapshot
from calls.voice_http import HttpLink
from calls.voice_links import Feed, Lost, SocketLink, VoiceLink
from calls.voice_outlet import Voice
from calls.voices import options
from calls.voices.hearing import HearingDialect
from voiceplatform import registry

Keys = Mapping[str, str]


class Ear(NamedTuple):
    """Where it is, and what makes a dialect for each socket."""

    address: str
    dialect: Callable[[], HearingDialect]


def slugs(snapshot: AgentSnapshot) -> list[str]:
    """The providers whose keys a call needs."""
    return [chosen["provider"] for chosen in (*snapshot.voices, *filter(None, [snapshot.hearing]))]


def voices(snapshot: AgentSnapshot, keys: Keys) -> list[Voice]:
    """The agent's voices in the order of their use, each with what makes its link."""
    return [
        voice(chosen["provider"], chosen["options"], keys.get(chosen["provider"], ""), snapshot.language)
        for chosen in snapshot.voices
    ]


def voice(slug: str, values: Mapping[str, Any], key: str, language: str = "") -> Voice:
    """One voice. Options that are not valid any more fall back to their defaults: a call goes on with what can be had."""
    kind = registry.load("VOICES", slug)
    url = registry.address("VOICES", slug, key=key)
    chosen = _options(kind.Options, values)

    def dialect() -> Any:
        return kind(chosen, url=url, api_key=key, language=language)

    def link(feed: Feed, lost: Lost) -> VoiceLink:
        if kind.transport == "http":
            return HttpLink(dialect(), feed, lost, language=language)
        return SocketLink(dialect, feed, lost)

    return Voice(slug, url, link)


def hearing(snapshot: AgentSnapshot, keys: Keys, silence_ms: int) -> Ear:
    """The agent's ear."""
    assert snapshot.hearing is not None
    slug = snapshot.hearing["provider"]
    kind = registry.load("HEARINGS", slug)
    chosen = _options(kind.Options, snapshot.hearing["options"])
    key, language = keys.get(slug, ""), snapshot.language
    url = registry.address("HEARINGS", slug, key=key)
    return Ear(url, lambda: kind(chosen, url=url, api_key=key, language=language, silence_ms=silence_ms))


def _options(declared: type, values: Mapping[str, Any]) -> Any:
    wrong: Iterable[str] = options.problems(declared, values)
    return options.build(declared, {name: value for name, value in values.items() if name not in wrong})
