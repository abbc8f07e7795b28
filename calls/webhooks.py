"""What carriers ask over HTTP: who answers this call, how the stream went, what comes after it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.db import Error as DatabaseAway
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agents import languages
from agents.models import PhoneNumber, SignatureCheck
from calls import services, tokens
from calls.carriers import twilio
from calls.models import Call

logger = logging.getLogger("calls")

NOBODY = "Hello. Nobody can take your call at this number. Please check the number, or try again later. Goodbye."
APOLOGY = languages.APOLOGY["en"]

OVER = frozenset({"completed", "canceled", "busy", "failed", "no-answer"})
"""Values of CallStatus after which nobody is on the line any more."""

View = Callable[[HttpRequest], HttpResponse]


def signed_by_twilio(view: View) -> View:
    """Only requests that Twilio signed for our public address."""

    @csrf_exempt
    @require_POST
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        why, told = _why_refused(request)
        response = HttpResponse(told, status=403) if why else view(request)
        _after(response, lambda: _note_check(request, why))
        return response

    return checked


def _why_refused(request: HttpRequest) -> tuple[str, str]:
    """(why, what the asker is told) when a request is not to be believed; two empty strings when it is."""
    if "X-Twilio-Webhooks-Signature-Settings" in request.headers:
        logger.warning("Refused %s: signed with a shared key, which is not set up here", request.path)
        return "signed with a shared key", "This server checks signatures made with the account's auth token."
    url = settings.PUBLIC_BASE_URL + request.get_full_path()
    given = request.headers.get("X-Twilio-Signature", "")
    fields = {name: request.POST.getlist(name) for name in request.POST}
    tokens_in_use = [token.strip() for token in settings.TWILIO_AUTH_TOKEN.split(",")]
    if twilio.is_signed(tokens_in_use, url, fields, given):
        return "", ""
    why = "wrong signature" if given else "no signature"
    logger.warning(
        "Refused %s: %s. Check that TWILIO_AUTH_TOKEN is the account's, and that the carrier calls %s",
        request.path,
        why,
        settings.PUBLIC_BASE_URL + request.path,
    )
    return why, "Wrong signature."


def _after(response: HttpResponse, act: Callable[[], None]) -> None:
    """Do something once the answer is on its way: the caller does not wait for it."""
    close = response.close

    def close_then() -> None:
        act()
        close()

    response.close = close_then


def _note_check(request: HttpRequest, why_refused: str) -> None:
    """For the number's page: whether what the carrier sends is signed as it must be. It must not cost the call anything."""
    called = _field(request, "To", 32)
    if not called:
        return
    try:
        SignatureCheck.objects.note(number=called, carrier=twilio.Twilio.slug, why=why_refused, now=timezone.now())
    except Exception as error:
        logger.warning("It was not noted whether %s was signed (%s)", request.path, type(error).__name__)


def _twiml(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="text/xml; charset=utf-8")


def _field(request: HttpRequest, name: str, longest: int) -> str:
    """A form field, cut to its column, without what neither a database nor a line of the log may hold."""
    return "".join(filter(str.isprintable, request.POST.get(name, "")))[:longest]


@signed_by_twilio
def voice(request: HttpRequest) -> HttpResponse:
    """A call comes in. Whatever is wrong here, the caller hears a sentence."""
    asked = {
        "carrier": twilio.Twilio.slug,
        "carrier_call_id": _field(request, "CallSid", 64),
        "account_id": _field(request, "AccountSid", 64),
        "caller": _field(request, "From", 32),
        "called": _field(request, "To", 32),
    }
    if not asked["carrier_call_id"]:
        logger.warning("A call without a CallSid was not taken")
        return _twiml(twilio.say_and_hang_up(APOLOGY))
    try:
        return _answer(asked)
    except DatabaseAway as error:
        logger.error("A call was not taken: the database is away (%s)", type(error).__name__)
    except Exception:
        # A fault of ours is ours to find in the log; the caller must not hear the carrier's own error message.
        logger.exception("A call was not taken")
    return _twiml(twilio.say_and_hang_up(APOLOGY))


