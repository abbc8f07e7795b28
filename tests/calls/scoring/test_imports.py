"""Scenes are played and judged without Django."""

from __future__ import annotations

import pytest

from tests.test_imports import loaded


@pytest.mark.parametrize("module", ["calls.scoring.run", "calls.scoring.statistics", "calls.scoring.drawing"])
def test_playing_and_judging_need_no_django(module: str) -> None:
    found = loaded(module)
    assert "django" not in {name.split(".")[0] for name in found}
    assert not {name for name in found if name.startswith(("agents", "voiceplatform"))}
