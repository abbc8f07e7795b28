"""What reviewers say of moments: the agent should have stopped, should not have, answered too early or too late."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count


class LabelQuerySet(models.QuerySet["Label"]):
    def verdicts(self) -> LabelQuerySet:
        """Those that say what should have been otherwise: all but plain notes."""
        return self.exclude(kind=Label.Kind.NOTE)

    def wrong_stops(self) -> LabelQuerySet:
        """The agent stopped, and a reviewer says that it should not have."""
        return self.filter(kind=Label.Kind.NOT_STOP)

    def missed_stops(self) -> LabelQuerySet:
        """The agent went on, and a reviewer says that it should have stopped."""
        return self.filter(kind=Label.Kind.STOP)

    def of_revision(self, revision: int) -> LabelQuerySet:
        """Those about moments in which this revision of the turn settings was in force."""
        return self.filter(revision=revision)

    def counts(self) -> dict[str, int]:
        """Kind -> how many, of every kind. `Label.objects.filter(call__agent=agent).counts()`"""
        found = dict(self.order_by().values_list("kind").annotate(Count("pk")))
        return {kind: found.get(kind, 0) for kind in Label.Kind.values}


class Label(models.Model):
    """A reviewer's word on one moment of a call. It names what it is about by what stays when the call is derived anew."""

    class Kind(models.TextChoices):
        STOP = "stop", "Should have stopped"
        NOT_STOP = "not_stop", "Should not have stopped"
        EARLY = "early", "Answered too early"
        LATE = "late", "Answered too late"
        NOTE = "note", "Note"

    class About(models.TextChoices):
        MOMENT = "moment", "the moment"
        INTERRUPTION = "interruption", "an interruption"
        REFUSAL = "refusal", "a sound over the agent"
        TURN = "turn", "a turn"

    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="labels")
    kind = models.CharField(max_length=16, choices=Kind)
    text = models.CharField(max_length=1000, blank=True)
    at_ms = models.PositiveIntegerField(help_text="Since the media stream began.")
    about = models.CharField(max_length=16, choices=About, default=About.MOMENT)
    ref = models.CharField(
        max_length=64, blank=True, help_text="Number of the interruption, seq of the refusal, or item of the turn."
    )
    revision = models.PositiveIntegerField(default=0, help_text="Of the turn settings that were in force then.")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="labels")
    author_name = models.CharField(max_length=150, help_text="Stays when the user is removed.")
    made_at = models.DateTimeField(auto_now_add=True)

    objects = LabelQuerySet.as_manager()

    class Meta:
        ordering = ["at_ms", "pk"]
        indexes = [
            models.Index(fields=["kind", "-made_at"], name="label_kind"),
            models.Index(fields=["revision", "kind"], name="label_revision"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} at {self.at_ms} ms"

    def clean(self) -> None:
        if self.kind == self.Kind.NOTE and not self.text:
            raise ValidationError({"text": "A note needs words."})
        if (self.about == self.About.MOMENT) != (not self.ref):
            raise ValidationError({"ref": "Name what this is about, and nothing for a moment."})
