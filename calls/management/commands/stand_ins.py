"""Run the stand-ins of the providers of voices and ears."""

from __future__ import annotations

import asyncio
import logging
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from calls.rehearsal.voices.host import Host
from voiceplatform import registry

logger = logging.getLogger("calls.rehearsal")


class Command(BaseCommand):
    help = (
        "Stand in for the providers of voices and ears, offline: each speaks its provider's protocol, below its slug, "
        "with a synthetic voice (eSpeak NG). Agents without a key for a provider are answered here."
    )
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.STAND_INS_PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        stand_ins = {}
        for slug, path in registry.stand_ins().items():
            try:
                stand_ins[slug] = import_string(path)()
            except ImportError as error:  # the others go on
                logger.error("Nothing stands in for %s: %s", slug, error)
        try:
            asyncio.run(self._serve(Host(stand_ins), options["host"], options["port"]))
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} cannot be used: {error.strerror}. Set STAND_INS_PORT."
            ) from None

    async def _serve(self, host: Host, address: str, port: int) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        where = await host.start(address, port)
        logger.info("Stand-ins for %s listen at %s.", ", ".join(sorted(host.stand_ins)), where)
        await stop.wait()
        await host.close()
