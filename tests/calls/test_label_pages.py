"""Labelling over HTTP: who may, what is kept, and what is answered."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from calls.models import Call, Label
from tests.calls.many import many

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Call:
    return many(1)[0]


def reviewer(name: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_call", "add_label"]))
    client = Client(headers={"X-Requested-With": "fetch"})
    client.force_login(user)
    return client


def test_a_label_is_kept_and_the_list_answered(call: Call) -> None:
    data = {"kind": "not_stop", "at_ms": "1800", "target": "interruption:1", "text": "she coughed"}
    answer = reviewer("ada").post(f"/calls/{call.pk}/labels/", data)
    page = answer.content.decode()
    assert answer.status_code == 200
    for told in ("Should not have stopped", "Interruption 1", "“she coughed”", "ada", "Remove"):
        assert told in page
    label = Label.objects.get()
    assert (label.about, label.ref, label.at_ms, label.author_name) == ("interruption", "1", 1800, "ada")


def test_without_a_script_the_page_comes_back(call: Call) -> None:
    client = reviewer("ada")
    answer = client.post(f"/calls/{call.pk}/labels/", {"kind": "late", "at_ms": "1"}, headers={"X-Requested-With": ""})
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"{call.pk}/#labels")


WRONG = [
    {"kind": "odd", "at_ms": "1"},
    {"kind": "late"},
    {"kind": "late", "at_ms": "-1"},
    {"kind": "late", "at_ms": "99999999999"},
    {"kind": "note", "at_ms": "1", "text": " "},
    {"kind": "late", "at_ms": "1", "target": "weather:3"},
    {"kind": "late", "at_ms": "1", "text": "x" * 1001},
]


@pytest.mark.parametrize("data", WRONG)
def test_what_is_wrong_is_told_and_not_kept(call: Call, data: dict[str, str]) -> None:
    answer = reviewer("ada").post(f"/calls/{call.pk}/labels/", data)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not Label.objects.exists()


def test_only_its_author_takes_it_back(call: Call) -> None:
    ada, bob = reviewer("ada"), reviewer("bob")
    ada.post(f"/calls/{call.pk}/labels/", {"kind": "late", "at_ms": "1"})
    address = f"/calls/{call.pk}/labels/{Label.objects.get().pk}/remove/"
    refused = bob.post(address)
    assert refused.status_code == 403
    assert "Remove" not in refused.content.decode()
    assert ada.post(address).status_code == 200
    assert not Label.objects.exists()


def test_a_label_of_another_call_is_not_there(call: Call) -> None:
    ada = reviewer("ada")
    ada.post(f"/calls/{call.pk}/labels/", {"kind": "late", "at_ms": "1"})
    other = Call.objects.create(carrier="twilio", carrier_call_id="other")
    assert ada.post(f"/calls/{other.pk}/labels/{Label.objects.get().pk}/remove/").status_code == 404


def test_words_of_a_reviewer_are_text_and_never_markup(call: Call) -> None:
    answer = reviewer("ada").post(f"/calls/{call.pk}/labels/", {"kind": "note", "at_ms": "1", "text": "<b>hm</b>"})
    assert "&lt;b&gt;hm&lt;/b&gt;" in answer.content.decode()
