"""What is kept of a call. Events are the truth; turns, interruptions and recordings are derived from them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse


class CallQuerySet(models.QuerySet["Call"]):
    def live(self) -> CallQuerySet:
        return self.filter(status=Call.Status.LIVE)

    def interrupted(self) -> CallQuerySet:
        """Calls in which the caller stopped the agent while it was making a reply or could be heard."""
        return self.filter(Exists(Interruption.objects.heard().filter(call=OuterRef("pk"))))

    def uninterrupted(self) -> CallQuerySet:
        return self.exclude(Exists(Interruption.objects.heard().filter(call=OuterRef("pk"))))

    def stopped_for_nothing(self) -> CallQuerySet:
        """Calls in which the agent fell silent for a sound and then went on."""
        return self.filter(Exists(Refusal.objects.false_stops().filter(call=OuterRef("pk"))))

    def went_on(self) -> CallQuerySet:
        """Calls in which a sound over the agent did not stop it."""
        return self.filter(Exists(Refusal.objects.final().filter(call=OuterRef("pk"))))

    def for_list(self) -> CallQuerySet:
        """With everything a row of the call list shows, in one query."""
        return (
            self.order_by("-rang_at")
            .select_related("agent", "number")
            .annotate(
                interruption_count=Count(
                    "interruptions", filter=~Q(interruptions__phase=Interruption.Phase.ASKED), distinct=True
                ),
                turn_count=Count("turns", distinct=True),
            )
        )


class Call(models.Model):
    class Status(models.TextChoices):
        RINGING = "ringing", "Ringing"
        LIVE = "live", "Live"
        ENDED = "ended", "Ended"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    agent = models.ForeignKey("agents.Agent", null=True, on_delete=models.SET_NULL, related_name="calls")
    number = models.ForeignKey("agents.PhoneNumber", null=True, on_delete=models.SET_NULL, related_name="calls")
    carrier = models.CharField(max_length=32)
    carrier_call_id = models.CharField(max_length=64)
    account_id = models.CharField(max_length=64, blank=True)
    caller = models.CharField("caller's number", max_length=32, blank=True)
    called = models.CharField("number called", max_length=32, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.RINGING)
    end_reason = models.CharField(max_length=64, blank=True)
    settings = models.JSONField("settings in force", default=dict, blank=True)
    rang_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField("media began", null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    token_claimed_at = models.DateTimeField(null=True, blank=True, help_text="When the stream's token was used up.")

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-rang_at"]
        constraints = [models.UniqueConstraint(fields=["carrier", "carrier_call_id"], name="one_call_per_carrier_id")]
        indexes = [
            models.Index(fields=["-rang_at"]),
            models.Index(fields=["agent", "-rang_at"]),
            models.Index(fields=["number", "-rang_at"]),
        ]
        permissions = [
            ("hear_recording", "Can hear and export recordings"),
            ("steer_call", "Can hang up live calls and speak to their callers"),
            ("place_call", "Can call agents from the browser"),
        ]

    def __str__(self) -> str:
        return f"{self.caller or 'unknown'} → {self.called} ({self.get_status_display()})"

    def get_absolute_url(self) -> str:
        return reverse("calls:detail", args=[self.pk])

    @property
    def audit_name(self) -> str:
        """Without the caller's number: the audit log outlives the call."""
        return f"call of {self.rang_at:%d %b %Y, %H:%M:%S}"

    @property
    def length(self) -> str:
        """How long the media stream stood, as m:ss."""
        if self.duration_ms is None:
            return "–"
        return f"{self.duration_ms // 60000}:{self.duration_ms // 1000 % 60:02d}"


