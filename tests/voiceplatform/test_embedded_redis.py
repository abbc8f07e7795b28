from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
from pathlib import Path

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer

from tests.platform import wait_for
from voiceplatform import embedded_redis


def start(folder: Path) -> subprocess.Popen[bytes]:
    """As the supervisor does: the lock's descriptor belongs to Redis, and to nobody else."""
    descriptor = embedded_redis.lock(folder)
    process = subprocess.Popen(embedded_redis.command(folder), pass_fds=(descriptor,))
    os.close(descriptor)
    wait_for(lambda: embedded_redis.answers(folder / "redis.sock"), "redis answers")
    return process


def test_the_folder_is_locked_as_long_as_its_redis_lives(tmp_path: Path) -> None:
    first = start(tmp_path)
    try:
        with pytest.raises(embedded_redis.RedisUnavailable, match="already running"):
            embedded_redis.lock(tmp_path)
    finally:
        first.kill()
        first.wait()
    os.close(embedded_redis.lock(tmp_path))


def test_a_killed_redis_finds_what_was_written(tmp_path: Path) -> None:
    import redis

    first = start(tmp_path)
    address = f"unix://{tmp_path}/redis.sock"
    with redis.Redis.from_url(address) as client:
        client.rpush("tasks", *range(1000))
    first.kill()
    first.wait()
    second = start(tmp_path)
    try:
        with redis.Redis.from_url(address) as client:
            assert client.llen("tasks") == 1000
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    finally:
        second.kill()
        second.wait()


def test_only_we_can_reach_it_and_only_by_its_socket(tmp_path: Path) -> None:
    process = start(tmp_path)
    try:
        assert (tmp_path / "redis.sock").stat().st_mode & 0o777 == 0o700
        options = embedded_redis.command(tmp_path)
        assert options[options.index("--port") + 1] == "0"
    finally:
        process.kill()
        process.wait()


def test_a_folder_whose_name_is_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(embedded_redis.RedisUnavailable, match="Set DATA_DIR to a shorter folder"):
        embedded_redis.command(tmp_path / ("x" * 120))


def test_a_lock_that_another_process_holds_is_respected(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(embedded_redis.RedisUnavailable):
            embedded_redis.lock(tmp_path)
    finally:
        os.close(descriptor)


async def test_a_listener_of_the_channel_layer_survives_silence(tmp_path: Path) -> None:
    """redis-py gives up on a silent socket after 5 s unless told otherwise, and a page's websocket would die of it."""
    process = start(tmp_path)
    layer = RedisPubSubChannelLayer(hosts=[f"unix://{tmp_path}/redis.sock"])
    try:
        channel = await layer.new_channel()
        listener = asyncio.create_task(layer.receive(channel))
        finished, _ = await asyncio.wait([listener], timeout=6.5)
        assert not finished
        await layer.send(channel, {"type": "still.there"})
        assert await asyncio.wait_for(listener, 5) == {"type": "still.there"}
    finally:
        await layer.flush()
        process.kill()
        process.wait()
