"""How much longer than usual to wait for the rest: people pause when they spell, count or give an address.

The agent's last question decides, in the words that the caller heard of it. What is looked for are stems, so that endings
do not matter.
"""

from __future__ import annotations

import re

from .settings import ConversationSettings

SPELLING, EMAIL, NUMBER = "spelling", "email", "number"

_KINDS = (
    (
        SPELLING,
        r"\bspell|letter by letter|buchstabier|deletr|\bépel|lettre par lettre|letter per letter|\bspel\b|soletr",
    ),
    (EMAIL, r"e-?mail|mail address|correo electr|courriel|adresse mail|mail-?adress|posta elettronica"),
    (
        NUMBER,
        r"\bnumbers?\b(?! of)|\bdigit|\bzip\b|post(al )?code|date of birth|\bpin\b|\bcvv\b|\bid\b|account no\b|"
        r"nummer|\bziffer|postleitzahl|geburtsdatum|"
        r"número|numero|dígito|código postal|fecha de nacimiento|numéro|chiffre|date de naissance|cifr[ae]|"
        r"data di nascita|data de nascimento|\bcijfer|postcode|geboortedatum",
    ),
)
KINDS = tuple((kind, re.compile(pattern)) for kind, pattern in _KINDS)

NEAR = 3
"""Sentences from the end in which the last question is looked for."""

_SENTENCE = re.compile(r"[^.!?]*[.!?]*\s*")


def kind_of_answer(heard: str) -> str:
    """What the last question that the caller heard of the agent asks for, or its last sentence: "spelling", "email", "number" or
    nothing. A question may be followed by a word or two: “Take your time.”

    “Could you spell your e-mail address?” is spelling: that takes the longest.
    """
    sentences = [sentence for sentence in _SENTENCE.findall(heard.lower()) if sentence.strip()]
    if not sentences:
        return ""
    question = next((sentence for sentence in reversed(sentences[-NEAR:]) if asks(sentence)), sentences[-1])
    return next((kind for kind, pattern in KINDS if pattern.search(question)), "")


def asks(heard: str) -> bool:
    """Whether the agent's last words were a question."""
    return heard.rstrip().endswith("?")


def extra_ms(settings: ConversationSettings, kind: str) -> int:
    """Waited in addition to the silence, before the answer is asked for."""
    more = {
        SPELLING: settings.patience_spelling_ms,
        EMAIL: settings.patience_email_ms,
        NUMBER: settings.patience_number_ms,
    }
    return settings.response_delay_ms + more.get(kind, 0)
