"""An agent's live calls and the settings they run with; and the act of giving them the saved ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from agents import history
from agents.history import Change
from agents.models import Agent, TurnSettings
from agents.snapshot import AgentSnapshot
from calls import access, live_settings
from calls.conversation import facts
from calls.models import Call, CallEvent
from voiceplatform import audit
from voiceplatform.access import requires
from voiceplatform.audit import Act

OFFER = "live_settings"
"""Where a session keeps what was last offered, and who answered."""

ANSWERS = (facts.SETTINGS_APPLIED, facts.SETTINGS_REFUSED)

LONG_S = 10
"""Who has not answered by then will hardly do so: the model's echo takes some tenths of a second."""

TOLD = {
    "applied": "{} with what is saved",
    "differs": "{} with a part of it",
    "refused": "{} refused",
    "silent": "{} without an answer",
    "unasked": "{} with earlier settings",
    "over": "{} over",
}
"""State of a call -> how many of them, as the page sums it up. In this order."""


@dataclass(frozen=True, slots=True)
class Row:
    """One call, and what became of the settings in it."""

    call: Call
    state: str
    says: str
    revision: int
    differs: tuple[Change, ...] = ()  # what is saved from what it runs with

    @property
    def waits(self) -> bool:
        """Whether applying what is saved could change anything for this call."""
        return self.call.status == Call.Status.LIVE and self.state in ("unasked", "silent", "refused", "differs")


@require_POST
@requires("agents.change_turnsettings")
def apply(request: HttpRequest, agent_id: int) -> HttpResponse:
    """Give the saved turn settings to every live call of the agent, and wait a little for what the calls say."""
    agent = get_object_or_404(Agent.objects.select_related("turn_settings"), pk=agent_id)
    snapshot = AgentSnapshot.of(agent)
    live = [str(pk) for pk in Call.objects.live().filter(agent=agent).values_list("pk", flat=True)]
    message = {
        "turn": snapshot.turn,
        "turn_detection": snapshot.turn_detection,
        "revision": snapshot.turn["revision"],
        "by": request.user.get_username(),
    }
    try:
        answers, away = async_to_sync(live_settings.offer)(agent.pk, message, live), False
    except live_settings.LayerAway:
        answers, away = {}, True
    told = Counter(answer["state"] for answer in answers.values())
    answered = "the broker is away" if away else dict(told)
    audit.seen(request, Act.APPLIED_LIVE, agent, revision=message["revision"], calls=live, answers=answered)
    request.session[OFFER] = {
        "agent": agent.pk,
        "revision": snapshot.turn["revision"],
        "asked": live,
        "answers": answers,
        "away": away,
        "at": timezone.now().isoformat(),
    }
    return redirect("live_settings", agent.pk)


@require_safe
@requires("agents.view_turnsettings", access.SEE)
def page(request: HttpRequest, agent_id: int) -> HttpResponse:
    """What each live call runs with: from its answer, and from its record, which also holds the answers that came late."""
    agent = get_object_or_404(Agent.objects.select_related("turn_settings"), pk=agent_id)
    saved = AgentSnapshot.of(agent).turn["revision"]
    offer = request.session.get(OFFER) or {}
    if (offer.get("agent"), offer.get("revision")) != (agent.pk, saved):
        offer = {}
    calls = Call.objects.live().filter(agent=agent) | Call.objects.filter(agent=agent, pk__in=offer.get("asked", []))
    rows = _with_differences(agent, [_row(*found, saved, offer) for found in _with_record(calls.distinct())])
    states = Counter(row.state for row in rows)
    context = {
        **admin.site.each_context(request),
        "title": "Live calls",
        "agent": agent,
        "saved": saved,
        "rows": rows,
        "sum": ", ".join(text.format(states[state]) for state, text in TOLD.items() if states[state]),
        "offered": datetime.fromisoformat(offer["at"]) if offer else None,
        "away": offer.get("away", False),
        "waits": sum(row.waits for row in rows),
        "may_change": request.user.has_perm("agents.change_turnsettings"),
    }
    return render(request, "agents/live.html", context)


def _with_record(calls: Iterable[Call]) -> list[tuple[Call, int, CallEvent | None]]:
    """Each call with the revision that it runs with, and the newest line of its record about settings."""
    calls = list(calls)
    lines = CallEvent.objects.filter(call__in=calls, kind__in=ANSWERS).order_by("seq")
    newest = {line.call_id: line for line in lines}
    began = {call.pk: call.settings.get("turn", {}).get("revision", 0) for call in calls}
    runs = began | {line.call_id: line.data["revision"] for line in lines if _applied(line) and "revision" in line.data}
    return [(call, runs[call.pk], newest.get(call.pk)) for call in calls]


def _applied(line: CallEvent) -> bool:
    return line.kind == facts.SETTINGS_APPLIED


def _with_differences(agent: Agent, rows: list[Row]) -> list[Row]:
    """The rows that are behind, with what they would get."""
    behind = {row.revision for row in rows if row.state in ("unasked", "silent", "refused")}
    known = {revision: history.turn_at(agent, revision) for revision in behind}
    now = TurnSettings.objects.filter(agent=agent).first()
    changes = {revision: tuple(history.between(TurnSettings, then, now)) for revision, then in known.items()}
    return [replace(row, differs=changes.get(row.revision, ())) for row in rows]


def _row(call: Call, runs_with: int, told: CallEvent | None, saved: int, offer: dict[str, Any]) -> Row:
    """The state of one call: its own answer first, then its record, then what it began with."""
    answer = offer.get("answers", {}).get(str(call.pk))
    if answer is None and told is not None and told.data.get("revision") == saved:
        answer = {**told.data, "state": "applied" if _applied(told) else "refused"}
    if answer is not None and answer["state"] == "applied":
        differences = answer.get("differences") or []
        says = f"applied; the model did not take: {', '.join(differences)}" if differences else "applied"
        return Row(call, "differs" if differences else "applied", says, saved)
    if answer is not None:
        says = f"refused ({answer.get('code') or 'no reason given'}); it goes on as it was"
        return Row(call, "refused", says, runs_with)
    if call.status != Call.Status.LIVE:
        return Row(call, "over", "the call is over", runs_with)
    if runs_with == saved:
        return Row(call, "applied", "runs with what is saved", saved)
    if str(call.pk) in offer.get("asked", []) and not offer.get("away"):
        late = timezone.now() - datetime.fromisoformat(offer["at"]) > timedelta(seconds=LONG_S)
        says = f"no answer after {LONG_S} s; it goes on as it was" if late else "no answer yet"
        return Row(call, "silent", says, runs_with)
    return Row(call, "unasked", "was not asked; it goes on as it was", runs_with)
