"""`manage.py score_turns`, as one types it."""

from __future__ import annotations

import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from agents.models import Agent, TurnSettings
from calls.scoring.chosen import BadChoice, choose
from tests.calls.scoring import folders


def score(*arguments: object, **options: Any) -> str:
    out = io.StringIO()
    call_command("score_turns", *map(str, arguments), **{"jobs": 1, **options}, stdout=out)
    return out.getvalue()


def test_a_folder_is_scored(folder: Path) -> None:
    told = score(folder)
    assert f"18 scenes of {folder}" in told
    groups = ("Interruptions", "Noises", "Silences", "Pauses", "Ends of turns", "The agent's own echo")
    for group in (*groups, "Between the request and the reply's first sound", "In the last moments of a reply"):
        assert f"\n{group}\n" in told
    assert re.search(r"time to silence +median \d+ ", told)


def test_the_same_is_found_in_one_process_and_in_two(folder: Path, tmp_path: Path) -> None:
    found = []
    for jobs in (1, 2):
        path = tmp_path / f"{jobs}.json"
        score(folder, json=path, jobs=jobs)
        found.append(path.read_text())
    assert found[0] == found[1]
    (run,) = json.loads(found[0])["runs"]
    scene = next(scene for scene in run["scenes"] if scene["id"] == "int")
    assert {decision["what"] for decision in scene["decisions"]} >= {"interruption", "ClearPlayback", "caller_speaking"}
    assert "item_" not in found[0].replace("item_id", "").replace("item_ids", "")


def test_only_some_and_at_most_so_many(folder: Path) -> None:
    told = score(folder, only="interruptions,silences")
    assert "3 scenes" in told
    assert "Noises" not in told
    assert "11 scenes" in score(folder, limit=1)


def test_two_choices_stand_side_by_side(folder: Path) -> None:
    told = score(folder, only="noises", values=["threshold=0.99"], compare="patient")
    assert re.search(r"threshold=0.99 +preset Patient", told)


def test_check_fails_when_a_target_is_missed(folder: Path) -> None:
    """Nobody yields within a millisecond."""
    with pytest.raises(CommandError, match=r"Missed: interruptions: the agent yields"):
        score(folder, only="interruptions", yield_ms=1, check=True)
    score(folder, only="silences", check=True)


def test_what_cannot_be_used_is_told_and_counted(folder: Path) -> None:
    shutil.rmtree(folder / "conv")
    (folder / "noise" / "cough.wav").write_bytes(b"no sound")
    told = score(folder)
    assert "left out: the file conv/a_caller.wav is missing" in told
    assert "3 scenes could not be scored" in told
    assert "cannot be read as a WAV file" in told


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "nobody"}, "There is no preset 'nobody'. There are: natural"),
        ({"values": ["volume=3"]}, "'volume=3' is not a turn setting"),
        ({"values": ["threshold"]}, "'threshold' is not a turn setting as name=value"),
        ({"values": ["threshold=loud"]}, "threshold does not take 'loud'"),
        ({"values": ["threshold=2"]}, "threshold: A threshold is at most 1"),
        ({"values": ["cancel_reply=perhaps"]}, "cancel_reply does not take 'perhaps'"),
        (
            {"values": ["interrupt_response=yes", "min_speech_ms=300"]},
            "These settings cannot be used. interrupt_response:",
        ),
        ({"preset": "natural", "agent": "Anna"}, "not both"),
        ({"only": "coughs"}, "--only: 'coughs' is none of interruptions"),
        ({"json": Path("/proc/nothing/a.json"), "only": "silences"}, "cannot be written"),
    ],
)
def test_mistakes_are_told_with_what_to_do(folder: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(CommandError, match=re.escape(message)):
        score(folder, **options)


def test_a_folder_that_is_none_is_told(folder: Path, settings: Any) -> None:
    with pytest.raises(CommandError, match="is no folder"):
        score(folder / "nowhere")
    settings.SCENES_DIR = folder / "nowhere"
    with pytest.raises(CommandError, match="Name a folder of labelled scenes: score_turns FOLDER"):
        score()
    folders.change(folder, "manifest.json", lambda manifest: manifest.clear())
    (folder / "scenarios.json").unlink()
    with pytest.raises(CommandError, match="No such scenes in"):
        score(folder)


@pytest.mark.django_db
def test_an_agent_of_the_database_lends_its_settings() -> None:
    agent = Agent.objects.create(name="Anna", instructions="Answer.", greeting="Hello.")
    TurnSettings.objects.create(agent=agent, silence_floor_ms=700)
    chosen = choose(agent="Anna", values=["min_speech_ms=333", "idle_timeout_ms=none"])
    assert (chosen.silence_ms, chosen.settings.min_speech_ms, chosen.settings.greeting) == (700, 333, "")
    assert chosen.label == "agent Anna, min_speech_ms=333, idle_timeout_ms=none"
    with pytest.raises(BadChoice, match=r"There is no agent 'Bert'\. There are: Anna"):
        choose(agent="Bert")


class Page(HTMLParser):
    """Which elements are open, and what a page would fetch."""

    VOID = frozenset({"meta", "link", "br", "img", "hr", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.pictures = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attributes if name in ("src", "href")]
        self.pictures += tag == "svg"
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read_page(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open
    return page


def test_the_page_is_whole_fetches_nothing_and_shows_what_went_wrong(folder: Path, tmp_path: Path) -> None:
    folders.change(
        folder,
        "scenarios.json",
        lambda s: s["scenarios"][0].update(id="<int>") or s["scenarios"][0]["events"][0].update(text="<b>&"),
    )
    path = tmp_path / "page.html"
    score(folder, html=path, only="interruptions", yield_ms=1)
    text = path.read_text()
    page = read_page(text)
    assert not page.fetched
    assert "url(" not in text
    assert "@import" not in text
    assert page.pictures == 2
    assert "2 of 2 scenes went wrong" in text
    assert "&lt;int&gt;" in text
    assert "<b>&" not in text
    assert "≥ 95 %: missed" in text


def test_scenes_that_went_well_are_shown_when_asked_for(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    score(folder, html=path, only="silences")
    assert read_page(path.read_text()).pictures == 0
    score(folder, "--all", html=path, only="silences")
    assert read_page(path.read_text()).pictures == 1
