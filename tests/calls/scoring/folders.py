"""A small folder of labelled scenes, made of the clips that the product ships."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np

CLIPS = Path(__file__).parents[3] / "calls" / "clips"
INTERRUPTION = (120, 2300)
"""Where the first sentence of interruption.wav is (ms)."""


def clip(name: str) -> np.ndarray:
    with wave.open(str(CLIPS / f"{name}.wav"), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def write(path: Path, pcm: np.ndarray) -> int:
    """A WAV of the format; its length in ms."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(pcm.astype("<i2").tobytes())
    return len(pcm) // 8


def line(ms: int) -> np.ndarray:
    """An open line: a little noise."""
    return np.random.default_rng(7).normal(0, 6, ms * 8).astype(np.int16)


def laid(length_ms: int, **parts_at_ms: int) -> np.ndarray:
    """Clips at their places on an open line."""
    track = line(length_ms)
    for name, at_ms in parts_at_ms.items():
        part = clip(name)[: (length_ms - at_ms) * 8]
        track[at_ms * 8 : at_ms * 8 + len(part)] = part
    return track


def make(root: Path) -> Path:
    """A folder with a scene of each part. Its caller interrupts at 4.12 s; in the mixed scene the same at 2.12 s."""
    speech = [4000 + INTERRUPTION[0], 4000 + INTERRUPTION[1]]
    files: list[dict[str, Any]] = []

    def add(name: str, kind: str, pcm: np.ndarray, **more: Any) -> None:
        files.append({"file": name, "kind": kind, "duration_ms": write(root / name, pcm), **more})

    agent = np.concatenate([clip("interruption"), clip("interruption")])
    add("conv/a_agent.wav", "conversation channel", agent, segments=[[100, 2300], [3650, 7000], [8350, 9250]])
    words = [[4120, 4500, "no"], [4500, 4900, "wait"]]
    add("conv/a_caller.wav", "conversation channel", laid(9400, interruption=4000), segments=[speech], words=words)
    add("agent/prompt.wav", "agent prompt", clip("interruption"), segments=[[100, 2300], [3650, 4600]])
    add("noise/cough.wav", "noise", clip("cough"), label="cough")
    add("silence/line.wav", "silence", line(3000), label="open line")
    add(
        "single/order.wav",
        "single speaker",
        laid(5000, request=500),
        segments=[[650, 980], [1430, 2920]],
        pauses=[[980, 1430, 450]],
    )
    add("mixed/int_caller.wav", "mixed caller channel", laid(6000, interruption=2000), segments=[[2120, 4300]])
    events = [
        {"type": "interruption", "by": "caller", "start_ms": speech[0], "end_ms": speech[1], "text": "no wait"},
        {"type": "turn_end", "by": "caller", "start_ms": speech[1], "gap_ms": 900},
    ]
    conversation = {
        "id": "a",
        "channels": {"agent": "conv/a_agent.wav", "caller": "conv/a_caller.wav"},
        "events": events,
    }
    manifest = {"files": files, "conversations": [conversation]}
    scenario = {
        "id": "int",
        "kind": "interruption",
        "agent": {"file": "agent/prompt.wav", "start_ms": 0},
        "caller": {"file": "mixed/int_caller.wav", "start_ms": 0},
        "events": [{"type": "interruption", "by": "caller", "start_ms": 2120, "end_ms": 4300, "text": "no wait"}],
    }
    (root / "manifest.json").write_text(json.dumps(manifest))
    (root / "scenarios.json").write_text(json.dumps({"scenarios": [scenario]}))
    return root


def change(root: Path, name: str, edit: Any) -> None:
    """Rewrite one of the lists."""
    data = json.loads((root / name).read_text())
    edit(data)
    (root / name).write_text(json.dumps(data))
