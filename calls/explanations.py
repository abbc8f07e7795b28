"""Why the agent stopped, went on, waited or spoke: the data of a note as one plain sentence.

The same sentences stand on the call's page, in the log and in the reports of scored scenes. Any field may be missing or of
another form: a sentence then says less, and never fails. Sentences have no full stop, because most become part of a line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from calls.conversation import facts
from calls.reasons import Data, fields, listed, measured, number, plain, speech, text, words

QUOTED = 80
"""Letters of the caller's words that a sentence holds; the page has them in full beside it."""

NAMED = 6
"""Changed settings that a sentence names."""


def why(kind: str, data: Any, said: str = "") -> str:
    """The reason alone, of what is a decision about the caller's sound; empty for every other kind."""
    data = fields(data)
    if kind == facts.INTERRUPTION:
        withdrawn = data.get("phase") == "asked" and text(data.get("because")) in ("", "any_speech")
        return "the caller went on before the agent had begun" if withdrawn else _stopped(data, words(data) or said)
    if kind == facts.INTERRUPTION_REFUSED:
        return _went_on(data, words(data) or said)
    if kind != facts.TURN_REFUSED:
        return ""
    return "no word was found in it" if text(data.get("because")) == "no_words" else f"a noise, {_hardly_speech(data)}"


def sentence(kind: str, data: Any, said: str = "", names: Names | None = None) -> str:
    """The whole sentence; empty for a kind that explains nothing. `said`: the caller's words as they were written down later."""
    data = fields(data)
    if kind in _HEADS:
        withdrawn = kind == facts.INTERRUPTION and data.get("phase") == "asked"
        return f"{'Answer withdrawn' if withdrawn else _HEADS[kind]}: {why(kind, data, said)}"
    if kind == facts.SETTINGS_CHANGED:
        return _sent(data, names or Names())
    return _SENTENCES[kind](data) if kind in _SENTENCES else ""


# --- lengths and words


def _ms(value: float | None) -> str:
    return f"{value:.0f} ms" if value is not None else "some time"


def _s(ms: Any) -> str:
    value = number(ms)
    return f"{value / 1000:.1f}".removesuffix(".0") + " s" if value is not None else "some time"


def _short(told: str, length: int = QUOTED) -> str:
    return told if len(told) <= length else told[: length - 1].rstrip() + "…"


def _joined(what: str, said: str, reason: str) -> str:
    """“280 ms of speech, “mm-hm”, below the 400 ms minimum”, without what is not known."""
    return ", ".join(part for part in (what, f"“{_short(said)}”" if said else "", reason) if part)


def _against(value: float | None, minimum: float | None) -> str:
    if not minimum or value is None:
        return ""
    stands = "above" if value > minimum else "as long as" if value == minimum else "below"
    return f"{stands} the {_ms(minimum)} minimum"


# --- over the agent


def _stopped(data: Data, said: str) -> str:
    value, minimum = speech(data)
    match because := text(data.get("because")):
        case "speech" if value is None:
            return _joined("enough speech", said, "")
        case "speech" if minimum is not None and value < minimum:
            # Pieces that never added up, in a burst that was long all the same.
            return _joined(f"{_ms(value)} of clear speech and more beside it", said, f"past the {_ms(minimum)} minimum")
        case "speech":
            return _joined(f"{_ms(value)} of speech", said, _against(value, minimum))
        case "words":
            return f"the caller said “{_short(said)}”" if said else "by the caller's words"
        case "goes_on":
            return _joined(_ms(value) + " of speech" if value is not None else "speech", said, "before the reply began")
        case "deadline":
            lasted, decide_by = measured(data, "lasted_ms")
            limit = f"which wins in any case after {_ms(decide_by)}" if decide_by is not None else ""
            return _joined(f"{_ms(lasted)} of speech without an end", said, limit)
        case "any_speech" if data.get("mode") == "legacy":
            return "any speech stops the agent in legacy mode"
        case "any_speech":
            return "any speech stops the agent here, because nothing is weighed"
        case "":
            phases = {"generating": " while the reply was being made", "playing": " while the reply was still playing"}
            return "the caller spoke over the agent" + phases.get(text(data.get("phase")), "")
    return _short(because.replace("_", " "))


