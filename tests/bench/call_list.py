"""The call list with a million calls in PostgreSQL: `python -m tests.bench.call_list --calls 1000000`.

Makes a database of its own with generated calls and asks the product's pages, as a signed-in reviewer does, through the whole of
Django: the list, each filter, each order, deep pages, searches for rare and common words, the next call, the CSV export. A million
calls take about ten minutes to make; `--keep` leaves them, `--database-url` uses what was left.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests import postgresql
from tests.bench.report import Figure, percentile, table

LIMIT_MS = 300.0
SENTENCES = 20_000
VOCABULARY = 12_000
TURNS = 8


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=20, help="times that each page is asked for")
    parser.add_argument("--server", default=postgresql.SERVER, help="where a database may be made")
    parser.add_argument("--database-url", default="", help="one that an earlier run kept")
    parser.add_argument("--keep", action="store_true", help="leave the database")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


@contextmanager
def database(args: argparse.Namespace) -> Iterator[str]:
    if args.database_url:
        yield args.database_url
        return
    with postgresql.scratch_database(args.server, keep=args.keep) as url:
        yield url
        if args.keep:
            print(f"Kept: --database-url {url}")


# --- generated calls


def vocabulary(chance: random.Random) -> list[str]:
    """Words that can be pronounced; the first are short, as common words are."""
    syllables = [c + v for c in "bdfghklmnprstvw" for v in ("a", "e", "i", "o", "u", "an", "er", "is")]
    words: dict[str, None] = {}
    while len(words) < VOCABULARY:
        words["".join(chance.choices(syllables, k=1 + len(words) // 600 % 4 + (len(words) > 100)))] = None
    return list(words)


def sentences(chance: random.Random, words: list[str]) -> list[str]:
    """Four to sixteen words each; how often a word comes falls with its rank, as in every language."""
    weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(words))))
    return [" ".join(chance.choices(words, cum_weights=weights, k=chance.randint(4, 16))) for _ in range(SENTENCES)]


def populate(count: int, words: list[str]) -> None:
    from django.db import connection

    from agents.models import Agent, PhoneNumber
    from agents.snapshot import AgentSnapshot

    agents = [Agent.objects.create(name=f"Agent {n:02}", instructions="Help the caller. " * 60) for n in range(20)]
    numbers = [
        PhoneNumber.objects.create(number=f"+1202555{n:04}", agent=agents[n % len(agents)]) for n in range(100, 140)
    ]
    settings = json.dumps(AgentSnapshot.of(agents[0]).as_json())
    chance = random.Random(7)
    with connection.cursor() as cursor:
        cursor.execute("create table sentence (id int primary key, text text)")
        with cursor.copy("copy sentence from stdin") as copy:
            for n, text in enumerate(sentences(chance, words)):
                copy.write_row((n, text))
        cursor.execute("set session_replication_role = replica")  # what is generated refers to what is generated
        cursor.execute("set maintenance_work_mem = '1GB'")
        indexes = without_indexes(cursor)
        for statement in (CALLS, TURNS_OF_CALLS, FIRST_WORDS, LABELS, TRANSCRIPTS):
            began = time.monotonic()
            cursor.execute(
                statement,
                {
                    "count": count,
                    "agents": [agent.pk for agent in agents],
                    "numbers": [number.pk for number in numbers],
                    "settings": settings,
                    "sentences": SENTENCES,
                    "turns": TURNS,
                },
            )
            print(f"  {statement.split()[2]}: {time.monotonic() - began:.0f} s", flush=True)
        cursor.execute("drop table sentence")
        began = time.monotonic()
        for definition in indexes:
            cursor.execute(definition)
        print(f"  indexes: {time.monotonic() - began:.0f} s", flush=True)
        cursor.execute("vacuum analyze")


def without_indexes(cursor: Any) -> list[str]:
    """Take away the indexes that no constraint needs; what makes them again. Filling them row by row takes hours."""
    cursor.execute("""select indexname, indexdef from pg_indexes where tablename in ('calls_call', 'calls_turn', 'calls_transcript')
        and indexname not in (select conname from pg_constraint)""")
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f'drop index "{name}"')
    return [definition for _, definition in found]


CALLS = """insert into calls_call (id, agent_id, number_id, carrier, carrier_call_id, account_id, caller, called, status,
    end_reason, settings, rang_at, started_at, ended_at, duration_ms, voice, revision, last_revision, turn_count,
    interruption_count, refusal_count, false_stop_count, label_count, delay_ms, first_words)
  select gen_random_uuid(), (%(agents)s::int[])[1 + a], (%(numbers)s::int[])[1 + (r * 40)::int %% 40],
    case when n %% 200 = 0 then 'other' else 'twilio' end, 'CA' || md5(n::text), 'AC1',
    '+1' || (2000000000 + (random() * 7999999999)::bigint), '+12025550142',
    case when r < 0.02 then 'failed' when r < 0.03 then 'refused' else 'ended' end, 'caller hung up', %(settings)s::jsonb,
    rang, rang, rang + make_interval(secs => 20 + 200 * r), (20000 + 200000 * r * r)::int,
    (array['marin','cedar','alloy','verse'])[1 + (r * 4)::int %% 4], rev, rev + (case when r > 0.99 then 1 else 0 end), 8,
    case when random() < 0.3 then (1 + random() * 4)::int else 0 end, case when random() < 0.2 then 1 else 0 end,
    case when random() < 0.03 then 1 else 0 end, 0, (300 + 1200 * random() * random())::int, ''
  from (select n, random() r, (20 * power(random(), 2))::int %% 20 a, (n / 25000 + 1)::int rev,
          timestamptz '2024-01-01' + make_interval(secs => n * 60 + random() * 59) as rang
        from generate_series(1, %(count)s) n) made"""
TURNS_OF_CALLS = """insert into calls_turn (call_id, side, item_id, reply_id, started_ms, ended_ms, text, heard_text, unheard_text,
    heard_ms, generated_ms, interruption)
  select c.id, case when t %% 2 = 0 then 'agent' else 'caller' end, 'item_' || t, '', t * 5000, t * 5000 + 4000, s.text,
    case when t %% 2 = 0 then s.text else '' end, '', 4000, 4000, 0
  from calls_call c cross join generate_series(1, %(turns)s) t
  join sentence s on s.id = (hashtextextended(c.id::text, t) %% %(sentences)s + %(sentences)s) %% %(sentences)s"""
TRANSCRIPTS = """insert into calls_transcript (call_id, rang_at, text, vector)
  select id, rang_at, text, to_tsvector('simple', replace(text, E'\\n', ' qxqendqxq ')) || array_to_tsvector(marks) from
   (select c.id, c.rang_at, call_marks(c) marks, string_agg(' ' || t.text || ' ', E'\\n' order by t.started_ms) as text
    from calls_turn t join calls_call c on c.id = t.call_id group by c.id) said
  order by rang_at"""
FIRST_WORDS = """update only calls_call set first_words = left(t.text, 160) from calls_turn t
  where t.call_id = calls_call.id and t.item_id = 'item_1'"""
LABELS = """with picked as (select id, row_number() over () n from calls_call where id::text < '01'),
    made as (insert into calls_label (call_id, kind, text, at_ms, about, ref, revision, author_name, made_at)
      select id, (array['stop','not_stop','early','late','note'])[1 + n %% 5], '', 1000, 'moment', '', 1, 'ada', now() from picked
      returning call_id)
  update calls_call set label_count = 1 where id in (select call_id from made)"""


# --- asking


def questions(words: list[str]) -> dict[str, Callable[[random.Random], str]]:
    """Name -> the address of one page, another each time."""
    from calls.models import Call

    agents = sorted(set(Call.objects.order_by().values_list("agent", flat=True).distinct()))
    count, by_time = Call.objects.count(), Call.objects.order_by("rang_at")
    some = [by_time[offset] for offset in range(10, count, count // 40)]
    deep, days = [call.pk for call in some], [call.rang_at for call in some]
    common, middle, rare = words[:30], words[300:900], words[8000:]
    orders = [
        f"{sign}{name}" for name in ("when", "length", "delay", "interruptions", "false_stops") for sign in ("-", "")
    ]

    def day(chance: random.Random) -> str:
        return f"{chance.choice(days):%Y-%m-%d}"

    return {
        "list": lambda chance: "",
        "list, a deep page": lambda chance: f"after={chance.choice(deep)}",
        "list, in each order": lambda chance: f"sort={chance.choice(orders)}",
        "list, in each order, a deep page": lambda chance: f"sort={chance.choice(orders)}&after={chance.choice(deep)}",
        "agent": lambda chance: f"agent={chance.choice(agents)}",
        "agent, by length": lambda chance: f"agent={chance.choice(agents)}&sort=-length",
        "number": lambda chance: f"number={1 + chance.randrange(40)}",
        "caller's number": lambda chance: f"caller={chance.randrange(1000, 10000)}",
        "carrier": lambda chance: f"carrier={chance.choice(['twilio'])}",
        "voice": lambda chance: f"voice={chance.choice([*VOICES[:2], 'nobody'])}",
        "revision": lambda chance: f"revision={chance.randrange(1, 45)}",
        "dates": lambda chance: f"since={day(chance)}&until={day(chance)}",
        "until a day": lambda chance: f"until={day(chance)}",
        "interrupted": lambda chance: f"interrupted={chance.choice(['yes', 'no'])}",
        "false stop": lambda chance: f"went_on={chance.choice(['silent', 'any'])}",
        "labelled": lambda chance: f"labelled={chance.choice(['any', 'none', 'stop', 'late'])}",
        "failed": lambda chance: f"status={chance.choice(['failed', 'live', 'ended'])}",
        "duration": lambda chance: f"longer={chance.choice([200, 219, 300])}&shorter={chance.choice([230, 600])}",
        "several filters": lambda chance: (
            f"agent={chance.choice(agents)}&interrupted=yes&status=failed&since={day(chance)}&sort=-delay"
        ),
        "search, a rare word": lambda chance: f"q={chance.choice(rare)}",
        "search, a word": lambda chance: f"q={chance.choice(middle)}",
        "search, a common word": lambda chance: f"q={chance.choice(common)}",
        "search, two words": lambda chance: f"q={chance.choice(middle)}+{chance.choice(common)}",
        "search, two rarer words": lambda chance: f"q={chance.choice(middle)}+{chance.choice(middle)}",
        "search, a phrase": lambda chance: f"q=%22{chance.choice(common)}+{chance.choice(common)}%22",
        "search, a word and not another": lambda chance: f"q={chance.choice(middle)}+-{chance.choice(common)}",
        "search, a beginning": lambda chance: f"q={chance.choice(middle)[:3]}",
        "search and filters": lambda chance: (
            f"q={chance.choice(middle)}&agent={chance.choice(agents)}&interrupted=yes&sort=-length"
        ),
        "search, no such word": lambda chance: "q=xylophones",
    } | combinations(agents, day, orders, {"common": common, "some": middle, "rare": rare})


def combinations(
    agents: list[Any], day: Callable[[random.Random], str], orders: list[str], said: dict[str, list[str]]
) -> dict[str, Callable[[random.Random], str]]:
    """What a reviewer asks for who looks for a reason: filters with each other, with words, in any order."""

    def order(chance: random.Random) -> str:
        return f"sort={chance.choice(orders)}"

    def agent(chance: random.Random) -> str:
        return f"agent={chance.choice(agents)}"

    def revision(chance: random.Random) -> str:
        return f"revision={chance.randrange(1, 41)}"

    def word(chance: random.Random) -> str:
        return f"q={chance.choice(said[chance.choice(list(said))])}"

    def filters(chance: random.Random, count: int) -> str:
        others = [f"since={day(chance)}", f"number={chance.randint(1, 40)}", f"voice={chance.choice(VOICES)}"]
        return "&".join(chance.sample([agent(chance), revision(chance), *others, *FIXED], count))

    return {
        "failed, the longest first": lambda chance: "status=failed&sort=-length",
        "refused, the slowest first": lambda chance: "status=refused&sort=-delay",
        "failed and interrupted, the longest first": lambda chance: "status=failed&interrupted=yes&sort=-length",
        "failed and long": lambda chance: "status=failed&longer=100",
        "false stop, in each order": lambda chance: f"went_on=silent&{order(chance)}",
        "dates and false stop, by length": lambda chance: (
            f"since={day(chance)}&until={day(chance)}&went_on=silent&sort=-length"
        ),
        "revision, by false stops": lambda chance: f"{revision(chance)}&sort=-false_stops",
        "long ones of an agent, by delay": lambda chance: f"{agent(chance)}&longer=200&sort=-delay",
        "another carrier, by interruptions": lambda chance: "carrier=other&sort=-interruptions",
        "piece of a number, by length": lambda chance: f"caller={chance.randrange(1000, 10000)}&sort=-length",
        "labelled, in each order": lambda chance: f"labelled={chance.choice(['any', 'stop', 'note'])}&{order(chance)}",
        "two filters, in each order": lambda chance: f"{filters(chance, 2)}&{order(chance)}",
        "three filters, in each order": lambda chance: f"{filters(chance, 3)}&{order(chance)}",
        "word, in each order": lambda chance: f"{word(chance)}&{order(chance)}",
        "label and a word": lambda chance: f"labelled=any&{word(chance)}",
        "dates and a word, by length": lambda chance: (
            f"since={day(chance)}&until={day(chance)}&{word(chance)}&sort=-length"
        ),
        "failed and a word, the longest first": lambda chance: f"status=failed&{word(chance)}&sort=-length",
        "word and a filter, in each order": lambda chance: f"{word(chance)}&{filters(chance, 1)}&{order(chance)}",
        "word and two filters, in each order": lambda chance: f"{word(chance)}&{filters(chance, 2)}&{order(chance)}",
        "common word, agent and interrupted, by length": lambda chance: (
            f"q={chance.choice(said['common'])}&{agent(chance)}&interrupted=yes&sort=-length"
        ),
        "rare word, agent and interrupted, by length": lambda chance: (
            f"q={chance.choice(said['rare'])}&{agent(chance)}&interrupted=yes&sort=-length"
        ),
    }


VOICES = ["marin", "cedar", "alloy", "verse"]
FIXED = [
    *("interrupted=yes", "interrupted=no", "went_on=silent", "went_on=any", "labelled=any", "labelled=none"),
    *("status=failed", "status=ended", "carrier=twilio", "longer=100", "shorter=40"),
]
"""Filters with few values."""


def measure(args: argparse.Namespace, words: list[str]) -> list[Figure]:
    from django.contrib.auth.models import User
    from django.test import Client

    client = Client()
    client.force_login(User.objects.create_superuser(f"bench-{secrets.token_hex(4)}", password=None))
    chance = random.Random(11)
    rows = []
    for name, address in questions(words).items():
        asked = [timed(client, f"/calls/?{address(chance)}") for _ in range(args.repeat)]
        times, cpu = [wall for wall, _ in asked], [cpu for _, cpu in asked]
        rows.append(Figure(f"{name}, p95", percentile(times, 0.95), "ms", LIMIT_MS))
        rows.append(Figure(f"{name}, median", percentile(times, 0.5), "ms"))
        rows.append(Figure(f"{name}, CPU of page and database, p95", percentile(cpu, 0.95), "ms"))
        told = f"p95 {percentile(times, 0.95):.0f} ms, median {percentile(times, 0.5):.0f}, most {max(times):.0f}"
        print(f"  {name}: {told}; CPU p95 {percentile(cpu, 0.95):.0f} ms", flush=True)
    return rows


def warm(words: list[str]) -> None:
    """One of each, unmeasured: the first page of a process compiles its templates."""
    with contextlib.redirect_stdout(io.StringIO()):
        measure(argparse.Namespace(repeat=1), words)


def timed(client: Any, address: str) -> tuple[float, float]:
    """Ms on the wall, and ms of CPU in this process and its database session: on a busy machine they are far apart."""
    began, used = time.monotonic(), cpu_ms()
    answer = client.get(address)
    spent, cpu = (time.monotonic() - began) * 1000, cpu_ms() - used
    assert answer.status_code == 200, address
    if spent > LIMIT_MS or "takes the database too long" in answer.content.decode():
        print(f"    {spent:.0f} ms, {cpu:.0f} of CPU: {address}", flush=True)
    return spent, cpu


def cpu_ms() -> float:
    """Of this process, and of the database's process for it where that is on this machine."""
    from django.db import connection

    connection.ensure_connection()
    statistics = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")
    database = int(statistics.read_text().split()[0]) / 1e6 if statistics.exists() else 0.0
    return time.process_time() * 1000 + database


def main() -> int:
    args = options()
    words = vocabulary(random.Random(3))
    with database(args) as url:
        os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "voiceplatform.settings"}
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command
        from django.db import connection

        settings.ALLOWED_HOSTS.append("testserver")
        if not args.database_url:
            call_command("migrate", verbosity=0)
            print(f"Making {args.calls:,} calls", flush=True)
            populate(args.calls, words)
        warm(words)
        rows = measure(args, words)
        connection.close()
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    print(f"Load of this machine, with {os.cpu_count()} cores: {load}")
    print(table(rows))
    if args.json:
        args.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    missed = [row.name for row in rows if not row.met]
    print("All expectations met." if not missed else "Missed: " + ", ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
