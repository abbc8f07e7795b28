"""Is the process alive, can it take calls, and what is it doing?"""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from calls.models import Call


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
    except (redis.RedisError, OSError):
        missing["redis"] = "cannot be reached; records of calls wait on disk"
    return JsonResponse({"ready": not missing, "missing": missing}, status=503 if missing else 200)


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format."""
    lines = ["# HELP calls_live Calls whose media stream is open.", "# TYPE calls_live gauge"]
    lines.append(f"calls_live {Call.objects.live().count()}")
    lines += ["# HELP calls_total Calls by status.", "# TYPE calls_total gauge"]
    for status in Call.Status.values:
        lines.append(f'calls_total{{status="{status}"}} {Call.objects.filter(status=status).count()}')
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")
