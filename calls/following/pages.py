"""The pages on which running calls are followed, and the one that calls an agent."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from agents.models import Agent
from agents.tuning import may_change
from calls import access, services, tokens
from calls.carriers.browser import Browser
from calls.following import tuning
from calls.following.sockets import may_tune
from calls.models import Call
from voiceplatform import audit
from voiceplatform.access import check, requires
from voiceplatform.audit import Act

MEDIA = f"/carriers/{Browser.slug}/media/"


@require_safe
@requires(access.SEE)
def board(request: HttpRequest) -> HttpResponse:
    """All running calls. What the database knows stands here at once; the page's socket tells the rest."""
    calls = Call.objects.live().select_related("agent").order_by("started_at")
    return render(request, "calls/live/board.html", _context(request, title="Live calls", calls=calls))


@require_safe
@requires(access.SEE)
def follow(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """One running call, as it happens."""
    call = get_object_or_404(Call.objects.select_related("agent", "number"), pk=call_id)
    if call.status not in (Call.Status.RINGING, Call.Status.LIVE):
        return redirect(call)
    return render(request, "calls/live/call.html", _context(request, call.agent, title="Live call", call=call))


@require_safe
@requires(access.PLACE)
def phone(request: HttpRequest, agent_id: int) -> HttpResponse:
    """An agent, and a telephone in the page to call it with."""
    agent = get_object_or_404(Agent, pk=agent_id)
    rehearsal = settings.OPENAI_REALTIME_URL == settings.REHEARSAL_URL
    saved = tuning.saved(agent)
    context = _context(request, agent, title=f"Call {agent}", agent=agent, rehearsal=rehearsal, saved=saved)
    return render(request, "calls/live/call.html", context)


@require_POST
def start(request: HttpRequest, agent_id: int) -> JsonResponse:
    """A call that rings: its id, and the token for its media socket."""
    check(request.user, access.PLACE)
    agent = get_object_or_404(Agent, pk=agent_id)
    call = services.ring_from_browser(agent=agent, who=request.user.get_username())
    audit.seen(request, Act.CALLED, call, agent=agent.name)
    return JsonResponse(
        {
            "call": str(call.pk),
            "carrier_call": call.carrier_call_id,
            "token": tokens.make(call.pk, call.carrier_call_id),
            "media": MEDIA,
            "follow": f"/calls/live/{call.pk}/socket/",
            "review": call.get_absolute_url(),
        }
    )


@require_POST
def keep(request: HttpRequest, agent_id: int) -> JsonResponse:
    """Save for the agent what was tried in a running call: `{"values": {name: value}, "call": id}`."""
    if not may_keep(request):
        raise PermissionDenied
    agent = get_object_or_404(Agent, pk=agent_id)
    try:
        asked = json.loads(request.body)
        values, call_id = dict(asked["values"]), UUID(str(asked["call"]))
    except (ValueError, KeyError, TypeError):
        return JsonResponse({"says": "The page asked for something unknown. Load it again."}, status=400)
    call = get_object_or_404(Call, pk=call_id, agent=agent)
    try:
        changes = tuning.keep(agent, values, call, by=request.user)
    except tuning.NotAccepted as why:
        return JsonResponse({"says": f"Nothing was saved. {why}"}, status=422)
    if not changes:
        return JsonResponse({"says": f"{agent} has these already."})
    told = [[change.label, change.shown_old, change.shown_new] for change in changes]
    audit.seen(request, Act.CHANGED, agent, tried_in=call.pk, changes=told)
    return JsonResponse(
        {"says": f"Saved for {agent}: {', '.join(map(str, changes))}. Calls from now on begin with it."}
    )


def may_keep(request: HttpRequest) -> bool:
    """Make settings of a call the agent's: needs what every other way to change a saved agent needs."""
    return access.may_see(request.user) and may_change(request)


def _context(request: HttpRequest, whose: Agent | None = None, /, **more: Any) -> dict[str, Any]:
    """`whose`: the agent whose settings a call on this page runs with."""
    may = {
        "see": access.may_see(request.user),
        "hear": access.may_hear(request.user),
        "steer": access.may_steer(request.user),
        "tune": may_tune(request.user),
        "place": access.may_place(request.user),
    }
    return {
        **admin.site.each_context(request),
        "may": may,
        "controls": tuning.controls(),
        "tuned": whose if may_keep(request) else None,
        **more,
    }
