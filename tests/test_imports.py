"""Who may import whom, asked in a fresh interpreter."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

import calls.carriers
import calls.conversation
import calls.ear
import calls.realtime
import calls.voices


def loaded(module: str) -> set[str]:
    """What stands in sys.modules after importing a module and nothing else."""
    program = f"import sys, json; before = set(sys.modules); import {module}; print(json.dumps(list(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def ours(modules: set[str]) -> set[str]:
    return {name for name in modules if name.split(".")[0] in ("calls", "agents", "voiceplatform")}


def foreign(modules: set[str]) -> set[str]:
    tops = {name.split(".")[0] for name in modules}
    return tops - set(sys.stdlib_module_names) - {"calls", "agents", "voiceplatform"}


def members(package: object) -> list[str]:
    path, name = package.__path__, package.__name__
    return [f"{name}.{module.name}" for module in pkgutil.iter_modules(path)]


@pytest.mark.parametrize("module", members(calls.conversation))
def test_the_core_needs_the_standard_library_only(module: str) -> None:
    found = loaded(module)
    assert all(name == "calls" or name.startswith("calls.conversation") for name in ours(found))
    assert not foreign(found)
    assert "asyncio" not in found


@pytest.mark.parametrize("module", [*members(calls.carriers), *members(calls.realtime), *members(calls.voices)])
def test_dialects_know_the_core_and_neither_django_nor_sockets(module: str) -> None:
    found = loaded(module)
    allowed = ("calls.conversation", "calls.carriers", "calls.realtime", "calls.voices", "calls.audio")
    assert all(name == "calls" or name.startswith(allowed) for name in ours(found))
    assert not foreign(found) & {"django", "websockets", "httpx", "channels", "celery"}
    assert "asyncio" not in found


def test_sound_knows_nothing_of_ours() -> None:
    assert ours(loaded("calls.audio")) == {"calls", "calls.audio"}


@pytest.mark.parametrize("module", members(calls.ear))
def test_the_ear_knows_sound_and_the_core_and_nothing_of_django(module: str) -> None:
    found = loaded(module)
    allowed = ("calls.conversation", "calls.ear", "calls.audio", "calls.writer")
    assert all(name == "calls" or name.startswith(allowed) for name in ours(found))
    assert not foreign(found) & {"django", "websockets", "channels", "celery"}


MEDIA = [
    "calls.link",
    "calls.recorder",
    "calls.spool",
    "calls.bridge",
    "calls.outlets",
    "calls.ear.live",
    "calls.voice_http",
    "calls.following.switchboard",
]


@pytest.mark.parametrize("module", MEDIA)
def test_the_media_path_never_meets_the_orm(module: str) -> None:
    found = loaded(module)
    assert "django.db" not in found
    assert "calls.models" not in found


def test_agents_know_nothing_of_calls() -> None:
    found = subprocess.run(
        ["git", "grep", "-nE", r"^\s*(from|import) calls", "--", "agents"], capture_output=True, check=False
    )
    assert found.returncode == 1, found.stdout.decode()
