"""What belongs to neither agents nor calls: the audit log."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils import timezone


class AppendOnly(TypeError):
    """A line of the audit log was to be changed or taken out."""


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    def update(self, **values: Any) -> NoReturn:
        raise AppendOnly("Lines of the audit log are not changed.")

    def delete(self) -> NoReturn:
        raise AppendOnly("Lines of the audit log are not deleted; see audit.forget_old().")


class AuditEntry(models.Model):
    """One act of a person: who, when, what, of which object, from which address. Written by voiceplatform.audit alone.

    Names are copies, not keys: the line must read the same after the user or the object is gone.
    """

    at = models.DateTimeField(default=timezone.now)
    act = models.CharField(max_length=32, help_text="One of the words in voiceplatform/audit.py.")
    user_id = models.PositiveBigIntegerField(null=True)
    who = models.CharField(max_length=150, blank=True)
    address = models.GenericIPAddressField("from", null=True, blank=True)
    about_kind = models.CharField(max_length=64, blank=True, help_text="The model, such as agents.agent.")
    about_id = models.CharField(max_length=64, blank=True)
    about = models.CharField("of what", max_length=200, blank=True)
    details = models.JSONField(default=dict, blank=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = "audit log line"
        verbose_name_plural = "audit log"
        ordering = ["-at", "-id"]
        default_permissions = ["view"]
        indexes = [
            models.Index(fields=["-at", "-id"]),
            models.Index(fields=["about_kind", "about_id", "act", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%d %b %Y, %H:%M:%S} {self.who} {self.act} {self.about}".strip()

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("Lines of the audit log are not changed.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("Lines of the audit log are not deleted; see audit.forget_old().")
