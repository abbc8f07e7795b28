"""Every address of the product, and who may use it. An address without a line here fails, so a new one has to be decided."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from channels.layers import channel_layers
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.test import Client
from django.urls import get_resolver

from agents.models import Agent, PhoneNumber, TurnSettings
from calls import audio, live_settings
from calls.models import Call, Recording
from calls.routing import browser_urlpatterns, browsers, websocket_urlpatterns
from tests.agents.test_admin import filled
from tests.people import ADMIN, ALL, BARE, GUEST, NOBODY, REVIEWER, STAFF, TUNER, person
from voiceplatform import roles
from voiceplatform.audit import Act, record
from voiceplatform.models import AuditEntry

pytestmark = pytest.mark.django_db

ANYONE = frozenset(ALL)
SIGNED_IN = ANYONE - {NOBODY}
READERS = frozenset({REVIEWER, TUNER, ADMIN})
TUNERS = frozenset({TUNER, ADMIN})
EARS = frozenset({REVIEWER, ADMIN})
ADMINS = frozenset({ADMIN})
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rule:
    """Who gets through with a method. What is answered to them is the business of the page's own tests."""

    who: frozenset[str]
    method: str = "get"
    data: dict[str, str] = field(default_factory=dict)


def get(who: frozenset[str], **data: str) -> Rule:
    return Rule(who, "get", data)


def post(who: frozenset[str], **data: str) -> Rule:
    return Rule(who, "post", data)


CARRIERS = "signed by the carrier"
"""No person's: calls/webhooks.py checks the signature, and its tests ask for that."""

RULES: dict[str, list[Rule] | str] = {
    "": [get(ANYONE)],  # a redirect
    "healthz": [get(ANYONE)],
    "readyz": [get(ANYONE)],
    "metrics": [get(ANYONE)],
    "carriers/twilio/voice/": CARRIERS,
    "carriers/twilio/stream-status/": CARRIERS,
    "carriers/twilio/after-stream/": CARRIERS,
    "calls/": [get(READERS)],
    "calls/<uuid:call_id>/": [get(READERS)],
    "calls/<uuid:call_id>/recording.wav": [get(EARS)],
    "calls/<uuid:call_id>/transcript.<slug:ending>": [get(READERS)],
    "calls/<uuid:call_id>/events.jsonl": [get(READERS)],
    "calls/<uuid:call_id>/labels/": [post(EARS, kind="late", at_ms="1")],
    "calls/<uuid:call_id>/labels/<int:label_id>/remove/": [post(EARS)],
    "calls/calls.csv": [get(READERS)],
    "calls/live/": [get(READERS)],
    "calls/live/<uuid:call_id>/": [get(READERS)],
    "calls/live/agents/<int:agent_id>/": [get(TUNERS)],
    "calls/live/agents/<int:agent_id>/start/": [post(TUNERS)],
    "calls/live/agents/<int:agent_id>/keep/": [post(TUNERS)],
    "calls/agents/<int:agent_id>/": [get(READERS)],
    "calls/agents/<int:agent_id>/apply/": [post(TUNERS)],
    "calls/agents/<int:agent_id>/effect/": [get(READERS)],
    "calls/agents/<int:agent_id>/session/": [post(READERS)],
    "calls/voices/try/": [post(TUNERS)],
    "calls/now/": [get(READERS)],
    "calls/numbers/<int:number_id>/configure/": [get(ADMINS), post(ADMINS)],
    "admin/": [get(STAFF)],
    "admin/login/": [get(ANYONE)],
    "admin/logout/": [post(ANYONE)],
    "admin/search/": [get(STAFF, s="front")],
    "admin/password_change/": [get(STAFF)],
    "admin/password_change/done/": [get(STAFF)],
    "admin/autocomplete/": [get(ADMINS, app_label="auth", model_name="user", field_name="groups")],
    "admin/jsi18n/": [get(STAFF)],
    "admin/r/<path:content_type_id>/<path:object_id>/": [get(STAFF)],
    "admin/^(?P<app_label>voiceplatform|auth|agents|calls)/$": [
        get(STAFF)
    ],  # not there for those who may see none of it
    "admin/(?P<url>.*)$": [get(STAFF)],  # a page that is not there
    "admin/auth/user/<id>/password/": [get(ADMINS), post(ADMINS)],
    "admin/agents/agent/turn-detection/": [post(READERS)],
    "admin/agents/agent/<int:agent_id>/preset/<slug:slug>/": [post(TUNERS)],
    "admin/agents/agent/<int:agent_id>/undo/": [post(TUNERS)],
    "admin/agents/agent/<int:agent_id>/roll-back/": [post(TUNERS, to="0-0")],
    "admin/voiceplatform/auditentry/export/": [get(ADMINS)],
}

