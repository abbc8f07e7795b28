"""A Redis of a test's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import redis

from calls import live_settings
from tests.platform import wait_for
from voiceplatform import embedded_redis


class Broker:
    """A Redis of the test's own, that can be away."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(embedded_redis.command(self.folder), stdout=subprocess.DEVNULL)
        wait_for(lambda: embedded_redis.answers(self.socket), "redis answers")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.socket.unlink(missing_ok=True)
        self.process = None

    def listeners(self, agent_id: int = 1) -> int:
        """How many processes are in an agent's group."""
        with redis.Redis(unix_socket_path=str(self.socket)) as client:
            return int(client.pubsub_numsub(f"asgi__group__{live_settings.group(agent_id)}")[0][1])
