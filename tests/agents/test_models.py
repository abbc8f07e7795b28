"""Each setting has its range, its default with a reason, and what a caller hears of it; pairs that contradict are refused."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from agents import phrases
from agents.contradictions import EVIDENCE
from agents.defaults import DEFAULTS, WORDS
from agents.fields import scale
from agents.models import Agent, TurnSettings
from agents.snapshot import AgentSnapshot
from calls.conversation.settings import ConversationSettings

pytestmark = pytest.mark.django_db

NO_EVIDENCE: dict[str, Any] = {name: type(DEFAULTS[name].value)(0) for name in EVIDENCE}


@pytest.fixture
def turn() -> TurnSettings:
    agent = Agent.objects.create(name="Front desk", instructions="Help.", language="en")
    return TurnSettings.objects.create(agent=agent)


def problems(turn: TurnSettings, **values: Any) -> dict[str, str]:
    """What is said of these values, by field; nothing of those that are taken."""
    for name, value in values.items():
        setattr(turn, name, value)
    try:
        turn.full_clean()
    except ValidationError as error:
        return {name: " ".join(texts) for name, texts in error.message_dict.items()}
    return {}


# --- one setting


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("min_speech_ms", 3001, "not to listen"),
        ("answer_window_ms", 5001, "nearly every short word"),
        ("resume_after_ms", 99, "between two syllables"),
        ("resume_after_ms", 3001, "asked what is wrong"),
        ("decide_by_ms", 299, "before it has ended"),
        ("decide_by_ms", 5001, "shouts at an agent"),
        ("speech_probability", 1.1, "nobody can stop the agent"),
        ("turn_probability", 1.1, "callers get no answer"),
        ("min_loudness_db", 41, "even a shout"),
        ("min_loudness_db", -1, "leaves loudness out"),
        ("echo_guard", 1.5, "the agent stops itself"),
        ("laughter_guard", 1.5, "laughter stops the agent"),
        ("grace_ms", 5001, "not to listen"),
        ("resume_overlap_ms", 2001, "lost its thread"),
        ("response_delay_ms", 5001, "the line is dead"),
        ("patience_spelling_ms", 10001, "the line is dead"),
        ("patience_number_ms", 10001, "the line is dead"),
        ("patience_email_ms", 10001, "the line is dead"),
        ("idle_prompt_ms", 120001, "has hung up"),
        ("idle_prompts_max", 0, "set the silence to 0"),
        ("idle_prompts_max", 11, "no question any more"),
        ("max_call_s", 43201, "12 hours"),
        ("call_warning_s", 601, "forgotten"),
    ],
)
def test_a_value_out_of_range_is_refused_with_what_a_caller_would_notice(
    turn: TurnSettings, field: str, value: Any, says: str
) -> None:
    assert says in problems(turn, **{field: value})[field]


@pytest.mark.parametrize("name", sorted(set(DEFAULTS) - WORDS))
def test_every_help_text_tells_the_unit_and_the_default_with_its_reason(name: str) -> None:
    field: Any = TurnSettings._meta.get_field(name)
    heard, facts = field.help_text.split("\n")
    assert heard.endswith(".")
    assert facts.endswith(f": {DEFAULTS[name].because}.")
    assert "Default " in facts
    for ending, unit in (("_ms", "ms"), ("_s", "s"), ("_db", "dB")):
        if name.endswith(ending):
            low, high = scale(field)
            assert facts.startswith(f"{low:g} to {high:g} {unit}")


def test_every_setting_of_the_conversation_is_an_agents_setting(turn: TurnSettings) -> None:
    kept = AgentSnapshot.of(turn.agent).turn
    others = {"greeting", "turn_detection", "voices", "hearing"}
    assert {field.name for field in fields(ConversationSettings)} - others <= set(kept)
    settings = ConversationSettings.of(kept)
    assert settings.gated
    assert (settings.min_speech_ms, settings.stop_sound) == (turn.min_speech_ms, turn.stop_sound)


def test_the_evidence_is_what_the_conversation_weighs_by() -> None:
    bare = ConversationSettings()
    assert not bare.gated
    for field in fields(ConversationSettings):
        if field.name in DEFAULTS and isinstance(getattr(bare, field.name), (bool, int, float)):
            weighs = replace(bare, **{field.name: 1}).gated
            assert weighs == (field.name in EVIDENCE), field.name


# --- two of them


@pytest.mark.parametrize("switch", ["create_response", "interrupt_response"])
@pytest.mark.parametrize("name", EVIDENCE)
def test_what_the_model_does_by_itself_cannot_be_weighed(turn: TurnSettings, switch: str, name: str) -> None:
    assert problems(turn, **NO_EVIDENCE, **{switch: True}) == {}
    value = 0.5 if isinstance(NO_EVIDENCE[name], float) else True if isinstance(NO_EVIDENCE[name], bool) else 300
    told = problems(turn, **{name: value})[switch]
    assert "every cough" in told
    assert str(TurnSettings._meta.get_field(name).verbose_name) in told


def test_legacy_weighs_nothing_and_so_contradicts_no_evidence(turn: TurnSettings) -> None:
    assert problems(turn, mode="legacy", create_response=True) == {}


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"min_speech_ms": 1500, "decide_by_ms": 1000}, "decide_by_ms", "after 1000 ms"),
        ({"idle_prompt_ms": 2999}, "idle_prompt_ms", "draws breath"),
        ({"idle_timeout_ms": 8000}, "idle_timeout_ms", "asked twice"),
        ({"idle_prompt": "  "}, "idle_prompt", "nothing to say"),
        ({"max_call_s": 60}, "call_warning_s", "before the call has begun"),
        ({"backchannel_phrases": "Okay\nStop"}, "backchannel_phrases", "“stop”"),
        ({"interrupt_phrases": "okay"}, "interrupt_phrases", "“okay”"),
    ],
)
def test_settings_that_contradict_each_other_say_what_to_do(
    turn: TurnSettings, values: dict[str, Any], field: str, says: str
) -> None:
    assert says in problems(turn, **values)[field]


@pytest.mark.parametrize(
    "values",
    [
        {"idle_prompt_ms": 0, "idle_timeout_ms": 8000, "idle_prompt": ""},
        {"idle_prompt_ms": 3000},
        {"max_call_s": 0, "call_warning_s": 600},
        {"max_call_s": 60, "call_warning_s": 0},
        {"min_speech_ms": 1200, "decide_by_ms": 1200},
        {"idle_goodbye": "", "call_warning": ""},
    ],
    ids=str,
)
def test_settings_at_the_border_are_taken(turn: TurnSettings, values: dict[str, Any]) -> None:
    assert problems(turn, **values) == {}


# --- phrases


@pytest.mark.parametrize(
    ("language", "listening", "stop"),
    [
        ("", "yeah", "wait"),
        ("en-GB", "yeah", "wait"),
        ("de", "verstehe", "moment"),
        ("es_MX", "ajá", "espere"),
        ("fr", "ouais", "attendez"),
        ("it", "capisco", "aspetti"),
        ("pt", "aham", "espere"),
        ("nl", "oké", "wacht"),
        ("pl", "mhm", "stop"),
    ],
)
def test_a_call_gets_the_phrases_of_its_language(turn: TurnSettings, language: str, listening: str, stop: str) -> None:
    turn.agent.language = language
    kept = AgentSnapshot.of(turn.agent).turn
    assert listening in kept["backchannel_phrases"]
    assert stop in kept["interrupt_phrases"]


def test_own_phrases_replace_the_lists(turn: TurnSettings) -> None:
    turn.backchannel_phrases = " Mm-Hm \n\nRight   so\nmm-hm\n"
    turn.interrupt_phrases = "Don’t"
    kept = AgentSnapshot.of(turn.agent).turn
    assert kept["backchannel_phrases"] == ["mm-hm", "right so"]
    assert kept["interrupt_phrases"] == ["don't"]


@pytest.mark.parametrize("language", sorted(phrases.BACKCHANNELS))
def test_the_lists_are_lower_case_and_have_no_answer_and_no_phrase_in_common(language: str) -> None:
    listening, stop = phrases.BACKCHANNELS[language], phrases.INTERRUPTS[language]
    assert not set(listening) & set(stop)
    assert phrases.own("\n".join(listening)) == list(dict.fromkeys(listening))
    assert phrases.own("\n".join(stop)) == stop
    answers = {"yes", "no", "right", "sure", "correct", "ja", "nein", "sí", "oui", "non", "sì", "sim", "não", "nee"}
    assert not set(listening) & answers


def test_a_list_that_cannot_be_gone_through_in_time_is_problems(turn: TurnSettings) -> None:
    assert (
        "At most 200"
        in problems(turn, backchannel_phrases="\n".join(f"p{n}" for n in range(201)))["backchannel_phrases"]
    )
    assert "at most 80" in problems(turn, backchannel_phrases="", interrupt_phrases="x" * 81)["interrupt_phrases"]


def test_words_are_asked_for_while_they_are_spoken_of_the_model_that_can() -> None:
    agent = Agent(name="Ada", transcription_model="gpt-realtime-whisper", language="en")
    assert AgentSnapshot.of(agent).transcription == {"model": "gpt-realtime-whisper", "language": "en", "delay": "low"}
    agent.transcription_model = "gpt-transcribe"
    assert "delay" not in (AgentSnapshot.of(agent).transcription or {})


def test_the_sentences_that_agents_are_given_are_in_their_language_until_somebody_writes_others() -> None:
    turn = TurnSettings(agent=Agent(name="Ada", language="de"), idle_goodbye="Tschüss.")
    in_force = AgentSnapshot.of(turn.agent).turn
    assert in_force["idle_prompt"] == "Sind Sie noch da?"
    assert in_force["idle_goodbye"] == "Tschüss."
    english = TurnSettings(agent=Agent(name="Bob", language="en"))
    assert AgentSnapshot.of(english.agent).turn["idle_prompt"] == "Are you still there?"
