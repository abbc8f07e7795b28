"""A stand-in for Twilio's REST API on this machine: one account and its numbers, as the official SDK speaks to it.

tests/calls/test_carrier_api.py asks it with that SDK first, so that what it answers is what Twilio's own client takes.
"""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

ACCOUNT, TOKEN = "AC" + "0" * 31 + "a", "a-token-of-the-account"
KEY, SECRET = "SK" + "0" * 31 + "b", "a-secret-of-the-key"
NUMBER_ID = "PN" + "0" * 31 + "c"


def number(phone_number: str, **more: Any) -> dict[str, Any]:
    """A row as the IncomingPhoneNumbers resource has it."""
    return {
        "sid": NUMBER_ID,
        "account_sid": ACCOUNT,
        "phone_number": phone_number,
        "friendly_name": phone_number,
        "voice_url": "https://demo.twilio.com/welcome/voice/",
        "voice_method": "GET",
        "voice_application_sid": None,
        "trunk_sid": None,
        "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        **more,
    }


class Account:
    """Its numbers by id, the requests that came, and what to answer in place of what is right."""

    def __init__(self) -> None:
        self.numbers: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.instead: tuple[int, bytes] | None = None
        self.silent = threading.Event()
        account = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                account.answer(self)

            def do_POST(self) -> None:
                account.answer(self)

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self.silent.set()
        self._server.shutdown()
        self._server.server_close()

    def has(self, phone_number: str, **more: Any) -> dict[str, Any]:
        row = number(phone_number, **more)
        self.numbers[row["sid"]] = row
        return row

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        length = int(request.headers.get("Content-Length") or 0)
        given = parse_qs(request.rfile.read(length).decode() if length else parts.query, keep_blank_values=True)
        form = {name: values[-1] for name, values in given.items()}
        self.asked.append((request.command, parts.path, form))
        status, body = self.instead or self._right(request, parts.path, form)
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _right(self, request: BaseHTTPRequestHandler, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        given = base64.b64decode(request.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if given not in (f"{ACCOUNT}:{TOKEN}", f"{KEY}:{SECRET}"):
            return self._error(401, 20003, "Authenticate")
        listing = f"/2010-04-01/Accounts/{ACCOUNT}/IncomingPhoneNumbers"
        if path == f"{listing}.json":
            wanted = form.get("PhoneNumber", "")
            found = [row for row in self.numbers.values() if wanted in row["phone_number"]]
            page = {"incoming_phone_numbers": found, "page": 0, "page_size": 50, "next_page_uri": None, "uri": path}
            return 200, json.dumps(page).encode()
        row = self.numbers.get(path.removeprefix(f"{listing}/").removesuffix(".json"))
        if row is None:
            return self._error(404, 20404, f"The requested resource {path} was not found")
        names = {"VoiceUrl": "voice_url", "VoiceMethod": "voice_method"}
        names |= {"VoiceApplicationSid": "voice_application_sid", "TrunkSid": "trunk_sid"}
        row |= {names[name]: value or None for name, value in form.items()}
        return 200, json.dumps(row).encode()

    @staticmethod
    def _error(status: int, code: int, message: str) -> tuple[int, bytes]:
        more = f"https://www.twilio.com/docs/errors/{code}"
        told = {"code": code, "message": message, "more_info": more, "status": status}
        return status, json.dumps(told).encode()