def _went_on(data: Data, said: str) -> str:
    value, minimum = speech(data)
    spoken = f"{_ms(value)} of speech" if value is not None else "speech"
    match because := text(data.get("because")):
        case "too_short" | "" if value is not None and minimum and value >= minimum:
            return _joined(spoken, said, f"but in pieces, and never {_ms(minimum)} together")
        case "too_short" | "":
            return _joined(spoken, said, _against(value, minimum))
        case "soft":
            needed = measured(data, "loudness_db")[1]
            over = f"{plain(needed)} dB over the line's noise" if needed is not None else "what is asked for"
            return _joined(f"only {spoken} that was loud enough", said, f"the most of it was below {over}")
        case "noise":
            return f"a noise, {_hardly_speech(data)}"
        case "echo":
            like, guard = measured(data, "echo")
            likeness = f", {plain(like)} like what it was saying" if like is not None else ""
            return f"the agent's own echo{likeness}" + (
                f" (an echo from {plain(guard)} on)" if guard is not None else ""
            )
        case "laughter":
            like, guard = measured(data, "laughter")
            return "a laugh or a cough" + (
                f", {plain(like)} like one (from {plain(guard)} on)" if like and guard else ""
            )
        case "backchannel":
            return _joined(spoken, said, "only words of listening")
        case "grace":
            grace = measured(data, "grace_ms")[1]
            return f"nothing stops the agent in the first {_ms(grace) if grace is not None else 'moments'} of a reply"
        case "answer":
            return _joined(spoken, said, _an_answer(data))
        case "protected":
            return "the greeting is always heard to its end; what was said is answered after it"
    return _short(because.replace("_", " "))


def _an_answer(data: Data) -> str:
    left, window = measured(data, "left_ms")
    last = f"with {_ms(left)} of the reply left" if left is not None else "into the last words of the reply"
    limit = f" (an answer from {_ms(window)} on)" if window is not None else ""
    return f"{last}{limit}; it is answered after the reply"


def _hardly_speech(data: Data) -> str:
    surest, needed = measured(data, "probability")
    if surest is None:
        return "with hardly any speech in it"
    if needed is None or surest >= needed:
        return f"with hardly any speech in it (likeness to speech {plain(surest)} at most)"
    return f"with a likeness to speech of {plain(surest)} at most, below {plain(needed)}"


# --- waiting, and speaking up


_ASKED_FOR = {"spelling": "something to be spelled", "number": "a number", "email": "an e-mail address"}


def _patience(data: Data) -> str:
    waited = f"Waited {_ms(number(data.get('extra_ms')))} more after the silence"
    asked = _ASKED_FOR.get(text(data.get("kind")))
    return f"{waited}: the agent had asked for {asked}" if asked else waited


def _idle(data: Data) -> str:
    quiet, times = _s(data.get("after_ms")), number(data.get("number"))
    if data.get("goodbye") is not True:
        again = f", question {times:.0f} in a row" if times is not None and times > 1 else ""
        return f"Asked whether the caller is there: nobody had spoken for {quiet}{again}"
    unanswered = ""
    if times is not None and times > 1:
        unanswered = " after 1 question" if times == 2 else f" after {times - 1:.0f} questions"
    return f"Said goodbye: nobody had spoken for {quiet}{unanswered}"


def _warning(data: Data) -> str:
    left = number(data.get("left_s"))
    return f"Told the caller that the call ends {f'in {left:.0f} s' if left is not None else 'soon'}"


_ASKED = {
    "voice_failed": "Asked the model to say the rest in its own voice",
    "greeting": "Asked the model for the greeting",
    "caller_stopped": "Asked the model for an answer: the caller had stopped",
    "restored": "Asked the model for an answer: its link was back, and the caller still waited",
    "idle": "Asked the model to speak up: nobody had spoken",
    "goodbye": "Asked the model for a goodbye: nobody had answered",
    "warning": "Asked the model for the warning: the longest call is nearly over",
    "unheard": "Asked the model to find out what was said: our ear heard speech that the model did not notice",
    "typed": "Asked the model to say what staff had typed",
}


