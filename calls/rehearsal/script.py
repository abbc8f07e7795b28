"""What the rehearsal model says. It cannot hear words, so it follows a script, and says so in its first reply.

Words that it does know, because a client wrote them or handed over what its recording says, choose among the answers.
"""

from __future__ import annotations

import re

FIRST = (
    "Thank you for calling this rehearsal, in which I follow a script and cannot hear your words. But I do hear when you speak, "
    "and when you stop. Please say whatever you like, or interrupt me right now, in the middle of this sentence."
)
REPLIES = (
    "All right. I noticed that you said something, and I go on with the script. In a real call, the speech model would now "
    "answer your question.",
    "I see. While I talk, your line is listened to in slices of thirty two milliseconds. Each of them gets a probability of "
    "speech, and the settings say how much is enough.",
    "Good. While I say this, the platform counts how much of it you have really heard. If you interrupt me, the conversation "
    "is cut exactly there.",
    "Fine. You may interrupt me at any time, in the middle of a sentence or even in the middle of a word. Try it now, and see "
    "how soon I stop.",
    "Understood. When you are silent for as long as the settings ask, I take it that you have finished. Until then, a pause is "
    "only a pause.",
    "Let me tell you something long, so that there is enough to interrupt. My sound reaches the phone much faster than you hear "
    "it, so most of this sentence is already waiting there while you are still listening to its beginning.",
    "If you speak over me, you will find a mark in the review of this call. It says what you heard, what you did not hear, and "
    "how long it took to fall silent.",
    "What would you like to try next? A short cough, perhaps, or a long pause in the middle of a sentence. Some of it should "
    "stop me, and some of it should not.",
    "Is there anything else? If not, simply hang up, and open the call in the review pages. You will see your side and mine, one "
    "above the other.",
)
AFTER_INTERRUPTION = (
    "Sorry, go on.",
    "Of course, I have stopped.",
    "Yes, you first.",
    "Excuse me, please continue.",
)
STILL_THERE = (
    "Are you still there? Take your time. I am listening, and I only speak again when you have said something."
)
KNOWN = (
    (
        re.compile(r"\b(appointment|book|booking|slot|schedule)\b", re.IGNORECASE),
        "An appointment, certainly. The rehearsal has no calendar, so let us pretend that Tuesday at half past ten is free. "
        "Does that suit you?",
    ),
    (
        re.compile(r"\b(open|opening|hours|close|closed)\b", re.IGNORECASE),
        "About our hours: the rehearsal is open day and night. A real agent would read them to you from its instructions.",
    ),
    (
        re.compile(r"\b(price|prices|cost|costs|pay|bill|balance)\b", re.IGNORECASE),
        "You asked about money. The rehearsal costs nothing, and knows no prices. A real agent would look them up for you now.",
    ),
    (
        re.compile(r"\b(person|human|operator|somebody|someone)\b", re.IGNORECASE),
        "You would like to talk to a person. In this rehearsal there is nobody to put you through to, but I have understood "
        "the wish.",
    ),
    (
        re.compile(r"\b(bye|goodbye|thanks|thank you)\b", re.IGNORECASE),
        "You are welcome. Thank you for rehearsing with me. Hang up whenever you like, and have a look at the review.",
    ),
)
EXACTLY = re.compile(r"exactly these words:\s*(.+)", re.IGNORECASE | re.DOTALL)
QUOTED = re.compile(r"“(.+)”", re.DOTALL)


class Script:
    """One conversation's replies: never the same twice in a row."""

    def __init__(self) -> None:
        self._number = 0
        self._last = ""

    def reply(self, instructions: str = "", *, interrupted: bool = False, words: str = "") -> str:
        """The words of the next reply.

        `instructions` are those of this one response: words that they quote, or that follow "exactly these words:", are spoken
        exactly. `words` are those of the caller, as far as they are known.
        """
        if exact := quoted(instructions):
            return exact
        if "still there" in instructions.lower() and self._last != STILL_THERE:
            self._last = STILL_THERE
            return STILL_THERE
        told = next((answer for known, answer in KNOWN if known.search(words)), "")
        if not told or told == self._last:
            told = FIRST if self._number == 0 else REPLIES[(self._number - 1) % len(REPLIES)]
            self._number += 1
        self._last = told
        if interrupted:
            return f"{AFTER_INTERRUPTION[self._number % len(AFTER_INTERRUPTION)]} {told}"
        return told


def quoted(instructions: str) -> str:
    """The words that instructions want spoken exactly; "" when they leave it open."""
    exactly = EXACTLY.search(instructions)
    wanted = exactly[1] if exactly else instructions
    in_quotes = QUOTED.search(wanted)
    if in_quotes:
        return in_quotes[1].strip()
    return wanted.strip() if exactly else ""


def everything() -> list[str]:
    """All that the script can say by itself."""
    return [FIRST, *REPLIES, *AFTER_INTERRUPTION, STILL_THERE, *(answer for _, answer in KNOWN)]
