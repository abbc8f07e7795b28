"""Signatures and TwiML, held against Twilio's own vectors and its own library, in both directions."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, Stream, VoiceResponse

from calls.carriers import twilio

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = {
    "CallSid": ["CA1234567890ABCDE"],
    "Digits": ["1234"],
    "From": ["+14158675309"],
    "To": ["+18005551212"],
    "Caller": ["+14158675309"],
}

# --- signatures: vectors of twilio-python's tests, and of the stream's handshake


def test_the_published_signature_of_a_form() -> None:
    assert twilio.signature(TOKEN, URL, FIELDS) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_the_published_signature_of_repeated_fields() -> None:
    fields = {"Sid": ["CA123"], "SidAccount": ["AC123"], "Digits": ["5678", "1234", "5678"]}
    assert twilio.signature(TOKEN, URL, fields) == "IK+Dwps556ElfBT0I3Rgjkr1wJU="


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("wss://voice.example.com/media/twilio/", "pSBgTUbZpba86IC/opowUbTWmvo="),
        ("wss://voice.example.com/media/twilio", "C6FHkKjYMuvoBVOntnfRi3NjKEA="),
        ("https://voice.example.com/media/twilio/", "07gOZtaypI01v/4/S7FD3VAnnYY="),
        ("wss://voice.example.com:8443/media/twilio/", "yZ9xwq/X+oWWlcxRa7TCBEIxSCc="),
    ],
)
def test_signatures_of_handshakes(url: str, signed: str) -> None:
    assert twilio.signature(TOKEN, url, {}) == signed


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        ("https://mycompany.com:1234/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),  # signed without the port
        ("http://mycompany.com:1234/myapp.php?foo=1&bar=2", "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),  # with it
        ("https://mycompany.com/myapp.php?foo=1&bar=2", "kvajT1Ptam85bY51eRf/AJRuM3w="),  # with :443
        ("http://mycompany.com/myapp.php?foo=1&bar=2", "0ZXoZLH/DfblKGATFgpif+LLRf4="),  # with :80
    ],
)
def test_twilio_signs_with_and_without_the_port(url: str, signed: str) -> None:
    assert twilio.is_signed([TOKEN], url, FIELDS, signed)
    assert RequestValidator(TOKEN).validate(url, {name: value for name, [value] in FIELDS.items()}, signed)


@pytest.mark.parametrize(
    "url", ["https://[2001:db8::1]/voice/", "https://[2001:db8::1]:8443/voice/", "https://Example.COM/v/"]
)
def test_addresses_in_brackets_and_hosts_in_capitals_keep_their_form(url: str) -> None:
    assert twilio.is_signed([TOKEN], url, {}, twilio.signature(TOKEN, url, {}))
    with_port = url if ":8443" in url else url.replace("/v", ":443/v", 1)
    assert twilio.is_signed([TOKEN], url, {}, twilio.signature(TOKEN, with_port, {}))
    without_port = url.replace(":8443", "")
    assert twilio.is_signed([TOKEN], url, {}, twilio.signature(TOKEN, without_port, {}))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
FORMS = st.dictionaries(TEXT, st.lists(TEXT, min_size=1, max_size=3), max_size=5)
SECRETS = st.text(min_size=1, max_size=40).filter(lambda text: text.isascii())


@settings(deadline=None)
@given(TEXT, FORMS)
def test_we_sign_as_twilios_library_does_and_each_believes_the_other(token: str, form: dict[str, list[str]]) -> None:
    query = QueryDict(mutable=True)
    for name, values in form.items():
        query.setlist(name, values)
    theirs = RequestValidator(token)
    ours = twilio.signature(token, URL, form)
    assert ours == theirs.compute_signature(URL, query)
    assert theirs.validate(URL, query, ours)
    assert twilio.is_signed([token], URL, form, theirs.compute_signature(URL, query)) is bool(token)


@settings(deadline=None)
@given(SECRETS, FORMS, TEXT, TEXT)
def test_one_more_field_is_another_signature(token: str, form: dict[str, list[str]], name: str, value: str) -> None:
    if name + value and value not in form.get(name, []):
        forged = {**form, name: [*form.get(name, []), value]}
        signed = twilio.signature(token, URL, form)
        # The scheme runs names and values together, so a forger may only move borders, not add text.
        assert not twilio.is_signed([token], URL, forged, signed)


def test_an_old_and_a_new_token_are_both_good_while_they_rotate() -> None:
    assert twilio.is_signed(["new", "old"], URL, FIELDS, twilio.signature("old", URL, FIELDS))
    assert twilio.is_signed(["new", "old"], URL, FIELDS, twilio.signature("new", URL, FIELDS))
    assert not twilio.is_signed(["new"], URL, FIELDS, twilio.signature("old", URL, FIELDS))


@pytest.mark.parametrize("tokens", [[], [""], ["", ""]])
def test_without_a_token_nothing_is_signed(tokens: list[str]) -> None:
    assert not twilio.is_signed(tokens, URL, FIELDS, twilio.signature("", URL, FIELDS))


@pytest.mark.parametrize("given_", ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "é", "RSOYDt4T1cUTdK1PDd93/VVr8B8=="])
def test_a_signature_that_is_nearly_right_is_wrong(given_: str) -> None:
    assert not twilio.is_signed([TOKEN], URL, FIELDS, given_)


# --- TwiML

ANSWER = {
    "stream_url": "wss://voice.example.com/carriers/twilio/media/",
    "status_url": "https://voice.example.com/carriers/twilio/stream-status/",
    "action_url": "https://voice.example.com/carriers/twilio/after-stream/?a=1&b=2",
    "fallback": 'We are "sorry" & leave <now>.',
}


def same(ours: str, theirs: str) -> bool:
    return ElementTree.canonicalize(ours, strip_text=True) == ElementTree.canonicalize(theirs, strip_text=True)


@settings(deadline=None)
@given(st.dictionaries(TEXT, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30), max_size=3))
def test_the_answer_is_what_twilios_library_would_write(parameters: dict[str, str]) -> None:
    parameters = {f"n{name}": value for name, value in parameters.items() if name.isprintable()}
    theirs, connect = VoiceResponse(), Connect(action=ANSWER["action_url"], method="POST")
    stream = Stream(url=ANSWER["stream_url"], status_callback=ANSWER["status_url"], status_callback_method="POST")
    for name, value in parameters.items():
        stream.parameter(name=name, value=value)
    connect.append(stream)
    theirs.append(connect)
    theirs.say(ANSWER["fallback"])
    theirs.hangup()
    assert same(twilio.answer(parameters=parameters, **ANSWER), str(theirs))


def test_a_sentence_and_a_goodbye_are_what_twilios_library_would_write() -> None:
    theirs = VoiceResponse()
    theirs.say("Salt & <pepper>")
    theirs.hangup()
    assert same(twilio.say_and_hang_up("Salt & <pepper>"), str(theirs))
    theirs = VoiceResponse()
    theirs.hangup()
    assert same(twilio.hang_up(), str(theirs))


@settings(deadline=None)
@given(st.text(), st.text())
def test_whatever_is_said_the_answer_stays_xml_and_gives_the_text_back(value: str, words: str) -> None:
    twiml = twilio.answer(parameters={"token": value}, **{**ANSWER, "fallback": words})
    root = ElementTree.fromstring(twiml.encode())
    legal = twilio._NOT_XML.sub("", value)
    parameter = root.find("Connect/Stream/Parameter")
    assert parameter is not None and parameter.get("value") == legal
    assert (root.findtext("Say") or "") == twilio._NOT_XML.sub("", words).replace("\r\n", "\n").replace("\r", "\n")
    assert [verb.tag for verb in root] == ["Connect", "Say", "Hangup"]
