"""An agent, and who sets it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agents.models import Agent, TurnSettings


@pytest.fixture
def agent(db: None) -> Agent:
    made = Agent.objects.create(name="Front desk", instructions="Help.", greeting="Hello.")
    TurnSettings.objects.create(agent=made)
    return made


@pytest.fixture
def admin(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("admin", password="a-good-password"))
    return client
