"""What the rehearsal model says, and with which voice."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls import audio
from calls.rehearsal import script, sound, voice
from calls.rehearsal.script import Script
from tests.calls.rehearsal.talk import of, only, phone


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from(["", "When do you open?", "bye"]), st.booleans()), max_size=40)
)
def test_no_reply_is_like_the_one_before(turns: list[tuple[bool, str, bool]]) -> None:
    said = Script()
    asked = [
        said.reply("Ask whether the caller is still there." if idle else "", interrupted=interrupted, words=words)
        for interrupted, words, idle in turns
    ]
    assert all(a != b for a, b in pairwise(asked))


def test_the_first_reply_says_that_it_is_a_rehearsal() -> None:
    assert "rehearsal" in Script().reply()


def test_replies_are_long_enough_to_be_interrupted() -> None:
    for text in (script.FIRST, *script.REPLIES, *(answer for _, answer in script.KNOWN)):
        assert 6 <= len(voice.speak(text).audio) / 8000 <= 15, text


def test_an_interruption_is_acknowledged_and_something_new_follows() -> None:
    said = Script()
    first = said.reply()
    second = said.reply(interrupted=True)
    opening = next(opening for opening in script.AFTER_INTERRUPTION if second.startswith(opening))
    assert second.removeprefix(opening).strip() not in ("", first)


@pytest.mark.parametrize("how", ["cancel", "truncate"])
def test_a_session_knows_that_it_was_interrupted(how: str) -> None:
    s = phone()
    if how == "cancel":
        s.ask(0.0)
        s.run(0.5)
        s.handle({"type": "response.cancel"}, 0.5)
        s.run(1.0)
    else:
        item_id = s.speak(0.0)
        cut = {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": 500}
        s.handle(cut, 61.0)
    s.ask(62.0)
    assert only(s.run(120.0), "response.output_audio_transcript.done")["transcript"].startswith(
        script.AFTER_INTERRUPTION
    )


@pytest.mark.parametrize(
    ("instructions", "words"),
    [
        ("Open the call. Say exactly these words: “Good morning.”", "Good morning."),
        ("Say exactly these words: “He said “hello” and left.”", "He said “hello” and left."),
        ("Say exactly these words: Good morning.", "Good morning."),
        ("Tell them “we are closed”, please.", "we are closed"),
        ("Ask whether the caller is still there.", ""),
    ],
)
def test_words_that_instructions_want_spoken(instructions: str, words: str) -> None:
    assert script.quoted(instructions) == words


def test_quotes_in_the_sessions_own_instructions_are_not_spoken() -> None:
    s = phone()
    own = "Never say “never”."
    s.handle({"type": "session.update", "session": {"type": "realtime", "instructions": own}}, 0.0)
    s.ask(0.0, instructions=own + "\n\nOpen the call. Say exactly these words: “Good morning.”")
    s.run(60.0)
    s.ask(61.0, instructions=own + "\n\nBe brief.")
    events = s.run(120.0)
    assert "never" not in only(events, "response.output_audio_transcript.done")["transcript"]
    assert of(events, "response.output_audio.delta")


# --- the voice


def test_words_are_the_text_and_begin_one_after_the_other() -> None:
    text = "Thank you for calling. It’s half past ten, isn't it? Room 25 — good!"
    speech = voice.speak(text)
    assert "".join(word.text for word in speech.words) == text
    times = [word.at_ms for word in speech.words]
    assert times == sorted(times)
    assert times[0] == 0 and times[-1] < len(speech.audio) / 8
    assert times[text.split().index("It’s")] > 1000


def test_every_format_is_the_same_speech() -> None:
    text = "Good morning. How are you?"
    mulaw, alaw, pcm = (voice.speak(text, kind).audio for kind in ("audio/pcmu", "audio/pcma", "audio/pcm"))
    assert len(mulaw) == len(alaw)
    assert len(pcm) / 48 == pytest.approx(len(mulaw) / 8, abs=2)
    assert max(audio.peaks(mulaw, 50)) > 0.2
    loud = audio.peaks(audio.mulaw_encode(sound.alaw_decode(alaw)), 50)
    assert loud == pytest.approx(audio.peaks(mulaw, 50), abs=0.05)


def test_speed_and_voice_are_heard() -> None:
    text = "Good morning, how are you today?"
    assert len(voice.speak(text, speed=1.5).audio) < 0.8 * len(voice.speak(text).audio)
    assert len({voice.speak(text, voice=name).audio for name in voice.VARIANTS}) == len(voice.VARIANTS)


@given(st.text(max_size=60))
def test_any_text_can_be_spoken(text: str) -> None:
    assert "".join(word.text for word in voice.speak(text).words) == text.strip()


def test_several_threads_speak_without_mixing() -> None:
    texts = ["word " * n for n in range(1, 9)]
    alone = [len(voice._synthesise(text, 165, "")[0]) for text in texts]
    together: dict[int, int] = {}

    def speak(n: int) -> None:
        together[n] = len(voice._synthesise(texts[n], 165, "")[0])

    threads = [threading.Thread(target=speak, args=(n,)) for n in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The library does not make the same sound to the sample twice.
    assert [together[n] for n in range(len(texts))] == pytest.approx(alone, rel=0.01)


# --- sound


def test_alaw_there_and_back() -> None:
    codes = bytes(range(256))
    assert sound.alaw_encode(sound.alaw_decode(codes)) == codes


@given(st.lists(st.integers(1, 999), max_size=30))
def test_a_stream_in_pieces_is_the_stream_in_one(sizes: list[int]) -> None:
    whole = voice.speak("Good morning.", "audio/pcm").audio
    pieces, at, decoder = [], 0, sound.Decoder("audio/pcm")
    for size in [*sizes, len(whole)]:
        pieces.append(decoder.decode(whole[at : at + size]))
        at += size
    assert b"".join(pieces) == sound.Decoder("audio/pcm").decode(whole)
    assert len(b"".join(pieces)) == len(whole) // 6 * 2
