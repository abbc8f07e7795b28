"""Whether the caller's words so far are only words of listening, or words that stop somebody."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NO_WORD = re.compile(r"[^\w'\- ]+")


def plain(text: str) -> str:
    """Lower case, without punctuation, one space between words; as the lists of phrases are kept."""
    return " ".join(_NO_WORD.sub(" ", text.lower().replace("’", "'")).split())


def only_listening(text: str, phrases: Sequence[str], *, so_far: bool = False) -> bool:
    """Whether the words are nothing but phrases of the list, one after the other. `so_far`: the last may not be said to its end
    yet, so that “I” can become an “I see”."""
    words = plain(text)
    return bool(words) and _consists_of(words, {plain(phrase) for phrase in phrases} - {""}, so_far)


def _consists_of(words: str, phrases: set[str], so_far: bool) -> bool:
    if not words or words in phrases or (so_far and any(phrase.startswith(words) for phrase in phrases)):
        return True
    rests = (words[len(phrase) + 1 :] for phrase in phrases if words.startswith(phrase + " "))
    return any(_consists_of(rest, phrases, so_far) for rest in rests)


def that_stops(text: str, phrases: Sequence[str]) -> str:
    """The phrase of the list that the words hold as whole words; empty when there is none."""
    words = f" {plain(text)} "
    return next((phrase for phrase in phrases if plain(phrase) and f" {plain(phrase)} " in words), "")