class CallEvent(models.Model):
    """One line of the call's spool, as calls.facts describes it."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField()
    at_ms = models.PositiveIntegerField(help_text="Since the media stream began.")
    kind = models.CharField(max_length=32)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["call", "seq"], name="one_event_per_seq")]
        indexes = [models.Index(fields=["call", "kind"])]

    def __str__(self) -> str:
        return f"{self.at_ms} ms {self.kind}"


class Turn(models.Model):
    """One side's stretch of speech. Of the agent's, what was heard and what was not."""

    class Side(models.TextChoices):
        CALLER = "caller", "Caller"
        AGENT = "agent", "Agent"

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="turns")
    side = models.CharField(max_length=8, choices=Side)
    item_id = models.CharField(max_length=64)
    reply_id = models.CharField(max_length=64, blank=True)
    started_ms = models.PositiveIntegerField()
    ended_ms = models.PositiveIntegerField()
    text = models.TextField(blank=True)
    heard_text = models.TextField(blank=True)
    unheard_text = models.TextField(blank=True)
    heard_ms = models.PositiveIntegerField(default=0)
    generated_ms = models.PositiveIntegerField(default=0)
    interruption = models.PositiveIntegerField(
        default=0, help_text="Number of the interruption that ended it; 0: none."
    )

    class Meta:
        ordering = ["started_ms", "id"]
        constraints = [models.UniqueConstraint(fields=["call", "item_id"], name="one_turn_per_item")]

    def __str__(self) -> str:
        return f"{self.get_side_display()} at {self.started_ms} ms"


class InterruptionQuerySet(models.QuerySet["Interruption"]):
    def heard(self) -> InterruptionQuerySet:
        """Those that stopped something: not the ones where the caller went on before the agent had begun."""
        return self.exclude(phase=Interruption.Phase.ASKED)


class Interruption(models.Model):
    """A stop, as the core told it: why, what was done, and what the caller had heard by then."""

    class Phase(models.TextChoices):
        ASKED = "asked", "before the agent began"
        GENERATING = "generating", "while the reply was being made"
        PLAYING = "playing", "made, and still playing"

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="interruptions")
    number = models.PositiveIntegerField()
    at_ms = models.PositiveIntegerField()
    phase = models.CharField(max_length=16, choices=Phase)
    mode = models.CharField(max_length=8, default="full")
    reply_id = models.CharField(max_length=64, blank=True)
    item_id = models.CharField(max_length=64, blank=True)
    heard_ms = models.PositiveIntegerField(default=0)
    generated_ms = models.PositiveIntegerField(default=0)
    heard_text = models.TextField(blank=True)
    unheard_text = models.TextField(blank=True)
    cleared_ms = models.PositiveIntegerField(default=0)
    cleared_chunks = models.PositiveIntegerField(default=0)
    late_frames = models.PositiveIntegerField(default=0)
    late_ms = models.PositiveIntegerField(default=0)
    clear_ms = models.FloatField(null=True, blank=True, help_text="From speech start to the carrier's clear.")
    steps = models.JSONField(default=list, blank=True)
    because = models.CharField(max_length=16, blank=True, help_text="One of the words in calls/conversation/facts.py.")
    reasons = models.JSONField(default=list, blank=True, help_text="What was weighed: evidence, value, threshold.")
    speech_item_id = models.CharField(max_length=64, blank=True, help_text="The caller's item that stopped the agent.")

    objects = InterruptionQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["call", "number"], name="one_interruption_per_number")]

    def __str__(self) -> str:
        return f"Interruption {self.number} at {self.at_ms} ms"


class RefusalQuerySet(models.QuerySet["Refusal"]):
    def final(self) -> RefusalQuerySet:
        """Those that stood: the same speech did not go on to stop the agent after all."""
        return self.filter(interruption=0)

    def false_stops(self) -> RefusalQuerySet:
        """The agent fell silent, and it was nothing."""
        return self.final().filter(held=True)


class Refusal(models.Model):
    """A sound over the agent that was weighed and did not stop it.

    A model of its own and not one of decisions with the stops: an interruption is the decision and all that was done about it,
    which stands in one row already, and what the two share (because, reasons) has the same names in both. So each rate is two
    counts without a join. The rates of the pages stand in calls/measures.py.
    """

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="refusals")
    seq = models.PositiveIntegerField(help_text="Of the event that it is derived from.")
    at_ms = models.PositiveIntegerField()
    item_id = models.CharField(max_length=64, blank=True)
    because = models.CharField(max_length=16, blank=True, help_text="One of the words in calls/conversation/facts.py.")
    reasons = models.JSONField(default=list, blank=True, help_text="What was weighed: evidence, value, threshold.")
    kept = models.BooleanField(default=False, help_text="What was said is answered after the reply.")
    held = models.BooleanField(default=False, help_text="The sound had stopped, and went on.")
    speech_ms = models.PositiveIntegerField(default=0)
    minimum_ms = models.PositiveIntegerField(default=0)
    interruption = models.PositiveIntegerField(
        default=0, help_text="Number of the interruption that the same speech became after all; 0: none."
    )

    objects = RefusalQuerySet.as_manager()

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["call", "seq"], name="one_refusal_per_event")]

    def __str__(self) -> str:
        return f"Refusal at {self.at_ms} ms ({self.because})"


class Recording(models.Model):
    """Stereo: the caller left, what the caller heard right. mu-law, 8 kHz. `path` is below DATA_DIR."""

    call = models.OneToOneField(Call, on_delete=models.CASCADE, related_name="recording")
    path = models.CharField(max_length=255)
    duration_ms = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField("bytes", default=0)
    peaks = models.JSONField(default=list, blank=True, help_text="Per channel, 0…1, evenly over the recording.")

    def __str__(self) -> str:
        return self.path


from calls.figures import CallFigures, DayFigures  # noqa: E402, F401  models of a file of their own
