"""The page's sound, in Chromium: mu-law and resampling against ours, and the queue with its marks and clear."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from calls import audio

FOLDER = Path(__file__).parents[3] / "calls" / "static" / "calls" / "live"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that has the module as `sound`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(FOLDER)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made = browser.new_page()
    made.goto(f"http://127.0.0.1:{server.server_port}/live.css")
    made.evaluate("import('/sound.js').then((module) => { window.sound = module; })")
    yield made
    server.shutdown()
    server.server_close()


def test_mulaw_is_that_of_the_telephone(page: Page) -> None:
    decoded = page.evaluate("[...sound.decode(Uint8Array.from({length: 256}, (_, i) => i))]")
    ours = np.frombuffer(audio.mulaw_decode(bytes(range(256))), "<i2") / 32768
    assert np.allclose(decoded, ours, atol=1e-6)
    samples = list(range(-32767, 32768, 7))
    encoded = page.evaluate("(all) => all.map((s) => sound.encodeOne(s / 32767))", samples)
    assert bytes(encoded) == audio.mulaw_encode(np.array(samples, "<i2").tobytes())


RESAMPLED = """([from, to, hertz, pieces]) => {
  const resampler = new sound.Resampler(from, to);
  const input = Float32Array.from({ length: from }, (_, i) => Math.sin((2 * Math.PI * hertz * i) / from));
  const out = [];
  for (let i = 0; i < from; i += pieces) out.push(...resampler.push(input.subarray(i, i + pieces)));
  return out;
}"""


@pytest.mark.parametrize(("source", "target"), [(48000, 8000), (44100, 8000), (8000, 48000), (8000, 44100)])
def test_resampling_keeps_speech_and_what_comes_in_pieces_is_what_comes_whole(
    page: Page, source: int, target: int
) -> None:
    whole = np.array(page.evaluate(RESAMPLED, [source, target, 1000, source]))
    pieces = np.array(page.evaluate(RESAMPLED, [source, target, 1000, 128]))
    assert np.allclose(pieces, whole[: len(pieces)], atol=1e-6)
    assert abs(len(whole) - target) < target * 0.01
    level = np.sqrt(np.mean(whole[target // 10 :] ** 2)) * np.sqrt(2)
    assert 0.94 < level < 1.06
    spectrum = np.abs(np.fft.rfft(whole[target // 10 : target // 10 + target // 2] * np.hanning(target // 2)))
    assert abs(int(spectrum.argmax()) * 2 - 1000) <= 2


def test_what_the_telephone_cannot_carry_does_not_fold_into_speech(page: Page) -> None:
    folded = np.array(page.evaluate(RESAMPLED, [48000, 8000, 6000, 48000]))
    assert np.sqrt(np.mean(folded[400:] ** 2)) < 0.005  # 43 dB down


QUEUE = """() => {
  const queue = new sound.Queue();
  const told = [];
  const part = (n, value) => Float32Array.from({ length: n }, () => value);
  queue.mark("probe");
  told.push(queue.reached());
  queue.add(part(100, 1));
  queue.mark("a");
  queue.add(part(50, 2));
  queue.mark("b");
  told.push([...queue.take(99)].length, queue.reached());
  told.push([...queue.take(2)], queue.reached());
  told.push(queue.waiting, queue.clear(), queue.waiting, [...queue.take(10)].length, queue.reached());
  queue.add(part(3, 3));
  queue.mark("c");
  told.push([...queue.take(10)], queue.reached());
  return told;
}"""


def test_marks_come_back_when_played_at_once_when_idle_and_with_a_clear(page: Page) -> None:
    assert page.evaluate(QUEUE) == [["probe"], 99, [], [1, 2], ["a"], 49, ["b"], 0, 0, [], [3, 3, 3], ["c"]]
