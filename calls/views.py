"""The review pages: which calls there were, and what happened in one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from agents.models import PhoneNumber
from calls import access, review
from calls.filters import CallFilter
from calls.models import Call
from voiceplatform.access import requires

PAGE = 50
PIECE = 64 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


@require_safe
@requires(access.SEE)
def call_list(request: HttpRequest) -> HttpResponse:
    """The calls, newest first, narrowed by what is asked for."""
    chosen = CallFilter(request.GET, queryset=Call.objects.for_list())
    page = Paginator(chosen.qs, PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    return render(
        request,
        "calls/list.html",
        _context(
            request,
            title="Calls",
            filter=chosen,
            page=page,
            query=query.urlencode(),
            narrowed=bool(query),
            first_number=PhoneNumber.objects.filter(active=True, agent__isnull=False).first(),
        ),
    )


@require_safe
@requires(access.SEE)
def call_detail(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """One call: what was said and heard, where it was interrupted, and with which settings."""
    call = get_object_or_404(Call.objects.select_related("agent", "number", "recording"), pk=call_id)
    return render(request, "calls/detail.html", _context(request, title="Call", **review.of(call, request.user)))


@require_safe
@requires(access.SEE, access.HEAR)
def recording(request: HttpRequest, call_id: UUID) -> HttpResponseBase:
    """The recording, whole or a range of it: players seek by asking for ranges."""
    call = get_object_or_404(Call.objects.select_related("recording"), pk=call_id, recording__isnull=False)
    path = review.recording_path(call.recording)
    if path is None:
        return HttpResponse("The recording is not on this server.", status=404)
    if request.method == "GET":
        access.played(request, call, "recording")
    return _ranged(request, path)


def _ranged(request: HttpRequest, path: Path) -> HttpResponseBase:
    size = path.stat().st_size
    asked = _RANGE.match(request.headers.get("Range", ""))
    if asked is None or asked.groups() == ("", ""):
        response: HttpResponseBase = FileResponse(path.open("rb"), content_type="audio/wav")
        response["Accept-Ranges"] = "bytes"
        return response
    first, last = asked.groups()
    if first:
        begin, end = int(first), min(int(last) if last else size - 1, size - 1)
    else:
        begin, end = max(0, size - int(last)), size - 1
    if begin > end:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = StreamingHttpResponse(_pieces(path.open("rb"), begin, end), status=206, content_type="audio/wav")
    response["Accept-Ranges"] = "bytes"
    response["Content-Range"] = f"bytes {begin}-{end}/{size}"
    response["Content-Length"] = str(end - begin + 1)
    return response


def _pieces(file: BinaryIO, begin: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(begin)
        left = end - begin + 1
        while left > 0 and (piece := file.read(min(PIECE, left))):
            left -= len(piece)
            yield piece


def _context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    """What the frame of the admin needs, so that both look like one product."""
    return {**admin.site.each_context(request), "data_dir": settings.DATA_DIR, **more}
