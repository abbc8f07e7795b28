"""How quick the start page is with many calls: `DATABASE_URL=postgresql://… python -m tests.bench.dashboard --calls 1000000`.

Makes the calls and their figures in that database, which must be an empty one of its own, counts them into days with the task that
the scheduler runs, and asks for the page as a browser would.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

# ruff: noqa: E402  models can be imported when Django is set up
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voiceplatform.settings")

import django

django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client

from agents.models import Agent, TurnSettings
from calls import counting
from calls.figures import CallFigures, DayFigures
from calls.models import Call

AGENTS, DAYS, REVISIONS, BATCH, ASKED = 20, 90, 3, 100_000, 40

CALLS = """
    INSERT INTO calls_call SELECT (jsonb_populate_record(pattern, jsonb_build_object(
        'id', gen_random_uuid(), 'carrier_call_id', 'CA' || n, 'agent_id', (%(agents)s::bigint[])[1 + n %% 20],
        'rang_at', now() - random() * %(days)s * interval '1 day'))).*
    FROM calls_call pattern, generate_series(%(first)s::bigint, %(last)s::bigint) n WHERE pattern.id = %(pattern)s
"""

FIGURES = """
    INSERT INTO calls_callfigures (call_id, agent_id, revision, day, share, stops, interruptions, false_stops, refusals,
                                   silence_ms, delay_ms, counted)
    SELECT id, agent_id,
        (%(revisions)s::int[])[(dense_rank() OVER (ORDER BY agent_id) - 1) * %(each)s + greatest(1, %(each)s - floor(
            extract(epoch FROM now() - rang_at) / 86400 / %(days)s * %(each)s)::int)],
        (rang_at AT TIME ZONE 'UTC')::date, 1.0, drawn.interruptions + drawn.held, drawn.interruptions,
        drawn.held + (drawn.interruptions > 3)::int, drawn.held + floor(random() * 3),
        (SELECT coalesce(jsonb_agg(floor(300 + 900 * random() * random())), '[]')
            FROM generate_series(1, drawn.interruptions) WHERE id IS NOT NULL),
        (SELECT jsonb_agg(floor(600 + 1500 * random() * random()))
            FROM generate_series(1, 1 + drawn.answers) WHERE id IS NOT NULL),
        false
    FROM calls_call, LATERAL (SELECT floor(random() * random() * 6)::int AS interruptions,
        (random() < 0.2 AND id IS NOT NULL)::int AS held, floor(random() * 12)::int AS answers) drawn
    WHERE agent_id IS NOT NULL
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    wanted = parser.parse_args().calls
    if connection.vendor != "postgresql":
        sys.exit("Set DATABASE_URL to an empty database in PostgreSQL.")
    settings.ALLOWED_HOSTS.append("testserver")
    call_command("migrate", verbosity=0)
    if not Call.objects.exists():
        fill(wanted)
    timed("count into days what is new", counting.count_pending)
    one_more()
    timed("count one more call into its day", counting.count_pending)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(
        f"{connection.vendor}: {Call.objects.count()} calls, {DayFigures.objects.count()} days of agents and revisions"
    )
    user, _ = User.objects.get_or_create(username="bench", defaults={"is_staff": True, "is_superuser": True})
    client = Client()
    client.force_login(user)
    agent = Agent.objects.order_by("pk").first()
    assert agent is not None
    pages = ["/admin/", "/admin/?days=30", "/admin/?days=90", f"/admin/?days=90&agent={agent.pk}", "/calls/now/"]
    for page in [*pages, f"/calls/agents/{agent.pk}/effect/"]:
        ask(client, page)


def fill(wanted: int) -> None:
    """Calls that are spread over agents, revisions and days as a busy platform's would be. Copies of one row, made by the database:
    whatever columns a call has, they are filled."""
    agents = [Agent.objects.create(name=f"Agent {number}", instructions="Help.") for number in range(AGENTS)]
    revisions = [_saved(agent, number) for agent in agents for number in range(REVISIONS)]
    pattern = Call.objects.create(agent=agents[0], carrier="twilio", carrier_call_id="CA", status=Call.Status.ENDED)
    Call.objects.filter(pk=pattern.pk).update(duration_ms=90_000, caller="+12025550199", called="+12025550142")
    begun = time.monotonic()
    with connection.cursor() as cursor:
        for first in range(0, wanted, BATCH):
            values = {"pattern": pattern.pk, "first": first, "last": min(first + BATCH, wanted) - 1, "days": DAYS}
            cursor.execute(CALLS, {**values, "agents": [agent.pk for agent in agents]})
        cursor.execute(FIGURES, {"revisions": revisions, "each": REVISIONS, "days": DAYS})
    print(f"made {wanted} calls in {time.monotonic() - begun:.0f} s", flush=True)


def _saved(agent: Agent, number: int) -> int:
    turn, _ = TurnSettings.objects.get_or_create(agent=agent)
    turn.min_speech_ms = 400 + 80 * number
    turn.save()
    return turn.revision


def one_more() -> None:
    CallFigures.objects.filter(pk=CallFigures.objects.order_by("-day").values("pk")[:1]).update(counted=False)


def timed(what: str, act: Callable[[], int]) -> None:
    begun = time.monotonic()
    print(f"{what}: {act()} in {time.monotonic() - begun:.2f} s", flush=True)


def ask(client: Client, page: str) -> None:
    took = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        assert client.get(page).status_code == 200
        took.append((time.perf_counter() - begun) * 1000)
    took.sort()
    print(f"{page:45} p50 {took[ASKED // 2]:6.0f} ms   p95 {took[int(ASKED * 0.95)]:6.0f} ms", flush=True)


if __name__ == "__main__":
    main()
