"""What the rehearsal model says. It cannot hear words, so it follows a script, and says so when it is asked to speak long."""

from __future__ import annotations

import re

OPENINGS = (
    "Thank you for calling. This is a rehearsal, so I follow a script and cannot hear your words, but I do hear when you "
    "speak and when you stop.",
    "All right. I note that you said something, and I will go on with the script. In a real call the speech model would "
    "answer your question here.",
    "I see. Let me tell you what happens while I talk. Your line is listened to in slices of thirty two milliseconds, and "
    "each gets a probability of speech.",
    "Good. While I say this, everything that you have heard so far is counted, so that an interruption cuts the conversation "
    "exactly where you stopped hearing me.",
    "Fine. You may interrupt me at any time, in the middle of a sentence or even in the middle of a word, and I will stop "
    "at once.",
    "Understood. When you are silent for as long as the settings ask, I take it that you have finished, and I answer.",
)
CLOSINGS = (
    "Please go on, I am listening. You can also stay silent and see that nothing happens until you speak.",
    "Tell me more whenever you like. If you speak over me now, you will find a mark in the review of this call.",
    "Is there anything else? If not, simply hang up, and open the call in the review pages to see what you really heard.",
    "What would you like to try next? A short cough, perhaps, or a long pause in the middle of a sentence.",
)
AFTER_INTERRUPTION = (
    "Sorry, go on.",
    "Of course, I have stopped.",
    "Yes, I am listening.",
    "Excuse me, please continue.",
)
QUOTED = re.compile(r"“([^”]+)”")


class Script:
    """One conversation's replies: never the same twice in a row."""

    def __init__(self) -> None:
        self._number = 0

    def reply(self, instructions: str, interrupted: bool) -> str:
        """The words of the next reply. Words that the instructions quote are spoken exactly."""
        quoted = QUOTED.findall(instructions)
        if quoted:
            return str(quoted[-1])
        n, self._number = self._number, self._number + 1
        parts = [OPENINGS[n % len(OPENINGS)], CLOSINGS[n % len(CLOSINGS)]]
        if interrupted:
            parts.insert(0, AFTER_INTERRUPTION[n % len(AFTER_INTERRUPTION)])
        return " ".join(parts)
