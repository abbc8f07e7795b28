"""What carriers ask over HTTP: who answers this call, how the stream went, what comes after it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agents.models import PhoneNumber
from calls import services, tokens
from calls.carriers import twilio
from calls.models import Call

logger = logging.getLogger("calls")

NOBODY = "Hello. Nobody can take your call at this number. Please check the number, or try again later. Goodbye."
APOLOGY = "We are sorry. We have a technical problem and cannot go on with your call. Please try again later. Goodbye."

View = Callable[[HttpRequest], HttpResponse]


def signed_by_twilio(view: View) -> View:
    """Only requests that Twilio signed for our public address."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if "X-Twilio-Webhooks-Signature-Settings" in request.headers:
            logger.warning("Refused %s: signed with a shared key, which is not set up here", request.path)
            return HttpResponse("This server checks signatures made with the account's auth token.", status=403)
        url = settings.PUBLIC_BASE_URL + request.get_full_path()
        given = request.headers.get("X-Twilio-Signature", "")
        fields = {name: request.POST.getlist(name) for name in request.POST}
        if not twilio.is_signed(settings.TWILIO_AUTH_TOKEN.split(","), url, fields, given):
            logger.warning(
                "Refused %s: wrong signature. Check that TWILIO_AUTH_TOKEN is the account's, and that the carrier calls %s",
                request.path,
                url,
            )
            return HttpResponse("Wrong signature.", status=403)
        return view(request)

    return checked


def _twiml(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="text/xml; charset=utf-8")


@signed_by_twilio
def voice(request: HttpRequest) -> HttpResponse:
    """A call comes in. Whatever is wrong here, the caller hears a sentence."""
    asked = {
        "carrier": twilio.Twilio.slug,
        "carrier_call_id": request.POST.get("CallSid", "")[:64],
        "account_id": request.POST.get("AccountSid", "")[:64],
        "caller": request.POST.get("From", "")[:32],
        "called": request.POST.get("To", "")[:32],
    }
    if not asked["carrier_call_id"]:
        logger.warning("A call without a CallSid was not taken")
        return _twiml(twilio.say_and_hang_up(APOLOGY))
    try:
        return _answer(asked)
    except DatabaseError as error:
        logger.error("A call was not taken: the database is away (%s)", type(error).__name__)
        return _twiml(twilio.say_and_hang_up(APOLOGY))


def _answer(asked: dict[str, str]) -> HttpResponse:
    number = (
        PhoneNumber.objects.select_related("agent").filter(number=asked["called"], carrier=asked["carrier"]).first()
    )
    why_not = _why_not(number)
    if number is None or why_not:
        services.refuse(**asked, reason=why_not)
        logger.warning("A call to %s was not taken: %s", asked["called"] or "no number", why_not)
        return _twiml(twilio.say_and_hang_up(NOBODY))
    call = services.ring(**asked, number=number)
    if call.status != Call.Status.RINGING:
        logger.warning("[%s] The carrier asked again for a call that is %s", call.pk, call.status)
        return _twiml(twilio.hang_up())
    logger.info("[%s] Ringing: %s for agent %s", call.pk, number.number, number.agent)
    return _twiml(
        twilio.answer(
            stream_url="ws" + settings.PUBLIC_BASE_URL.removeprefix("http") + "/carriers/twilio/media/",
            parameters={"token": tokens.make(call.pk, call.carrier_call_id)},
            status_url=_absolute("carriers:twilio-stream-status"),
            action_url=_absolute("carriers:twilio-after-stream"),
            fallback=APOLOGY,
        )
    )


def _why_not(number: PhoneNumber | None) -> str:
    if number is None:
        return "unknown number"
    if not number.active:
        return "number switched off"
    if number.agent is None:
        return "number without agent"
    return "" if number.agent.active else "agent switched off"


def _absolute(name: str) -> str:
    return settings.PUBLIC_BASE_URL + reverse(name)


@signed_by_twilio
def stream_status(request: HttpRequest) -> HttpResponse:
    """How the stream is doing, and the only place where a handshake that failed is seen."""
    if request.POST.get("StreamEvent") == "stream-error":
        given = request.POST.get("StreamError", "")
        code = next((code for code in twilio.STREAM_ERRORS if code in given), "")
        meaning = twilio.STREAM_ERRORS.get(code, "an error that Twilio does not document")
        call = Call.objects.filter(carrier_call_id=request.POST.get("CallSid", "")).first()
        logger.error("[%s] The media stream failed: %s %s", call.pk if call else "unknown call", code, meaning)
    return HttpResponse(status=204)


@signed_by_twilio
def after_stream(request: HttpRequest) -> HttpResponse:
    """The stream is over: after a failure the caller hears an apology rather than a dead line."""
    try:
        failed = Call.objects.filter(
            carrier_call_id=request.POST.get("CallSid", ""), carrier=twilio.Twilio.slug, status=Call.Status.FAILED
        ).exists()
    except DatabaseError:
        failed = True
    return _twiml(twilio.say_and_hang_up(APOLOGY) if failed else twilio.hang_up())
