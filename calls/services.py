"""Acts that touch several rows: a call begins, its record arrives, it ends."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from agents.models import Agent, PhoneNumber
from agents.snapshot import AgentSnapshot
from calls import counting, derivation, measures, recordings
from calls.carriers.browser import Browser
from calls.models import Call, CallEvent, Label, Recording

logger = logging.getLogger("calls")

UNANSWERED_AFTER = timedelta(minutes=5)
TRACELESS_AFTER = timedelta(minutes=15)
STILL_GOING_ON = "This call is still going on. It can be deleted when it is over and its record has arrived."


@transaction.atomic
def ring(*, carrier: str, carrier_call_id: str, account_id: str, caller: str, called: str, number: PhoneNumber) -> Call:
    """A call that we will take. Carriers repeat their webhooks: the same call id is the same call."""
    call, _ = Call.objects.get_or_create(
        carrier=carrier,
        carrier_call_id=carrier_call_id,
        defaults={
            "account_id": account_id,
            "caller": caller,
            "called": called,
            "number": number,
            "agent": number.agent,
        },
    )
    return call


@transaction.atomic
def refuse(*, carrier: str, carrier_call_id: str, account_id: str, caller: str, called: str, reason: str) -> Call:
    """A call that was answered with a polite sentence, and not taken."""
    now = timezone.now()
    call, _ = Call.objects.get_or_create(
        carrier=carrier,
        carrier_call_id=carrier_call_id,
        defaults={
            "account_id": account_id,
            "caller": caller,
            "called": called,
            "number": PhoneNumber.objects.filter(number=called).first(),
            "status": Call.Status.REFUSED,
            "end_reason": reason,
            "ended_at": now,
        },
    )
    return call


@transaction.atomic
def ring_from_browser(*, agent: Agent, who: str) -> Call:
    """A call to an agent from somebody's browser. Also an agent that is switched off answers: it is being tried out."""
    return Call.objects.create(
        carrier=Browser.slug,
        carrier_call_id=f"BR{uuid4().hex}",
        caller=who[:32],
        called=agent.name[:32],
        agent=agent,
    )


@transaction.atomic
def claim_stream(*, call_id: UUID, carrier_call_id: str) -> Call | None:
    """Use up the right to open the call's media stream. None when it was used, or is not this call's.

    The update with its condition is the lock: of two sockets with the same token one gets a row.
    """
    now = timezone.now()
    claimed = Call.objects.filter(
        Q(agent__active=True) | Q(agent__isnull=False, carrier=Browser.slug),
        pk=call_id,
        carrier_call_id=carrier_call_id,
        status=Call.Status.RINGING,
        token_claimed_at__isnull=True,
    ).update(token_claimed_at=now, started_at=now, status=Call.Status.LIVE)
    if not claimed:
        return None
    call = Call.objects.select_related("agent__turn_settings").get(pk=call_id)
    assert call.agent is not None
    call.begin_with(AgentSnapshot.of(call.agent).as_json())
    call.save(update_fields=["settings", "voice", "revision", "last_revision"])
    return call


def note_failure(*, call_id: UUID, reason: str) -> None:
    """The call ends in failure: known at once, so that the carrier's next question gets an apology for the caller."""
    Call.objects.filter(pk=call_id, status=Call.Status.LIVE).update(status=Call.Status.FAILED, end_reason=reason[:64])


@transaction.atomic
def apply_events(*, call_id: UUID | str, lines: Iterable[dict[str, Any]]) -> int:
    """Store lines of a call's spool and derive its rows from all lines stored so far. How many lines were new.

    Lines may come twice, in any order, and in any batches: (call, seq) is stored once, and what is derived depends on the stored
    lines only. Lines of a call that is not in the database are dropped: the spool keeps them, and offers them again.
    """
    call = Call.objects.select_for_update().filter(pk=call_id).first()
    if call is None:
        logger.warning("[%s] Lines of an unknown call; they stay in its spool", call_id)
        return 0
    events = [event for line in lines if (event := _event(call, line)) is not None]
    before = call.events.count()
    CallEvent.objects.bulk_create(events, ignore_conflicts=True)
    derivation.derive(call, {event.kind for event in events})
    return call.events.count() - before


