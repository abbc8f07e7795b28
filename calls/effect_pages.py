"""What the last change of an agent's settings did to real calls: a page, and the same as a part of the agent's own page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from agents import history
from agents.models import Agent, TurnSettings
from calls import effect
from calls.dashboard import number
from voiceplatform.access import requires

CHOICES = 30
"""Revisions that can be compared."""


@require_safe
@requires("agents.view_turnsettings", "calls.view_call")
def page(request: HttpRequest, agent_id: int) -> HttpResponse:
    """Two revisions side by side: the one in force and the one before it, or those that are asked for."""
    agent = get_object_or_404(Agent.objects.select_related("turn_settings"), pk=agent_id)
    shown = {"agent": agent, **_compared(agent, number(request, "before"), number(request, "after"))}
    if request.headers.get("HX-Request"):
        return render(request, "calls/dashboard/effect_part.html", shown)
    frame = {**admin.site.each_context(request), "title": f"Effect of changes to {agent}"}
    return render(request, "calls/dashboard/effect.html", {**frame, **shown})


def _compared(agent: Agent, before: int, after: int) -> dict[str, Any]:
    saved = agent.turn_settings.revision if hasattr(agent, "turn_settings") else 0
    seen = effect.revisions(agent, CHOICES)
    choices = sorted({*seen, *([saved] if saved else [])}, reverse=True)
    after = after if after in choices else saved
    earlier = [revision for revision in seen if revision < after]
    before = before if before in choices else (earlier[0] if earlier else 0)
    found = {"saved": saved, "choices": choices, "before": before, "after": after}
    if not before or before == after:
        return found
    sides = effect.side(agent, before), effect.side(agent, after)
    changes = history.between(TurnSettings, history.turn_at(agent, before), history.turn_at(agent, after))
    lines = effect.compare(*sides)
    return {
        **found,
        "sides": sides,
        "changes": changes,
        "lines": lines,
        "told": sum(line.verdict in ("higher", "lower") for line in lines),
        "since": getattr(history.turn_at(agent, after), "history_date", None),
    }
