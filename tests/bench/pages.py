"""Staff at work while calls run: one process that signs in and loads pages, one after the other without a pause.

A process of its own, so that what it costs to read pages does not count as latency of the sound. Prints JSON: page -> figures.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time

import httpx

ADMIN = "/admin/"
PAGES = {
    "call list": "/calls/",
    "review page": "",  # the newest call that the list names
    "dashboard": "/admin/",
    "agents": "/admin/agents/agent/",
    "an agent's page": "/admin/agents/agent/1/change/",
    "a number's page": "/admin/agents/phonenumber/1/change/",
}
_CALL = re.compile(r"/calls/[0-9a-f]{8}-[0-9a-f-]{27}/")


def sign_in(client: httpx.Client, user: str, password: str) -> None:
    """Raises SystemExit when the product does not let us in: figures of login pages would be worth nothing."""
    client.get("/admin/login/")
    form = {
        "username": user,
        "password": password,
        "csrfmiddlewaretoken": client.cookies["csrftoken"],
        "next": "/admin/",
    }
    answer = client.post("/admin/login/", data=form, headers={"Referer": str(client.base_url)})
    if answer.status_code != 302:
        raise SystemExit(f"could not sign in: {answer.status_code}")


def visit(client: httpx.Client, until: float) -> dict[str, list[float]]:
    """Page -> how long each load took, in ms. A page that is not answered with 200 ends it: the bench measures pages that work."""
    took: dict[str, list[float]] = {name: [] for name in PAGES}
    call = ""
    while time.monotonic() < until:
        for name, path in PAGES.items():
            address = path or call
            if not address:
                continue
            began = time.monotonic()
            answer = client.get(address)
            took[name].append((time.monotonic() - began) * 1000)
            if answer.status_code != 200:
                raise SystemExit(f"{address} answered {answer.status_code}")
            if name == "call list" and (found := _CALL.search(answer.text)):
                call = found.group()
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("password")
    parser.add_argument("seconds", type=float)
    args = parser.parse_args()
    with httpx.Client(base_url=args.url, timeout=30, trust_env=False) as client:
        sign_in(client, args.user, args.password)
        took = visit(client, time.monotonic() + args.seconds)
    print(json.dumps(took))
    return 0


if __name__ == "__main__":
    sys.exit(main())
