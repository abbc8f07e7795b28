"""A scene as a picture."""

from __future__ import annotations

from xml.etree import ElementTree

from calls.conversation import facts
from calls.scoring.course import Course, Heard, Moment
from calls.scoring.drawing import draw, marks
from calls.scoring.judge import Verdict

VERDICT = Verdict("a<b>/1", "backchannel", "mixed", "a.wav", 3000, 3000, 3400)


def course(*moments: Moment) -> Course:
    sound = bytes([0x9F, 0x1F]) * 24000
    curve = tuple((float(at), at / 6000) for at in range(32, 6000, 32))
    return Course(
        True,
        6000,
        "resp-1",
        9000,
        moments,
        (Heard(0, 6000, "resp-1"),),
        probabilities=curve,
        caller_sound=sound,
        agent_sound=sound,
    )


def test_what_happens_together_is_one_mark_and_unknown_notes_are_drawn_too() -> None:
    made = marks(
        VERDICT,
        course(
            Moment(-500, "SpeechStarted"),
            Moment(3200, "SpeechStarted"),
            Moment(3200, facts.CALLER_SPEAKING, {"item_id": "item-1"}),
            Moment(3200, "ClearPlayback", {"interruption": 0}),
            Moment(3900, facts.INTERRUPTION_REFUSED, {"speech_ms": 200, "minimum_ms": 400}),
            Moment(4000, "second_thoughts", {"about": 3}),
        ),
    )
    assert [(mark.at_ms, mark.kind, mark.says) for mark in made] == [
        (3200, "hold", ("the model's VAD noticed speech", "the sound was stopped, and the reply held")),
        (3900, "go", ("no interruption: the reply goes on: 200 ms of speech, below the 400 ms minimum",)),
        (4000, "note", ("second thoughts: about 3",)),
    ]
    assert made[0].since_ms == 200


def test_the_picture_is_well_formed_and_has_both_sides_the_event_and_the_curve() -> None:
    picture = draw(
        VERDICT, course(Moment(3200, "SpeechStarted"), Moment(3210, "AskForReply"), Moment(3300, "EndCall")), 0.6
    )
    tree = ElementTree.fromstring(picture.svg)
    classes = [node.get("class") for node in tree.iter() if node.get("class")]
    for name in ("event", "caller", "agent", "probability", "threshold"):
        assert classes.count(name) == 1
    assert len(picture.marks) == sum(str(name).startswith("mark ") for name in classes) == 2
    assert "<b>" not in picture.svg
