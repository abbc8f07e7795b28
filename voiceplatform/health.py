"""Is the process alive, can it take calls, and what is it doing?"""

from __future__ import annotations

import resource
import threading
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse

from calls.models import Call

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
Metric = tuple[str, str, str, str, float]
"""Name, type, meaning, labels in braces or nothing, value."""


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """What a call needs is there. The broker is not needed for a call, only for its record: it is named, not fatal."""
    missing = {}
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        missing["database"] = "cannot be reached; calls are answered with an apology"
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError):
        missing["redis"] = "cannot be reached; records of calls wait on disk"
    return JsonResponse({"ready": not missing, "missing": missing}, status=503 if missing else 200)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format: the calls as the database knows them, and the process that answers."""
    lines = process_metrics()
    try:
        by_status = dict.fromkeys(Call.Status.values, 0)
        by_status.update(Call.objects.order_by().values_list("status").annotate(Count("pk")))
        live = Call.objects.live().count()
    except DatabaseError:
        return HttpResponse(exposition(lines), content_type=EXPOSITION, status=200)
    lines += [("calls_live", "gauge", "Calls whose media stream is open.", "", live)]
    lines += [
        ("calls_rows", "gauge", "Calls in the database, by status.", f'{{status="{status}"}}', count)
        for status, count in by_status.items()
    ]
    return HttpResponse(exposition(lines), content_type=EXPOSITION)


def process_metrics() -> list[Metric]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    memory, seconds = pages * resource.getpagesize(), usage.ru_utime + usage.ru_stime
    return [
        ("process_cpu_seconds_total", "counter", "CPU time of this web process, in seconds.", "", round(seconds, 2)),
        ("process_resident_memory_bytes", "gauge", "Memory of this web process, in bytes.", "", memory),
        (
            "process_open_fds",
            "gauge",
            "Files and sockets open in this web process.",
            "",
            sum(1 for _ in Path("/proc/self/fd").iterdir()),
        ),
        ("process_threads", "gauge", "Threads of this web process.", "", threading.active_count()),
    ]


def exposition(metrics: list[Metric]) -> str:
    """The text; a metric's help and type stand once, before its first value."""
    lines, told = [], set()
    for name, kind, meaning, labels, value in metrics:
        if name not in told:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            told.add(name)
        lines.append(f"{name}{labels} {value}")
    return "\n".join(lines) + "\n"
