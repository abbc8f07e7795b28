"""Measure turn-taking on labelled scenes."""

from __future__ import annotations

import json
import os
import random
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from calls.scoring import report, scenes, situations, table
from calls.scoring.chosen import BadChoice, Chosen, choose
from calls.scoring.judge import Rules
from calls.scoring.run import Run, score_all
from calls.scoring.scenes import Folder, Scene
from calls.scoring.tally import tally
from calls.scoring.world import OurEar, Setup

DEVELOPMENT_SET = settings.BASE_DIR.parent / "shared" / "audio"

TOLD = ("seed", "only", "limit", "model_delay_ms", "phone_delay_ms", "yield_ms", "words", "no_ear")
"""The options that have a part in the figures."""


class Command(BaseCommand):
    help = (
        "Play labelled scenes (interruptions, backchannels, noises, silences, pauses) as whole calls through the bridge, the "
        "dialects and the rehearsal model, in a clock that is only counted, and say how well turns were taken."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folders", nargs="*", type=Path, help=f"folders of labelled scenes ({DEVELOPMENT_SET})")
        parser.add_argument("--preset", default="", help="settings by their name (natural, where there are presets)")
        parser.add_argument("--agent", default="", help="settings of an agent in the database, by its name")
        parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="name=value", dest="values")
        parser.add_argument(
            "--voice", action="append", default=[], help="speak with this provider's stand-in (elevenlabs…)"
        )
        parser.add_argument("--hearing", default="", help="hear with this provider's stand-in (speechmatics)")
        parser.add_argument("--compare", default="", metavar="PRESET", help="a second column with other settings")
        parser.add_argument("--only", default="", help=f"of {','.join(scenes.GROUPS)}, divided by commas")
        parser.add_argument("--limit", type=int, help="at most so many scenes of each kind, chosen by the seed")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one for each core)")
        parser.add_argument("--model-delay-ms", type=float, default=30.0, help="network to the model, each way (30)")
        parser.add_argument("--phone-delay-ms", type=float, default=30.0, help="network to the phone, each way (30)")
        parser.add_argument(
            "--yield-ms", type=int, default=2000, help="an interruption is to be given way to within (2000)"
        )
        parser.add_argument(
            "--words",
            type=float,
            nargs="?",
            const=400.0,
            metavar="MS",
            help="tell the core the caller's words so long after each has ended (400); off: nobody recognises words",
        )
        parser.add_argument(
            "--no-ear", action="store_true", help="without our own ear: only the model judges the sound"
        )
        parser.add_argument("--json", type=Path, help="where to write all that was found")
        page = settings.DATA_DIR / "score_turns.html"
        parser.add_argument("--html", type=Path, nargs="?", const=page, help=f"write a page with pictures ({page})")
        parser.add_argument("--all", action="store_true", help="on the page also the scenes that went well")
        parser.add_argument("--check", action="store_true", help="fail when a target is missed")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        chosen = self._choose(options)
        folders = self._folders(options)
        runs = [self._run(one, folders, options) for one in chosen]
        self._tell(runs, folders)
        self._write(runs, folders, options)
        took = time.monotonic() - began
        self.stdout.write(f"{sum(run.seconds for run in runs) / 60:.1f} minutes of scenes in {took:.1f} s.")
        missed = [f"{row.group}: {row.name}" for row in runs[0].tally.missed]
        if options["check"] and missed:
            raise CommandError(f"Missed: {'; '.join(missed)}.")

    # --- what to play

    def _choose(self, options: dict[str, Any]) -> list[Chosen]:
        try:
            first = choose(
                preset=options["preset"],
                agent=options["agent"],
                values=options["values"],
                voices=tuple(options["voice"]),
                hearing=options["hearing"],
            )
            return [first, choose(preset=options["compare"])] if options["compare"] else [first]
        except BadChoice as why:
            raise CommandError(str(why)) from None

    def _folders(self, options: dict[str, Any]) -> list[Folder]:
        paths = options["folders"] or [Path(getattr(settings, "SCENES_DIR", "") or DEVELOPMENT_SET)]
        if not options["folders"] and not paths[0].is_dir():
            raise CommandError(f"{paths[0]} does not exist. Name a folder of labelled scenes: score_turns FOLDER")
        kinds = _kinds(options["only"])
        try:
            found = [scenes.read(path) for path in paths]
        except scenes.NoScenes as why:
            raise CommandError(str(why)) from None
        for folder in found:
            folder.scenes += situations.of(folder)
            folder.scenes = _some([s for s in folder.scenes if s.kind in kinds], options["limit"], options["seed"])
        if not any(folder.scenes for folder in found):
            raise CommandError(f"No such scenes in {', '.join(map(str, paths))}.")
        return found

    def _run(self, chosen: Chosen, folders: list[Folder], options: dict[str, Any]) -> Run:
        setup = Setup(
            settings=chosen.settings,
            turn_detection=chosen.turn_detection,
            model_delay_s=options["model_delay_ms"] / 1000,
            phone_delay_s=options["phone_delay_ms"] / 1000,
            words_delay_s=None if options["words"] is None else options["words"] / 1000,
            make_ear=None if options["no_ear"] else OurEar,
        )
        rules = Rules(yield_ms=options["yield_ms"], silence_ms=chosen.silence_ms)
        every = [scene for folder in folders for scene in folder.scenes]
        scored = list(score_all(every, setup, rules, options["jobs"]))
        found = tally([one.verdict for one in scored], rules, options["seed"])
        return Run(chosen.label, chosen.turn, chosen.turn_detection, rules, scored, found)

    # --- what came of it

    def _tell(self, runs: list[Run], folders: list[Folder]) -> None:
        for folder in folders:
            self.stdout.write(f"{len(folder.scenes)} scenes of {folder.path}")
            for why in folder.skipped:
                self.stdout.write(f"  left out: {why}")
        for line in table.table([(run.label, run.tally) for run in runs]):
            self.stdout.write(line)
        for run in runs:
            self.stdout.write(f"\n{run.label}")
            for line in table.failures(run.tally):
                self.stdout.write(line)

    def _write(self, runs: list[Run], folders: list[Folder], options: dict[str, Any]) -> None:
        asked = {name: options[name] for name in TOLD}
        if options["json"]:
            found = report.as_json(runs, folders, asked)
            self._keep(options["json"], json.dumps(found, indent=1, ensure_ascii=False, default=str))
        if options["html"]:
            page = report.page(runs, folders, asked, defaults=choose(bare=True).turn, every=options["all"])
            self._keep(options["html"], page)

    def _keep(self, path: Path, text: str) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error}") from None
        self.stdout.write(f"Written: {path}")


def _kinds(only: str) -> set[str]:
    names = [name.strip() for name in only.split(",") if name.strip()] or list(scenes.GROUPS)
    for name in names:
        if name not in scenes.GROUPS:
            raise CommandError(f"--only: {name!r} is none of {', '.join(scenes.GROUPS)}.")
    return {kind for name in names for kind in scenes.GROUPS[name]}


def _some(every: list[Scene], limit: int | None, seed: int) -> list[Scene]:
    """At most so many of each kind, in their order."""
    if limit is None:
        return every
    chosen: set[str] = set()
    for kind in dict.fromkeys(scene.kind for scene in every):
        ids = [scene.id for scene in every if scene.kind == kind]
        chosen.update(random.Random(f"{seed} {kind}").sample(ids, min(limit, len(ids))))
    return [scene for scene in every if scene.id in chosen]
