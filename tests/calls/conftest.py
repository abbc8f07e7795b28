"""A call to be reviewed, who reviews it, and the counterparts that several tests have: a broker, a carrier's account, a number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agents.models import Agent, PhoneNumber
from calls.models import Call
from tests.calls.broker import Broker
from tests.calls.reviewed_call import reviewed_call
from tests.calls.twilio_account import ACCOUNT, TOKEN, Account


@pytest.fixture
def call(db: None) -> Call:
    return reviewed_call()


@pytest.fixture
def reviewer(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin", password="a-good-password"))
    return client


@pytest.fixture
def away(tmp_path: Path, settings: Any) -> Iterator[Broker]:
    """A broker that has not been started."""
    made = Broker(tmp_path)
    layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [f"unix://{made.socket}"]}}
    settings.CHANNEL_LAYERS = {"default": layer}
    yield made
    made.stop()


@pytest.fixture
def broker(away: Broker) -> Broker:
    away.start()
    return away


@pytest.fixture
def account(settings: Any) -> Iterator[Account]:
    made = Account()
    settings.TWILIO_API_URL, settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = made.url, ACCOUNT, TOKEN
    settings.TWILIO_API_KEY = settings.TWILIO_API_SECRET = ""
    yield made
    made.close()


@pytest.fixture
def number(db: None) -> PhoneNumber:
    agent = Agent.objects.create(name="Front desk", instructions="Help.")
    return PhoneNumber.objects.create(number="+12025550142", agent=agent)
