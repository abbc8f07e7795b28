"""What a carrier asks over HTTP, through Django's own client and a real database."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from twilio.request_validator import RequestValidator

from agents import languages
from agents.models import Agent, PhoneNumber, SignatureCheck
from calls import services, tokens, webhooks
from calls.models import Call

pytestmark = pytest.mark.django_db

TOKEN = "12345"
BASE = "https://voice.example.com"
VOICE, STATUS, AFTER = (f"/carriers/twilio/{name}/" for name in ("voice", "stream-status", "after-stream"))
RINGING = {
    "CallSid": "CA0a",
    "AccountSid": "AC0a",
    "From": "+12025550199",
    "To": "+12025550142",
    "CallStatus": "ringing",
    "ApiVersion": "2010-04-01",
    "Direction": "inbound",
    "CallerCity": "",
    "AFieldOfNextYear": "æ & ö +",
}
SETTINGS_HEADER = "X-Twilio-Webhooks-Signature-Settings"


@pytest.fixture(autouse=True)
def public(settings: Any) -> None:
    settings.PUBLIC_BASE_URL = BASE
    settings.TWILIO_AUTH_TOKEN = TOKEN
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def number() -> PhoneNumber:
    agent = Agent.objects.create(name="Front desk", greeting="Hello.", instructions="Be brief.")
    return PhoneNumber.objects.create(number="+12025550142", agent=agent)


@pytest.fixture
def ringing(number: PhoneNumber) -> Call:
    names = {"carrier_call_id": "CA0a", "account_id": "AC0a", "caller": "+12025550199", "called": number.number}
    return services.ring(carrier="twilio", number=number, **names)


def post(path: str, fields: dict[str, str], *, signed: str | None = None, **headers: str) -> Any:
    """A request as Twilio sends and signs it."""
    if signed is None:
        signed = RequestValidator(TOKEN).compute_signature(BASE + path, fields)
    return Client(enforce_csrf_checks=True).post(
        path,
        urlencode(fields),
        content_type="application/x-www-form-urlencoded",
        headers={"X-Twilio-Signature": signed, **headers},
    )


def twiml(response: Any) -> ElementTree.Element:
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/xml")
    return ElementTree.fromstring(response.content)


def verbs(response: Any) -> list[str]:
    return [verb.tag for verb in twiml(response)]


def said(response: Any) -> str:
    return twiml(response).findtext("Say") or ""


# --- a call comes in


def test_a_call_to_a_number_with_an_agent_is_connected(number: PhoneNumber) -> None:
    response = post(VOICE, RINGING)
    assert verbs(response) == ["Connect", "Say", "Hangup"]
    connect = twiml(response)[0]
    assert connect.attrib == {"action": BASE + AFTER, "method": "POST"}
    stream = connect[0]
    assert stream.attrib == {
        "url": "wss://voice.example.com/carriers/twilio/media/",
        "statusCallback": BASE + STATUS,
        "statusCallbackMethod": "POST",
    }
    assert said(response) == webhooks.APOLOGY
    call = Call.objects.get()
    assert (call.status, call.carrier_call_id, call.account_id) == (Call.Status.RINGING, "CA0a", "AC0a")
    assert (call.caller, call.called, call.agent, call.number) == (
        "+12025550199",
        "+12025550142",
        number.agent,
        number,
    )
    [parameter] = stream
    assert parameter.get("name") == "token"
    assert tokens.read(parameter.get("value") or "", "CA0a") == call.pk


def test_a_laptop_without_https_is_given_a_plain_socket(number: PhoneNumber, settings: Any) -> None:
    settings.PUBLIC_BASE_URL = "http://127.0.0.1:8000"
    signed = RequestValidator(TOKEN).compute_signature("http://127.0.0.1:8000" + VOICE, RINGING)
    stream = twiml(post(VOICE, RINGING, signed=signed)).find("Connect/Stream")
    assert stream is not None and stream.get("url") == "ws://127.0.0.1:8000/carriers/twilio/media/"


def test_a_repeated_webhook_is_the_same_call(number: PhoneNumber) -> None:
    first, second = post(VOICE, RINGING), post(VOICE, RINGING)
    assert verbs(first) == verbs(second) == ["Connect", "Say", "Hangup"]
    assert Call.objects.count() == 1


def test_a_webhook_repeated_after_the_call_opens_no_second_one(ringing: Call) -> None:
    Call.objects.update(status=Call.Status.ENDED)
    assert verbs(post(VOICE, RINGING)) == ["Hangup"]
    assert Call.objects.get().status == Call.Status.ENDED


def _unknown(number: PhoneNumber) -> None:
    number.delete()


def _inactive(number: PhoneNumber) -> None:
    PhoneNumber.objects.update(active=False)


def _agentless(number: PhoneNumber) -> None:
    PhoneNumber.objects.update(agent=None)


def _agent_off(number: PhoneNumber) -> None:
    Agent.objects.update(active=False)


def _other_carrier(number: PhoneNumber) -> None:
    PhoneNumber.objects.update(carrier="another")


NOT_TAKEN = [
    (_unknown, "unknown number"),
    (_inactive, "number switched off"),
    (_agentless, "number without agent"),
    (_agent_off, "agent switched off"),
    (_other_carrier, "unknown number"),
]


@pytest.mark.parametrize(("change", "reason"), NOT_TAKEN)
def test_a_call_that_nobody_can_take_is_answered_politely(
    number: PhoneNumber, change: Any, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    change(number)
    response = post(VOICE, RINGING)
    unknown = reason == "unknown number"
    assert verbs(response) == ["Say", "Hangup"]
    assert said(response) == (webhooks.NOBODY if unknown else languages.CLOSED["en"])
    call = Call.objects.get()
    assert (call.status, call.end_reason) == (Call.Status.REFUSED, reason)
    assert [record.getMessage() for record in caplog.records if record.name == "calls"] == [
        f"A call to +12025550142 was not taken: {reason}"
    ]


def test_a_refused_call_that_is_asked_for_again_hears_the_sentence_again(number: PhoneNumber) -> None:
    _inactive(number)
    post(VOICE, RINGING)
    PhoneNumber.objects.update(active=True)
    assert said(post(VOICE, RINGING)) == languages.CLOSED["en"]


@pytest.mark.parametrize(
    "fields",
    [
        {"CallSid": "CA0a"},
        {"CallSid": "CA0a", "To": "", "From": ""},
        {"CallSid": "CA0a", "To": "+1\0\n202", "From": "anonymous\0"},
        {"CallSid": "C" * 5000, "AccountSid": "A" * 5000, "To": "1" * 5000, "From": "2" * 5000},
    ],
)
def test_strange_fields_are_answered_politely(fields: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    response = post(VOICE, fields)
    assert said(response) == webhooks.NOBODY
    assert Call.objects.get().status == Call.Status.REFUSED
    assert not any("\n" in record.getMessage() or "\0" in record.getMessage() for record in caplog.records)


def test_a_call_without_an_id_hears_an_apology(number: PhoneNumber) -> None:
    assert said(post(VOICE, {**RINGING, "CallSid": ""})) == webhooks.APOLOGY
    assert not Call.objects.exists()


# --- whether it was signed, kept for the number's page


def check() -> SignatureCheck | None:
    return SignatureCheck.objects.first()


def test_a_correct_signature_is_noted(number: PhoneNumber) -> None:
    post(VOICE, RINGING)
    kept = check()
    assert kept is not None and kept.number == number
    assert kept.accepted_at is not None and kept.refused_at is None and kept.outcome == "accepted"


@pytest.mark.parametrize(
    ("signed", "headers", "why"),
    [
        ("AAAA", {}, "wrong signature"),
        ("", {}, "no signature"),
        (None, {SETTINGS_HEADER: "key=SK1"}, "signed with a shared key"),
    ],
)
def test_why_it_was_refused_is_noted(number: PhoneNumber, signed: str | None, headers: Any, why: str) -> None:
    post(VOICE, RINGING, signed=signed, **headers)
    kept = check()
    assert kept is not None and (kept.accepted_at, kept.why, kept.outcome) == (None, why, "refused")


def test_a_strangers_requests_do_not_hide_the_carriers(number: PhoneNumber) -> None:
    post(VOICE, RINGING)
    post(VOICE, RINGING, signed="AAAA")
    kept = check()
    assert kept is not None and kept.accepted_at is not None and kept.why == "wrong signature"


def test_a_stranger_writes_nothing_for_numbers_that_are_not_ours(number: PhoneNumber) -> None:
    for to in ("", "+12025550143", "x" * 5000, "+1202\0"):
        post(VOICE, {**RINGING, "To": to}, signed="AAAA")
    assert check() is None


def test_a_stranger_writes_once_a_second_at_most(number: PhoneNumber, django_assert_num_queries: Any) -> None:
    now = timezone.now()
    note = functools.partial(SignatureCheck.objects.note, number=number.number, carrier="twilio", why="no signature")
    note(now=now)
    with django_assert_num_queries(20):  # one look each, and nothing written
        for ms in range(0, 1000, 50):
            note(now=now + timedelta(milliseconds=ms))
    kept = check()
    assert kept is not None and kept.refused_at == now
    note(now=now + timedelta(seconds=1))
    assert SignatureCheck.objects.get().refused_at == now + timedelta(seconds=1)


def test_a_check_that_cannot_be_noted_costs_the_call_nothing(
    number: PhoneNumber, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(SignatureCheck._meta, "db_table", "gone")
    assert verbs(post(VOICE, RINGING))[0] == "Connect"
    assert "It was not noted" in caplog.text


# --- who may ask


@pytest.mark.parametrize("path", [VOICE, STATUS, AFTER])
@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "patch"])
def test_only_post_is_allowed(path: str, method: str) -> None:
    assert getattr(Client(), method)(path).status_code == 405


@pytest.mark.parametrize("path", [VOICE, STATUS, AFTER])
@pytest.mark.parametrize("signed", ["", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", "ÿ", "x" * 5000])
def test_a_wrong_signature_is_refused_with_what_to_check(
    number: PhoneNumber, path: str, signed: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert post(path, RINGING, signed=signed).status_code == 403
    assert not Call.objects.exists()
    [line] = [record.getMessage() for record in caplog.records if record.name == "calls"]
    assert "TWILIO_AUTH_TOKEN" in line and BASE + path in line
    assert TOKEN not in line and "+12025550199" not in line and (not signed or signed not in line)


def test_a_field_changed_on_the_way_is_noticed(number: PhoneNumber) -> None:
    signed = RequestValidator(TOKEN).compute_signature(BASE + VOICE, RINGING)
    assert post(VOICE, {**RINGING, "To": "+12025550143"}, signed=signed).status_code == 403


def test_a_request_signed_for_another_address_is_refused(number: PhoneNumber) -> None:
    for url in ("http://voice.example.com" + VOICE, BASE + AFTER, BASE + VOICE.rstrip("/"), BASE + VOICE + "?a=1"):
        assert post(VOICE, RINGING, signed=RequestValidator(TOKEN).compute_signature(url, RINGING)).status_code == 403


def test_the_query_of_the_address_is_signed_as_it_was_written(number: PhoneNumber) -> None:
    assert verbs(post(VOICE + "?a=%20b&c=%C3%A6", RINGING))[0] == "Connect"


def test_twilio_may_sign_the_port_that_https_implies(number: PhoneNumber) -> None:
    signed = RequestValidator(TOKEN).compute_signature(BASE + ":443" + VOICE, RINGING)
    assert verbs(post(VOICE, RINGING, signed=signed))[0] == "Connect"


def test_both_tokens_of_a_rotation_are_good(number: PhoneNumber, settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN = f"new-one, {TOKEN}"
    assert verbs(post(VOICE, RINGING))[0] == "Connect"


def test_without_a_token_nobody_may_ask(number: PhoneNumber, settings: Any) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    signed = RequestValidator("").compute_signature(BASE + VOICE, RINGING)
    assert post(VOICE, RINGING, signed=signed).status_code == 403


@pytest.mark.parametrize("header", ["key=SK1,algorithm=HMAC_SHA256", "algorithm=HMAC_SHA1", ""])
def test_a_shared_key_is_never_taken_for_the_auth_token(
    number: PhoneNumber, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = post(VOICE, RINGING, **{SETTINGS_HEADER: header})
    assert response.status_code == 403 and b"auth token" in response.content
    assert "shared key" in caplog.text


def test_repeated_fields_are_signed_with_all_their_values(number: PhoneNumber) -> None:
    body = urlencode([*RINGING.items(), ("Digits", "5678"), ("Digits", "1234")])
    signed = RequestValidator(TOKEN).compute_signature(BASE + VOICE, QueryDict(body))
    response = Client().post(
        VOICE, body, content_type="application/x-www-form-urlencoded", headers={"X-Twilio-Signature": signed}
    )
    assert verbs(response)[0] == "Connect"


# --- trouble of ours


@pytest.fixture
def database_away(transactional_db: None) -> Iterator[None]:
    """No database where there was one: neither the file nor the server can be reached."""
    kept = {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT")}
    connection.close()
    connection.settings_dict.update(NAME="/nowhere/at/all", HOST="127.0.0.1", PORT="1")
    yield
    connection.close()
    connection.settings_dict.update(kept)


def test_a_caller_hears_an_apology_while_the_database_is_away(
    database_away: None, caplog: pytest.LogCaptureFixture
) -> None:
    response = post(VOICE, RINGING)
    assert verbs(response) == ["Say", "Hangup"] and said(response) == webhooks.APOLOGY
    [record] = [record for record in caplog.records if record.name == "calls" and record.levelno == logging.ERROR]
    assert "the database is away" in record.getMessage()


def test_callbacks_are_answered_while_the_database_is_away(database_away: None) -> None:
    assert said(post(AFTER, {"CallSid": "CA0a", "CallStatus": "in-progress"})) == webhooks.APOLOGY
    assert post(STATUS, {"CallSid": "CA0a", "StreamEvent": "stream-error"}).status_code == 204


def test_a_fault_of_ours_is_logged_and_the_caller_hears_an_apology(
    number: PhoneNumber, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(tokens, "make", broken)
    assert said(post(VOICE, RINGING)) == webhooks.APOLOGY
    assert "broken on purpose" in caplog.text


def test_an_apology_is_in_the_callers_language_too(ringing: Call) -> None:
    PhoneNumber.objects.update(language="it-IT")
    assert said(post(VOICE, RINGING)) == languages.APOLOGY["it"]  # spoken if the stream cannot be opened
    Call.objects.update(status=Call.Status.FAILED)
    after = post(AFTER, {"CallSid": "CA0a", "CallStatus": "in-progress"})
    assert said(after) == languages.APOLOGY["it"] and twiml(after)[0].get("language") == "it-IT"


# --- how the stream went


def status(**fields: str) -> Any:
    return post(STATUS, {"CallSid": "CA0a", "AccountSid": "AC0a", "StreamSid": "MZ0a", **fields})


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        ("31920", "31920, our server did not accept the stream's handshake"),
        ("Stream - WebSocket - Handshake Error (31920)", "31920, our server did not accept"),
        ("31930", "31930, our server reads too slowly"),
        ("31999", "31999, see Twilio's list"),
        ("", "without a code, see Twilio's list"),
    ],
)
def test_a_stream_error_is_logged_with_its_meaning(
    ringing: Call, error: str, meaning: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert status(StreamEvent="stream-error", StreamError=error).status_code == 204
    [record] = [record for record in caplog.records if record.name == "calls"]
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith(f"[{ringing.pk}] The media stream failed: {meaning}")


def test_a_stream_error_of_an_unknown_call_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    assert status(StreamEvent="stream-error", StreamError="31920").status_code == 204
    assert "[unknown call] The media stream failed: 31920" in caplog.text


@pytest.mark.parametrize("event", ["stream-started", "stream-stopped", "", "something-new"])
def test_good_news_of_a_stream_is_not_worth_a_line(event: str, caplog: pytest.LogCaptureFixture) -> None:
    assert status(StreamEvent=event).status_code == 204
    assert not [record for record in caplog.records if record.name == "calls"]


# --- after the stream

S = Call.Status


@pytest.mark.parametrize(
    ("state", "heard"),
    [
        (S.FAILED, webhooks.APOLOGY),  # the model was unreachable, say
        (S.RINGING, webhooks.APOLOGY),  # the stream was never opened
        (S.LIVE, webhooks.APOLOGY),  # the server of the call is gone
        (S.ENDED, ""),
        (S.REFUSED, ""),
    ],
)
def test_whoever_is_left_on_the_line_hears_why(ringing: Call, state: Call.Status, heard: str) -> None:
    Call.objects.update(status=state)
    response = post(AFTER, {"CallSid": "CA0a", "CallStatus": "in-progress"})
    assert said(response) == heard
    assert verbs(response)[-1] == "Hangup"


def test_a_failure_is_known_before_the_record_of_the_call_has_arrived(ringing: Call) -> None:
    claimed = services.claim_stream(call_id=ringing.pk, carrier_call_id="CA0a")
    assert claimed is not None
    services.note_failure(call_id=ringing.pk, reason="model unreachable")
    assert said(post(AFTER, {"CallSid": "CA0a", "CallStatus": "in-progress"})) == webhooks.APOLOGY


@pytest.mark.parametrize("state", list(S))
def test_nothing_is_said_when_the_caller_has_hung_up(ringing: Call, state: Call.Status) -> None:
    Call.objects.update(status=state)
    assert verbs(post(AFTER, {"CallSid": "CA0a", "CallStatus": "completed"})) == ["Hangup"]


def test_a_call_of_which_nothing_is_known_is_not_left_in_silence() -> None:
    assert said(post(AFTER, {"CallSid": str(uuid.uuid4()), "CallStatus": "in-progress"})) == webhooks.APOLOGY
