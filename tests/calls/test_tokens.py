"""The stream's token: whose, how old, and made by whom. Time is a number."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.core import signing
from hypothesis import given, settings
from hypothesis import strategies as st

from calls import tokens
from calls.tokens import BadToken

CALL = UUID("0a0b0c0d-0000-4000-8000-000000000001")
NOW = 1_800_000_000.0


def test_a_token_names_its_call_for_a_minute() -> None:
    token = tokens.make(CALL, "CA1", now=NOW)
    assert tokens.read(token, "CA1", now=NOW) == CALL
    assert tokens.read(token, "CA1", now=NOW + 60) == CALL


@pytest.mark.parametrize("later", [61, 3600, 1e9])
def test_an_old_token_is_refused(later: float) -> None:
    token = tokens.make(CALL, "CA1", now=NOW)
    with pytest.raises(BadToken, match="older than 60 s"):
        tokens.read(token, "CA1", now=NOW + later)


@pytest.mark.parametrize("other", ["CA2", "", "ca1", "CA1 "])
def test_a_token_of_another_call_is_refused(other: str) -> None:
    with pytest.raises(BadToken, match="another call's"):
        tokens.read(tokens.make(CALL, "CA1", now=NOW), other, now=NOW)


def test_the_clock_of_the_machine_is_used_when_none_is_given() -> None:
    assert tokens.read(tokens.make(CALL, "CA1"), "CA1") == CALL
    with pytest.raises(BadToken, match="older"):
        tokens.read(tokens.make(CALL, "CA1", now=NOW - 1e9), "CA1")


@settings(deadline=None)
@given(st.text(max_size=200))
def test_no_invented_token_is_read(token: str) -> None:
    with pytest.raises(BadToken):
        tokens.read(token, "CA1", now=NOW)


def test_every_changed_character_is_noticed() -> None:
    token = tokens.make(CALL, "CA1", now=NOW)
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        with pytest.raises(BadToken):
            tokens.read(changed, "CA1", now=NOW)


@pytest.mark.parametrize(
    "data", [[], ["x", "CA1"], "CA1", ["nothex", "CA1", NOW], ["0" * 32, "CA1", "soon"], [7, "CA1", NOW]]
)
def test_what_we_signed_for_another_purpose_is_no_token(data: object) -> None:
    for salt in (tokens._SALT, "another purpose"):
        with pytest.raises(BadToken):
            tokens.read(signing.dumps(data, salt=salt), "CA1", now=NOW)


def test_a_token_fits_into_a_parameter_and_survives_it() -> None:
    token = tokens.make(CALL, "C" * 64, now=NOW)
    assert len("token" + token) < 500  # Twilio's limit for name and value
    assert token.isascii() and token.isprintable() and not set(token) & set("<>&\"' ")


def test_refusals_do_not_repeat_the_token() -> None:
    token = tokens.make(CALL, "CA1", now=NOW)
    for given_, now in ((token + "x", NOW), (token, NOW + 99)):
        with pytest.raises(BadToken) as refused:
            tokens.read(given_, "CA1", now=now)
        assert token not in str(refused.value) and CALL.hex not in str(refused.value)
