"""Draws the table of turn-taking into docs/turn-taking.md.

`python -m tests.calls.conversation.drawing` writes the drawn parts anew. `LEADS_TO` says where each fact and each wait may lead;
tests/calls/conversation/test_states.py holds it against the core in both directions: nothing else happens, and all of
it does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from calls.conversation.states import TABLE, State

DOCUMENT = Path(__file__).parents[3] / "docs" / "turn-taking.md"

CONNECTING, LISTENING, HEARING, PREPARING = State.CONNECTING, State.LISTENING, State.HEARING, State.PREPARING
REPLYING, WEIGHING, HOLDING, ENDED = State.REPLYING, State.WEIGHING, State.HOLDING, State.ENDED

Ways = dict[str, set[State]]

IN_EVERY_STATE: Ways = {
    "PhoneClosed": {ENDED},
    "HangUpAsked": {ENDED},
    "ModelError": {ENDED},  # a fatal one
    "OutletFull": {ENDED},  # the phone's
    "LinkLost": {CONNECTING, ENDED},  # ENDED when a new link would meet the same refusal
    "_longest_call": {ENDED},
}


def _and(ways: Ways) -> Ways:
    return {name: ways.get(name, set()) | IN_EVERY_STATE.get(name, set()) for name in [*IN_EVERY_STATE, *ways]}


LEADS_TO: dict[State, Ways] = {
    CONNECTING: _and(
        {
            "LinkLost": {ENDED},
            "ModelReady": {LISTENING, PREPARING, REPLYING},
            "_model_is_silent": {ENDED},
        }
    ),
    LISTENING: _and(
        {
            "SpeechStarted": {HEARING},
            "SpeechStopped": {PREPARING},  # of the rest of speech whose turn was ended by hand
            "ReplyCreated": {REPLYING},
            "_nobody_speaks": {PREPARING},
            "_say_sentence": {PREPARING},
            "_hearing_is_deaf": {PREPARING},
            "_warn_of_the_end": {PREPARING},
        }
    ),
    HEARING: _and(
        {
            "SpeechStopped": {PREPARING, LISTENING, REPLYING},  # the last two: it was a noise
            "_speech_never_stops": {PREPARING},
            "_model_did_not_hear": {PREPARING},
            "HearingLost": {PREPARING},  # with the words that it had heard
            "_hearing_is_silent": {PREPARING},  # the same
        }
    ),
    PREPARING: _and(
        {
            "SpeechStarted": {HEARING, HOLDING},
            "ReplyCreated": {REPLYING},
            "ReplyAudio": {REPLYING},  # its creation was missed
            "ReplyText": {REPLYING},  # the same
            "ReplyDone": {ENDED},  # the third that came to nothing before it was known to have begun
            "_reply_never_came": {ENDED},
        }
    ),
    REPLYING: _and(
        {
            "SpeechStarted": {HEARING, WEIGHING, HOLDING},
            "SoundHeard": {HEARING, HOLDING},  # the second: is it an echo at all?
            "EarlyWords": {HEARING},
            "CallerTranscript": {PREPARING},
            "ReplyDone": {LISTENING, HEARING, PREPARING, ENDED},
            "ReplyTextDone": {PREPARING},  # of text that no voice is left to speak
            "VoiceDone": {LISTENING, HEARING, PREPARING, ENDED},
            "VoiceFailed": {PREPARING},  # it was the last, and the model says the rest by itself
            "VoiceLost": {PREPARING},
            "_rest_is_due": {PREPARING},
            "_voice_is_slow": {LISTENING, HEARING, PREPARING, ENDED},
            "MarkPlayed": {LISTENING, HEARING, PREPARING, ENDED},
            "_heard_to_its_end": {LISTENING, HEARING, PREPARING, ENDED},
            "_reply_stalls": {LISTENING, HEARING, PREPARING, ENDED},
        }
    ),
    WEIGHING: _and(
        {
            "SpeechStopped": {REPLYING, PREPARING},
            "SoundHeard": {HEARING, HOLDING},
            "EarlyWords": {HEARING},
            "SettingsChanged": {HEARING},
            "ModelConfigured": {HEARING},
            "ModelError": {HEARING},  # a change of the settings was refused, and the next came into force
            "ReplyDone": {HEARING},
            "VoiceDone": {HEARING},
            "MarkPlayed": {HEARING},
            "_heard_to_its_end": {HEARING},
            "_weigh": {HEARING},
        }
    ),
    HOLDING: _and(
        {
            "SpeechStopped": {REPLYING, PREPARING},
            "SoundHeard": {REPLYING, HEARING, PREPARING},
            "EarlyWords": {REPLYING, HEARING, PREPARING},
            "SettingsChanged": {REPLYING, HEARING, PREPARING},
            "ModelConfigured": {REPLYING, HEARING, PREPARING},
            "ModelError": {REPLYING, HEARING, PREPARING},
            "_weigh": {REPLYING, HEARING, PREPARING},
        }
    ),
    ENDED: {},
}
"""By state and by fact (or, with an underscore, by wait): to which other states it may lead. What is not named leads nowhere."""

STANDING = [state for state in State if state not in (CONNECTING, ENDED)]
"""The states of a session that stands; the drawing puts a frame round them, for what is the same in all."""


LABEL = 36
"""Characters of a label's line. No name is broken."""


