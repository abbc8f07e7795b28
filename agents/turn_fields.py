"""The turn settings about the caller's sound: hearing it, weighing it over the agent, the five steps of an interruption.

What is said of a value is what a caller hears of it. The names are those of the conversation's settings, so that one word
means one thing everywhere. In which order the screen shows them stands in screen.py.
"""

from __future__ import annotations

from django.db import models

from agents import defaults, phrases
from agents.fields import choice, part, switch, whole


class VadType(models.TextChoices):
    SERVER = "server_vad", "by sound and silence (server_vad)"
    SEMANTIC = "semantic_vad", "by meaning (semantic_vad)"


class StopSound(models.TextChoices):
    AT_ONCE = "at_once", "at once, and goes on if it was nothing"
    WHEN_SURE = "when_sure", "only when it is an interruption"


class Mode(models.TextChoices):
    FULL = "full", "full: stop the sound, cut the conversation where it was heard"
    LEGACY = "legacy", "legacy: cancel the response only (roll-back path)"


class Truncate(models.TextChoices):
    HEARD = "heard", "where the caller stopped hearing it"
    START = "start", "at its start, as if nothing was heard"
    OFF = "off", "nowhere: the agent believes it said everything"


class Hearing(models.Model):
    """What counts as the caller speaking."""

    vad_type = choice(
        "vad_type",
        "how speech is noticed",
        VadType,
        "By sound: the agent answers after a silence of the same length every time. By meaning: it answers sooner after what "
        "sounds complete, and waits for seconds after what does not.",
    )
    threshold = part(
        "threshold",
        "threshold",
        1,
        "Only by sound. How sure the model must be that a sound is speech. Higher: coughs and hiss stop the agent less, and "
        "soft callers are missed more.",
        below="A threshold is 0 or more. At 0 every hiss on the line counts as the caller speaking.",
        above="A threshold is at most 1. Near 1 even loud callers are not heard.",
    )
    prefix_padding_ms = whole(
        "prefix_padding_ms",
        "sound kept from before",
        0,
        2000,
        "Only by sound. What the agent still hears from before the moment in which speech was noticed. Too little: it misses "
        "first syllables, and “no” becomes “oh”.",
        above="More than 2000 ms brings the agent's own echo along.",
    )

    class Meta:
        abstract = True


