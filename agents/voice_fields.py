"""Whose voice and whose ears an agent has: providers by slug, each with its own options.

The options of every provider that was ever chosen are kept, so that switching back loses nothing. Which ones a provider has, and
what they may be, it declares itself (`Options`, see calls/voices/options.py); the registry tells.
"""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import models

from voiceplatform import registry

logger = logging.getLogger("calls")  # the one that operators read

Chosen = dict[str, Any]
"""{"provider": slug, "options": {name: value}}: every option, also those that stand at their default."""


class Role(NamedTuple):
    """A part that a provider can play for an agent: the fields that say so, and where the registry knows it."""

    name: str
    kind: str  # a setting: VOICES or HEARINGS
    provider: str
    options: str


VOICE = Role("voice", "VOICES", "voice_provider", "voice_options")
SECOND_VOICE = Role("second_voice", "VOICES", "second_voice_provider", "second_voice_options")
HEARING = Role("hearing", "HEARINGS", "hearing_provider", "hearing_options")
ROLES = (VOICE, SECOND_VOICE, HEARING)


def name_of(role: Role, slug: str) -> str:
    """A provider's name, as it calls itself."""
    if not slug:
        return "the model"
    return registry.load(role.kind, slug).label if registry.knows(role.kind, slug) else f"{slug} (not installed)"


def _provider(label: str, heard: str) -> Any:
    # Which slugs there are is a matter of settings and no choice of the field: a new provider needs no migration.
    return models.CharField(label, max_length=32, blank=True, default="", help_text=heard)


def _options(label: str) -> Any:
    return models.JSONField(label, default=dict, blank=True, help_text="By provider: {slug: {option: value}}.")


class Providers(models.Model):
    """An agent's voices and ears that are not the speech model's own."""

    voice_provider = _provider(
        "who speaks",
        "The speech model speaks itself, or it writes and a provider's voice says it. The agent is interrupted in the same way.",
    )
    voice_options = _options("options of the voice")
    second_voice_provider = _provider(
        "when that voice fails",
        "Goes on speaking when the first one is down, slow or refuses us. Empty, or failing too: the speech model's own voice.",
    )
    second_voice_options = _options("options of the second voice")
    hearing_provider = _provider(
        "who hears the caller",
        "Whose words and ends of turns the agent goes by. With a provider's ear the words are there while they are spoken; the "
        "speech model then gets words and no sound, so it hears no tone of voice.",
    )
    hearing_options = _options("options of the ear")

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Providers that we know, with options that they take."""
        super().clean()
        wrong: dict[str, Any] = {}
        for role in ROLES:
            slug = self.plays(role)
            if slug and not registry.knows(role.kind, slug):
                wrong[role.provider] = "We do not know this provider."
            elif problems := self.option_problems(role):
                told = registry.options(role.kind, slug)
                wrong[role.options] = [
                    f"{told[name][1].label if name in told else name}: {text}" for name, text in problems.items()
                ]
        if wrong:
            raise ValidationError(wrong)

    def options_of(self, role: Role, slug: str) -> dict[str, Any]:
        """What is kept for a provider; what it does not know any more is left out."""
        kept = getattr(self, role.options).get(slug, {})
        return {name: kept[name] for name in registry.options(role.kind, slug) if name in kept}

    def plays(self, role: Role) -> str:
        """The slug of who plays a role; "" for the speech model. A second voice alone has nobody to stand in for."""
        return "" if role is SECOND_VOICE and not self.voice_provider else str(getattr(self, role.provider))

    def option_problems(self, role: Role) -> dict[str, str]:
        """Option -> what is wrong with it, of the provider that is chosen; nothing for one that is not known."""
        slug = self.plays(role)
        return registry.problems(role.kind, slug, self.options_of(role, slug)) if self._known(role) else {}

    def voices(self) -> list[Chosen]:
        """The external voices that a call may use, in their order; none: the speech model speaks itself."""
        found = [self._chosen(role) for role in (VOICE, SECOND_VOICE)]
        return [voice for voice in found if voice is not None]

    def hearing(self) -> Chosen | None:
        """The external ear that a call uses; None: the speech model hears."""
        return self._chosen(HEARING)

    def is_external(self) -> bool:
        """Whether anybody but the speech model speaks or hears."""
        return bool(self.voice_provider or self.hearing_provider)

    def told(self, role: Role) -> str:
        """Who plays a role, in words."""
        return name_of(role, getattr(self, role.provider))

    def _known(self, role: Role) -> bool:
        slug = self.plays(role)
        return bool(slug) and registry.knows(role.kind, slug)

    def _chosen(self, role: Role) -> Chosen | None:
        """A call begins with what works: a provider that was taken out of the settings, or whose options no longer hold, is left
        out. `manage.py check` names it, and so does the log."""
        slug = self.plays(role)
        if not slug:
            return None
        problems = self.option_problems(role)
        if problems or not self._known(role):
            logger.warning("The agent %s goes without %s %r: %s", self.pk, role.name, slug, problems or "not known")
            return None
        return {"provider": slug, "options": registry.complete(role.kind, slug, self.options_of(role, slug))}
