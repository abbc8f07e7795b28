"""`manage.py check` in plain words: which value of the environment is missing or wrong, and what to do about it."""

from __future__ import annotations

import ipaddress
import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from calls.voices.base import VoiceClass
from calls.voices.hearing import HearingDialect
from voiceplatform import environment, registry

CONTRACTS = {"VOICES": VoiceClass, "HEARINGS": HearingDialect}
"""What a provider's class has to say of itself."""


@register()
def environment_is_readable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Every variable that was set and could not be used."""
    return [Error(f"{name} {problem}", id="voiceplatform.E001") for name, problem in environment.problems]


@register()
def model_is_reachable_in_principle(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.OPENAI_REALTIME_URL == settings.OPENAI_SERVICE_URL and not settings.OPENAI_API_KEY:
        hint = "Set OPENAI_API_KEY, or unset OPENAI_REALTIME_URL to rehearse without a key."
        return [
            Error(
                "OPENAI_API_KEY is missing, and OPENAI_REALTIME_URL is the real service.", hint, id="voiceplatform.E002"
            )
        ]
    return []


@register()
def secrets_are_ours(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if len(settings.SECRET_KEY) < 50:
        hint = "Use at least 50 random characters, or unset it to have one made and kept."
        found.append(
            Error("SECRET_KEY is too short to keep sessions and stream tokens safe.", hint, id="voiceplatform.E003")
        )
    if not is_local(settings.PUBLIC.hostname or "") and not os.environ.get("TWILIO_AUTH_TOKEN"):
        hint = "Copy it from the console of your Twilio account. Until then every call of the carrier is refused."
        found.append(Warning("TWILIO_AUTH_TOKEN is missing on a public address.", hint, id="voiceplatform.W001"))
    return found


@register()
def public_address_is_https(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    if settings.HTTPS or is_local(settings.PUBLIC.hostname or ""):
        return []
    hint = "Carriers only open media streams over TLS: put a proxy with a certificate in front and write https://."
    return [Warning("PUBLIC_BASE_URL is plain http on a public address.", hint, id="voiceplatform.W002")]


@register()
def providers_can_be_used(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Each provider of settings.VOICES and HEARINGS can be imported and says who it is; its address in the environment is one."""
    found: list[CheckMessage] = []
    for kind in registry.KEYED:
        for slug in getattr(settings, kind):
            try:
                provider = registry.load(kind, slug)
            except ImproperlyConfigured as error:
                found.append(Error(str(error), f"Mend or remove it in settings.{kind}.", id="voiceplatform.E004"))
                continue
            missing = [name for name in CONTRACTS[kind].__annotations__ if not hasattr(provider, name)]
            if missing:
                told = f"{getattr(settings, kind)[slug]} does not say its {', '.join(missing)}."
                hint = "docs/adding-a-voice.md tells what each is."
                found.append(Error(told, hint, id="voiceplatform.E005"))
                continue
            schemes = ("wss", "ws") if provider.service_url.startswith("ws") else ("https", "http")
            if problem := environment.address_problem(environment.text(provider.url_variable), schemes):
                found.append(Error(f"{provider.url_variable} {problem}", id="voiceplatform.E001"))
    return found


def is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
