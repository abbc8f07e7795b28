"""The turn settings about waiting: the end of the caller's turn, silence, and the length of the call."""

from __future__ import annotations

from django.db import models

from agents import defaults
from agents.fields import between, choice, sentence, switch, whole

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
        "Silence after which the caller has finished. Lower: quicker answers, and callers who stop to think are cut off. In "
        "force is the larger of this and the response latency.",
        below="Below 100 ms the agent answers between two words of the caller.",
        above="After 10 s of silence callers think the line is dead.",
    )
    response_latency_ms = whole(
        "response_latency_ms",
        "response latency",
        0,
        10000,
        "How long you want to wait before the agent answers. The silence in force is never shorter than this.",
        above="After 10 s of silence callers think the line is dead.",
    )
    eagerness = choice(
        "eagerness",
        "eagerness",
        Eagerness,
        "Only by meaning: how soon the agent takes an unfinished sentence for finished.",
    )
    create_response = switch(
        "create_response",
        "the model answers by itself",
        "On: the model answers every sound that it takes for speech, also one that was refused as an interruption.",
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
        f"Silence of both sides after which the agent asks whether the caller is there. 0: never. Otherwise {SHORTEST_IDLE_MS} "
        "or more.",
        above="After two minutes of silence the caller has hung up, or believes that we have.",
    )
    idle_prompts_max = whole(
        "idle_prompts_max",
        "ask at most",
        1,
        10,
        "So often the agent asks in a row. After the last one it says goodbye and hangs up.",
        below="To ask less than once, set the silence to 0.",
        above="More than 10 times in a row is no question any more.",
        unit="times",
    )
    idle_prompt = sentence("idle_prompt", "the agent asks", "What the caller hears after the silence.")
    idle_goodbye = sentence(
        "idle_goodbye",
        "and says goodbye with",
        "The last words before we hang up, when nobody answered. Empty: the call stays open, and is paid for.",
    )
    idle_timeout_ms = models.PositiveIntegerField(
        "idle time-out of the model",
        null=True,
        blank=True,
        default=defaults.value("idle_timeout_ms"),
        validators=between(
            5000,
            30000,
            "The model refuses below 5000 ms: callers would be asked before they could think.",
            "The model refuses above 30000 ms.",
        ),
        help_text="ms, 5000 to 30000, or empty for never. Silence of the caller after which the model speaks up by itself, in "
        f"words of its own. {defaults.said('idle_timeout_ms')}",
    )
    max_call_s = whole(
        "max_call_s",
        "longest call",
        0,
        43200,
        "After this the agent's line is closed. 0: we set no limit.",
        above="Above 12 hours it is no limit; 0 says so.",
        unit="s",
    )
    call_warning_s = whole(
        "call_warning_s",
        "warned before the end",
        0,
        600,
        "So long before the longest call ends the caller is told. 0: the call ends without a word.",
        above="A warning more than 10 minutes ahead is forgotten when the call ends.",
        unit="s",
    )
    call_warning = sentence("call_warning", "the warning", "What the caller hears then. Empty: no warning.")

    class Meta:
        abstract = True