def _event(call: Call, line: dict[str, Any]) -> CallEvent | None:
    """A line as a row. One that cannot be a row must not take its batch with it."""
    try:
        data = line.get("data")
        seq = int(line["seq"])
        if not 0 < seq <= derivation.LARGEST:
            raise ValueError("seq")
        return CallEvent(
            call=call,
            seq=seq,
            at_ms=min(max(0, int(line["at_ms"])), derivation.LARGEST),
            kind=_without_nul(str(line["kind"]))[:32],
            data=_without_nul(data) if isinstance(data, dict) else {},
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        logger.error("[%s] A line of the spool is no event and was left out", call.pk)
        return None


def _without_nul(value: Any) -> Any:
    """PostgreSQL refuses U+0000 in any text, and the whole batch with it."""
    match value:
        case str():
            return value.replace("\0", "")
        case list():
            return [_without_nul(part) for part in value]
        case dict():
            return {_without_nul(name): _without_nul(part) for name, part in value.items()}
    return value


@transaction.atomic
def label(
    *, call: Call, by: Any, kind: str, text: str = "", at_ms: int, about: str = Label.About.MOMENT, ref: str = ""
) -> Label:
    """Keep what a reviewer says of a moment. Saying the same of the same thing twice says it once.

    Raises: ValidationError, with what to do.
    """
    call = Call.objects.select_for_update().get(pk=call.pk)  # of two at once, the second counts the first one's too
    made = Label(call=call, kind=kind, text=text.strip(), at_ms=min(at_ms, derivation.LARGEST), about=about, ref=ref)
    made.author, made.author_name = by, by.get_username()
    made.revision = derivation.revision_at(call, made.at_ms)
    made.full_clean()
    same = call.labels.filter(author=by, kind=kind, about=about, ref=ref)
    if about == Label.About.MOMENT:
        same = same.filter(at_ms=made.at_ms)
    if kind != Label.Kind.NOTE and (known := same.first()) is not None:
        return known
    made.save()
    _count_labels(call)
    return made


@transaction.atomic
def remove_label(*, label: Label, by: Any) -> None:
    """Take back one's own word. Raises PermissionDenied for somebody else's."""
    call = Call.objects.select_for_update().get(pk=label.call_id)
    if label.author_id != by.pk:
        raise PermissionDenied("Only who made a label can remove it.")
    label.delete()
    _count_labels(call)


def _count_labels(call: Call) -> None:
    call.label_count = call.labels.count()
    call.save(update_fields=["label_count"])
    derivation.derive(call, measures.KINDS)  # a word on a stop decides whether it was a false one


@transaction.atomic
def forget_call(*, call: Call) -> bool:
    """Delete a call that is over: its rows, its part in the figures of its days, and the files of its recording.

    Whether nothing of it stays: a recording on another machine's disk does. Raises ValidationError, with what to do, while the
    call goes on.
    """
    call = Call.objects.select_for_update().get(pk=call.pk)
    if call.is_going_on:
        raise ValidationError(STILL_GOING_ON)
    files = recordings.files_of(call)
    recording = Recording.objects.filter(call=call).first()
    mark = counting.forget(call)
    call.delete()
    mark()
    transaction.on_commit(partial(recordings.remove, files))
    return recording is None or recordings.path_of(recording) in files


def end_unanswered_calls() -> int:
    """Calls whose media never came are over, and so are those whose process died before its first line. How many."""
    now = timezone.now()
    silent = Call.objects.filter(status=Call.Status.RINGING, rang_at__lt=now - UNANSWERED_AFTER)
    ended = silent.update(status=Call.Status.ENDED, end_reason="never connected", ended_at=now)
    # Should lines of such a call come after all, its outcome is derived from them.
    traceless = Call.objects.filter(status=Call.Status.LIVE, started_at__lt=now - TRACELESS_AFTER, events__isnull=True)
    return ended + traceless.update(status=Call.Status.FAILED, end_reason="server stopped", ended_at=now)
