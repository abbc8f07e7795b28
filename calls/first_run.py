"""The guide for the first minutes: an agent, its number, a call. Ticked off by what is really there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from agents.models import Agent, PhoneNumber
from calls.models import Call


@dataclass(frozen=True, slots=True)
class Step:
    """`told`: what is there, or what to do. `link` and `act`: where, and what the link says; empty for who may not."""

    title: str
    done: bool
    told: str
    link: str = ""
    act: str = ""
    command: str = ""


def guide(request: HttpRequest) -> dict[str, Any] | None:
    """The steps, and which is next; None when all of them are done."""
    if Call.objects.filter(duration_ms__gt=0).exists():
        return None
    agent = Agent.objects.filter(active=True).order_by("pk").first()
    number = PhoneNumber.objects.filter(active=True, agent__active=True).select_related("agent").first()
    steps = [_agent(request, agent), _number(request, number), _call(request, agent, number)]
    following = next(index for index, step in enumerate(steps) if not step.done)
    return {"steps": steps, "next": following, "done": sum(step.done for step in steps)}


def _agent(request: HttpRequest, agent: Agent | None) -> Step:
    title = "Make an agent"
    if agent is not None:
        may = request.user.has_perm("agents.view_agent")
        page = reverse("admin:agents_agent_change", args=[agent.pk]) if may else ""
        return Step(title, True, f"{agent} answers.", page, "Look at its settings" if page else "")
    may = request.user.has_perm("agents.add_agent")
    told = "Who answers, what it says first and what it knows. How it takes turns is set for most callers already."
    return Step(title, False, told, reverse("admin:agents_agent_add") if may else "", "Make an agent" if may else "")


def _number(request: HttpRequest, number: PhoneNumber | None) -> Step:
    title = "Give it a number"
    if number is not None:
        return Step(title, True, f"Calls to {number} are answered by {number.agent}.")
    may = request.user.has_perm("agents.add_phonenumber")
    told = "The number that callers dial. For a trial any will do, such as +12025550142; its carrier comes later."
    page = reverse("admin:agents_phonenumber_add") if may else ""
    return Step(title, False, told, page, "Add a number" if may else "")


def _call(request: HttpRequest, agent: Agent | None, number: PhoneNumber | None) -> Step:
    title = "Place a test call"
    if agent is None or number is None:
        return Step(title, False, "As soon as there is an agent and a number.")
    told = f"Ring {number}, or let a recorded caller do it, who also interrupts the agent. From the folder of this product:"
    if not settings.OPENAI_API_KEY:
        told = f"The rehearsal model answers, without any key. {told}"
    command = (
        f".venv/bin/python manage.py place_call --to {number} --audio calls/clips/request.wav "
        "--at-agent-speech calls/clips/interruption.wav"
    )
    page = _browser_call(request, agent)
    return Step(title, False, told, page, "Call it from the browser" if page else "", command)


def _browser_call(request: HttpRequest, agent: Agent) -> str:
    """Where one talks to the agent with the browser; empty for who may not."""
    return reverse("calls:phone", args=[agent.pk]) if request.user.has_perm("calls.place_call") else ""
