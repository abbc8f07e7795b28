"""What the tests of the scoring share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.calls.scoring import folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a scene of each part."""
    return folders.make(tmp_path / "scenes")
