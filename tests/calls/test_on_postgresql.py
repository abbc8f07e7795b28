"""What is written twice, for SQLite and for PostgreSQL, has one set of tests. Here they run with the other database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import postgresql

HERE = Path(__file__).parent
BOTH = [
    "test_search.py",
    "test_ordering.py",
    "test_listing.py",
    "test_filters.py",
    "test_summary.py",
    "test_earlier.py",
    "test_migration.py",
    "test_two_at_once.py",
    "test_exports.py",
    "../voiceplatform/test_audit.py",
    "../voiceplatform/test_roles.py",
    "../agents/test_numbers.py",
]


@pytest.mark.skipif(not postgresql.answers(), reason="no PostgreSQL at 127.0.0.1:5432")
def test_lists_and_searches_are_the_same_in_postgresql() -> None:
    with postgresql.scratch_database() as url:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-rs", *(str(HERE / name) for name in BOTH)],
            env={**os.environ, "TEST_DATABASE_URL": url},
            cwd=HERE.parent.parent,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-4000:]
    assert "SQLite has no such limit" not in done.stdout, "these ran on SQLite"
