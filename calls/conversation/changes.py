"""Settings that change while the call runs: offered to the model whole, and in force when its echo says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from . import events as e
from . import facts
from .commands import ConfigureHearing, ConfigureModel, Note
from .floor import Commands
from .idle import Idle
from .states import OVER_AGENT, State

LEAST_LEFT_S = 10
"""A limit that is lowered during a call ends it no sooner: time to finish a sentence."""


class Changes(Idle):
    """One change after the other. Until its echo comes, or when it is refused, the call goes on with what it had."""

    def _settings_changed(self, event: e.SettingsChanged, now: float) -> Commands:
        changes = {name: [old, new] for name, (old, new) in event.changes.items()}
        yield Note(
            facts.SETTINGS_CHANGED,
            {"revision": event.settings.revision, "by": event.by, "changes": changes, "ticket": event.ticket},
        )
        # Voices and ear stay: their sockets stand, and who speaks does not change in the middle of a call.
        bound = event.settings.with_providers(self.settings.voices, self.settings.hearing)
        self.offered.append(replace(event, settings=bound))
        if len(self.offered) == 1:
            yield from self._offer(now)

    def _offer(self, now: float) -> Commands:
        """Bring the first change into force. What the model need not know is so at once; while there is none, it waits."""
        while self.offered:
            wanted = dict(self.offered[0].settings.turn_detection)
            if wanted != dict(self.settings.turn_detection) and not self.hears_elsewhere:
                if self.state is not State.CONNECTING:
                    self.settings_sent_at = now
                    yield self._told(wanted)
                return
            yield from self._adopt((), now)

    def _told(self, turn_detection: Mapping[str, Any]) -> ConfigureModel:
        number = int(self.sent_change.rpartition("-")[2] or 0) + 1
        self.sent_change = f"settings-{number}"
        return ConfigureModel(self.sent_change, dict(turn_detection))

    def _adopt(self, differences: Sequence[str], now: float) -> Commands:
        change = self.offered.popleft()
        if change.settings.max_call_s != self.settings.max_call_s:
            self.warned, self.ends_not_before = False, now + max(change.settings.call_warning_s, LEAST_LEFT_S)
        if self.hears_elsewhere and change.settings.silence_ms != self.settings.silence_ms:
            yield ConfigureHearing(change.settings.silence_ms)
        self.settings = change.settings
        yield Note(
            facts.SETTINGS_APPLIED,
            {"revision": change.settings.revision, "ticket": change.ticket, "differences": list(differences)},
        )
        if self.state in OVER_AGENT:
            yield from self._weigh(now)

    def _model_configured(self, event: e.ModelConfigured, now: float) -> Commands:
        if self.offered and event.request_id == self.sent_change:
            yield from self._adopt(event.differences, now)
            yield from self._offer(now)
        elif event.request_id == self._given_up and not self.offered:
            yield self._told(self.settings.turn_detection)  # what is in force, again

    def _model_error(self, event: e.ModelError, now: float) -> Commands:
        yield from super()._model_error(event, now)
        if self.offered and event.request_id == self.sent_change and self.state is not State.ENDED:
            yield from self._refuse(event.code, now)

    def _settings_unanswered(self, now: float) -> Commands:
        self._given_up = self.sent_change
        yield from self._refuse("no_answer", now)

    def _refuse(self, code: str, now: float) -> Commands:
        change = self.offered.popleft()
        yield Note(
            facts.SETTINGS_REFUSED,
            {"revision": change.settings.revision, "ticket": change.ticket, "code": code},
        )
        yield from self._offer(now)