MODELS: dict[str, dict[str, frozenset[str]]] = {
    "agents.agent": {"view": READERS, "add": ADMINS, "change": TUNERS, "delete": ADMINS},
    "agents.phonenumber": {"view": READERS, "add": ADMINS, "change": ADMINS, "delete": ADMINS},
    "calls.call": {"view": READERS, "add": NONE, "change": NONE, "delete": ADMINS},
    "auth.user": {"view": ADMINS, "add": ADMINS, "change": ADMINS, "delete": ADMINS},
    "auth.group": {"view": ADMINS, "add": NONE, "change": NONE, "delete": NONE},
    "voiceplatform.auditentry": {"view": ADMINS, "add": NONE, "change": NONE, "delete": NONE},
}
"""The five pages of each model in the admin."""

for model, may in MODELS.items():
    page = f"admin/{model.replace('.', '/')}/"
    RULES |= {
        page: [get(may["view"])],
        f"{page}add/": [get(may["add"]), post(may["add"])],
        f"{page}<path:object_id>/history/": [get(may["view"])],
        f"{page}<path:object_id>/delete/": [get(may["delete"]), post(may["delete"])],
        f"{page}<path:object_id>/change/": [get(may["view"]), post(may["change"])],
        f"{page}<path:object_id>/": [get(STAFF)],  # a redirect to the page above
    }


