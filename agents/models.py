"""Who answers the phone, and how."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from simple_history.models import HistoricalRecords

from agents import contradictions, realtime_models
from agents.fields import between
from agents.numbers import PhoneNumber, SignatureCheck
from agents.turn_fields import FiveSteps, Hearing, VadType, Weighing
from agents.voice_fields import Providers
from agents.waiting_fields import EndOfTurn, SilenceAndLength

__all__ = ["Agent", "PhoneNumber", "ProviderKey", "SignatureCheck", "TurnSettings"]


class Agent(Providers):
    """One who answers: what it says first, what it knows, whose voice it has.

    Voices and ears that are not the speech model's stand in voice_fields.py.
    """

    name = models.CharField(max_length=80, unique=True, help_text="For your staff; callers never hear it.")
    active = models.BooleanField(
        default=True, help_text="Off: callers of its numbers hear that nobody is here, and are not put through."
    )
    greeting = models.CharField(
        max_length=400,
        blank=True,
        help_text="The first words the caller hears, spoken exactly so. Empty: the agent waits until the caller speaks.",
    )
    instructions = models.TextField(
        help_text="What the agent is for, what it knows and how it talks. Short answers are interrupted less."
    )
    model = models.CharField(
        "speech model",
        max_length=80,
        default=realtime_models.DEFAULT_MODEL,
        help_text="The model that hears and speaks.",
    )
    voice = models.CharField(
        "the model's own voice",
        max_length=80,
        default="marin",
        help_text="Whose voice the caller hears when the speech model speaks itself, and the last resort when no other does.",
    )
    speed = models.FloatField(
        default=1.0,
        validators=between(
            0.25,
            1.5,
            "Below 0.25 the model refuses; speech that slow is not understood.",
            "The model refuses above 1.5.",
        ),
        help_text="How fast the speech model talks when it speaks itself.\n0.25 to 1.5. Default 1: the voice as it was made.",
    )
    language = models.CharField(
        max_length=8,
        blank=True,
        help_text="Two letters, such as en. Helps the transcript, and chooses the words of listening and the words that stop the "
        "agent. Empty: the transcript finds out, and the words are English.",
    )
    transcription_model = models.CharField(
        max_length=80,
        blank=True,
        default=realtime_models.DEFAULT_TRANSCRIPTION,
        help_text="Writes down what callers say, for the review and for telling “mm-hm” from “stop”. It has no part in the answer. "
        "Empty: no words of the caller.",
    )
    noise_reduction = models.CharField(
        max_length=16,
        blank=True,
        default="",
        choices=[("", "off"), ("near_field", "near field (handset)"), ("far_field", "far field (speakerphone)")],
        help_text="Cleans the caller's sound before anything listens to it. Fewer false stops on noisy lines.",
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TurnSettings(Hearing, Weighing, FiveSteps, EndOfTurn, SilenceAndLength):
    """How an agent hears that the caller begins and ends, and what happens when the caller speaks over it.

    The fields stand in turn_fields.py and waiting_fields.py, what they begin with in defaults.py, and their order on the screen
    in screen.py. Lengths are milliseconds.
    """

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, related_name="turn_settings")
    history = HistoricalRecords()

    class Meta:
        verbose_name = "turn settings"
        verbose_name_plural = "turn settings"

    def __str__(self) -> str:
        return f"Turn settings of {self.agent}"

    @property
    def silence_ms(self) -> int:
        """The silence in force, in ms."""
        return max(self.response_latency_ms, self.silence_floor_ms)

    @property
    def language(self) -> str:
        """The agent's, also of one that is not stored yet; empty while the settings belong to nobody."""
        try:
            return self.agent.language
        except Agent.DoesNotExist:
            return ""

    @property
    def is_external(self) -> bool:
        """Whether the agent speaks or hears through a provider; not while the settings belong to nobody."""
        try:
            return self.agent.is_external()
        except Agent.DoesNotExist:
            return False

    @property
    def revision(self) -> int:
        """Which state of the settings this is, as calls and the history name it. 0: never saved."""
        return self.history.values_list("history_id", flat=True).first() or 0 if self.pk else 0

    def sent_as_turn_detection(self) -> dict[str, Any] | None:
        """What the model's session is configured with: None while another ear hears the caller."""
        try:
            elsewhere = bool(self.agent.hearing_provider)
        except Agent.DoesNotExist:
            elsewhere = False
        return None if elsewhere else self.turn_detection()

    def turn_detection(self) -> dict[str, Any]:
        """The exact object that the model gets when it hears the caller. Always whole: what a missing member would do is not
        documented."""
        common = {"create_response": self.create_response, "interrupt_response": self.interrupt_response}
        if self.vad_type == VadType.SEMANTIC:
            return {"type": "semantic_vad", "eagerness": self.eagerness, **common}
        return {
            "type": "server_vad",
            "threshold": self.threshold,
            "prefix_padding_ms": self.prefix_padding_ms,
            "silence_duration_ms": self.silence_ms,
            "idle_timeout_ms": self.idle_timeout_ms,
            **common,
        }

    def clean(self) -> None:
        """Pairs that contradict each other."""
        if wrong := contradictions.found(self):
            raise ValidationError(wrong)


class ProviderKey(models.Model):
    """An agent's own key for a provider, in place of the environment's. What is stored of it is encrypted, see keys.py.

    It has no history: a key that was replaced is gone.
    """

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="provider_keys")
    provider = models.CharField(max_length=32)
    encrypted = models.TextField(editable=False)
    ending = models.CharField(max_length=4, blank=True, editable=False)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["agent", "provider"]
        constraints = [models.UniqueConstraint(fields=["agent", "provider"], name="one_key_for_each_provider")]

    def __str__(self) -> str:
        return f"key of {self.agent} for {self.provider}"
