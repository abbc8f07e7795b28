"""Folders of labelled recordings: whole, without parts, damaged."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from calls.scoring import scenes
from tests.calls.scoring import folders


def test_every_part_of_a_folder_becomes_scenes(folder: Path) -> None:
    read = scenes.read(folder)
    assert [(scene.id, scene.kind, scene.part) for scene in read.scenes] == [
        ("a/interruption-1", "interruption", "conversation"),
        ("a/turn_end-1", "turn_end", "conversation"),
        ("int", "interruption", "mixed"),
        ("noise/cough", "noise", "noise"),
        ("silence/line", "silence", "silence"),
        ("single/order/pause-1", "pause", "single"),
    ]
    assert not read.skipped


def test_an_event_by_the_agent_swaps_the_channels(folder: Path) -> None:
    def by_the_agent(manifest: Any) -> None:
        manifest["conversations"][0]["events"] = [
            {"type": "backchannel", "by": "agent", "start_ms": 3650, "end_ms": 4000, "in_pause": True}
        ]

    folders.change(folder, "manifest.json", by_the_agent)
    scene = scenes.read(folder).scenes[0]
    assert (scene.kind, scene.caller.file) == ("backchannel", "conv/a_agent.wav")
    assert scene.agent is not None
    assert scene.agent.file == "conv/a_caller.wav"
    assert scene.in_pause


def test_a_pause_cut_by_the_end_of_the_file_is_no_scene(folder: Path) -> None:
    cut = {"type": "pause", "by": "caller", "start_ms": 6300, "end_ms": 9400, "cut_at_window_end": True}
    folders.change(folder, "manifest.json", lambda m: m["conversations"][0].update(events=[cut]))
    assert not [scene for scene in scenes.read(folder).scenes if scene.kind == "pause" and scene.part == "conversation"]


def test_times_of_a_mixed_scene_count_from_the_agents_start(folder: Path) -> None:
    """`start_ms` of a file says when it begins; the label's clock is the scene's."""
    folders.change(folder, "scenarios.json", lambda s: s["scenarios"][0]["caller"].update(start_ms=100))
    scene = next(scene for scene in scenes.read(folder).scenes if scene.part == "mixed")
    assert (scene.offset_ms, scene.start_ms) == (100, 2020)


@pytest.mark.parametrize("part", ["conv", "mixed", "noise", "silence", "single", "agent"])
def test_a_missing_part_is_told_of_and_the_others_stay(folder: Path, part: str) -> None:
    whole = len(scenes.read(folder).scenes)
    shutil.rmtree(folder / part)
    read = scenes.read(folder)
    assert read.scenes
    lost = {"conv": 2, "agent": 1}.get(part, 1)
    assert len(read.scenes) == whole - lost
    assert any(f"{part}/" in why and "missing" in why for why in read.skipped)


def test_a_folder_without_scenarios_or_without_a_manifest_is_read(folder: Path) -> None:
    (folder / "scenarios.json").unlink()
    assert len(scenes.read(folder).scenes) == 5
    folders.make(folder)
    (folder / "manifest.json").unlink()
    assert [scene.id for scene in scenes.read(folder).scenes] == ["int"]


def test_two_scenes_of_one_id_are_told_apart(folder: Path) -> None:
    folders.change(folder, "scenarios.json", lambda s: s["scenarios"].append(dict(s["scenarios"][0])))
    assert [scene.id for scene in scenes.read(folder).scenes if scene.part == "mixed"] == ["int", "int~2"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda m: m["conversations"][0].pop("channels"),
        lambda m: m["conversations"][0]["events"][0].pop("start_ms"),
        lambda m: m["conversations"][0]["events"][0].update(start_ms="soon"),
        lambda m: m["conversations"].append("nothing"),
        lambda m: m["files"].append({"kind": "noise"}),
        lambda m: m["files"][3].update(file="noise/../../etc/none.wav"),
        lambda m: m.update(conversations={"a": 1}),
    ],
)
def test_a_damaged_entry_costs_itself_and_is_told_of(folder: Path, damage: Any) -> None:
    folders.change(folder, "manifest.json", damage)
    read = scenes.read(folder)
    assert "int" in [scene.id for scene in read.scenes]
    assert read.skipped


def test_what_is_no_folder_of_scenes_says_so(folder: Path) -> None:
    with pytest.raises(scenes.NoScenes, match="is no folder"):
        scenes.read(folder / "nowhere")
    with pytest.raises(scenes.NoScenes, match="neither"):
        scenes.read(folder / "noise")
    (folder / "manifest.json").write_text("{")
    with pytest.raises(scenes.NoScenes, match="cannot be read"):
        scenes.read(folder)