# --- settings that change during the call


def plain_label(name: str) -> str:
    """A setting's name as words, for those who have no better one."""
    return name.replace("_", " ")


_UNITS = {"_ms": " ms", "_s": " s", "_db": " dB"}


def value_of(name: str, value: Any) -> str:
    """A setting's value with its unit."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "never"
    told = number(value)
    if told is not None:
        return plain(told) + next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
    return listed(value) or "empty"


@dataclass(frozen=True, slots=True)
class Names:
    """What settings and their values are called, for those who know it better than their plain names tell."""

    label: Callable[[str], str] = plain_label
    value: Callable[[str, Any], str] = value_of


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that was changed during a call. Of a list only what was taken away and what was added."""

    setting: str
    told: str


def changes(data: Any, names: Names | None = None) -> list[Change]:
    """What a SETTINGS_CHANGED changed."""
    pairs = fields(fields(data).get("changes")).items()
    told = (names or Names()).value
    return [
        Change(str(name), _difference(str(name), *pair, told))
        for name, pair in pairs
        if isinstance(pair, list | tuple) and len(pair) == 2
    ]


def _difference(name: str, old: Any, new: Any, told: Callable[[str, Any], str]) -> str:
    if not (isinstance(old, list | tuple) and isinstance(new, list | tuple)):
        return f"{told(name, old)} → {told(name, new)}"
    gone, come = [part for part in old if part not in new], [part for part in new if part not in old]
    parts = [f"{word} {_quoted(some)}" for word, some in (("without", gone), ("with", come)) if some]
    return " and ".join(parts) or "in another order"


def _quoted(parts: list[Any]) -> str:
    return ", ".join(f"“{text(part)}”" for part in parts)


def _sent(data: Data, names: Names) -> str:
    who, made = text(data.get("by")) or "A program", changes(data, names)
    told = [f"{names.label(change.setting)} {_some(change.told)}" for change in made[:NAMED]]
    more = f"; and {len(made) - NAMED} more" if len(made) > NAMED else ""
    return f"{who} sent {_revision(data)} to the call: {'; '.join(told) + more if told else 'nothing differs'}"


def _some(told: str) -> str:
    """The beginning of a long list, in whole parts."""
    begin = told[:QUOTED].rpartition(", ")[0] if len(told) > QUOTED else ""
    return f"{begin} and more" if begin else _short(told)


def _revision(data: Data) -> str:
    revision = number(data.get("revision"))
    if revision == 0:  # of this call only
        return "changed settings"
    return f"settings revision {revision:.0f}" if revision is not None else "settings"


def _applied(data: Data) -> str:
    differences = listed(data.get("differences"))
    but = f"; the model did not take {differences}" if differences else ""
    return f"In force from here on: {_revision(data)}{but}"


def _refused(data: Data) -> str:
    code = text(data.get("code"))
    what = "did not answer to" if code == "no_answer" else "refused"
    because = f" ({_short(code)})" if code and code != "no_answer" else ""
    return f"The model {what} {_revision(data)}{because}: the call goes on with what it had"


# --- trouble


_WHILE = {
    "connecting": "while the model was being reached",
    "listening": "while nobody spoke",
    "hearing": "while the caller spoke",
    "preparing": "while an answer was waited for",
    "replying": "while the agent spoke",
    "weighing": "while speech over the agent was weighed",
    "holding": "while the reply was held",
}

_REPAIRS = {
    "ask for the reply": "the answer was asked for",
    "ask for the reply again": "the answer was asked for again",
    "ask again: the reply had no sound": "the answer had no sound, and was asked for again",
    "listen: no reply has a sound": "no answer had a sound, and the caller was listened to",
    "cancel the reply": "the answer was cancelled",
    "take the cancelled reply for ended": "the cancelled answer was taken for ended",
    "end the caller's turn by hand": "the caller's turn was ended by hand",
    "ask the caller to repeat it": "the caller was asked to repeat it",
    "end the call with an apology": "the call was ended with an apology",
}
"""As the core says it -> as it reads afterwards."""


