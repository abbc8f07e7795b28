"""The turn settings about waiting: the end of the caller's turn, silence, and the length of the call."""

from __future__ import annotations

from django.db import models

from agents.fields import choice, perhaps, sentence, switch, whole

SHORTEST_IDLE_MS = 3000
"""Below this an agent asks whether anybody is there while the caller draws breath."""


class Eagerness(models.TextChoices):
    AUTO = "auto", "auto (as medium)"
    LOW = "low", "low: waits up to 8 s"
    MEDIUM = "medium", "medium: waits up to 4 s"
    HIGH = "high", "high: waits up to 2 s"


class EndOfTurn(models.Model):
    """When the caller has finished. Shorter waits answer sooner; longer ones let people think."""

    silence_floor_ms = whole(
        "silence_floor_ms",
        "shortest silence",
        100,
        10000,
        "Only by sound. Silence after which the caller has finished. Lower: quicker answers, and callers who stop to think are "
        "cut off. In force is the larger of this and the response latency.",
        below="Below 100 ms the agent answers between two words of the caller.",
        above="After 10 s of silence callers think the line is dead.",
    )
    response_latency_ms = whole(
        "response_latency_ms",
        "response latency",
        0,
        10000,
        "Only by sound. The silence that callers shall hear at least before the agent answers. The silence in force is never "
        "shorter than this.",
        above="After 10 s of silence callers think the line is dead.",
    )
    eagerness = choice(
        "eagerness",
        "eagerness",
        Eagerness,
        "Only by meaning. How soon the agent takes an unfinished sentence for finished. Low: callers may think aloud. High: it "
        "answers quickly, and cuts off who speaks slowly.",
    )
    create_response = switch(
        "create_response",
        "the model answers by itself",
        "On: callers hear an answer to every sound that the model takes for speech, a cough included, and none of the waits "
        "here is kept.",
    )
    response_delay_ms = whole(
        "response_delay_ms",
        "wait before the answer",
        0,
        5000,
        "Waited after the silence, before the answer is asked for. A caller who goes on in this time is not talked over. "
        "Every answer comes so much later.",
        above="Above 5 s, on top of the silence, callers think the line is dead.",
    )
    patience_spelling_ms = whole(
        "patience_spelling_ms",
        "more patience: letters",
        0,
        10000,
        "Waited in addition when the agent has asked for something to be spelled. Too little: it answers after half a name.",
        above="Above 10 s callers think the line is dead.",
    )
    patience_number_ms = whole(
        "patience_number_ms",
        "more patience: numbers",
        0,
        10000,
        "Waited in addition when the agent has asked for a number. Too little: it answers between two groups of digits.",
        above="Above 10 s callers think the line is dead.",
    )
    patience_email_ms = whole(
        "patience_email_ms",
        "more patience: e-mail",
        0,
        10000,
        "Waited in addition when the agent has asked for an e-mail address. Too little: it answers before the “at”.",
        above="Above 10 s callers think the line is dead.",
    )

    class Meta:
        abstract = True


class SilenceAndLength(models.Model):
    """What happens when nobody says anything, and when the call gets long."""

    idle_prompt_ms = whole(
        "idle_prompt_ms",
        "ask after a silence of",
        0,
        120000,
        "Silence of both sides after which the agent asks whether the caller is there. Too short: it disturbs who looks for a "
        f"card. 0: never, otherwise {SHORTEST_IDLE_MS} ms or more.",
        above="After two minutes of silence the caller has hung up, or believes that we have.",
    )
    idle_prompts_max = whole(
        "idle_prompts_max",
        "ask at most",
        1,
        10,
        "So often in a row the caller is asked. When the last question has no answer either, the agent says goodbye and hangs up.",
        below="To ask less than once, set the silence to 0.",
        above="More than 10 times in a row is no question any more.",
    )
    idle_prompt = sentence(
        "idle_prompt", "words of the question", "What the caller hears after the silence, spoken exactly so."
    )
    idle_goodbye = sentence(
        "idle_goodbye",
        "words of the goodbye",
        "The last words before we hang up, when nobody answered. Empty: the call stays open, and is paid for.",
    )
    idle_timeout_ms = perhaps(
        "idle_timeout_ms",
        "the model asks by itself after",
        5000,
        30000,
        "Only by sound. Silence of the caller after which the model speaks up by itself: callers hear words of its own, and not "
        "the question above.",
        below="The model refuses below 5000 ms: callers would be asked before they could think.",
        above="The model refuses above 30000 ms.",
    )
    max_call_s = whole(
        "max_call_s",
        "longest call",
        0,
        43200,
        "After this the agent hangs up. 0: we set no limit.",
        above="Above 12 hours it is no limit; 0 says so.",
    )
    call_warning_s = whole(
        "call_warning_s",
        "warned before the end",
        0,
        600,
        "So long before the longest call ends the caller is told. 0: the call ends without a word.",
        above="A warning more than 10 minutes ahead is forgotten when the call ends.",
    )
    call_warning = sentence(
        "call_warning", "words of the warning", "What the caller hears then, spoken exactly so. Empty: no warning."
    )

    class Meta:
        abstract = True