def draw() -> str:
    """The states and what leads from one to another, as a Mermaid diagram."""
    common = _common()
    lines = ["stateDiagram-v2", "    [*] --> connecting", "    state standing {"]
    inside: list[str] = []
    outside: list[str] = []
    for state, ways in LEADS_TO.items():
        for target, names in _by_target(state, ways).items():
            own = [name for name in names if state not in STANDING or (name, target) not in common]
            where = inside if state in STANDING and target in STANDING else outside
            if own:
                where.append(_arrow(state, target, own))
    for target in (CONNECTING, ENDED):
        outside.append(_arrow("standing", target, [name for name, to in common if to is target]))
    lines += ["    " + line for line in inside] + ["    }"] + outside + ["    ended --> [*]"]
    return "\n".join(lines)


def table() -> str:
    """Which method answers a fact in which state; empty where it is noted as unexpected."""
    states = [state for state in State if state is not ENDED]
    lines = ["| | " + " | ".join(states) + " |", "|---" * (len(states) + 1) + "|"]
    for event, row in TABLE.items():
        cells = [f"`{row[state].lstrip('_')}`" if state in row else "" for state in states]
        lines.append(f"| {event.__name__} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def in_words(name: str) -> str:
    """How a fact or a wait is called in the drawing."""
    return f"({name.strip('_').replace('_', ' ')})" if name.startswith("_") else name


def _common() -> list[tuple[str, State]]:
    return [
        (name, target)
        for name, targets in IN_EVERY_STATE.items()
        for target in sorted(targets)
        if all(target in LEADS_TO[state][name] for state in STANDING)
    ]


def _by_target(state: State, ways: Ways) -> dict[State, list[str]]:
    found: dict[State, list[str]] = defaultdict(list)
    for name, targets in ways.items():
        for target in sorted(targets - {state}, key=list(State).index):
            found[target].append(name)
    return found


def _arrow(start: str, target: str, names: list[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > LABEL:
            lines.append("")
        lines[-1] += f" {in_words(name)},"
    return f"    {start} --> {target} : {'<br/>'.join(line.strip() for line in lines).rstrip(',')}"


def parts() -> dict[str, str]:
    return {"states": f"```mermaid\n{draw()}\n```", "table": table()}


def drawn_into(text: str) -> str:
    """The document with its drawn parts as they should be."""
    for name, part in parts().items():
        mark = re.compile(rf"(<!-- drawn: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, found = mark.subn(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
        assert found == 1, f"{DOCUMENT} has no place for {name}"
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(drawn_into(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
