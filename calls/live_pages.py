"""An agent's live calls and the settings they run with; and the act of giving them the saved ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from agents.models import Agent
from agents.snapshot import AgentSnapshot
from calls import live_settings
from calls.conversation import facts
from calls.models import Call, CallEvent

OFFER = "live_settings"
"""Where a session keeps what was last offered, and who answered."""

ANSWERS = (facts.SETTINGS_APPLIED, facts.SETTINGS_REFUSED)


@dataclass(frozen=True, slots=True)
class Row:
    """One call, and what became of the settings in it."""

    call: Call
    state: str
    says: str
    revision: int

    @property
    def waits(self) -> bool:
        return self.state in ("unasked", "silent")


@require_POST
@staff_member_required
@permission_required("agents.change_turnsettings", raise_exception=True)
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
@staff_member_required
@permission_required("agents.view_turnsettings", raise_exception=True)
def page(request: HttpRequest, agent_id: int) -> HttpResponse:
    """What each live call runs with: from its answer, and from its record, which also holds the answers that came late."""
    agent = get_object_or_404(Agent.objects.select_related("turn_settings"), pk=agent_id)
    saved = AgentSnapshot.of(agent).turn["revision"]
    offer = request.session.get(OFFER) or {}
    if (offer.get("agent"), offer.get("revision")) != (agent.pk, saved):
        offer = {}
    calls = Call.objects.live().filter(agent=agent) | Call.objects.filter(agent=agent, pk__in=offer.get("asked", []))
    rows = [_row(call, saved, offer, told) for call, told in _with_record(calls.distinct())]
    context = {
        **admin.site.each_context(request),
        "title": "Live calls",
        "agent": agent,
        "saved": saved,
        "rows": rows,
        "away": offer.get("away", False),
        "waits": any(row.waits for row in rows),
        "may_change": request.user.has_perm("agents.change_turnsettings"),
    }
    return render(request, "agents/live.html", context)


def _with_record(calls: Iterable[Call]) -> list[tuple[Call, CallEvent | None]]:
    """Each call with the newest line of its record that says what became of settings."""
    calls = list(calls)
    lines = CallEvent.objects.filter(call__in=calls, kind__in=ANSWERS).order_by("seq")
    newest = {line.call_id: line for line in lines}
    return [(call, newest.get(call.pk)) for call in calls]


def _row(call: Call, saved: int, offer: dict[str, Any], told: CallEvent | None) -> Row:
    """The state of one call: its own answer first, then its record, then what it began with."""
    began = call.settings.get("turn", {}).get("revision", 0)
    if told is not None and told.kind == facts.SETTINGS_APPLIED:
        began = told.data.get("revision", began)
    answer = offer.get("answers", {}).get(str(call.pk))
    if answer is None and told is not None and told.data.get("revision") == saved:
        answer = {**told.data, "state": "applied" if told.kind == facts.SETTINGS_APPLIED else "refused"}
    if answer is not None and answer["state"] == "applied":
        differences = answer.get("differences") or []
        says = f"applied; the model did not take: {', '.join(differences)}" if differences else "applied"
        return Row(call, "differs" if differences else "applied", says, saved)
    if answer is not None:
        return Row(call, "refused", f"refused ({answer.get('code') or 'no reason given'}); it goes on as it was", began)
    if call.status != Call.Status.LIVE:
        return Row(call, "over", "the call is over", began)
    if began == saved:
        return Row(call, "applied", "runs with what is saved", saved)
    if str(call.pk) in offer.get("asked", []) and not offer.get("away"):
        return Row(call, "silent", "no answer yet", began)
    return Row(call, "unasked", "goes on with what it has", began)
