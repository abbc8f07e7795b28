"""`make bench`: the product as a black box, N calls at once for T seconds, against a model server without a mind."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import uvloop

from tests.bench.load import Caller, Heard
from tests.bench.model_server import Behaviour, ModelServer
from tests.bench.report import Figure, figures, percentile, table
from tests.platform import NUMBER, TOKEN, Platform
from voiceplatform.supervisor import LESS_URGENT

NO_GATE = """
from agents.models import TurnSettings
TurnSettings.objects.update(
    min_speech_ms=0, speech_probability=0, min_loudness_db=0, ignore_backchannels=False, echo_guard=0, laughter_guard=0,
    protect_greeting=False, grace_ms=0,
)
"""
"""These callers make no sound that anybody would take for speech: any word of the model's VAD is to stop the agent, at once."""

STAFF = ("bench", "a-password-of-the-bench")
SIGN_IN = f"""
from django.contrib.auth.models import User
User.objects.create_superuser({STAFF[0]!r}, password={STAFF[1]!r})
"""

TICKS = os.sysconf("SC_CLK_TCK")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rtt-ms", type=float, default=0, help="network delay each way between phone and platform")
    parser.add_argument("--late-deltas", type=int, default=3)
    parser.add_argument("--items", type=int, default=1)
    parser.add_argument("--churn", type=int, default=0, help="short calls afterwards, to see whether memory stays flat")
    parser.add_argument(
        "--pages", action="store_true", help="twice: without, and with staff who load pages all the while; both figures"
    )
    parser.add_argument("--followed", action="store_true", help="with the live board open, and one call listened in on")
    parser.add_argument("--database-url", default="")
    parser.add_argument("--no-pin", action="store_true", help="leave the processes to the scheduler")
    parser.add_argument("--no-fail", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def pss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def talk(platform: Platform, count: int, seconds: float, delay_s: float, first: int = 1) -> list[Heard]:
    """Calls that begin over two seconds, so that they are not in step."""

    async def one(number: int) -> Heard:
        await asyncio.sleep(2.0 * (number - first) / count)
        return await Caller(number, platform.base_url, TOKEN, NUMBER, delay_s).talk(seconds)

    return list(await asyncio.gather(*(one(first + n) for n in range(count))))


async def measure(args: argparse.Namespace, folder: Path, *, pages: bool = False) -> list[Figure]:
    server = ModelServer(Behaviour(late_deltas=args.late_deltas, items=args.items))
    platform = Platform(folder, await server.start(), database_url=args.database_url)
    try:
        platform.manage("migrate", "-v0")
        platform.manage("seed_demo")
        platform.manage("shell", "-c", NO_GATE)
        if pages or args.followed:
            platform.manage("shell", "-c", SIGN_IN)
        platform.start("redis", "worker", "pages", "web")
        web = platform.processes["web"].pid
        if not args.no_pin and (os.cpu_count() or 1) > 1:
            _apart(platform)
        await talk(platform, 2, 3, 0, first=60_000)  # what is loaded on first use is no call's cost
        memory = pss_mb(web)
        delay_s = args.rtt_ms / 1000
        followers = await _staff(platform, args.seconds + 3.0, "followers") if args.followed else None
        if followers is not None and followers.stdout is not None:
            await followers.stdout.readline()
        calling = asyncio.create_task(talk(platform, args.calls, args.seconds, delay_s))
        staff = await _staff(platform, args.seconds) if pages else None
        await asyncio.sleep(4.0)  # all have begun
        began, used, own = time.monotonic(), cpu_s(web), time.process_time()
        await asyncio.sleep(max(1.0, args.seconds - 5.0))
        minutes = args.calls * (time.monotonic() - began) / 60
        cpu = (cpu_s(web) - used) / minutes
        load = (time.process_time() - own) / (time.monotonic() - began)
        with_calls = pss_mb(web)
        heard = await calling
        await asyncio.sleep(1.0)
        rows = figures(heard, server.calls, delay_s=delay_s)
        rows += [
            Figure("CPU of the web process per call-minute", cpu, "s", 0.75),
            Figure("load generator's own CPU", load * 100, "%"),
            Figure("memory per call", (with_calls - memory) / args.calls, "MB"),
        ]
        if not args.database_url:
            rows.append(Figure("same, by the server's own clock, p99", percentile(own_clears(platform), 0.99), "ms"))
        if staff is not None:
            rows += await _pages_seen(staff)
        if followers is not None:
            rows += await _followed(followers)
        if args.churn:
            rows += await churn(platform, web, args.churn)
        return rows
    finally:
        platform.stop()
        await server.close()


def _apart(platform: Platform) -> None:
    """The web process on a core of its own; on another the rest of the product, as nice as `make run` has it, and ourselves."""
    for name, process in platform.processes.items():
        os.sched_setaffinity(process.pid, {0} if name == "web" else {1})
        if name in ("worker", "pages"):
            os.setpriority(os.PRIO_PROCESS, process.pid, LESS_URGENT)
    os.sched_setaffinity(0, {1})


async def _followed(followers: asyncio.subprocess.Process) -> list[Figure]:
    """What those who follow calls were told. Raises when that was nothing: then nothing was shown."""
    output, _ = await followers.communicate()
    came: dict[str, float] = json.loads(output) if not followers.returncode else {}
    if not all(came.values()) or not came:
        raise RuntimeError(f"nobody could follow the calls: {came}")
    return [Figure(f"followers: {name}", value, "") for name, value in came.items()]


async def _staff(platform: Platform, seconds: float, what: str = "pages") -> asyncio.subprocess.Process:
    """Somebody who loads pages, or follows calls, for as long as the calls run."""
    who = (platform.base_url, *STAFF, f"{max(1.0, seconds - 2.0)}")
    here = Path(__file__).parents[2]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.bench.{what}", *who, cwd=here, stdout=asyncio.subprocess.PIPE
    )


