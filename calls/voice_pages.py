"""Trying a voice from the agent's page: a sentence is posted with the form as it stands, and its sound comes back."""

from __future__ import annotations

import asyncio
import textwrap
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from agents import keys, provider_form
from agents.provider_form import LONGEST_SENTENCE
from agents.voice_fields import SECOND_VOICE, VOICE, Role, name_of
from calls import audio, providers, voice_trial
from calls.voice_trial import Spoken
from voiceplatform import registry
from voiceplatform.access import requires

SENTENCE = "Hello. This is how I sound on the telephone."
"""For agents that begin with no words."""

TRIES, WITHIN_S = 10, 60
"""Of one person, in one process: each costs the account of a provider something."""

ROLES = {role.name: role for role in (VOICE, SECOND_VOICE)}


@require_POST
@sensitive_post_parameters()  # it may hold keys that were typed and not saved
@requires("agents.change_agent")
def try_voice(request: HttpRequest) -> HttpResponse:
    """WAV, and in X-Told how it went; else a sentence about why not, as plain text.

    A view of its own thread with an event loop of its own: the loop that carries calls knows nothing of it.
    """
    role, slug = ROLES.get(request.POST.get("role", "")), request.POST.get("provider", "")
    if role is None or not registry.knows(role.kind, slug):
        return _no("We do not know this voice.", 404)
    sentence, problem = _sentence(request.POST)
    values, problems = provider_form.posted(role, slug, request.POST)
    if problem or problems:
        return _no(problem or " ".join(problems), 422)
    if _too_many(request.user.pk):
        return _no(f"That is {TRIES} tries in a minute. Wait a little.", 429)
    return _speak(request, role, slug, values, sentence)


@sensitive_variables("key")
def _speak(request: HttpRequest, role: Role, slug: str, values: dict[str, Any], sentence: str) -> HttpResponse:
    key = _key(request, slug)
    voice = providers.voice(slug, values, key, request.POST.get("language", "").strip()[:8])
    try:
        spoken = asyncio.run(voice_trial.speak(voice, sentence))
    except voice_trial.Failed as failed:
        return _no(failed.in_words(name_of(role, slug)), 424)  # their failure and not ours, which a 502 would log as
    response = HttpResponse(audio.mulaw_wav_header(len(spoken.mulaw), 1) + spoken.mulaw, content_type="audio/wav")
    response["X-Told"] = _told(spoken, voice.address == registry.stand_in(role.kind, slug), name_of(role, slug))
    response["Cache-Control"] = "no-store"
    return response


def _key(request: HttpRequest, slug: str) -> str:
    """What was typed, by those who may; else the agent's own, else the environment's."""
    typed = request.POST.get(provider_form.key_field(slug), "").strip()
    if typed and request.user.has_perm(provider_form.MAY_CHANGE_KEYS):
        return typed
    agent = request.POST.get("agent", "")
    return keys.key_for(int(agent) if agent.isdecimal() and len(agent) < 19 else None, slug)


def _sentence(data: QueryDict) -> tuple[str, str]:
    """(what to say, what is wrong with it)"""
    typed = " ".join(data.get("sentence", "").split())
    if len(typed) > LONGEST_SENTENCE:
        return "", f"At most {LONGEST_SENTENCE} characters."
    greeting = " ".join(data.get("greeting", "").split())
    return typed or textwrap.shorten(greeting, LONGEST_SENTENCE, placeholder="") or SENTENCE, ""


def _too_many(user_id: int) -> bool:
    name = f"voice-tries-{user_id}"
    cache.add(name, 0, WITHIN_S)
    try:
        return cache.incr(name) > TRIES
    except ValueError:  # a minute ended between the two
        return False


def _told(spoken: Spoken, by_stand_in: bool, provider: str) -> str:
    told = f"First sound after {spoken.first_sound_ms} ms; {spoken.duration_ms / 1000:.1f} s of sound."
    if not spoken.whole:
        told += f" Cut short: {provider} was not done in time."
    if by_stand_in:
        told += f" There is no key for {provider}: this is its stand-in on this machine, with a voice of its own."
    return told


def _no(text: str, status: int) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