class Weighing(models.Model):
    """Whether a sound over the agent is an interruption. Each 0 or “off” is one kind of evidence less."""

    stop_sound = choice(
        "stop_sound",
        "the agent's sound stops",
        StopSound,
        "At once: the agent falls silent at every cough, and takes its sentence up again if it was nothing. Only when it is an "
        "interruption: coughs are not noticed, and a real interruption is answered some tenths of a second later.",
    )
    min_speech_ms = whole(
        "min_speech_ms",
        "shortest interruption",
        0,
        3000,
        "Shorter speech over the agent is no interruption: the reply goes on. 0: any speech is one, however short.",
        above="Above 3 s the agent seems not to listen at all.",
    )
    answer_window_ms = whole(
        "answer_window_ms",
        "answers into the last words",
        0,
        5000,
        "Speech within the last part of a reply that is too short to stop the agent is an answer: the reply ends undisturbed "
        "and what was said is answered after it, however short it was. 0: short words at the end of a question are dropped "
        "like any other. Too long: words that were no answer get one too.",
        above="Above 5 s the agent answers nearly every short word that was said over it.",
    )
    decide_by_ms = whole(
        "decide_by_ms",
        "decided at the latest after",
        300,
        5000,
        "Speech that lasts this long stops the agent, however soft it is and whatever is said; noise and the agent's echo never "
        "do. Longer: a caller who really wants to interrupt has to talk over the agent for so long.",
        below="Below 300 ms a cough is decided on before it has ended, and stops the agent.",
        above="Above 5 s a caller whom the evidence fails shouts at an agent that talks on.",
    )
    turn_probability = part(
        "turn_probability",
        "a sound in silence is a turn from",
        1,
        "How sure our own ear must be for a moment that a sound while nobody speaks is speech. What stays below is not "
        "answered: the model took a noise for a turn. Higher: coughs and doors are answered less, and a soft or mumbled "
        "word may get no answer. 0: whatever the model takes for a turn is answered.",
        below="A probability is 0 or more; 0 answers every sound.",
        above="A probability is at most 1. Near 1 callers get no answer.",
    )
    speech_probability = part(
        "speech_probability",
        "our own ear: sure of speech",
        1,
        "How sure our own ear (Silero) must be that a sound over the agent is speech. Higher: music and noise stop the agent "
        "less, and mumbled interruptions are missed more. Sounds in silence in which it hears no speech are not answered. "
        "0: our ear is not asked.",
        below="A probability is 0 or more; 0 leaves our ear out.",
        above="A probability is at most 1. Near 1 nobody can stop the agent.",
    )
    min_loudness_db = part(
        "min_loudness_db",
        "louder than the line by",
        40,
        "How far over the line's own noise a sound must be to stop the agent. Higher: television and voices in the room "
        "stop it less, and soft callers have to speak up, or to talk on until it is decided at the latest. 0: loudness does "
        "not count.",
        below="It cannot be below 0 dB; 0 leaves loudness out.",
        above="Above 40 dB over the noise even a shout on a phone line does not stop the agent.",
    )
    ignore_backchannels = switch(
        "ignore_backchannels",
        "“mm-hm” is no interruption",
        "The agent talks on through words of listening. Off: each “okay” of a friendly caller stops it. Needs the words "
        "while they are spoken, from a transcription model that gives them early.",
    )
    backchannel_phrases = models.TextField(
        "words of listening",
        blank=True,
        default=defaults.value("backchannel_phrases"),
        validators=[phrases.check],
        help_text="One on each line. The agent talks on when the caller says nothing but these. Leave out what answers your "
        "agent's questions: an answer given while it still speaks would be lost. Empty: the list of the agent's language.",
    )
    interrupt_phrases = models.TextField(
        "words that stop the agent",
        blank=True,
        default=defaults.value("interrupt_phrases"),
        validators=[phrases.check],
        help_text="One on each line. These stop the agent at once, however short they are. Empty: the list of the agent's "
        "language.",
    )
    echo_guard = part(
        "echo_guard",
        "guard against echo",
        1,
        "Sound as like as this to what the agent is saying is its own echo, and does not stop it. Lower: callers on a speakerphone "
        "are less troubled, and a caller who talks over the agent may be taken for an echo for as long as they talk. 0: off.",
        below="It cannot be below 0; 0 switches the guard off.",
        above="A likeness is at most 1; just below it no echo is recognised, and the agent stops itself.",
    )
    laughter_guard = part(
        "laughter_guard",
        "guard against laughter and coughs",
        1,
        "A second of sound as like as this to laughing, coughing or clearing one's throat does not stop the agent. Lower: a soft "
        "laugh does not stop it either, and a caller with a hoarse or shrill voice may have to talk over it for longer. 0: off.",
        below="It cannot be below 0; 0 switches the guard off.",
        above="A likeness is at most 1; just below it no laugh is recognised, and laughter stops the agent.",
    )
    protect_greeting = switch(
        "protect_greeting",
        "the greeting is never interrupted",
        "The caller hears the first words to their end, such as a notice of recording. What is said meanwhile is listened to, "
        "and answered after it.",
    )
    grace_ms = whole(
        "grace_ms",
        "no interruption at first for",
        0,
        5000,
        "At the start of each reply nothing stops the agent yet. Against callers who say one more word after their question. "
        "Too long: it cannot be stopped when it begins wrongly.",
        above="Above 5 s the agent seems not to listen at all.",
    )
    resume_after_ms = whole(
        "resume_after_ms",
        "goes on after a quiet of",
        100,
        3000,
        "A reply that was stopped for a sound goes on when the caller has been quiet for this long. Too little: it goes on "
        "between two words of the caller. Too much: the caller hears a hole and thinks the line is dead.",
        below="Below 100 ms the agent goes on between two syllables, and both talk at once.",
        above="After 3 s of silence the caller has asked what is wrong.",
    )
    resume_overlap_ms = whole(
        "resume_overlap_ms",
        "repeated when it goes on",
        0,
        2000,
        "A reply that was stopped for a sound steps back up to this far, to the start of a word. 0: it goes on in the middle of "
        "a word. Too much: the caller hears half a sentence twice.",
        above="Above 2 s the agent seems to have lost its thread.",
    )
    interrupt_response = switch(
        "interrupt_response",
        "the model stops by itself",
        "On: every sound ends the answer, coughs included, and nothing is weighed.",
    )

    class Meta:
        abstract = True


class FiveSteps(models.Model):
    """What happens when it is an interruption, in this order."""

    mode = choice(
        "mode",
        "interruptions are handled",
        Mode,
        "Legacy is the earlier behaviour: the agent talks on for what the carrier holds, and may repeat itself.",
    )
    cancel_reply = switch(
        "cancel_reply",
        "1. Cancel the response",
        "The model stops making the answer. Off: it is made and paid for to its end, and the caller waits so much longer for "
        "the next one.",
    )
    truncate = choice(
        "truncate",
        "2. Cut the conversation",
        Truncate,
        "What the agent believes the caller has heard. Wrong: it repeats itself, or takes for known what was not heard.",
    )
    clear_buffers = switch(
        "clear_buffers",
        "3. Clear all buffers",
        "The sound stops at once. Off: the caller hears what the carrier holds, often many seconds.",
    )
    suppress_in_flight = switch(
        "suppress_in_flight",
        "4. Drop sound in flight",
        "Pieces of the stopped answer that still arrive are not played. Off: the caller hears scraps of it.",
    )
    suppress_ms = whole(
        "suppress_ms",
        "sound is dropped for",
        0,
        5000,
        "Second guard, for sound that does not say which answer it is of. Too short: a scrap of the old answer is heard.",
        above="Above 5 s the next answer could be swallowed.",
    )
    mark_silent = switch(
        "mark_silent",
        "5. Mark the agent as silent",
        "The caller has the floor. Off: for as long as the stopped answer would have lasted, each word of the caller counts as "
        "one more interruption of it.",
    )

    class Meta:
        abstract = True
