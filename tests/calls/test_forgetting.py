"""A call that is deleted is gone: its rows, its part in the figures, its sound. And the admin's pages of calls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client
from django.utils import timezone

from calls import counting, recordings, review, services
from calls.conversation import facts
from calls.models import Call, CallEvent, DayFigures, Recording, Transcript
from tests.calls.test_services import LINES, claim, ring
from tests.people import ADMIN, REVIEWER, TUNER, person
from voiceplatform.audit import Act
from voiceplatform.models import AuditEntry

pytestmark = pytest.mark.django_db
Commits = Callable[..., Any]


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(person(ADMIN))
    return client


@pytest.fixture
def files(call: Call) -> list[Path]:
    """What a call leaves on the disk."""
    wav = review.recording_path(call.recording)
    assert wav is not None
    speech = wav.with_suffix(".speech")
    speech.write_bytes(b"\0" * 10)
    return [wav, speech]


def sums() -> list[tuple[float, int, int, int]]:
    return list(DayFigures.objects.order_by("revision").values_list("calls", "stops", "refusals", "parts"))


def page(call: Call, kind: str = "delete") -> str:
    return f"/admin/calls/call/{call.pk}/{kind}/"


def test_its_rows_and_its_files_go(call: Call, files: list[Path], django_capture_on_commit_callbacks: Commits) -> None:
    neighbour = files[0].with_name("another.wav")
    neighbour.touch()
    with django_capture_on_commit_callbacks(execute=True):
        assert services.forget_call(call=call)
        assert all(file.exists() for file in files), "gone before it is sure that the call is"
    for model in (Call, CallEvent, Recording, Transcript):
        assert not model._default_manager.exists(), model
    assert not any(file.exists() for file in files)
    assert neighbour.exists()


def test_what_is_taken_back_leaves_the_files(
    call: Call, files: list[Path], django_capture_on_commit_callbacks: Commits
) -> None:
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(KeyError), transaction.atomic():
        services.forget_call(call=call)
        raise KeyError
    assert Call.objects.exists()
    assert all(file.exists() for file in files)


def test_sound_that_no_row_tells_of_goes_too(
    call: Call, settings: Any, django_capture_on_commit_callbacks: Commits
) -> None:
    """The process died before it could say that it had recorded. On the clock of the machine it was another day."""
    Recording.objects.all().delete()
    Call.objects.update(started_at=timezone.now() - timedelta(days=40))
    day = timezone.localtime() - timedelta(days=41)
    wav = settings.DATA_DIR / f"recordings/{day:%Y/%m/%d}/{call.pk}.wav"
    wav.parent.mkdir(parents=True)
    wav.touch()
    with django_capture_on_commit_callbacks(execute=True):
        assert services.forget_call(call=call)
    assert not wav.exists()


@pytest.mark.parametrize("path", ["", ".", "..", "../outside.wav", "/outside.wav", "recordings/../.."])
def test_nothing_outside_of_our_folder_is_touched(call: Call, path: str, settings: Any) -> None:
    Recording.objects.update(path=path)
    for name in (settings.DATA_DIR.with_suffix(".wav"), settings.DATA_DIR.parent / "outside.wav"):
        name.touch()
    try:
        assert recordings.files_of(call) == []
    finally:
        for name in (settings.DATA_DIR.with_suffix(".wav"), settings.DATA_DIR.parent / "outside.wav"):
            name.unlink()


def test_its_days_are_counted_without_it(call: Call) -> None:
    number = call.number
    assert number is not None
    services.apply_events(call_id=claim(ring(number, "CAother")).pk, lines=LINES)
    counting.count_pending()
    both = sums()
    Call.objects.exclude(pk=call.pk).get().delete()  # as the other one alone would be counted
    call.figures.update(counted=False)
    counting.count_pending()
    alone = sums()
    services.apply_events(call_id=claim(ring(number, "CAthird")).pk, lines=LINES)
    counting.count_pending()
    assert sums() == both != alone
    services.forget_call(call=Call.objects.exclude(pk=call.pk).get())
    counting.count_pending()
    assert sums() == alone
    services.forget_call(call=call)
    counting.count_pending()
    assert set(sums()) == {(0, 0, 0, 0)}


@pytest.mark.parametrize("status", [Call.Status.RINGING, Call.Status.LIVE, Call.Status.FAILED])
def test_a_call_that_goes_on_stays(admin: Client, call: Call, status: str) -> None:
    Call.objects.update(status=status, ended_at=None)
    with pytest.raises(ValidationError):
        services.forget_call(call=call)
    for answer in (admin.get(page(call), follow=True), admin.post(page(call), {"post": "yes"}, follow=True)):
        assert services.STILL_GOING_ON in answer.content.decode()
        assert answer.redirect_chain == [(page(call, "change"), 302)]
    assert Call.objects.exists()
    assert not AuditEntry.objects.filter(act=Act.DELETED).exists()


# --- in the admin


def test_the_admins_list_is_the_review_list(admin: Client, call: Call) -> None:
    answer = admin.get("/admin/calls/call/?status__exact=ended&q=555")
    assert (answer.status_code, answer["Location"]) == (302, "/calls/")
    chosen = {"action": "delete_selected", "_selected_action": str(call.pk), "post": "yes"}
    assert admin.post("/admin/calls/call/", chosen)["Location"] == "/calls/"
    assert Call.objects.exists()


def test_it_is_asked_in_few_words_and_done_at_once(
    admin: Client, call: Call, files: list[Path], django_capture_on_commit_callbacks: Commits
) -> None:
    assert page(call) in admin.get(page(call, "change")).content.decode()
    asked = admin.get(page(call)).content.decode()
    assert "with all that was said, its events, labels, figures and recording" in asked
    assert facts.CALL_ENDED not in asked and "Call events" not in asked
    with django_capture_on_commit_callbacks(execute=True):
        answer = admin.post(page(call), {"post": "yes"}, follow=True)
    assert answer.redirect_chain == [("/calls/", 302)]
    assert "The call was deleted." in answer.content.decode()
    assert "not on this machine" not in answer.content.decode()
    assert not Call.objects.exists()
    assert not any(file.exists() for file in files)
    line = AuditEntry.objects.get(act=Act.DELETED)
    assert (line.about, line.about_id) == (call.audit_name, str(call.pk))
    assert not LogEntry.objects.filter(object_repr__contains=call.caller).exists()


def test_a_recording_of_another_machine_is_said_to_stay(admin: Client, call: Call, files: list[Path]) -> None:
    for file in files:
        file.unlink()
    answer = admin.post(page(call), {"post": "yes"}, follow=True).content.decode()
    assert "Its recording is not on this machine" in answer and f"{call.pk}.wav" in answer
    assert not Call.objects.exists()


@pytest.mark.parametrize("kind", [REVIEWER, TUNER])
def test_who_may_not_deletes_nothing(client: Client, call: Call, kind: str) -> None:
    client.force_login(person(kind))
    assert client.get(page(call)).status_code == 403
    assert client.post(page(call), {"post": "yes"}).status_code == 403
    assert page(call) not in client.get(page(call, "change")).content.decode()
    assert Call.objects.exists()
