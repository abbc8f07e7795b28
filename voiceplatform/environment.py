"""The environment, read once. Wrong values do not stop the import: `manage.py check` names them in plain words."""

from __future__ import annotations

import os
import secrets
import zoneinfo
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url

problems: list[tuple[str, str]] = []
"""(name of the variable, what is wrong and what to do), for voiceplatform.checks."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool) -> bool:
    value = text(name).lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off"):
        return False
    if value:
        problems.append((name, f"is {value!r}. Write true or false."))
    return default


def number(name: str, default: int) -> int:
    value = text(name)
    if not value:
        return default
    if value.isdigit() and 0 < int(value) < 65536:
        return int(value)
    problems.append((name, f"is {value!r}. Write a port number between 1 and 65535."))
    return default


def days(name: str, default: int) -> int:
    """How many days something is kept; 0: for ever."""
    value = text(name)
    if not value:
        return default
    if value.isdigit() and len(value) < 6:
        return int(value)
    problems.append((name, f"is {value!r}. Write a number of days, or 0 to keep all."))
    return default


def names(name: str, default: list[str]) -> list[str]:
    return [part.strip() for part in text(name).split(",") if part.strip()] or default


def address(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """A URL with one of the schemes and a host, without a slash at its end."""
    value = text(name, default)
    if problem := address_problem(value, schemes):
        problems.append((name, problem))
        return default.rstrip("/")
    return value.rstrip("/")


def address_problem(value: str, schemes: tuple[str, ...]) -> str:
    """What is wrong with an address; "" when nothing is, and for none at all. It is not repeated: it may hold a password."""
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        usable = usable and not parts.query and not parts.fragment
    except ValueError:  # a port that is no number, half an IPv6 address
        usable = False
    if usable:
        return ""
    begins = " or ".join(f"{scheme}://" for scheme in schemes)
    return f"is no address. Write one that begins with {begins} and ends before any question mark."


def redis_address(name: str, default: str) -> str:
    """Where Redis listens: redis://host:6379/0, rediss:// for TLS, unix:///path for a socket."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
        usable = usable or (parts.scheme == "unix" and bool(parts.path))
    except ValueError:
        usable = False
    if not usable:
        problems.append((name, "is no Redis address. Write redis://host:6379/0 or unix:///path."))
        return default
    return value


def pages_address(name: str) -> str:
    """Where pages are made: unix:///path or http://host:port; "": in the process that carries calls."""
    value = text(name)
    try:
        parts = urlsplit(value)
        usable = parts.scheme == "http" and bool(parts.hostname) and parts.port != 0 and parts.path in ("", "/")
        usable = usable or (parts.scheme == "unix" and bool(parts.path))
    except ValueError:
        usable = False
    if value and not usable:
        problems.append((name, "is no address of a process. Write unix:///path or http://127.0.0.1:8001, or unset it."))
        return ""
    return value.rstrip("/")


def time_zone(name: str, default: str) -> str:
    """A name of the time zone database; pages show times in it."""
    value = text(name, default).removeprefix(":")
    if value in zoneinfo.available_timezones():
        return value
    problems.append((name, f"is {value!r}, which is no time zone. Write one such as Europe/Vienna, or unset it."))
    return default


def database(name: str, default: Path) -> dict[str, object]:
    """Django's description of the database. SQLite in WAL mode unless another is named."""
    value = text(name)
    if value:
        try:
            found = dj_database_url.parse(value, conn_max_age=60, conn_health_checks=True)
            if found.get("ENGINE"):
                return dict(found)
        except (ValueError, dj_database_url.ParseError, dj_database_url.UnknownSchemeError):
            pass
        problems.append((name, "cannot be read. Write postgresql://user:password@host:5432/name."))
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": default,
        "OPTIONS": {
            "timeout": 20,
            # A transaction that begins by reading cannot be refused later because another one wrote.
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        # Threads of the tests and of the live server share the file, not a connection.
        "TEST": {"NAME": str(default.with_name("test.sqlite3"))},
    }


def folder(name: str, default: Path) -> Path:
    path = Path(text(name, str(default))).expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK):
            raise PermissionError
    except OSError:
        problems.append((name, f"is {path}, which cannot be written to. Name a folder that the server may write to."))
    return path


def kept_secret(name: str, data_dir: Path) -> str:
    """From the environment, else made once and kept where only we can read it."""
    value = text(name)
    if value:
        return value
    path = data_dir / "secrets" / name.lower()
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
        return path.read_text()
    except FileExistsError:
        return path.read_text()  # another process was first
    except OSError:
        return secrets.token_urlsafe(48)  # DATA_DIR is reported on its own
