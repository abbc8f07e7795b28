"""A PostgreSQL for tests, where one is on this machine."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

SERVER = "postgresql://postgres@127.0.0.1:5432"


def answers() -> bool:
    try:
        with psycopg.connect(f"{SERVER}/postgres", connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


@contextmanager
def scratch_database(server: str = SERVER, *, keep: bool = False) -> Iterator[str]:
    """The URL of a new database, which goes afterwards."""
    name = f"vp_{secrets.token_hex(6)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
    try:
        yield f"{server}/{name}"
    finally:
        if not keep:
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f"drop database {name} with (force)")
                # Django's own test database beside it stays when a thread still holds a connection to it.
                connection.execute(f"drop database if exists test_{name} with (force)")
