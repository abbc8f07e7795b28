"""What the agent's last question asks for, and how much longer that is waited for."""

from __future__ import annotations

import pytest

from calls.conversation.patience import asks, extra_ms, kind_of_answer
from calls.conversation.settings import ConversationSettings


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        ("Thank you. Could you spell your last name?", "spelling"),
        ("Can you spell your e-mail address for me?", "spelling"),
        ("What is your email address?", "email"),
        ("And your phone number, please?", "number"),
        ("What is your date of birth?", "number"),
        ("Wie lautet Ihre Postleitzahl?", "number"),
        ("Können Sie das bitte buchstabieren?", "spelling"),
        ("¿Me dice su número de teléfono?", "number"),
        ("Quelle est votre adresse e-mail ?", "email"),
        ("I have noted your number. What can I do for you?", ""),
        ("Could you spell your last name for me? Take your time.", "spelling"),
        ("Wie lautet Ihre Telefonnummer?", "number"),
        ("What is the CVV on the back?", "number"),
        ("There are a number of options.", ""),
        ("How are you?", ""),
        ("", ""),
    ],
)
def test_the_last_sentence_decides(heard: str, kind: str) -> None:
    assert kind_of_answer(heard) == kind


def test_patience_comes_on_top_of_the_response_delay() -> None:
    settings = ConversationSettings(response_delay_ms=100, patience_spelling_ms=1500, patience_number_ms=1000)
    assert [extra_ms(settings, kind) for kind in ("spelling", "number", "email", "")] == [1600, 1100, 100, 100]


def test_a_question_ends_with_its_mark() -> None:
    assert asks("Is that right? ")
    assert not asks("Is that right? I think so.")
