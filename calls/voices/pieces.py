"""Text as providers want to have it that take it as it is written: in whole words."""

from __future__ import annotations

import re

_BORDER = re.compile(r".*(?:\s|[\u0e00-\u0e7f\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60])", re.DOTALL)
"""Up to the last space, or the last sign of a script that has none between its words."""


class WholeWords:
    """Gives on what ends with a whole word, and keeps the rest. A model's pieces end anywhere, and half a word that a provider
    does not wait for is spoken as one."""

    def __init__(self) -> None:
        self._kept = ""

    def take(self, text: str) -> str:
        """What may be sent, with this piece; empty: nothing yet."""
        self._kept += text
        border = _BORDER.match(self._kept)
        cut = border.end() if border else 0
        ready, self._kept = self._kept[:cut], self._kept[cut:]
        return ready

    def rest(self) -> str:
        """The last word: no more text comes."""
        rest, self._kept = self._kept, ""
        return rest
