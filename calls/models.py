"""What is kept of a call. Events are the truth; turns, interruptions and recordings are derived from them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from calls import search
from calls.figures import CallFigures, DayFigures
from calls.labels import Label, LabelQuerySet

__all__ = [
    "Backlog",
    "Call",
    "CallEvent",
    "CallFigures",
    "DayFigures",
    "Interruption",
    "Label",
    "LabelQuerySet",
    "Recording",
    "Refusal",
    "Transcript",
    "Turn",
]


class CallQuerySet(models.QuerySet["Call"]):
    def live(self) -> CallQuerySet:
        return self.filter(status=Call.Status.LIVE)

    def interrupted(self) -> CallQuerySet:
        """Calls in which the caller stopped the agent while it was making a reply or could be heard."""
        return self.filter(interruption_count__gt=0)

    def uninterrupted(self) -> CallQuerySet:
        return self.filter(interruption_count=0)

    def stopped_for_nothing(self) -> CallQuerySet:
        """Calls in which the agent fell silent for what was no turn."""
        return self.filter(false_stop_count__gt=0)

    def went_on(self) -> CallQuerySet:
        """Calls in which a sound over the agent did not stop it."""
        return self.filter(refusal_count__gt=0)

    def labelled(self, kind: str = "") -> CallQuerySet:
        """Calls in which reviewers labelled a moment; with a kind, those with a label of it."""
        calls = self.filter(label_count__gt=0)
        return calls.filter(pk__in=Label.objects.filter(kind=kind).values("call")) if kind else calls

    def of_revision(self, revision: int) -> CallQuerySet:
        """Calls that began with a revision of the turn settings."""
        return self.filter(revision=revision)

    def said(self, wanted: list[search.Term]) -> CallQuerySet:
        """Calls in which all of this was said, by whomever."""
        return search.narrow(self, wanted, "transcript__")

    def marked(self, marks: Sequence[str]) -> CallQuerySet:
        """The same calls, found by words and by what else is asked of them at once. `marks`: that, as calls.marks tells it."""
        return search.marked(self, marks, "transcript__")

    def for_list(self) -> CallQuerySet:
        """With everything a row of the call list shows, and nothing more.

        Agents come in a second query: a join that PostgreSQL does before it sorts has cost a second where an index has the order.
        """
        agents = models.Prefetch("agent", apps.get_model("agents", "Agent").objects.only("name"))
        return self.only(*LISTED, "agent").prefetch_related(agents)

    def listed(self, ids: list[uuid.UUID]) -> list[Call]:
        """These, in this order, for the list.

        Which calls a page shows is asked first, and alone: the indexes know it, and fetching what is left out costs the most.
        """
        known = self.for_list().in_bulk(ids)
        return [known[pk] for pk in ids if pk in known]


LISTED = [
    *("rang_at", "caller", "called", "carrier", "status", "end_reason", "duration_ms", "voice", "revision"),
    *("last_revision", "turn_count", "interruption_count", "refusal_count", "false_stop_count", "label_count"),
    *("delay_ms", "first_words"),
]


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

    # What the list shows, narrows and sorts by. Derived with the other rows, so that a page of it reads one table.
    voice = models.CharField(
        max_length=80, blank=True, help_text="The model's voice by its name, or a provider of voices by its slug."
    )
    revision = models.PositiveIntegerField(
        default=0, help_text="Of the turn settings, as the call began. 0: not known."
    )
    last_revision = models.PositiveIntegerField(default=0, help_text="The same, as the call ended.")
    turn_count = models.PositiveIntegerField(default=0)
    interruption_count = models.PositiveIntegerField(default=0, help_text="Of what the caller could hear.")
    refusal_count = models.PositiveIntegerField(default=0, help_text="Sounds over the agent that did not stop it.")
    false_stop_count = models.PositiveIntegerField(default=0, help_text="As calls.measures defines them.")
    label_count = models.PositiveIntegerField(default=0)
    delay_ms = models.PositiveIntegerField(
        null=True, blank=True, help_text="Median response delay, as calls.measures defines it."
    )
    first_words = models.CharField(max_length=160, blank=True, help_text="Of the caller, else of the agent.")

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-rang_at"]
        constraints = [models.UniqueConstraint(fields=["carrier", "carrier_call_id"], name="one_call_per_carrier_id")]
        indexes = [
            models.Index(fields=["-rang_at"]),
            models.Index(fields=["agent", "-rang_at"]),
            models.Index(fields=["number", "-rang_at"]),
            # To narrow by. A few old calls among many must be found without walking over the many.
            models.Index(fields=["status", "-rang_at"], name="call_status"),
            models.Index(fields=["carrier", "-rang_at"], name="call_carrier"),
            models.Index(fields=["voice", "-rang_at"], name="call_voice"),
            models.Index(fields=["revision", "-rang_at"], name="call_revision"),
            models.Index(fields=["-rang_at"], condition=Q(false_stop_count__gt=0), name="call_false_stops"),
            models.Index(fields=["-rang_at"], condition=Q(label_count__gt=0), name="call_labelled"),
            # To sort by, exactly as calls.ordering does: PostgreSQL guesses from the first column only how many calls follow one,
            # and many have no interruption. An index that leaves something to be sorted loses against sorting all of them.
            models.Index(
                Coalesce(F("duration_ms"), 0).desc(), F("rang_at").desc(), F("id").desc(), name="call_by_length"
            ),
            models.Index(Coalesce(F("delay_ms"), 0).desc(), F("rang_at").desc(), F("id").desc(), name="call_by_delay"),
            models.Index(fields=["-interruption_count", "-rang_at", "-id"], name="call_by_interruptions"),
            models.Index(fields=["-false_stop_count", "-rang_at", "-id"], name="call_by_false_stops"),
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

    def begin_with(self, settings: dict[str, Any]) -> None:
        """Keep the settings that the call runs with, and of them what it is looked up by."""
        self.settings = settings
        others = settings.get("voices") or []  # providers' voices, by their slugs; none: the speech model's own
        self.voice = str(others[0]["provider"] if others else settings.get("voice") or "")[:80]
        self.revision = self.last_revision = (settings.get("turn") or {}).get("revision") or 0

    @property
    def is_going_on(self) -> bool:
        """Also after a failure was noted, until its record says that it has ended."""
        failed = self.status == Call.Status.FAILED and self.ended_at is None
        return failed or self.status in (Call.Status.RINGING, Call.Status.LIVE)

    @property
    def audit_name(self) -> str:
        """Without the caller's number: the audit log outlives the call."""
        return f"call of {timezone.localtime(self.rang_at):%d %b %Y, %H:%M:%S}"

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


class TranscriptQuerySet(models.QuerySet["Transcript"]):
    def said(self, wanted: list[search.Term]) -> TranscriptQuerySet:
        """Those in which all of this was said."""
        return search.narrow(self, wanted)


class Transcript(models.Model):
    """All words of a call in the form that is searched. In PostgreSQL with a column `vector` and its index, made by a migration."""

    call = models.OneToOneField(Call, on_delete=models.CASCADE, primary_key=True, related_name="transcript")
    rang_at = models.DateTimeField(
        help_text="The call's, so that a common word is found by walking from the newest on."
    )
    text = models.TextField(help_text="As calls.search.plain makes it: one line for each turn.")

    objects = TranscriptQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-rang_at"], name="transcript_time")]

    def __str__(self) -> str:
        return f"Transcript of {self.call_id}"


class Backlog(models.Model):
    """What calls.earlier has still to do. One row, or none: every call is summed up."""

    before = models.DateTimeField(help_text="Calls that rang before this are not summed up yet.")

    def __str__(self) -> str:
        return f"Calls before {timezone.localtime(self.before):%d %b %Y, %H:%M:%S}"


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