async def _pages_seen(staff: asyncio.subprocess.Process) -> list[Figure]:
    """How long each page took. Raises when one was not answered: then nothing was shown."""
    output, _ = await staff.communicate()
    if staff.returncode:
        raise RuntimeError("the staff could not load their pages")
    took: dict[str, list[float]] = json.loads(output)
    rows = [Figure("pages loaded", sum(map(len, took.values())), "")]
    rows += [Figure(f"{name} p50", percentile(ms, 0.5), "ms") for name, ms in took.items()]
    return [*rows, Figure("slowest page", max(max(ms, default=0.0) for ms in took.values()), "ms")]


def own_clears(platform: Platform) -> list[float]:
    """From the fact reaching the core to the clear on the socket, as recorded, in ms."""
    return [
        row["clear_ms"] for row in platform.rows("select clear_ms from calls_interruption where clear_ms is not null")
    ]


async def churn(platform: Platform, web: int, count: int) -> list[Figure]:
    """Short calls one after the other: memory after the first quarter against memory after the last."""
    batch, marks, first = 10, [], 30_000
    for done in range(0, count, batch):
        await talk(platform, batch, 3.0, 0, first=first + done)
        if done + batch in (count // 4 // batch * batch or batch, count):
            await asyncio.sleep(3.0)
            marks.append(pss_mb(web))
    growth = marks[-1] - marks[0]
    return [Figure(f"memory growth over the last {count - count // 4} of {count} calls", growth, "MB", 8)]


def main() -> int:
    args = options()
    gc.disable()  # a collection here would count as latency of the product
    runs: dict[str, list[Figure]] = {}
    for name, pages in {"without pages": False, "with pages": True}.items() if args.pages else [("", False)]:
        with tempfile.TemporaryDirectory(prefix="vpb") as folder:
            runs[name] = uvloop.run(measure(args, Path(folder), pages=pages))
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"{args.calls} calls, {args.seconds:.0f} s, {args.rtt_ms:g} ms of network each way, load {load}")
    for name, rows in runs.items():
        print(*filter(None, (f"\n{name}:" if name else "", table(rows))), sep="\n")
    if args.json:
        told = {name: [asdict(row) for row in found] for name, found in runs.items()}
        args.json.write_text(json.dumps(told if args.pages else told[""], indent=1))
    missed = [f"{row.name} {name}".strip() for name, rows in runs.items() for row in rows if not row.met]
    print("All expectations met." if not missed else "Missed: " + ", ".join(missed))
    return 1 if missed and not args.no_fail else 0


if __name__ == "__main__":
    sys.exit(main())
