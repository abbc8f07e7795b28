"""Carries spools to the database: publishes their lines as tasks, and keeps each file until every line has arrived.

It works from the files, so a broker that is away costs delay and nothing else, and what a dead process left is treated the same.
One thread of the web process; it waits for the broker and the database so that no call has to.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import Error, close_old_connections

from calls.conversation import facts
from calls.spool import Spool, SpoolTaken
from calls.writer import writer

logger = logging.getLogger("calls")

PERIOD_S = 1.0
"""Seconds between rounds. Publishing is the dearest work beside the sound: a quarter of a second cost 15 % more CPU."""
BATCH = 200
"""Lines in a task."""

SWEEP_S = 60.0
"""How often what other processes left is looked for."""

RESEND_S = 20.0
"""After which what has not arrived is published again: a killed worker's task only comes back after the visibility timeout.
Doubled each time, so that a worker that is behind is not buried."""

CHECK_S = 2.0
"""How often the database is asked whether a finished call is complete."""

AWAY_S = 1.0
"""Between tries while the broker is away."""


@dataclass(slots=True)
class Shipment:
    """One spool on its way."""

    spool: Spool
    published: int = 0  # position in the file
    published_at: float = 0.0
    checked_at: float = 0.0
    resend_after: float = RESEND_S


class Outbox:
    """All spools of this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shipments: dict[UUID, Shipment] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._away_since: float | None = None
        self._database_is_away = False
        self._swept_at = float("-inf")

    def open_spool(self, call_id: UUID) -> Spool:
        """A new spool, flushed and published from now on."""
        spool = Spool(self.folder / f"{call_id}.jsonl", call_id)
        spool.on_close = lambda: writer.submit(spool.flush)  # a server that stops may not live until the next round
        with self._lock:
            self._shipments[call_id] = Shipment(spool)
        writer.add(spool)
        self.start()
        return spool

    def start(self) -> None:
        """Harmless twice."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._stop.clear()
                self._thread = threading.Thread(target=self._run, name="call-outbox", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the thread; what is on disk stays there."""
        thread, self._thread = self._thread, None
        self._stop.set()
        if thread is not None:
            thread.join(15)

    def _run(self) -> None:
        while not self._stop.wait(PERIOD_S):
            try:
                self.step(time.monotonic())
            except Exception:
                logger.exception("Carrying records to the database failed; they stay on disk and are tried again")
                self._stop.wait(AWAY_S)

    def step(self, now: float) -> None:
        """One round: publish what is new, take over what was left, let go of what has arrived."""
        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            self._take_over()
        with self._lock:
            shipments = list(self._shipments.values())
        answers = True
        for shipment in shipments:
            if self._stop.is_set():
                return
            answers = answers and self._publish(shipment, now)  # one time-out a round is enough
            if shipment.spool.closed and not shipment.spool.pending:
                self._let_go(shipment, now)

    # --- publishing

    def _publish(self, shipment: Shipment, now: float) -> bool:
        """Publish what is new. False when the broker does not answer."""
        spool = shipment.spool
        if shipment.published >= spool.flushed:
            return True
        lines, position = spool.read(shipment.published)
        try:
            for i in range(0, len(lines), BATCH):
                self._send(spool.call_id, lines[i : i + BATCH])
        except Exception as error:  # kombu raises its own, redis's and the socket's
            if self._away_since is None:
                self._away_since = now
                logger.warning("The broker is away (%s); records of calls wait on disk", type(error).__name__)
            self._stop.wait(AWAY_S)
            return False
        if self._away_since is not None:
            logger.info("The broker is back after %.0f s", now - self._away_since)
            self._away_since = None
        shipment.published = position
        shipment.published_at = now
        return True

    @staticmethod
    def _send(call_id: UUID, lines: list[dict[str, object]]) -> None:
        from calls.tasks import apply_events

        apply_events.apply_async((str(call_id), lines), retry=False)

    # --- arriving

    def _let_go(self, shipment: Shipment, now: float) -> None:
        if now - shipment.checked_at < CHECK_S:
            return
        shipment.checked_at = now
        spool = shipment.spool
        try:
            arrived = self._has_arrived(spool)
            if self._database_is_away:
                self._database_is_away = False
                logger.info("The database is back")
            if arrived:
                spool.release(delete=True)
                writer.remove(spool)
                with self._lock:
                    self._shipments.pop(spool.call_id, None)
            elif now - shipment.published_at >= shipment.resend_after:
                shipment.published = 0  # twice delivered is once stored
                shipment.resend_after *= 2
        except Error as error:
            if not self._database_is_away:
                self._database_is_away = True
                logger.warning("The database is away (%s); records of calls wait on disk", type(error).__name__)
        finally:
            close_old_connections()

    @staticmethod
    def _has_arrived(spool: Spool) -> bool:
        from calls.models import Call, CallEvent

        if not Call.objects.filter(pk=spool.call_id).exists():
            return spool.lines == 0 or _is_old(spool.path)
        return CallEvent.objects.filter(call_id=spool.call_id, seq__lte=spool.lines).count() >= spool.lines

    # --- what others left

    def _take_over(self) -> None:
        for path in sorted(self.folder.glob("*.jsonl")):
            try:
                call_id = UUID(path.stem)
            except ValueError:
                continue
            with self._lock:
                if call_id in self._shipments:
                    continue
            try:
                spool = Spool.recover(path)
            except (SpoolTaken, OSError):
                continue
            writer.add(spool)
            self._finish(spool)
            with self._lock:
                self._shipments[call_id] = Shipment(spool)

    @staticmethod
    def _finish(spool: Spool) -> None:
        """A call whose process died has ended too; say so once."""
        lines, _ = spool.read(0)
        if not any(line["kind"] == facts.CALL_ENDED for line in lines):
            at_ms = lines[-1]["at_ms"] if lines else 0
            spool.write(facts.CALL_ENDED, {"reason": "server stopped", "failed": True, "duration_ms": at_ms}, at_ms)
            logger.warning("[%s] The process of this call died; its record was recovered", spool.call_id)
        spool.close()
        spool.flush()


def _is_old(path: Path) -> bool:
    """A spool whose call is in no database any more is kept for a week, for whoever restores one."""
    return path.exists() and time.time() - path.stat().st_mtime > 7 * 24 * 3600


outbox = Outbox(settings.DATA_DIR / "spool")
"""The process's outbox."""

open_spool = outbox.open_spool
start = outbox.start
stop = outbox.stop