def _stuck(data: Data) -> str:
    state, repair = text(data.get("state")), text(data.get("repair"))
    where = _WHILE.get(state, f"while {_short(state)}" if state else "in a state")
    done = _REPAIRS.get(repair, _short(repair))
    return f"Stuck for {_s(data.get('after_ms'))} {where}" + (f"; repaired: {done}" if done else "")


def _differs(data: Data) -> str:
    differences = listed(data.get("differences"))
    return "The model took settings other than asked" + (f": {differences}" if differences else "")


def _lost(data: Data) -> str:
    reason = f" ({_short(text(data.get('reason')))})" if text(data.get("reason")) else ""
    then = "the call cannot go on" if data.get("retry") is False else "it is opened again"
    return f"The link to the model was lost{reason}; {then}"


def _restored(data: Data) -> str:
    items = number(data.get("items"))
    return "The link to the model was back" + (f", and it was told the {items:.0f} items so far" if items else "")


def _error(data: Data) -> str:
    harmless = ", which is harmless" if data.get("kind") == "benign" else ""
    return f"The model refused a request ({_short(text(data.get('code'))) or 'no reason given'}){harmless}"


def _unreadable(data: Data) -> str:
    problem = text(data.get("problem"))
    sender = _short(text(data.get("source"))) or "other side"
    return f"Something unreadable came from the {sender}" + (f": {_short(problem)}" if problem else "")


def _typed(data: Data) -> str:
    by = _short(text(data.get("by"))) or "Staff"
    return f"{by} typed a sentence for the agent to say" + (
        "" if data.get("taken") is not False else ", which was not taken"
    )


def _hung_up(data: Data) -> str:
    return f"{_short(text(data.get('by'))) or 'Staff'} hung up"


def _voice_failed(data: Data) -> str:
    voice, code, then = (_short(text(data.get(name))) for name in ("voice", "code", "then"))
    sentence = f"The voice {voice} failed" + (f" ({code})" if code else "")
    if not then:
        return sentence
    goes_on = {voice: "it was tried once more", "own": "the model's own voice went on"}
    return f"{sentence}: {goes_on.get(then, f'{then} went on')}"


def _hearing_lost(data: Data) -> str:
    hearing, reason, then = (_short(text(data.get(name))) for name in ("hearing", "reason", "then"))
    goes_on = "it was tried once more" if then == hearing else "from here on the model hears the caller itself"
    return f"The ear {hearing} was lost" + (f" ({reason})" if reason else "") + f": {goes_on}"


_HEADS = {facts.INTERRUPTION: "Stopped", facts.INTERRUPTION_REFUSED: "Went on", facts.TURN_REFUSED: "Not answered"}

_SENTENCES: dict[str, Callable[[Data], str]] = {
    facts.PATIENCE: _patience,
    facts.IDLE_PROMPT: _idle,
    facts.CALL_WARNING: _warning,
    facts.REPLY_ASKED: lambda data: _ASKED.get(text(data.get("because")), "Asked the model for an answer"),
    facts.REPLY_WITHDRAWN: lambda data: "An answer that was no longer wanted was cancelled when it came",
    facts.SENTENCE_TYPED: _typed,
    facts.HANG_UP_ASKED: _hung_up,
    facts.LISTENED_IN: lambda data: f"{_short(text(data.get('by'))) or 'Staff'} began to listen in",
    facts.SETTINGS_APPLIED: _applied,
    facts.SETTINGS_REFUSED: _refused,
    facts.SESSION_DIFFERS: _differs,
    facts.STUCK: _stuck,
    facts.LINK_LOST: _lost,
    facts.LINK_RESTORED: _restored,
    facts.MODEL_ERROR: _error,
    facts.OUTLET_FULL: lambda data: f"The {_short(text(data.get('outlet'))) or 'outlet'} could not keep up",
    facts.BAD_INPUT: _unreadable,
    facts.VOICE_FAILED: _voice_failed,
    facts.HEARING_LOST: _hearing_lost,
}
