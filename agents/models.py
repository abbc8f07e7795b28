"""Who answers the phone, and how."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from agents import realtime_models
from voiceplatform import registry


def between(low: float, high: float, too_low: str, too_high: str) -> list[Any]:
    """Validators of a range; the messages say what a value beyond it would do to a caller."""
    return [MinValueValidator(low, too_low), MaxValueValidator(high, too_high)]


class Agent(models.Model):
    """One who answers: what it says first, what it knows, whose voice it has."""

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
    voice = models.CharField(max_length=80, default="marin", help_text="Whose voice the caller hears.")
    speed = models.FloatField(
        default=1.0,
        validators=between(
            0.25,
            1.5,
            "Below 0.25 the model refuses; speech that slow is not understood.",
            "The model refuses above 1.5.",
        ),
        help_text="How fast the agent talks: 0.25 to 1.5, default 1.0.",
    )
    language = models.CharField(
        max_length=8,
        blank=True,
        help_text="Two letters, such as en. Helps the transcript; empty: recognised from the speech.",
    )
    transcription_model = models.CharField(
        max_length=80,
        blank=True,
        default=realtime_models.DEFAULT_TRANSCRIPTION,
        help_text="Writes down what callers say, for the review. It has no part in the answer. Empty: no words of the caller.",
    )
    noise_reduction = models.CharField(
        max_length=16,
        blank=True,
        default="",
        choices=[("", "off"), ("near_field", "near field (handset)"), ("far_field", "far field (speakerphone)")],
        help_text="Cleans the caller's sound before anything listens to it. Fewer false stops on noisy lines.",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class TurnSettings(models.Model):
    """How an agent hears that the caller begins and ends, and what happens when the caller speaks over it.

    Lengths are milliseconds. What is said here of a value is what a caller hears of it.
    """

    class VadType(models.TextChoices):
        SERVER = "server_vad", "by sound and silence (server_vad)"
        SEMANTIC = "semantic_vad", "by meaning (semantic_vad)"

    class Eagerness(models.TextChoices):
        AUTO = "auto", "auto (as medium)"
        LOW = "low", "low: waits up to 8 s"
        MEDIUM = "medium", "medium: waits up to 4 s"
        HIGH = "high", "high: waits up to 2 s"

    class Mode(models.TextChoices):
        FULL = "full", "full: stop the sound, cut the conversation where it was heard"
        LEGACY = "legacy", "legacy: cancel the response only (roll-back path)"

    class Truncate(models.TextChoices):
        HEARD = "heard", "where the caller stopped hearing it"
        START = "start", "at its start, as if nothing was heard"
        OFF = "off", "nowhere: the agent believes it said everything"

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, related_name="turn_settings")

    vad_type = models.CharField(
        "how speech is noticed",
        max_length=16,
        choices=VadType,
        default=VadType.SERVER,
        help_text="By sound: predictable, tuned below. By meaning: waits when a sentence sounds unfinished.",
    )
    threshold = models.FloatField(
        default=0.6,
        validators=between(
            0.0,
            1.0,
            "A threshold is 0 or more. At 0 every hiss on the line counts as the caller speaking.",
            "A threshold is at most 1. Near 1 even loud callers are not heard.",
        ),
        help_text="0 to 1. How sure it must be that a sound is speech. Higher: coughs and hiss stop the agent less, and "
        "soft callers are missed more. Default 0.6: phone lines are noisier than the 0.5 of the service assumes.",
    )
    prefix_padding_ms = models.PositiveIntegerField(
        "kept before speech",
        default=300,
        validators=between(0, 2000, "It cannot be below 0 ms.", "More than 2000 ms brings the agent's own echo along."),
        help_text="ms, 0 to 2000. Sound from before the detection that the agent still hears. Too little: first syllables "
        "are lost. Default 300.",
    )
    response_latency_ms = models.PositiveIntegerField(
        "response latency",
        default=300,
        validators=between(
            0, 10000, "It cannot be below 0 ms.", "After 10 s of silence callers think the line is dead."
        ),
        help_text="ms, 0 to 10000. How long you want to wait before the agent answers. The silence below is never shorter "
        "than this.",
    )
    silence_floor_ms = models.PositiveIntegerField(
        "shortest silence",
        default=500,
        validators=between(
            100,
            10000,
            "Below 100 ms the agent answers between two words of the caller.",
            "After 10 s of silence callers think the line is dead.",
        ),
        help_text="ms, 100 to 10000. Silence after which the caller has finished. Lower: quicker answers, and callers who "
        "stop to think are cut off. Default 500. In force is the larger of this and the response latency.",
    )
    idle_timeout_ms = models.PositiveIntegerField(
        "idle time-out",
        null=True,
        blank=True,
        validators=between(
            5000,
            30000,
            "The model refuses below 5000 ms: callers would be asked before they could think.",
            "The model refuses above 30000 ms.",
        ),
        help_text="ms, 5000 to 30000, or empty for never. Silence of the caller after which the model speaks up by itself.",
    )
    eagerness = models.CharField(
        max_length=8,
        choices=Eagerness,
        default=Eagerness.AUTO,
        help_text="Only by meaning: how soon the agent takes an unfinished sentence for finished.",
    )
    create_response = models.BooleanField(
        "the model answers by itself",
        default=False,
        help_text="Off (default): we ask for each answer, exactly once, when the conversation is free for it.",
    )
    interrupt_response = models.BooleanField(
        "the model stops by itself",
        default=False,
        help_text="Off (default): we decide what is an interruption. On: every sound ends the answer, coughs included.",
    )

    mode = models.CharField(
        "interruption",
        max_length=8,
        choices=Mode,
        default=Mode.FULL,
        help_text="Legacy is the earlier behaviour: the agent talks on for what the carrier holds, and may repeat itself.",
    )
    min_speech_ms = models.PositiveIntegerField(
        "shortest interruption",
        default=0,
        validators=between(0, 3000, "It cannot be below 0 ms.", "Above 3 s the agent seems not to listen at all."),
        help_text="ms, 0 to 3000. Shorter speech over the agent is no interruption: the sound stops, and goes on from where "
        "it was heard. 0 (default): any speech is one.",
    )
    cancel_reply = models.BooleanField(
        "1. cancel the response",
        default=True,
        help_text="The model stops making the answer. Off: it is paid for to its end.",
    )
    truncate = models.CharField(
        "2. cut the conversation",
        max_length=8,
        choices=Truncate,
        default=Truncate.HEARD,
        help_text="What the agent believes the caller has heard. Wrong: it repeats itself, or takes for known what was not heard.",
    )
    clear_buffers = models.BooleanField(
        "3. clear all buffers",
        default=True,
        help_text="The sound stops at once. Off: the caller hears what the carrier holds, often many seconds.",
    )
    suppress_in_flight = models.BooleanField(
        "4. drop sound in flight",
        default=True,
        help_text="Pieces of the stopped answer that still arrive are not played. Off: the caller hears scraps of it.",
    )
    suppress_ms = models.PositiveIntegerField(
        "drop window",
        default=500,
        validators=between(0, 5000, "It cannot be below 0 ms.", "Above 5 s the next answer could be swallowed."),
        help_text="ms, 0 to 5000. Second guard, for sound that does not say which answer it is of. Default 500.",
    )
    mark_silent = models.BooleanField(
        "5. mark the agent as silent",
        default=True,
        help_text="The caller has the floor. Off: more speech soon after counts as another interruption.",
    )

    class Meta:
        verbose_name = "turn settings"
        verbose_name_plural = "turn settings"

    def __str__(self) -> str:
        return f"Turn settings of {self.agent}"

    @property
    def silence_ms(self) -> int:
        """The silence in force, in ms."""
        return max(self.response_latency_ms, self.silence_floor_ms)

    def turn_detection(self) -> dict[str, Any]:
        """The exact object that the model gets. Always whole: what a missing member would do is not documented."""
        common = {"create_response": self.create_response, "interrupt_response": self.interrupt_response}
        if self.vad_type == self.VadType.SEMANTIC:
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
        wrong: dict[str, str] = {}
        if self.interrupt_response and self.min_speech_ms:
            wrong["min_speech_ms"] = (
                "The model stops by itself at any sound, so nothing can wait for the shortest interruption. "
                "Switch off 'the model stops by itself', or set this to 0."
            )
        if self.create_response and self.min_speech_ms:
            wrong["create_response"] = (
                "The model would answer every cough that is refused as an interruption. Switch this off, or set the "
                "shortest interruption to 0."
            )
        if self.interrupt_response and self.mode == self.Mode.LEGACY:
            wrong["mode"] = "Legacy cancels the response itself; with 'the model stops by itself' it would do so twice."
        if wrong:
            raise ValidationError(wrong)


class PhoneNumber(models.Model):
    """A number that callers dial, and who answers it."""

    number = models.CharField(
        max_length=16,
        unique=True,
        help_text="With country code, such as +12025550142. Spaces and dashes are taken out.",
    )
    carrier = models.CharField(
        max_length=32, default="twilio", help_text="The telephone company that sends us its calls."
    )
    agent = models.ForeignKey(
        Agent,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="numbers",
        help_text="Who answers. Empty: callers hear a polite sentence and the call ends.",
    )
    active = models.BooleanField(default=True, help_text="Off: callers hear a polite sentence and the call ends.")

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return self.number

    def clean(self) -> None:
        try:
            parsed = phonenumbers.parse(self.number)
        except phonenumbers.NumberParseException:
            raise ValidationError(
                {"number": "This is no telephone number. Write + and the country code, such as +12025550142."}
            ) from None
        # Possible, not assigned: numbers kept for examples (555-01xx) must be usable for trials.
        if not phonenumbers.is_possible_number(parsed):
            raise ValidationError({"number": "This number is too long or too short for its country."})
        self.number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if self.carrier not in dict(registry.choices("CARRIERS")):
            raise ValidationError({"carrier": "We do not know this carrier."})
