"""A file over HTTP, whole or a range of it: players seek by asking for ranges.

The pieces are read beside the event loop, one at a time. Of a plain iterator Django would read all before it sends anything, and
that may be a recording of an hour.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

PIECE = 64 * 1024
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def serve(request: HttpRequest, path: Path, content_type: str, download: str = "") -> HttpResponseBase:
    """RFC 9110, 14: one range, or the whole file. `download`: the name under which a browser keeps it, instead of playing it."""
    found = path.stat()
    size, tag = found.st_size, f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
    asked = _RANGE.match(request.headers.get("Range", ""))
    if request.headers.get("If-Range", tag) != tag or (asked and asked.groups() == ("", "")):
        asked = None  # what the asker has a part of is not what is here now
    begin, end = _bounds(*asked.groups(), size) if asked else (0, size - 1)
    if asked and begin > end:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse(status=206 if asked else 200, content_type=content_type)
    else:
        pieces = _pieces(path, begin, end)
        response = StreamingHttpResponse(pieces, status=206 if asked else 200, content_type=content_type)
    response["Accept-Ranges"] = "bytes"
    response["Content-Length"] = str(end - begin + 1)
    response["ETag"] = tag
    response["Cache-Control"] = "private, no-cache"
    if asked:
        response["Content-Range"] = f"bytes {begin}-{end}/{size}"
    if download:
        response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(download)}"
    return response


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte of a range; a first beyond the last: there is no such range."""
    if first:
        return _number(first), min(_number(last) if last else size - 1, size - 1)
    return (max(0, size - _number(last)), size - 1) if _number(last) else (size, size - 1)


def _number(digits: str) -> int:
    """Beyond any file where there are too many of them: Python reads no more than 4,300."""
    return int(digits) if len(digits) < len(str(sys.maxsize)) else sys.maxsize


async def _pieces(path: Path, begin: int, end: int) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        await asyncio.to_thread(file.seek, begin)
        left = end - begin + 1
        while left > 0 and (piece := await asyncio.to_thread(file.read, min(PIECE, left))):
            left -= len(piece)
            yield piece
    finally:
        file.close()