def addresses(patterns: Iterable[Any], before: str = "") -> Iterable[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route


ROUTES = list(addresses(get_resolver().url_patterns))


def test_every_address_has_a_rule() -> None:
    undecided = set(ROUTES) - set(RULES)
    assert not undecided, f"say in RULES who may use these: {undecided}"
    assert not set(RULES) - set(ROUTES), "rules without an address"


def test_every_model_of_the_admin_has_a_rule() -> None:
    assert {model._meta.label_lower for model in admin.site._registry} == set(MODELS)


WEBSOCKETS = {
    "carriers/<slug:carrier>/media/": "the token of the stream's first message",
    "carriers/browser/media/": "the origin, a session that may place calls, and the token",
    "calls/live/socket/": "the origin, and a session that may see calls",
    "calls/live/<uuid:call_id>/socket/": "the origin, and a session that may see calls; each act asks for more",
}
"""Each with what opens it; the tests of its consumer hold it to that."""


def test_every_websocket_has_a_rule() -> None:
    found = [route for route in websocket_urlpatterns if route.callback is not browsers] + browser_urlpatterns
    assert {str(route.pattern) for route in found} == set(WEBSOCKETS)


@pytest.fixture
def places(settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """One row of everything, as the parts of an address name it."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    channel_layers.backends.clear()
    monkeypatch.setattr(live_settings, "WAIT_S", 0.01)
    agent = Agent.objects.create(name="Front desk", instructions="Help.")
    TurnSettings.objects.create(agent=agent)
    number = PhoneNumber.objects.create(number="+12025550142", agent=agent)
    call = Call.objects.create(agent=agent, number=number, carrier="twilio", carrier_call_id="CA0a", status="ended")
    path = settings.DATA_DIR / "recordings" / "access.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(audio.mulaw_wav_header(16) + b"\xff" * 16)
    Recording.objects.create(call=call, path="recordings/access.wav", duration_ms=1, size=path.stat().st_size)
    user = User.objects.create_user("somebody")
    record(Act.MADE, by=user)
    own = Group.objects.create(name="A group of our own")
    return {
        "<uuid:call_id>": str(call.pk),
        "<int:agent_id>": str(agent.pk),
        "<int:number_id>": str(number.pk),
        "<slug:slug>": "natural",
        "<slug:ending>": "txt",
        "<int:label_id>": "1",
        "<id>": str(user.pk),
        "<path:content_type_id>": "1",
        "agents.agent": str(agent.pk),
        "agents.phonenumber": str(number.pk),
        "calls.call": str(call.pk),
        "auth.user": str(user.pk),
        "auth.group": str(own.pk),
        "voiceplatform.auditentry": str(AuditEntry.objects.latest("id").pk),
    }


def address(route: str, places: dict[str, str]) -> str:
    """A route with something in each of its gaps."""
    route = route.replace("^(?P<app_label>voiceplatform|auth|agents|calls)/$", "agents/").replace(
        "(?P<url>.*)$", "not-there"
    )
    for model in MODELS:
        if route.startswith(f"admin/{model.replace('.', '/')}/"):
            route = route.replace("<path:object_id>", places[model])
    route = route.replace("<path:object_id>", "1")
    for gap, value in places.items():
        route = route.replace(gap, value)
    assert "<" not in route, f"a row for {route} is missing in `places`"
    return f"/{route}"


def may_pass(response: Any) -> bool:
    if response.status_code == 302 and response["Location"].startswith("/admin/login/"):
        return False
    return response.status_code not in (401, 403)


@pytest.mark.parametrize(
    "route", [route for route, rules in RULES.items() if rules != CARRIERS], ids=lambda r: r or "/"
)
def test_who_may_use_it(route: str, places: dict[str, str], settings: Any) -> None:
    settings.OPENAI_API_KEY = "sk-never-to-be-seen"
    secrets = [settings.OPENAI_API_KEY, settings.SECRET_KEY]
    for rule in RULES[route]:
        assert isinstance(rule, Rule)
        passed = set()
        for kind in ALL:
            client, mark = Client(raise_request_exception=False), transaction.savepoint()
            if user := person(kind):
                client.force_login(user)
            response = getattr(client, rule.method)(address(route, places), rule.data)
            assert response.status_code != 405, f"{route} does not take {rule.method}"
            assert response.status_code < 500 or route == "readyz"
            passed |= {kind} if may_pass(response) else set()
            shown = b"".join(response) if response.streaming else response.content
            assert not any(secret.encode() in shown for secret in secrets), f"{kind} reads a secret at {route}"
            transaction.savepoint_rollback(mark)
        assert passed == rule.who, f"{rule.method} {route}"


# --- what the roles are for


def client_of(kind: str) -> Client:
    client = Client()
    user = person(kind)
    assert user is not None
    client.force_login(user)
    return client


@pytest.mark.parametrize(("kind", "threshold"), [(REVIEWER, 0.6), (TUNER, 0.9), (ADMIN, 0.9)])
def test_a_reviewer_cannot_change_a_threshold(places: dict[str, str], kind: str, threshold: float) -> None:
    agent = Agent.objects.get()
    client_of(kind).post(f"/admin/agents/agent/{agent.pk}/change/", filled(agent, threshold="0.9"))
    assert TurnSettings.objects.get().threshold == threshold


def test_nobody_but_a_superuser_gives_what_he_has_not(places: dict[str, str]) -> None:
    client, boss = client_of(ADMIN), User.objects.create_superuser("boss")
    somebody = User.objects.get(username="somebody")
    wanted = {"username": "somebody", "is_active": "on", "is_superuser": "on", "user_permissions": "1"}
    assert client.post(f"/admin/auth/user/{somebody.pk}/change/", wanted).status_code == 302
    somebody.refresh_from_db()
    assert not somebody.is_superuser and not somebody.user_permissions.exists()
    for page in ("change", "password", "delete"):
        where = f"/admin/auth/user/{boss.pk}/{page}/"
        assert client.post(where, {"username": "boss", "post": "yes"}).status_code == 403, page
    chosen = {"action": "delete_selected", "_selected_action": str(boss.pk), "post": "yes"}
    client.post("/admin/auth/user/", chosen)
    assert User.objects.filter(username="boss").exists()


def test_nobody_gives_or_takes_a_group_that_may_do_more(places: dict[str, str]) -> None:
    client, somebody = client_of(ADMIN), User.objects.get(username="somebody")
    me = User.objects.get(groups__name=ADMIN)
    stronger, own = Group.objects.create(name="Owners"), Group.objects.get(name="A group of our own")
    stronger.permissions.set(Permission.objects.filter(codename__in=["change_group", "view_call"]))
    own.permissions.set(Permission.objects.filter(codename="view_call"))
    role = Group.objects.get(name=ADMIN)

    for user in (me, somebody):
        where = f"/admin/auth/user/{user.pk}/change/"
        assert "Owners" not in client.get(where).content.decode()
        sent = {"username": user.username, "is_active": "on", "groups": [str(stronger.pk)]}
        assert "not one of the available choices" in client.post(where, sent).content.decode()
        assert stronger not in user.groups.all()
    made = {"username": "new", "usable_password": "false", "groups": [str(stronger.pk)]}
    assert "not one of the available choices" in client.post("/admin/auth/user/add/", made).content.decode()

    where = f"/admin/auth/user/{somebody.pk}/change/"
    somebody.groups.add(stronger)
    assert "not yours to give or take: Owners" in client.get(where).content.decode()
    password = f"/admin/auth/user/{somebody.pk}/password/"
    assert client.get(password).status_code == 403  # who sets it could become them
    User.objects.filter(pk=somebody.pk).update(is_active=False)
    assert client.get(password).status_code == 403
    sent = {"username": "somebody", "is_active": "on", "groups": [str(own.pk), str(role.pk)]}
    assert client.post(where, sent).status_code == 302
    assert set(somebody.groups.all()) == {stronger, own, role}
    assert ["Groups", "none", "A group of our own, Admin"] in AuditEntry.objects.get(act=Act.ROLE).details["changes"]
    assert client.post(where, {**sent, "groups": []}).status_code == 302
    assert set(somebody.groups.all()) == {stronger}

    somebody.groups.remove(stronger)
    assert client.get(password).status_code == 200
    somebody.groups.add(stronger)
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    assert boss.post(where, {**sent, "groups": [str(stronger.pk)]}).status_code == 302
    assert boss.post(where, {**sent, "groups": [str(own.pk)]}).status_code == 302
    assert set(somebody.groups.all()) == {own}


def test_whoever_gets_a_role_can_sign_in_to_use_it(places: dict[str, str]) -> None:
    somebody, group = User.objects.get(username="somebody"), Group.objects.get(name=REVIEWER)
    sent = {"username": "somebody", "is_active": "on", "groups": str(group.pk)}
    client_of(ADMIN).post(f"/admin/auth/user/{somebody.pk}/change/", sent)
    somebody.refresh_from_db()
    assert somebody.is_staff and list(somebody.groups.all()) == [group]
    line = AuditEntry.objects.get(act=Act.ROLE)
    assert line.about == "somebody" and ["Groups", "none", REVIEWER] in line.details["changes"]


def test_the_three_roles_stay_what_they_are(places: dict[str, str], client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    for role in roles.ROLES:
        group = Group.objects.get(name=role)
        where = f"/admin/auth/group/{group.pk}"
        assert client.post(f"{where}/change/", {"name": role}).status_code == 403
        assert client.post(f"{where}/delete/", {"post": "yes"}).status_code == 403
        client.post(
            "/admin/auth/group/", {"action": "delete_selected", "_selected_action": str(group.pk), "post": "yes"}
        )
    assert Group.objects.filter(name__in=roles.ROLES).count() == 3
    own = Group.objects.get(name="A group of our own")
    hear = Permission.objects.get(codename="hear_recording")
    client.post(f"/admin/auth/group/{own.pk}/change/", {"name": own.name, "permissions": str(hear.pk)})
    assert list(own.permissions.all()) == [hear]


# --- the page of those who may not


def test_those_who_may_not_are_told_what_is_missing_and_whom_to_ask(places: dict[str, str]) -> None:
    boss = User.objects.create_superuser("boss", "boss@example.com", first_name="Ada", last_name="Boss")
    answer = client_of(TUNER).get(f"/calls/{places['<uuid:call_id>']}/recording.wav")
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "hear and export recordings" in page
    assert boss.get_full_name() in page and boss.email in page
    outside = client_of(GUEST).get("/calls/").content.decode()
    assert "view call" in outside and "Ada Boss" in outside and "Back to the start page" not in outside


def test_without_an_admin_they_are_told_that(places: dict[str, str]) -> None:
    assert "nobody has the role Admin" in client_of(BARE).get("/calls/").content.decode()
