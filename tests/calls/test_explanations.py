"""The sentences that reviewers read, word for word, and that no record is so damaged that there is none."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from calls import explanations, reasons
from calls.conversation import facts
from calls.explanations import Names, changes, sentence, value_of, why
from tests.test_imports import foreign, loaded, ours

KINDS = sorted(value for name, value in vars(facts).items() if name.isupper())


def of(evidence: str, value: float | None = None, threshold: float | None = None) -> dict[str, Any]:
    given = {"evidence": evidence, "value": value, "threshold": threshold}
    return {name: part for name, part in given.items() if part is not None}


def said(text: str) -> dict[str, Any]:
    return {"evidence": "words", "text": text}


def stopped(because: str, *listed: dict[str, Any], **data: Any) -> str:
    return sentence(facts.INTERRUPTION, {"because": because, "reasons": list(listed), "phase": "playing", **data})


def went_on(because: str, *listed: dict[str, Any], later: str = "", **data: Any) -> str:
    return sentence(facts.INTERRUPTION_REFUSED, {"because": because, "reasons": list(listed), **data}, later)


def test_it_needs_nothing_but_the_vocabulary_of_the_record() -> None:
    found = loaded("calls.explanations")
    known = {"calls", "calls.explanations", "calls.reasons", "calls.conversation", "calls.conversation.facts"}
    assert ours(found) == known
    assert not foreign(found)
    assert "asyncio" not in found


def test_why_it_stopped() -> None:
    assert stopped("speech", of("speech_ms", 580, 550)) == "Stopped: 580 ms of speech, above the 550 ms minimum"
    assert stopped("speech", of("speech_ms", 550, 550)) == "Stopped: 550 ms of speech, as long as the 550 ms minimum"
    assert stopped("words", said("stop")) == "Stopped: the caller said “stop”"
    assert stopped("deadline", of("speech_ms", 300, 550), of("lasted_ms", 1210, 1200)) == (
        "Stopped: 1210 ms of speech without an end, which wins in any case after 1200 ms"
    )
    assert stopped("any_speech") == "Stopped: any speech stops the agent here, because nothing is weighed"
    assert stopped("any_speech", mode="legacy") == "Stopped: any speech stops the agent in legacy mode"


def test_a_stop_that_came_of_pieces_does_not_claim_that_less_is_more() -> None:
    told = stopped("speech", of("speech_ms", 420, 550))
    assert told == "Stopped: 420 ms of clear speech and more beside it, past the 550 ms minimum"


def test_an_answer_that_was_not_begun_is_withdrawn() -> None:
    told = stopped("any_speech", phase="asked")
    assert told == "Answer withdrawn: the caller went on before the agent had begun"


def test_why_it_went_on_over_speech() -> None:
    short = of("speech_ms", 280, 400)
    assert went_on("too_short", short, said("mm-hm")) == (
        "Went on: 280 ms of speech, “mm-hm”, below the 400 ms minimum"
    )
    assert went_on("too_short", short) == "Went on: 280 ms of speech, below the 400 ms minimum"
    assert went_on("too_short", of("speech_ms", 600, 550)) == (
        "Went on: 600 ms of speech, but in pieces, and never 550 ms together"
    )
    assert went_on("backchannel", short, said("mm-hm")) == "Went on: 280 ms of speech, “mm-hm”, only words of listening"
    assert went_on("soft", of("speech_ms", 60, 400), of("loudness_db", 5, 6)) == (
        "Went on: only 60 ms of speech that was loud enough, the most of it was below 6 dB over the line's noise"
    )
    assert went_on("answer", short, of("left_ms", 430, 1000)) == (
        "Went on: 280 ms of speech, with 430 ms of the reply left (an answer from 1000 ms on); "
        "it is answered after the reply"
    )


def test_why_it_went_on_over_what_is_no_speech() -> None:
    assert went_on("noise", of("probability", 0.31, 0.5)) == (
        "Went on: a noise, with a likeness to speech of 0.31 at most, below 0.5"
    )
    assert went_on("noise", of("probability", 0.8, 0.5)) == (
        "Went on: a noise, with hardly any speech in it (likeness to speech 0.8 at most)"
    )
    assert went_on("echo", of("echo", 0.81, 0.7)) == (
        "Went on: the agent's own echo, 0.81 like what it was saying (an echo from 0.7 on)"
    )
    assert went_on("laughter", of("laughter", 0.83, 0.5)) == "Went on: a laugh or a cough, 0.83 like one (from 0.5 on)"


def test_why_it_went_on_whatever_it_was() -> None:
    assert went_on("grace", of("grace_ms", threshold=300)) == (
        "Went on: nothing stops the agent in the first 300 ms of a reply"
    )
    assert went_on("protected") == (
        "Went on: the greeting is always heard to its end; what was said is answered after it"
    )


def test_words_that_were_written_down_later_are_told_where_none_were_known() -> None:
    short = of("speech_ms", 280, 400)
    assert "“mm-hm”" in went_on("too_short", short, later="mm-hm")
    known = went_on("backchannel", short, said("mm"), later="mm-hm, yes")
    assert "“mm”" in known  # what it was decided by
    assert "yes" not in known


def test_a_long_speech_is_told_by_its_beginning() -> None:
    told = stopped("words", said("no wait " * 40))
    assert told.endswith("…”")
    assert len(told) < 130


def test_records_from_before_sounds_were_weighed() -> None:
    old = {"item_id": "u2", "speech_ms": 280, "minimum_ms": 400}
    assert sentence(facts.INTERRUPTION_REFUSED, old) == "Went on: 280 ms of speech, below the 400 ms minimum"
    assert sentence(facts.INTERRUPTION, {"number": 1, "phase": "generating"}) == (
        "Stopped: the caller spoke over the agent while the reply was being made"
    )
    assert sentence(facts.INTERRUPTION_REFUSED, {}) == "Went on: speech"


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        (
            facts.TURN_REFUSED,
            {"because": "noise", "reasons": [of("probability", 0.22, 0.4)]},
            "Not answered: a noise, with a likeness to speech of 0.22 at most, below 0.4",
        ),
        (
            facts.PATIENCE,
            {"kind": "spelling", "extra_ms": 1500},
            "Waited 1500 ms more after the silence: the agent had asked for something to be spelled",
        ),
        (facts.PATIENCE, {"kind": "", "extra_ms": 300}, "Waited 300 ms more after the silence"),
        (
            facts.IDLE_PROMPT,
            {"number": 1, "goodbye": False, "after_ms": 12004},
            "Asked whether the caller is there: nobody had spoken for 12 s",
        ),
        (
            facts.IDLE_PROMPT,
            {"number": 2, "goodbye": False, "after_ms": 8500},
            "Asked whether the caller is there: nobody had spoken for 8.5 s, question 2 in a row",
        ),
        (
            facts.IDLE_PROMPT,
            {"number": 3, "goodbye": True, "after_ms": 12000},
            "Said goodbye: nobody had spoken for 12 s after 2 questions",
        ),
        (facts.CALL_WARNING, {"left_s": 60}, "Told the caller that the call ends in 60 s"),
        (facts.REPLY_ASKED, {"because": "caller_stopped"}, "Asked the model for an answer: the caller had stopped"),
        (
            facts.REPLY_WITHDRAWN,
            {"reply_id": "r1"},
            "An answer that was no longer wanted was cancelled when it came",
        ),
        (
            facts.STUCK,
            {"state": "preparing", "after_ms": 8000, "repair": "ask for the reply again"},
            "Stuck for 8 s while an answer was waited for; repaired: the answer was asked for again",
        ),
        (facts.STUCK, {"state": "x", "repair": "y"}, "Stuck for some time while x; repaired: y"),
        (
            facts.LINK_LOST,
            {"reason": "1006", "retry": True},
            "The link to the model was lost (1006); it is opened again",
        ),
        (facts.SESSION_CONFIGURED, {"session_id": "s"}, ""),
    ],
)
def test_waits_repairs_and_requests(kind: str, data: dict[str, Any], told: str) -> None:
    assert sentence(kind, data) == told


def test_settings_are_told_with_who_and_from_what_to_what() -> None:
    data = {
        "revision": 12,
        "by": "ada",
        "changes": {
            "min_speech_ms": [550, 400],
            "echo_guard": [0.7, 0],
            "ignore_backchannels": [True, False],
            "interrupt_phrases": [["stop", "wait"], ["stop", "hold on"]],
        },
    }
    assert sentence(facts.SETTINGS_CHANGED, data) == (
        "ada sent settings revision 12 to the call: min speech ms 550 ms → 400 ms; echo guard 0.7 → 0; "
        "ignore backchannels on → off; interrupt phrases without “wait” and with “hold on”"
    )
    names = Names(label=str.upper, value=lambda name, value: f"<{value}>")
    assert sentence(facts.SETTINGS_CHANGED, {**data, "by": ""}, names=names).startswith(
        "A program sent settings revision 12 to the call: MIN_SPEECH_MS <550> → <400>; ECHO_GUARD"
    )
    words = {"changes": {"interrupt_phrases": [[f"phrase {n}" for n in range(20)], []]}}
    assert sentence(facts.SETTINGS_CHANGED, words).endswith("“phrase 4”, “phrase 5” and more")
    many = {"changes": {f"s{n}": [0, 1] for n in range(9)}}
    assert sentence(facts.SETTINGS_CHANGED, many).endswith("; and 3 more")
    assert [change.setting for change in changes(data)] == list(data["changes"])


def test_what_became_of_settings() -> None:
    assert sentence(facts.SETTINGS_APPLIED, {"revision": 12}) == "In force from here on: settings revision 12"
    assert sentence(facts.SETTINGS_APPLIED, {"revision": 12, "differences": ["threshold"]}) == (
        "In force from here on: settings revision 12; the model did not take threshold"
    )
    assert sentence(facts.SETTINGS_REFUSED, {"revision": 12, "code": "no_answer"}) == (
        "The model did not answer to settings revision 12: the call goes on with what it had"
    )
    assert sentence(facts.SETTINGS_REFUSED, {"revision": 12, "code": "invalid_value"}) == (
        "The model refused settings revision 12 (invalid_value): the call goes on with what it had"
    )


def test_values_have_their_units() -> None:
    assert [value_of("grace_ms", 0), value_of("call_warning_s", 60), value_of("min_loudness_db", 6.0)] == [
        "0 ms",
        "60 s",
        "6 dB",
    ]
    assert [value_of("x", True), value_of("x", None), value_of("x", ""), value_of("x", ["a", "b"])] == [
        "on",
        "never",
        "empty",
        "a, b",
    ]


# --- damaged records

READ = (
    "because reasons phase mode speech_ms minimum_ms kind extra_ms number goodbye after_ms left_s revision by changes "
    "differences code state repair reason retry items outlet source problem evidence value threshold text"
)
NAMES = st.sampled_from(READ.split())
WORDS = st.sampled_from([why for settings in reasons._DECIDED.values() for why in settings] + ["words", "any_speech"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=6),
    max_leaves=24,
)
REASON = st.fixed_dictionaries(
    {"evidence": st.sampled_from([*reasons.KINDS, "words", "any_speech"])},
    optional={"value": JSON, "threshold": JSON, "text": JSON},
)
NOTE = st.fixed_dictionaries(
    {},
    optional={"because": WORDS | JSON, "reasons": st.lists(REASON, max_size=4) | JSON, "changes": JSON, "kind": JSON},
)


@given(kind=st.sampled_from(KINDS) | st.text(max_size=8), data=NOTE | st.dictionaries(NAMES, JSON, max_size=8) | JSON)
@example(kind=facts.STUCK, data={"after_ms": 10**400, "repair": {"a": 1}})
@example(kind=facts.INTERRUPTION, data={"because": "speech", "reasons": [of("speech_ms", float("inf"), float("nan"))]})
def test_no_record_is_so_damaged_that_it_cannot_be_told(kind: str, data: Any) -> None:
    for told in (sentence(kind, data), why(kind, data, "words"), *map(str, reasons.evidence(data))):
        assert isinstance(told, str)
        assert "None" not in told or "None" in str(data)
    reasons.decided_by(kind, data, data)
    changes(data)
    reasons.speech(data)


SECRET = "my account is 4 5 6"


@given(kind=st.sampled_from(KINDS), data=NOTE)
def test_without_words_no_sentence_holds_what_was_spoken(kind: str, data: dict[str, Any]) -> None:
    spoken = {**data, "text": SECRET, "heard_text": SECRET, "unheard_text": SECRET}
    spoken["reasons"] = [said(SECRET), *(data["reasons"] if isinstance(data.get("reasons"), list) else [])]
    assert SECRET not in sentence(kind, reasons.without_words(spoken))


def test_sentences_are_parts_of_lines() -> None:
    for kind in KINDS:
        told = sentence(kind, {})
        assert not told.endswith((".", " "))
        assert not told or told[0] in string.ascii_uppercase
    assert explanations.plain_label("min_speech_ms") == "min speech ms"
