"""The pages on which calls are followed and placed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.test import Client

from agents import history
from agents.models import Agent, TurnSettings
from calls import services, tokens
from calls.models import Call
from tests import people
from voiceplatform.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> Agent:
    made = Agent.objects.create(name="Front desk", instructions="Help.")
    TurnSettings.objects.create(agent=made)
    return made


def signed_in(kind: str, *, checked: bool = False) -> Client:
    client, user = Client(enforce_csrf_checks=checked), people.person(kind)
    if user is not None:
        client.force_login(user)
    return client


def running(agent: Agent, caller: str = "+12025550101") -> Call:
    return Call.objects.create(
        agent=agent, carrier="twilio", carrier_call_id=uuid4().hex, caller=caller, status=Call.Status.LIVE
    )


def test_the_board_lists_what_runs_before_its_socket_stands(agent: Agent) -> None:
    call = running(agent)
    Call.objects.create(agent=agent, carrier="twilio", carrier_call_id="over", caller="+1999", status="ended")
    page = signed_in(people.REVIEWER).get("/calls/live/").content.decode()
    assert "+12025550101" in page
    assert f"/calls/live/{call.pk}/" in page
    assert "+1999" not in page
    assert "1 call running" in page


def test_an_empty_board_says_what_to_do(agent: Agent) -> None:
    page = signed_in(people.TUNER).get("/calls/live/").content.decode()
    assert "Nobody is on the line" in page
    assert "Choose an agent" in page


def test_a_call_page_offers_what_its_reader_may(agent: Agent) -> None:
    path = f"/calls/live/{running(agent).pk}/"
    reviewer, tuner = (signed_in(kind).get(path).content.decode() for kind in (people.REVIEWER, people.TUNER))
    for offered, to_reviewer, to_tuner in (
        ('id="lv-listen"', True, False),
        ('id="lv-hangup"', False, True),
        ('id="lv-say"', False, True),
        ('"tune": true', False, True),
    ):
        assert (offered in reviewer, offered in tuner) == (to_reviewer, to_tuner), offered
    assert signed_in(people.REVIEWER).get(f"/calls/live/{uuid4()}/").status_code == 404


def test_a_call_that_is_over_is_reviewed(agent: Agent) -> None:
    call = running(agent)
    Call.objects.update(status=Call.Status.ENDED)
    answer = signed_in(people.REVIEWER).get(f"/calls/live/{call.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, call.get_absolute_url())


@pytest.mark.parametrize("kind", people.ALL)
def test_only_who_may_place_calls_gets_the_phone(agent: Agent, kind: str) -> None:
    client, able = signed_in(kind), kind in (people.TUNER, people.ADMIN)
    page = client.get(f"/calls/live/agents/{agent.pk}/")
    start = client.post(f"/calls/live/agents/{agent.pk}/start/")
    assert page.status_code == (302 if kind == people.NOBODY else 200 if able else 403)
    assert start.status_code == (200 if able else 403)
    assert Call.objects.count() == able


def test_a_started_call_rings_and_its_token_opens_it(agent: Agent) -> None:
    answer = signed_in(people.TUNER).post(f"/calls/live/agents/{agent.pk}/start/").json()
    call = Call.objects.get()
    assert answer["call"] == str(call.pk)
    assert tokens.read(answer["token"], call.carrier_call_id) == call.pk
    assert (call.carrier, call.status, call.agent, call.number) == ("browser", "ringing", agent, None)
    assert call.caller.startswith("Tuner")
    assert AuditEntry.objects.get().act == "called"


def test_a_start_from_another_site_is_refused(agent: Agent) -> None:
    client = signed_in(people.TUNER, checked=True)
    assert client.post(f"/calls/live/agents/{agent.pk}/start/").status_code == 403
    assert client.get(f"/calls/live/agents/{agent.pk}/start/").status_code == 405
    assert not Call.objects.exists()


def test_an_agent_that_is_switched_off_can_be_tried_out_and_not_rung(agent: Agent) -> None:
    Agent.objects.update(active=False)
    call = services.ring_from_browser(agent=agent, who="ann")
    claimed = services.claim_stream(call_id=call.pk, carrier_call_id=call.carrier_call_id)
    assert claimed is not None
    assert claimed.settings["name"] == "Front desk"
    rung = Call.objects.create(agent=agent, carrier="twilio", carrier_call_id="CA1")
    assert services.claim_stream(call_id=rung.pk, carrier_call_id="CA1") is None


def test_the_agents_page_leads_to_the_phone_for_who_may(agent: Agent) -> None:
    path, link = f"/admin/agents/agent/{agent.pk}/change/", f'href="/calls/live/agents/{agent.pk}/"'
    assert link in signed_in(people.TUNER).get(path).content.decode()
    assert link not in signed_in(people.REVIEWER).get(path).content.decode()


def kept(client: Client, agent: Agent, call: Call, **values: object) -> HttpResponse:
    body = {"values": values, "call": str(call.pk)}
    return client.post(f"/calls/live/agents/{agent.pk}/keep/", body, content_type="application/json")


def test_what_was_tried_in_a_call_is_kept_for_the_agent(agent: Agent) -> None:
    call, tuner = running(agent), signed_in(people.TUNER)
    answer = kept(tuner, agent, call, threshold=0.7, min_speech_ms=300, ignore_backchannels=False)
    assert answer.status_code == 200
    assert answer.json()["says"].startswith(f"Saved for {agent}: ")
    turn = TurnSettings.objects.get(agent=agent)
    assert (turn.threshold, turn.min_speech_ms, turn.ignore_backchannels) == (0.7, 300, False)
    (latest, *_) = history.of(agent)
    assert latest.why == f"tried in call {call.pk}"
    line = AuditEntry.objects.get(act="changed")
    assert line.details["tried_in"] == str(call.pk)
    assert ["threshold", "0.6", "0.7"] in line.details["changes"]

    again = kept(tuner, agent, call, threshold=0.7)
    assert again.json()["says"] == f"{agent} has these already."
    assert AuditEntry.objects.filter(act="changed").count() == 1
    assert history.of(agent)[0].key == latest.key


@pytest.mark.parametrize(
    "values",
    [
        {"threshold": 7},
        {"threshold": "loud"},
        {"min_speech_ms": None},
        {"mode": "full"},
        {"pk": 1},
        {"threshold": "nan"},
        {"min_speech_ms": float("inf")},
    ],
)
def test_what_the_settings_do_not_take_is_not_kept(agent: Agent, values: dict[str, object]) -> None:
    answer = kept(signed_in(people.TUNER), agent, running(agent), **values)
    assert answer.status_code == 422
    assert answer.json()["says"].startswith("Nothing was saved. ")
    assert TurnSettings.objects.get(agent=agent).threshold == 0.6


def test_what_was_tried_with_another_agent_is_not_kept(agent: Agent) -> None:
    other = Agent.objects.create(name="Night desk", instructions="Help.")
    tuner = signed_in(people.TUNER)
    assert kept(tuner, agent, running(other), threshold=0.7).status_code == 404
    unknown = Call(pk=uuid4())
    assert kept(tuner, agent, unknown, threshold=0.7).status_code == 404
    assert TurnSettings.objects.get(agent=agent).threshold == 0.6


def test_who_may_change_running_calls_alone_keeps_nothing_for_the_agent(agent: Agent) -> None:
    client, user = Client(), people.person(people.REVIEWER)
    assert user is not None
    user.user_permissions.add(Permission.objects.get(codename="change_turnsettings"))
    client.force_login(user)
    call = running(agent)
    assert kept(client, agent, call, threshold=0.7).status_code == 403
    page = client.get(f"/calls/live/{call.pk}/").content.decode()
    assert ('"tune": true' in page, 'id="lv-keep"' in page) == (True, False)


BODIES = [
    "",
    "[]",
    '{"values": {}}',
    '{"values": 3, "call": "x"}',
    '{"values": {}, "call": 5}',
    '{"values": {}, "call": []}',
]


@pytest.mark.parametrize("body", BODIES)
def test_what_is_no_request_is_answered_in_words(agent: Agent, body: str) -> None:
    path = f"/calls/live/agents/{agent.pk}/keep/"
    answer = signed_in(people.TUNER).post(path, body, content_type="application/json")
    assert (answer.status_code, "Load it again" in answer.json()["says"]) == (400, True)


@pytest.mark.parametrize("kind", people.ALL)
def test_only_who_may_tune_keeps_for_an_agent(agent: Agent, kind: str) -> None:
    answer = kept(signed_in(kind), agent, running(agent), threshold=0.7)
    assert answer.status_code == (200 if kind in (people.TUNER, people.ADMIN) else 403)
    page = signed_in(kind).get(f"/calls/live/{Call.objects.get().pk}/").content.decode()
    assert ('id="lv-keep"' in page) == (answer.status_code == 200)
