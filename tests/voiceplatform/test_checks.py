"""Each wrong value of the environment, asked of `manage.py check` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.providers import Lark
from voiceplatform import checks

ROOT = Path(__file__).parent.parent.parent


UNSET = {name: value for name, value in os.environ.items() if name not in ("TWILIO_AUTH_TOKEN", "TZ", "DATABASE_URL")}


def check(folder: Path, *options: str, **environment: str) -> tuple[int, str]:
    """(exit code, everything it said)"""
    done = subprocess.run(
        [sys.executable, "manage.py", "check", *options],
        cwd=ROOT,
        env={**UNSET, "DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_without_any_value_there_is_nothing_to_say(tmp_path: Path) -> None:
    code, said = check(tmp_path)
    assert (code, "no issues" in said) == (0, True), said


WRONG = [
    # One process per round, for each costs seconds: every variable once, then the subtler mistakes.
    {
        "PUBLIC_BASE_URL": ("voice.example.com", "begins with https:// or http://"),
        "OPENAI_REALTIME_URL": ("https://api.openai.com/v1/realtime", "begins with wss:// or ws://"),
        "DATABASE_URL": ("somewhere", "Write postgresql://user:password@host:5432/name."),
        "REDIS_URL": ("127.0.0.1:6379", "Write redis://host:6379/0 or unix:///path."),
        "SECRET_KEY": ("short", "Use at least 50 random characters"),
        "DEBUG": ("perhaps", "Write true or false."),
        "PORT": ("99999", "Write a port number between 1 and 65535."),
        "REHEARSAL_PORT": ("model", "Write a port number between 1 and 65535."),
        "PAGES_ADDRESS": ("127.0.0.1:8001", "Write unix:///path or http://127.0.0.1:8001, or unset it."),
        "STAND_INS_PORT": ("voices", "Write a port number between 1 and 65535."),
        "SPEECHMATICS_TTS_URL": ("tts.example.com", "begins with https:// or http://"),
        "TZ": ("Mars/Olympus", "Write one such as Europe/Vienna"),
        "DATA_DIR": ("/proc/nowhere", "Name a folder that the server may write to."),
    },
    {
        "PUBLIC_BASE_URL": ("https://user:hunter2@host:port", "begins with https:// or http://"),
        "OPENAI_REALTIME_URL": ("ws://user:hunter2@model:1/v1?model=x", "ends before any question mark"),
        "DATABASE_URL": ("postgresql://user:hunter2@host:port/name", "Write postgresql://"),
        "REDIS_URL": ("redis://user:hunter2@host:port/0", "Write redis://"),
        "PAGES_ADDRESS": ("http://user:hunter2@host:port", "Write unix:///path"),
        "SPEECHMATICS_RT_URL": ("https://user:hunter2@eu.example.com", "begins with wss:// or ws://"),
    },
    {"PUBLIC_BASE_URL": ("http://[", "begins with https:// or http://")},
]


@pytest.mark.parametrize("values", WRONG)
def test_a_wrong_value_is_named_with_what_to_do_and_without_its_password(
    tmp_path: Path, values: dict[str, tuple[str, str]]
) -> None:
    code, said = check(tmp_path, **{name: value for name, (value, _) in values.items()})
    assert code == 1, said
    assert "Traceback" not in said
    assert "hunter2" not in said
    for name, (_, advice) in values.items():
        found = [text for text in said.split("?: ") if f") {name} is" in text or f") {name} cannot" in text]
        assert len(found) == 1, f"{name}: {said}"
        assert advice in found[0]


def test_a_provider_that_does_not_say_who_it_is_is_named(providers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.providers_can_be_used(None) == []
    monkeypatch.delattr(Lark, "url_variable")
    monkeypatch.delattr(Lark, "stand_in")
    providers.HEARINGS = {"pigeon": "calls.voices.pigeon.Pigeon"}
    voice, ear = checks.providers_can_be_used(None)
    assert voice.msg == "tests.providers.Lark does not say its url_variable, stand_in."
    assert "calls.voices.pigeon.Pigeon, which cannot be imported" in ear.msg


def test_the_real_service_needs_a_key(tmp_path: Path) -> None:
    code, said = check(tmp_path, OPENAI_REALTIME_URL="wss://api.openai.com/v1/realtime")
    assert code == 1
    assert "OPENAI_API_KEY is missing" in said
    assert check(tmp_path, OPENAI_REALTIME_URL="wss://api.openai.com/v1/realtime", OPENAI_API_KEY="sk-x")[0] == 0


def test_a_public_address_without_tls_or_token_is_warned_of(tmp_path: Path) -> None:
    code, said = check(tmp_path, PUBLIC_BASE_URL="http://voice.example.com")
    assert code == 0
    assert "TWILIO_AUTH_TOKEN is missing on a public address" in said
    assert "PUBLIC_BASE_URL is plain http on a public address" in said


def test_an_installation_as_in_production_passes_djangos_own_review(tmp_path: Path) -> None:
    code, said = check(
        tmp_path,
        "--deploy",
        "--fail-level",
        "WARNING",
        SECRET_KEY="".join(chr(33 + i) for i in range(64)),
        PUBLIC_BASE_URL="https://voice.example.com",
        TWILIO_AUTH_TOKEN="12345",
    )
    assert (code, "no issues" in said) == (0, True), said


def test_secrets_are_made_once_and_readable_by_us_only(tmp_path: Path) -> None:
    check(tmp_path)
    path = tmp_path / "secrets" / "secret_key"
    first = path.read_text()
    assert len(first) >= 50
    assert path.stat().st_mode & 0o777 == 0o600
    check(tmp_path)
    assert path.read_text() == first
