"""Presets, undo and history on an agent's page of the admin: what is shown, and the acts behind its buttons."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST

from agents import history, services
from agents.history import Change
from agents.models import Agent, TurnSettings
from agents.presets import PRESETS, Preset
from agents.snapshot import TURN_FIELDS
from voiceplatform import audit
from voiceplatform.audit import Act

PAGE = 25
NAMED = 4
"""Changes that a message tells one by one."""


def urls() -> list[Any]:
    """Before the admin's own, whose last one takes everything."""
    view = admin.site.admin_view
    return [
        path("<int:agent_id>/preset/<slug:slug>/", view(apply_preset), name="agents_agent_preset"),
        path("<int:agent_id>/undo/", view(undo), name="agents_agent_undo"),
        path("<int:agent_id>/roll-back/", view(roll_back), name="agents_agent_roll_back"),
    ]


def panel(request: HttpRequest, agent: Agent) -> dict[str, Any]:
    """What stands above the form: the latest change, the calls that are live, the presets."""
    entries = history.of(agent)
    turn = TurnSettings.objects.filter(agent=agent).first() or TurnSettings(agent=agent)
    return {
        "agent": agent,
        "may_change": may_change(request),
        "latest": entries[0] if entries else None,
        "can_undo": len(entries) > 1 and bool(entries[0].changes),
        "live": live_calls(agent),
        "saved": None if may_change(request) else {name: getattr(turn, name) for name in TURN_FIELDS},
        "presets": [{"preset": preset, "changes": _would_change(turn, preset)} for preset in PRESETS.values()],
    }


def live_calls(agent: Agent) -> int:
    """How many calls the agent is carrying now. Calls hang on it by their foreign key; nothing else of them is known here."""
    calls: Any = agent.calls
    return int(calls.filter(status="live").count())


def may_change(request: HttpRequest) -> bool:
    return request.user.has_perms(["agents.change_agent", "agents.change_turnsettings"])


def _would_change(turn: TurnSettings, preset: Preset) -> list[tuple[Change, str]]:
    """What applying a preset would change, each with the preset's reason."""
    return [(change, preset.reasons[change.name]) for change in history.differences(TurnSettings, turn, preset.values)]


@require_POST
def apply_preset(request: HttpRequest, agent_id: int, slug: str) -> HttpResponse:
    """Give the agent the manners of a preset, and say what that changed."""
    agent = _agent_to_change(request, agent_id)
    preset = PRESETS.get(slug)
    if preset is None:
        raise Http404
    try:
        changes = services.apply_preset(agent=agent, preset=preset, by=request.user)
    except ValidationError as error:
        _refuse(request, f"The preset “{preset.label}” does not fit this agent", error)
    else:
        _record(request, Act.PRESET, agent, changes, preset=preset.label)
        _tell(request, f"Preset “{preset.label}” applied", f"The agent is “{preset.label}” already.", changes)
    return redirect("admin:agents_agent_change", agent.pk)


@require_POST
def undo(request: HttpRequest, agent_id: int) -> HttpResponse:
    """Take the latest change back, if it is still the one that the page showed."""
    agent = _agent_to_change(request, agent_id)
    try:
        changes = services.undo(agent=agent, latest=request.POST.get("latest", ""), by=request.user)
    except services.Overtaken:
        messages.error(request, "Nothing was undone: somebody has changed this agent since. Its history shows what.")
    except ValidationError as error:
        _refuse(request, "It could not be undone", error)
    else:
        _record(request, Act.UNDONE, agent, changes)
        _tell(request, "Undone", "It is as it was before already.", changes)
    return redirect("admin:agents_agent_change", agent.pk)


@require_POST
def roll_back(request: HttpRequest, agent_id: int) -> HttpResponse:
    """Make the agent what it was after a line of its history."""
    agent = _agent_to_change(request, agent_id)
    to = history.entry(agent, request.POST.get("to", ""))
    if to is None:
        raise Http404
    try:
        changes = services.roll_back(agent=agent, to=to, by=request.user)
    except ValidationError as error:
        _refuse(request, "That state is not valid any more", error)
    else:
        at = timezone.localtime(to.at)
        _record(request, Act.ROLLED_BACK, agent, changes, to=f"{at:%Y-%m-%d %H:%M:%S} ({to.why})")
        _tell(request, f"Rolled back to {at:%d %b %Y, %H:%M:%S}", "It is as it was then already.", changes)
    return redirect("admin:agents_agent_history", agent.pk)


def history_page(request: HttpRequest, agent: Agent) -> HttpResponse:
    """Who changed what, when and why; each state with its way back."""
    entries = history.of(agent)
    page = Paginator(entries, PAGE).get_page(_page_of(entries, request.GET.get("revision")) or request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": f"History of {agent}",
        "opts": Agent._meta,
        "original": agent,
        "page": page,
        "lines": [
            {"entry": entry, "back": history.back(entries[0], entry), "anchor": entry.revision != before.revision}
            for entry, before in zip_longest(page, page.object_list[1:], fillvalue=history.Entry())
        ],
        "newest": entries[0].key if entries else "",
        "may_change": may_change(request),
    }
    return TemplateResponse(request, "agents/history.html", context)


def _page_of(entries: list[history.Entry], revision: str | None) -> int | None:
    """The page on which a revision stands, for links from calls that ran with it."""
    at = [n for n, entry in enumerate(entries) if revision and str(entry.revision) == revision]
    return at[-1] // PAGE + 1 if at else None


def _agent_to_change(request: HttpRequest, agent_id: int) -> Agent:
    if not may_change(request):
        raise PermissionDenied
    return get_object_or_404(Agent, pk=agent_id)


def _record(request: HttpRequest, act: Act, agent: Agent, changes: list[Change], **more: Any) -> None:
    """A line of the audit log, if anything changed."""
    if changes:
        told = [[change.label, change.shown_old, change.shown_new] for change in changes]
        audit.seen(request, act, agent, **more, changes=told)


def _tell(request: HttpRequest, done: str, nothing: str, changes: list[Change]) -> None:
    if not changes:
        messages.info(request, nothing)
        return
    told = [
        str(change) if max(len(change.shown_old), len(change.shown_new)) < 80 else change.label for change in changes
    ]
    more = f", and {len(told) - NAMED} more" if len(told) > NAMED else ""
    messages.success(request, f"{done}: {', '.join(told[:NAMED])}{more}.")


def _refuse(request: HttpRequest, what: str, error: ValidationError) -> None:
    messages.error(request, f"{what}, and nothing was changed. {' '.join(error.messages)}")
