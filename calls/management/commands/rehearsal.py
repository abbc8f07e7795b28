"""Run the rehearsal model."""

from __future__ import annotations

import asyncio
import logging
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from calls.rehearsal.behaviour import Behaviour
from calls.rehearsal.server import RehearsalServer

logger = logging.getLogger("calls.rehearsal")


class Command(BaseCommand):
    help = (
        "A speech model for rehearsals, offline and without a key: it speaks the OpenAI Realtime protocol, hears when you speak "
        "(Silero), and answers by a script in a synthetic voice (eSpeak NG). It does not understand words, and its transcripts of "
        "the caller say so. Semantic VAD is approximated by a shorter or longer silence."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.REHEARSAL_PORT)
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="behave otherwise: late_deltas=3, drop_after_s=20, refuse_status=503, reply_error=server_error… (see Behaviour)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            behaviour = Behaviour.parse(options["set"])
            asyncio.run(self._serve(options["host"], options["port"], behaviour))
        except ValueError as error:
            raise CommandError(f"--set: {error}") from None
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} cannot be used: {error.strerror}. Set REHEARSAL_PORT."
            ) from None
        except RuntimeError as error:
            raise CommandError(str(error)) from None

    async def _serve(self, host: str, port: int, behaviour: Behaviour) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        server = RehearsalServer(behaviour)
        url = await server.start(host, port)
        logger.info("The rehearsal model listens at %s. Its answers are scripted.", url)
        await stop.wait()
        await server.close()
