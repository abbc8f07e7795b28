"""docs/adding-a-voice.md, followed to the letter: its files and its line are taken out of it, and held to the contract."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import calls.rehearsal.voices
import calls.voices
from agents import provider_form
from agents.voice_fields import ROLES
from calls.conversation import commands, events
from calls.voices.base import HttpVoice, SocketVoice, VoiceClass
from tests.calls.voices import test_contract as contract
from voiceplatform import checks, registry

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "adding-a-voice.md").read_text()
LISTING = re.compile(r"<!-- (file|line): (\S+) -->\n```python\n(.*?)```\n<!-- end -->", re.DOTALL)
LISTINGS = {path: text for _, path, text in LISTING.findall(PAGE)}
PACKAGES = {"calls/voices": calls.voices, "calls/rehearsal/voices": calls.rehearsal.voices}
SETTINGS = "voiceplatform/settings.py"


@pytest.fixture
def acme(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Its files where the page puts them, as far as an import can tell, and its line in the settings."""
    files = {Path(path): text for path, text in LISTINGS.items() if path != SETTINGS}
    for path, text in files.items():
        package = PACKAGES[str(path.parent)]
        (tmp_path / path.parent).mkdir(parents=True)
        (tmp_path / path).write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / path.parent)])
    importlib.invalidate_caches()
    ((slug, dotted),) = re.findall(r'"(\w+)": "(\S+)"', LISTINGS[SETTINGS])
    settings.VOICES = {**settings.VOICES, slug: dotted}
    yield settings
    for path in files:
        sys.modules.pop(".".join(path.with_suffix("").parts), None)
        vars(PACKAGES[str(path.parent)]).pop(path.stem, None)


# --- the contract, at its most important; `pytest tests/calls/voices/test_contract.py -k acme` holds a real one to all of it


async def test_a_reply_is_spoken_whole(acme: Any) -> None:
    await contract.test_a_reply_is_spoken_whole_and_each_word_of_it_was_heard("acme", acme)


async def test_who_is_interrupted_was_heard_so_far_and_no_further(acme: Any) -> None:
    await contract.test_who_is_interrupted_in_the_middle_of_a_word_was_heard_so_far_and_no_further("acme", acme)


async def test_late_sound_is_not_heard(acme: Any) -> None:
    await contract.test_sound_that_comes_after_the_stop_is_not_heard("acme", acme)


@pytest.mark.parametrize("error", ["key", "server"])
async def test_the_model_takes_over_after_an_error(acme: Any, error: str) -> None:
    await contract.test_an_error_lets_the_model_say_it_by_itself_within_the_reply("acme", acme, error)


# --- what else the page promises of that one line


def test_the_form_the_keys_the_checks_and_the_stand_ins_find_it(acme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fields_made = provider_form.declared(may_change_keys=True)
    assert {"voice__acme__voice", "voice__acme__speed", "second_voice__acme__speed", "key_acme"} <= set(fields_made)
    assert ("acme", "Acme") in fields_made[ROLES[0].provider].choices
    assert registry.stand_ins()["acme"] == "calls.rehearsal.voices.acme.AcmeStandIn"
    assert registry.address("VOICES", "acme", key="one") == "wss://api.acme.example/v1"
    assert checks.providers_can_be_used(None) == []
    monkeypatch.setenv("ACME_URL", "https://acme.example")
    (found,) = checks.providers_can_be_used(None)
    assert found.msg.startswith("ACME_URL ")


def test_the_page_names_all_that_there_is_to_name() -> None:
    methods = {name for protocol in (SocketVoice, HttpVoice) for name, made in vars(protocol).items() if callable(made)}
    orders = [commands.Speak, commands.FinishSpeaking, commands.StopSpeaking]
    facts = [events.VoiceAudio, events.VoiceTimed, events.VoiceDone, events.VoiceFailed]
    signatures = {f"{kind.__name__}({', '.join(each.name for each in fields(kind))})" for kind in (*orders, *facts)}
    named = {*methods, *VoiceClass.__annotations__} - {"__init__", "_no_init_or_replace_init", "__subclasshook__"}
    missing = [word for word in (*named, *signatures) if f"`{word}" not in PAGE]
    assert missing == []


def test_the_page_names_nothing_that_is_not_there() -> None:
    paths = set(re.findall(r"(?:calls|tests|docs|voiceplatform)/[\w/]+\.(?:py|md)", PAGE))
    assert [path for path in sorted(paths) if "acme" not in path and not (ROOT / path).is_file()] == []
