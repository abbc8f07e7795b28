"""Numbers that callers dial: who answers, when, and what is heard otherwise."""

from __future__ import annotations

import zoneinfo
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from agents import hours, languages
from voiceplatform import registry


def own_time_zone() -> str:
    return str(settings.TIME_ZONE)


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
        "agents.Agent",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="numbers",
        help_text="Who answers. Empty: callers hear the sentence below and the call ends.",
    )
    active = models.BooleanField(default=True, help_text="Off: callers hear the sentence below and the call ends.")
    around_the_clock = models.BooleanField(
        default=True, help_text="Off: calls are put through only in the hours below; calls that run on are not cut off."
    )
    time_zone = models.CharField(
        max_length=64, default=own_time_zone, help_text="Whose clock the hours are of, such as Europe/Vienna."
    )
    hours = models.JSONField(default=dict, blank=True, help_text="Weekday (0 is Monday) -> from and to, in minutes.")
    language = models.CharField(
        max_length=8,
        blank=True,
        help_text="In which the carrier's voice speaks when no agent does. Empty: the agent's language, else English.",
    )
    otherwise = models.CharField(
        "what callers hear otherwise",
        max_length=400,
        blank=True,
        help_text="Said by the carrier's voice outside the hours, and while the number or its agent is off. Empty: that nobody can "
        "take the call right now, in the language above.",
    )

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
        self._check_hours()
        if self.language and self.language not in languages.SPOKEN:
            raise ValidationError({"language": "The carrier does not speak this."})
        if self.language and not self.otherwise and not languages.has(self.language):
            told = f"Write the sentence: we have none in {languages.SPOKEN[self.language]}."
            raise ValidationError({"otherwise": told})

    def _check_hours(self) -> None:
        if self.time_zone not in zoneinfo.available_timezones():
            raise ValidationError({"time_zone": "There is no such time zone. Write one such as Europe/Vienna."})
        if not self.around_the_clock and not any(self.hours.values()):
            told = "Without any hours nobody is ever put through. Write hours, or switch the number off."
            raise ValidationError({"around_the_clock": told})

    @property
    def webhook_url(self) -> str:
        """What the carrier asks when a call comes in; empty where it asks nothing."""
        try:
            return str(settings.PUBLIC_BASE_URL) + reverse(f"carriers:{self.carrier}-voice")
        except NoReverseMatch:
            return ""

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        try:
            return zoneinfo.ZoneInfo(self.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):  # a system whose time zones have changed
            return zoneinfo.ZoneInfo("UTC")

    def is_open(self, at: datetime) -> bool:
        """Whether a call at this moment is within the hours."""
        return self.around_the_clock or hours.is_open(self.hours, at.astimezone(self.zone))

    def why_not(self, at: datetime) -> str:
        """Why a call at this moment is not put through; empty when it is."""
        if not self.active:
            return "number switched off"
        if self.agent is None:
            return "number without agent"
        if not self.agent.active:
            return "agent switched off"
        return "" if self.is_open(at) else "outside its hours"

    @property
    def spoken_language(self) -> str:
        """What the carrier's voice speaks to callers of this number."""
        return languages.full(self.language or (self.agent.language if self.agent else ""))

    def said_otherwise(self) -> tuple[str, str]:
        """(text, language) of what callers hear who are not put through."""
        if self.otherwise:
            return self.otherwise, self.spoken_language
        return languages.sentence(languages.CLOSED, self.spoken_language)

    def apology(self) -> tuple[str, str]:
        """(text, language) of what callers hear when something of ours has failed."""
        return languages.sentence(languages.APOLOGY, self.spoken_language)


class SignatureCheckQuerySet(models.QuerySet["SignatureCheck"]):
    def note(self, *, number: str, carrier: str, why: str, now: datetime) -> None:
        """Keep what became of a webhook for a number of ours: `why` it was refused, or empty. For others nothing is kept.

        Strangers can ask as often as they like, so it is read first, and written once a second at most.
        """
        field = "refused_at" if why else "accepted_at"
        known = PhoneNumber.objects.filter(number=number, carrier=carrier).values_list(
            "pk", f"signature_check__{field}"
        )
        row = known.first()
        if row is None or (row[1] is not None and abs(now - row[1]) < timedelta(seconds=1)):
            return
        told = {"refused_at": now, "why": why} if why else {"accepted_at": now}
        due = Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__lte": now - timedelta(seconds=1)})
        if not self.filter(due, number_id=row[0]).update(**told):
            self.get_or_create(number_id=row[0], defaults=told)


class SignatureCheck(models.Model):
    """Whether the carrier's requests for a number were signed as ours must be. One row for each number that was ever asked for.

    Both outcomes stand side by side: a stranger's request with a wrong signature must not hide that the carrier's are right.
    """

    number = models.OneToOneField(PhoneNumber, on_delete=models.CASCADE, related_name="signature_check")
    accepted_at = models.DateTimeField(null=True, blank=True)
    refused_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField("why it was refused", max_length=64, blank=True)

    objects = SignatureCheckQuerySet.as_manager()

    class Meta:
        default_permissions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.number}: {self.outcome}"

    @property
    def outcome(self) -> str:
        """Of the last request: "accepted" or "refused"."""
        times: dict[str, Any] = {"accepted": self.accepted_at, "refused": self.refused_at}
        known = {name: at for name, at in times.items() if at is not None}
        return max(known, key=lambda name: known[name]) if known else ""

    @property
    def last_at(self) -> datetime:
        return max(at for at in (self.accepted_at, self.refused_at) if at is not None)
