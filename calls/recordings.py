"""The files of a call's recording, below DATA_DIR. Each machine that takes calls has its own."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from calls.models import Call, Recording

logger = logging.getLogger("calls")

ENDINGS = (".wav", ".speech")
"""What calls.recorder and calls.ear.track write, side by side."""


def path_of(recording: Recording) -> Path | None:
    """Where the recording may be. Never outside of DATA_DIR, whatever its row says."""
    path = (settings.DATA_DIR / recording.path).resolve()
    return path if settings.DATA_DIR.resolve() in path.parents else None


def files_of(call: Call) -> list[Path]:
    """All that is here of it. Also where a process died before it could say that it had recorded: the file is there then."""
    recording = Recording.objects.filter(call=call).first()
    places = {path} if recording is not None and (path := path_of(recording)) is not None else set()
    began = timezone.localtime(call.started_at or call.rang_at)
    for day in (began + timedelta(days=days) for days in (-1, 0, 1)):  # as the clock of the process was
        places.add(settings.DATA_DIR / f"recordings/{day:%Y/%m/%d}/{call.pk}.wav")
    return [file for place in sorted(places) for ending in ENDINGS if (file := place.with_suffix(ending)).is_file()]


def remove(files: Iterable[Path]) -> None:
    """Take them off the disk. Who removed one before us did the same."""
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            logger.error("%s could not be removed (%s); remove it by hand", file, error.strerror)
