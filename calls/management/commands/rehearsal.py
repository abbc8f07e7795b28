"""Run the rehearsal model."""

from __future__ import annotations

import asyncio
import logging
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from calls.rehearsal.server import RehearsalServer

logger = logging.getLogger("calls.rehearsal")


class Command(BaseCommand):
    help = (
        "A speech model for rehearsals, offline and without a key: it speaks the OpenAI Realtime protocol, hears when you speak "
        "(Silero), and answers by a script. It does not understand words."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.REHEARSAL_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            asyncio.run(self._serve(options["host"], options["port"]))
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} cannot be used: {error.strerror}. Set REHEARSAL_PORT."
            ) from None

    async def _serve(self, host: str, port: int) -> None:
        server = RehearsalServer()
        url = await server.start(host, port)
        logger.info("The rehearsal model listens at %s. Its answers are scripted.", url)
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await stop.wait()
        await server.close()
