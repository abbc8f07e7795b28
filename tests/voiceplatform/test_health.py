from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from calls import services
from tests.platform import wait_for
from voiceplatform import embedded_redis


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    process = subprocess.Popen(embedded_redis.command(tmp_path))
    try:
        wait_for(lambda: embedded_redis.answers(tmp_path / "redis.sock"), "redis answers")
        yield f"unix://{tmp_path}/redis.sock"
    finally:
        process.kill()
        process.wait()


def test_a_living_process_says_so_without_a_database(client: Client) -> None:
    assert client.get("/healthz").status_code == 200  # the database is locked away: no django_db mark


@pytest.mark.django_db
def test_ready_when_database_and_redis_answer(client: Client, settings: Any, redis_url: str) -> None:
    settings.REDIS_URL = redis_url
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "missing": {}})


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["unix:///nowhere/redis.sock", "redis://127.0.0.1:1/0", "odd://host"])
def test_redis_away_is_named(client: Client, settings: Any, url: str) -> None:
    settings.REDIS_URL = url
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert set(answer.json()["missing"]) == {"redis"}


@pytest.mark.django_db
def test_a_database_that_fails_is_named(client: Client, settings: Any, redis_url: str) -> None:
    from django.db import OperationalError

    def refuse(*args: Any) -> Any:
        raise OperationalError("away")

    settings.REDIS_URL = redis_url
    with connection.execute_wrapper(refuse):
        answer = client.get("/readyz")
        counted = client.get("/metrics")
    assert answer.status_code == 503
    assert set(answer.json()["missing"]) == {"database"}
    assert counted.status_code == 200
    assert "process_resident_memory_bytes" in counted.content.decode()


@pytest.mark.django_db
def test_metrics_count_calls_and_describe_the_process(client: Client) -> None:
    services.refuse(
        carrier="twilio",
        carrier_call_id="CA1",
        account_id="AC1",
        caller="+12025550100",
        called="+12025550199",
        reason="x",
    )
    lines = client.get("/metrics").content.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values["calls_live"] == "0"
    assert values['calls_rows{status="refused"}'] == "1"
    assert values['calls_rows{status="live"}'] == "0"
    assert int(values["process_resident_memory_bytes"]) > 10_000_000
    assert sum(line.startswith("# TYPE calls_rows ") for line in lines) == 1
    assert not any("+1202555" in line for line in lines)


@pytest.mark.django_db
def test_the_front_door_leads_to_the_calls(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/admin/"
