"""Figures from what the callers and the model saw, and whether they meet what is expected."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.load import Heard
from tests.bench.model_server import Call


@dataclass(frozen=True)
class Figure:
    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def met(self) -> bool:
        return self.limit is None or self.value <= self.limit


def percentile(values: list[float], share: float) -> float:
    """Of sorted values, the one at this share; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def figures(heard: list[Heard], calls: dict[int, Call], *, delay_s: float = 0.0) -> list[Figure]:
    """What can be said of the media path. Latencies are without the network that the bench itself adds."""
    up = [s * 1000 for call in calls.values() for s in call.latencies]
    down, clears, errors, closing = [], [], [], []
    lost = stale = 0
    for h in heard:
        call = calls.get(h.number)
        if call is None:
            lost += h.sent
            continue
        lost += h.sent - call.frames + call.out_of_order
        stale += h.stale_bytes
        for sound, arrivals in h.arrivals.items():
            sent = call.sent_at.get(sound, [])
            down += [(at - sent[delta]) * 1000 for delta, at in arrivals.items() if delta < len(sent)]
        clears += clear_latencies(h, call)
        errors += cut_errors(h, call)
        if call.closed_at and h.hung_up_at:
            closing.append(call.closed_at - h.hung_up_at)
    asked_twice = sum(len(call.errors) for call in calls.values())
    allowed = 40 if delay_s else 20
    return [
        Figure("calls", len(heard), ""),
        Figure("frames from callers", sum(h.sent for h in heard), ""),
        Figure("frames lost or out of order", lost, "", 0),
        Figure("added latency caller->model p50", percentile(up, 0.5), "ms"),
        Figure("added latency caller->model p99", percentile(up, 0.99), "ms", 10),
        Figure("added latency model->caller p50", percentile(down, 0.5), "ms"),
        Figure("added latency model->caller p99", percentile(down, 0.99), "ms", 10),
        Figure("interruptions", sum(len(h.clears) for h in heard), ""),
        Figure("speech_started -> clear p50", percentile(clears, 0.5), "ms"),
        Figure("speech_started -> clear p99", percentile(clears, 0.99), "ms", 5),
        Figure("stale sound after clear", stale / 8, "ms", 0),
        Figure("cuts compared with what was heard", len(errors), ""),
        Figure("audio_end_ms error p50", percentile(errors, 0.5), "ms"),
        Figure("audio_end_ms error max", max(errors, default=0.0), "ms", allowed),
        Figure("second requests while one was active", asked_twice, "", 0),
        Figure("hang-up -> model closed max", max(closing, default=0.0) * 1000, "ms", 1000),
        Figure("calls whose model socket stayed open", len(heard) - len(closing), "", 0),
    ]


def clear_latencies(heard: Heard, call: Call) -> list[float]:
    """Each clear against the speech_started just before it, in ms."""
    starts = sorted(call.started_at.values())
    found = []
    for at in heard.clears:
        before = [start for start in starts if start <= at]
        if before:
            found.append((at - before[-1]) * 1000)
    return found


def cut_errors(heard: Heard, call: Call) -> list[float]:
    """Each cut of the model's conversation against what the phone had played of that item when the clear came, in ms."""
    found = []
    for sound, end_ms in call.cuts:
        for at_clear in heard.heard_at_clear:
            if sound in at_clear:
                found.append(abs(end_ms - at_clear[sound] / 8))
                break
        else:
            if any(sound in at_clear for at_clear in heard.heard_at_clear) or sound in heard.received or end_ms:
                found.append(float(end_ms))
    return found


def table(rows: list[Figure]) -> str:
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        value = f"{row.value:.0f}" if float(row.value).is_integer() else f"{row.value:.2f}"
        verdict = "" if row.limit is None else f"   {'ok' if row.met else 'MISSED'} (<= {row.limit:g})"
        lines.append(f"{row.name:<{width}}  {value:>10} {row.unit:<4}{verdict}")
    return "\n".join(lines)
