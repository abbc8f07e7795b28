"""Files in ranges, as RFC 9110 has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from calls import ranges

DATA = bytes(range(256)) * 1000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    path.write_bytes(DATA)
    return path


def ask(path: Path, **headers: str) -> HttpResponseBase:
    return ranges.serve(RequestFactory().get("/", headers=headers), path, "audio/wav")


async def body(answer: Any) -> bytes:
    pieces: AsyncIterator[bytes] = answer.streaming_content
    return b"".join([piece async for piece in pieces])


async def test_a_file_comes_whole_in_pieces(file: Path) -> None:
    answer: Any = ask(file)
    pieces = [piece async for piece in answer.streaming_content]
    assert b"".join(pieces) == DATA
    assert max(len(piece) for piece in pieces) <= ranges.PIECE
    assert (answer.status_code, answer["Content-Length"], answer["Accept-Ranges"]) == (200, "256000", "bytes")


RANGES = [
    ("bytes=0-", "bytes 0-255999/256000", DATA),
    ("bytes=100-199", "bytes 100-199/256000", DATA[100:200]),
    ("bytes=255990-999999", "bytes 255990-255999/256000", DATA[255990:]),
    ("bytes=-10", "bytes 255990-255999/256000", DATA[-10:]),
    ("bytes=-999999", "bytes 0-255999/256000", DATA),
    (f"bytes=100-{'9' * 5000}", "bytes 100-255999/256000", DATA[100:]),
    (f"bytes=-{'9' * 5000}", "bytes 0-255999/256000", DATA),
]


@pytest.mark.parametrize(
    ("asked", "told", "data"), RANGES, ids=lambda value: value[:20] if isinstance(value, str) else ""
)
async def test_a_range_is_exactly_that(file: Path, asked: str, told: str, data: bytes) -> None:
    answer = ask(file, range=asked)
    assert (answer.status_code, answer["Content-Range"], answer["Content-Length"]) == (206, told, str(len(data)))
    assert await body(answer) == data


@pytest.mark.parametrize(
    "asked",
    ["bytes=256000-", "bytes=5-4", "bytes=-0", f"bytes={'9' * 5000}-", f"bytes={'9' * 5000}-{'9' * 5000}"],
    ids=lambda value: value[:20],
)
def test_a_range_that_is_not_there_is_refused_with_the_size(file: Path, asked: str) -> None:
    answer = ask(file, range=asked)
    assert (answer.status_code, answer["Content-Range"]) == (416, "bytes */256000")


@pytest.mark.parametrize("asked", ["", "bytes=-", "bytes=1-2,5-6", "lines=1-2", "bytes=a-b"])
async def test_what_is_no_range_gets_the_file(file: Path, asked: str) -> None:
    answer = ask(file, range=asked)
    assert answer.status_code == 200
    assert await body(answer) == DATA


async def test_a_part_of_another_version_is_answered_with_the_file(file: Path) -> None:
    tag = ask(file)["ETag"]
    assert ask(file, **{"range": "bytes=0-9", "if-range": tag}).status_code == 206
    assert ask(file, **{"range": "bytes=0-9", "if-range": '"another"'}).status_code == 200


def test_head_tells_the_length_and_reads_nothing(file: Path) -> None:
    answer = ranges.serve(RequestFactory().head("/"), file, "audio/wav")
    assert (answer.status_code, answer["Content-Length"], answer.content) == (200, "256000", b"")


def test_a_download_has_a_name(file: Path) -> None:
    answer = ranges.serve(RequestFactory().get("/"), file, "audio/wav", "a “call”.wav")
    assert answer["Content-Disposition"] == "attachment; filename*=UTF-8''a%20%E2%80%9Ccall%E2%80%9D.wav"


@given(st.text(max_size=20), st.integers(1, 40))
def test_no_question_breaks_it(asked: str, size: int) -> None:
    header = asked if asked.isascii() and asked.isprintable() else "bytes=1-"
    path = Path(__file__)
    answer = ranges.serve(RequestFactory().get("/", headers={"range": header}), path, "audio/wav")
    assert answer.status_code in (200, 206, 416)
