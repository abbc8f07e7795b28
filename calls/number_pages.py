"""A number at its carrier: what is set there, and the act of pointing it at us."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from agents.models import PhoneNumber
from calls.carrier_api import CarrierApi, NoCredentials
from calls.carriers.base import CarrierRefused, Held
from voiceplatform import audit, registry
from voiceplatform.access import requires
from voiceplatform.audit import Act
from voiceplatform.checks import is_local


@require_http_methods(["GET", "HEAD", "POST"])
@requires("agents.change_phonenumber")
def configure(request: HttpRequest, number_id: int) -> HttpResponse:
    """First what the carrier does with the number's calls now; then, when it is asked for, that they come to us."""
    number = get_object_or_404(PhoneNumber, pk=number_id)
    held, problem, missing = None, "", False
    try:
        held = CarrierApi(number.carrier).find(number.number)
        problem = _problem(number, held)
    except NoCredentials as refusal:
        problem, missing = str(refusal), True
    except CarrierRefused as refusal:
        problem = str(refusal)
    if request.method == "POST" and held and not problem:
        return _point(request, number, held)
    context = {
        **admin.site.each_context(request),
        "title": f"{number} at the carrier",
        "number": number,
        "carrier": dict(registry.choices("CARRIERS")).get(number.carrier, number.carrier),
        "url": number.webhook_url,
        "held": held,
        "done": bool(held and held.calls(number.webhook_url)),
        "problem": problem,
        "missing": missing,
    }
    return render(request, "calls/configure_number.html", context, status=200 if not problem or missing else 409)


def _problem(number: PhoneNumber, held: Held | None) -> str:
    if held is None:
        return f"The account has no number {number}. Buy or port it at the carrier first, or check TWILIO_ACCOUNT_SID."
    if not held.takes_calls:
        return "This number takes no calls at the carrier: it is one for messages only."
    if is_local(settings.PUBLIC.hostname or "") and not settings.HTTPS:
        return f"The carrier cannot reach {settings.PUBLIC_BASE_URL}. Set PUBLIC_BASE_URL to the https address of this server."
    return ""


def _point(request: HttpRequest, number: PhoneNumber, held: Held) -> HttpResponse:
    try:
        now = CarrierApi(number.carrier).point(held, number.webhook_url)
    except CarrierRefused as refusal:
        messages.error(request, f"Nothing was changed. {refusal}")
        return redirect("configure_number", number.pk)
    audit.seen(
        request,
        Act.CONFIGURED,
        number,
        changes=[["Voice webhook at the carrier", held.voice_url or "empty", now.voice_url]],
        taken_off=held.instead,
    )
    messages.success(
        request, f"Calls to {number} come to this server now. Call it to see whether they are signed as they must be."
    )
    return redirect(reverse("admin:agents_phonenumber_change", args=[number.pk]))
