"""Staff have the agent say a sentence, and hang up."""

from __future__ import annotations

from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation import facts
from calls.conversation.staff import SENTENCES_KEPT, TRIES
from calls.conversation.states import State
from tests.calls.conversation.talk import Talk, only

TYPED = e.SentenceTyped("A colleague will join you.", "ann")


def asked(commands: list[c.Command]) -> list[str]:
    return [ask.instructions for ask in only(commands, c.AskForReply)]


def heard_to_its_end(talk: Talk, seconds: float) -> list[c.Command]:
    out = talk.wait(seconds)
    for name in list(talk.marks):
        out += talk.feed(e.MarkPlayed(name))
    return out + talk.wait(0.0)


def says_it(talk: Talk, seconds: float = 1.0) -> list[c.Command]:
    """The reply that was asked for is made and heard."""
    talk.greets(seconds, TYPED.text)
    return heard_to_its_end(talk, seconds)


# --- a sentence


def test_while_nobody_speaks_it_is_said_at_once_and_word_for_word() -> None:
    talk = Talk().answered()
    talk.feed(TYPED)
    (instructions,) = asked(talk.wait(0.0))
    assert instructions.endswith("“A colleague will join you.”")
    assert talk.notes(facts.SENTENCE_TYPED) == [{"text": TYPED.text, "by": "ann", "taken": True}]
    assert talk.notes(facts.REPLY_ASKED)[-1]["because"] == "typed"
    assert asked(says_it(talk)) == []
    assert talk.state is State.LISTENING
    assert not talk.conversation.sentences


def test_it_does_not_cut_the_reply_and_is_said_when_that_was_heard() -> None:
    talk = Talk().answered()
    talk.agent_says(2.0)
    commands = talk.feed(TYPED) + talk.wait(1.0)
    assert only(commands, c.ClearPlayback) == only(commands, c.AskForReply) == []
    assert len(asked(heard_to_its_end(talk, 1.1))) == 1


def test_a_caller_who_speaks_is_heard_out_and_told_before_the_answer() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    assert asked(talk.feed(TYPED) + talk.wait(1.0)) == []
    (instructions,) = asked(talk.caller_stops())
    assert "“A colleague will join you.” Then answer." in instructions
    assert asked(says_it(talk)) == []


def test_it_waits_for_the_model_and_for_the_greeting() -> None:
    talk = Talk(greeting="Hello.")
    talk.feed(e.CallAnswered())
    assert asked(talk.feed(TYPED)) == []
    assert "“Hello.”" in asked(talk.feed(e.ModelReady("sess_1")))[0]
    talk.greets(1.0)
    (instructions,) = asked(heard_to_its_end(talk, 1.0))
    assert TYPED.text in instructions


def test_sentences_are_said_one_after_the_other() -> None:
    talk = Talk().answered()
    for text in ("First.", "Second."):
        talk.feed(e.SentenceTyped(text))
    assert "“First.”" in asked(talk.wait(0.0))[0]
    assert "“Second.”" in asked(says_it(talk))[0]


def test_one_that_was_withdrawn_before_its_first_sound_is_said_later() -> None:
    talk = Talk().answered()
    talk.feed(TYPED)
    talk.wait(0.0)
    talk.caller_begins("u7")
    commands = talk.feed(e.ReplyCreated("r8", talk.conversation.replies.asked))
    assert only(commands, c.CancelReply) == [c.CancelReply("r8")]
    talk.feed(e.ReplyDone("r8", "cancelled"))
    assert TYPED.text in asked(talk.caller_stops("u7"))[0]


def test_one_that_was_interrupted_is_not_said_again() -> None:
    talk = Talk().answered()
    talk.feed(TYPED)
    talk.wait(0.0)
    reply, item = talk.reply_begins()
    talk.sound(reply, item, 2.0)
    talk.wait(0.5)
    talk.caller_begins("u7")
    assert only(talk.commands, c.ClearPlayback)
    talk.feed(e.ReplyDone(reply, "cancelled"))
    assert asked(talk.caller_stops("u7")) == [""]


def test_a_reply_that_nobody_asked_for_does_not_pass_for_it() -> None:
    talk = Talk(create_response=True).answered()
    talk.caller_begins()
    talk.feed(TYPED)
    talk.caller_stops()
    talk.feed(e.ReplyCreated("server", None))
    talk.feed(e.ItemAdded("server", "s1"))
    talk.sound("server", "s1", 1.0)
    talk.reply_done("server", "s1")
    assert TYPED.text in asked(heard_to_its_end(talk, 1.0))[0]


def test_one_that_was_lost_with_the_link_is_said_over_the_new_one() -> None:
    talk = Talk().answered()
    talk.feed(TYPED)
    talk.wait(0.0)
    talk.feed(e.LinkLost("closed with 1006"))
    talk.feed(e.ModelReady("sess_2"))
    assert TYPED.text in asked(talk.wait(0.0))[0]


def test_a_goodbye_during_which_staff_type_does_not_end_the_call() -> None:
    talk = Talk(idle_prompt_ms=8000, idle_prompts_max=0, idle_goodbye="Goodbye.").answered()
    talk.wait(8.1)
    talk.feed(TYPED)
    assert TYPED.text in asked(says_it(talk))[0]
    assert only(talk.commands, c.EndCall) == []


def test_a_model_that_makes_no_sound_of_it_is_not_asked_for_ever() -> None:
    talk = Talk().answered()
    talk.feed(TYPED)
    talk.wait(0.0)
    for n in range(100):
        if talk.conversation.replies.asked is None:
            break
        talk.feed(e.ReplyCreated(f"r{n}", talk.conversation.replies.asked))
        talk.feed(e.ReplyDone(f"r{n}", "completed"))
        talk.wait(3.0)
    assert talk.notes(facts.STUCK)[-1]["repair"] == "leave a typed sentence unsaid"
    assert talk.state is State.LISTENING
    assert TRIES <= len(only(talk.commands, c.AskForReply)) <= TRIES + 3


def test_nothing_and_too_many_are_not_taken() -> None:
    talk = Talk().answered()
    talk.caller_begins()
    talk.feed(e.SentenceTyped("  "))
    for n in range(SENTENCES_KEPT + 1):
        talk.feed(e.SentenceTyped(f"Sentence {n}."))
    taken = [note["taken"] for note in talk.notes(facts.SENTENCE_TYPED)]
    assert taken == [False, *[True] * SENTENCES_KEPT, False]
    assert talk.conversation.sentences[0].text == "Sentence 0."


# --- hanging up


def test_staff_hang_up_and_what_was_heard_is_kept() -> None:
    talk = Talk().answered()
    talk.agent_says(4.0)
    talk.wait(1.0)
    commands = talk.feed(e.HangUpAsked("ann"))
    assert only(commands, c.EndCall) == [c.EndCall("hung up by staff")]
    assert talk.notes(facts.HANG_UP_ASKED) == [{"by": "ann"}]
    assert talk.notes(facts.AGENT_TURN)[-1]["heard_ms"] == 1000
    assert talk.feed(e.HangUpAsked("bob")) == []