def _answer(asked: dict[str, str]) -> HttpResponse:
    number = (
        PhoneNumber.objects.select_related("agent").filter(number=asked["called"], carrier=asked["carrier"]).first()
    )
    why_not = number.why_not(timezone.now()) if number else "unknown number"
    if number is None or why_not:
        services.refuse(**asked, reason=why_not)
        logger.warning("A call to %s was not taken: %s", asked["called"] or "no number", why_not)
        return _twiml(_otherwise(number))
    call = services.ring(**asked, number=number)
    if call.status != Call.Status.RINGING:
        logger.warning("[%s] The carrier asked again for a call that is %s", call.pk, call.status)
        refused = call.status == Call.Status.REFUSED
        return _twiml(_otherwise(number) if refused else twilio.hang_up())
    apology, language = number.apology()
    logger.info("[%s] Ringing: %s for agent %s", call.pk, number.number, number.agent)
    return _twiml(
        twilio.answer(
            stream_url=_stream_url(),
            parameters={"token": tokens.make(call.pk, call.carrier_call_id)},
            status_url=_absolute("carriers:twilio-stream-status"),
            action_url=_absolute("carriers:twilio-after-stream"),
            fallback=apology,
            language=language,
        )
    )


def _otherwise(number: PhoneNumber | None) -> str:
    """What callers hear who are not put through."""
    if number is None:
        return twilio.say_and_hang_up(NOBODY)
    text, language = number.said_otherwise()
    return twilio.say_and_hang_up(text, language)


def _stream_url() -> str:
    """wss for https, ws for a laptop's http."""
    scheme, _, rest = settings.PUBLIC_BASE_URL.partition("://")
    return f"{'wss' if scheme.lower() == 'https' else 'ws'}://{rest}/carriers/{twilio.Twilio.slug}/media/"


def _absolute(name: str) -> str:
    return settings.PUBLIC_BASE_URL + reverse(name)


@signed_by_twilio
def stream_status(request: HttpRequest) -> HttpResponse:
    """How the stream is doing, and the only place where a handshake that failed is seen."""
    if request.POST.get("StreamEvent") == "stream-error":
        found = re.search(r"\b\d{5}\b", request.POST.get("StreamError", ""))
        code = found.group() if found else "without a code"
        meaning = twilio.STREAM_ERRORS.get(code, "see Twilio's list of errors")
        call = _call(request)
        logger.error("[%s] The media stream failed: %s, %s", call.pk if call else "unknown call", code, meaning)
    return HttpResponse(status=204)


@signed_by_twilio
def after_stream(request: HttpRequest) -> HttpResponse:
    """The stream is over. Whoever is left on the line without an orderly end hears an apology, not a dead line.

    That is a call that failed, one whose stream was never opened, and one whose server is gone without a word.
    """
    if request.POST.get("CallStatus", "") in OVER:
        return _twiml(twilio.hang_up())
    call = _call(request)
    in_order = call is not None and call.status in (Call.Status.ENDED, Call.Status.REFUSED)
    return _twiml(twilio.hang_up() if in_order else twilio.say_and_hang_up(*_apology(call)))


def _apology(call: Call | None) -> tuple[str, str]:
    """(text, language) for whoever is left on the line."""
    return call.number.apology() if call and call.number else (APOLOGY, languages.ENGLISH)


def _call(request: HttpRequest) -> Call | None:
    """The call that a callback is about; None when it is not known, or nobody can say."""
    try:
        calls = Call.objects.select_related("number__agent")
        return calls.filter(carrier=twilio.Twilio.slug, carrier_call_id=_field(request, "CallSid", 64)).first()
    except DatabaseAway as error:
        logger.error("The call of %s was not looked up (%s)", request.path, type(error).__name__)
        return None
