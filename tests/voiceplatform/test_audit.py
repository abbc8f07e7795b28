"""The audit log: what is told in it, that nobody changes it, and that it costs nobody a page."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import Error as DatabaseFault
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone

from agents import history
from agents.models import Agent, PhoneNumber, TurnSettings
from calls.models import Call
from tests.agents.test_admin import filled
from tests.calls.reviewed_call import reviewed_call
from tests.people import ADMIN, REVIEWER, TUNER, person
from voiceplatform import audit, tasks
from voiceplatform.audit import Act
from voiceplatform.audited import changes_of
from voiceplatform.models import AppendOnly, AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(db: None) -> Call:
    return reviewed_call()


@pytest.fixture
def ada(db: None) -> User:
    user = person(ADMIN)
    assert user is not None
    return user


@pytest.fixture
def client_of_ada(client: Client, ada: User) -> Client:
    client.force_login(ada)
    return client


@pytest.fixture
def agent(db: None) -> Agent:
    made = Agent.objects.create(name="Front desk", instructions="Help.")
    TurnSettings.objects.create(agent=made)
    return made


def lines(act: Act | None = None) -> list[AuditEntry]:
    return [entry for entry in AuditEntry.objects.order_by("id") if act in (None, entry.act)]


# --- what a line holds


def test_a_line_says_who_when_what_of_which_and_from_where(ada: User, agent: Agent) -> None:
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.7")
    request.user = ada
    before = timezone.now()
    audit.seen(request, Act.PRESET, agent, preset="Natural", revision=3)
    [line] = lines()
    assert before <= line.at <= timezone.now()
    assert (line.user_id, line.who, line.act, line.address) == (ada.pk, ada.username, "preset", "203.0.113.7")
    assert (line.about_kind, line.about_id, line.about) == ("agents.agent", str(agent.pk), "Front desk")
    assert line.details == {"preset": "Natural", "revision": 3}


def test_a_line_outlives_those_whom_it_names(ada: User, agent: Agent) -> None:
    audit.record(Act.CHANGED, by=ada, about=agent)
    name = ada.username
    ada.delete()
    agent.delete()
    [line] = lines()
    assert (line.who, line.about) == (name, "Front desk")


@pytest.mark.parametrize("address", ["", "unix", "203.0.113.7:80", "x" * 300])
def test_an_address_that_is_none_is_left_out(address: str) -> None:
    audit.record(Act.HUNG_UP, by=AnonymousUser(), address=address)
    assert [(line.address, line.who, line.user_id) for line in lines()] == [(None, "", None)]


def test_long_and_strange_details_are_made_to_fit() -> None:
    audit.record(Act.CHANGED, by=None, text="x" * 5000, when=timezone.now(), rows=[{1: {2}}], none=None)
    [line] = lines()
    assert len(line.details["text"]) == audit.LONGEST
    assert line.details["rows"] == [{"1": [2]}] and line.details["none"] is None


def test_a_call_is_named_without_its_callers_number() -> None:
    made = Call.objects.create(carrier="twilio", carrier_call_id="CA1", caller="+12025550199", called="+12025550142")
    audit.record(Act.PLAYED, by=None, about=made)
    assert "+1" not in lines()[0].about and lines()[0].about_id == str(made.pk)


# --- it is final


def test_no_line_is_changed_or_deleted(ada: User) -> None:
    audit.record(Act.CHANGED, by=ada)
    [line] = lines()
    line.who = "somebody else"
    for attempt in (
        line.save,
        line.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.filter(pk=line.pk).update(who="x"),
    ):
        with pytest.raises(AppendOnly):
            attempt()
    assert lines()[0].who == ada.username


def test_the_database_refuses_to_change_a_line_too(ada: User) -> None:
    audit.record(Act.CHANGED, by=ada)
    with pytest.raises(DatabaseFault), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update voiceplatform_auditentry set who = 'x'")
    assert lines()[0].who == ada.username


def old_line(days: int) -> AuditEntry:
    return AuditEntry.objects.create(act=Act.PLAYED, at=timezone.now() - timedelta(days=days))


def test_old_lines_are_forgotten_and_that_is_a_line(settings: Any) -> None:
    settings.AUDIT_DAYS = 730
    kept = old_line(729)
    old_line(731)
    old_line(2000)
    assert tasks.forget_old_audit_lines() == 2
    assert [line.pk for line in lines(Act.PLAYED)] == [kept.pk]
    [told] = lines(Act.FORGOTTEN)
    assert told.details["lines"] == 2 and told.details["days"] == 730
    assert tasks.forget_old_audit_lines() == 0 and len(lines()) == 2


def test_with_0_days_all_is_kept(settings: Any) -> None:
    settings.AUDIT_DAYS = 0
    old_line(20000)
    assert tasks.forget_old_audit_lines() == 0 and len(lines()) == 1


# --- it costs nobody anything


@pytest.fixture
def broken(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that does not take lines of the audit log: its table is gone."""
    name = AuditEntry._meta.db_table
    monkeypatch.setattr(AuditEntry._meta, "db_table", f"{name}_gone")


def test_a_log_that_takes_nothing_costs_no_page(
    client_of_ada: Client, agent: Agent, broken: None, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client_of_ada.post(f"/admin/agents/agent/{agent.pk}/change/", filled(agent, threshold="0.9"))
    assert answer.status_code == 302
    agent.turn_settings.refresh_from_db()
    assert agent.turn_settings.threshold == 0.9
    [record] = [record for record in caplog.records if record.name == "voiceplatform"]
    assert "changed of Agent" in record.getMessage() and record.levelname == "ERROR"


def test_a_recording_is_heard_while_the_log_takes_nothing(client_of_ada: Client, call: Call, broken: None) -> None:
    assert client_of_ada.get(f"{call.get_absolute_url()}recording.wav").status_code == 200


def test_what_did_not_happen_is_not_told(ada: User) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        audit.record(Act.CHANGED, by=ada)
        raise ZeroDivisionError
    assert not lines()


# --- what is told


def test_a_change_of_settings_is_told_with_before_and_after(client_of_ada: Client, ada: User, agent: Agent) -> None:
    client_of_ada.post(
        f"/admin/agents/agent/{agent.pk}/change/", filled(agent, threshold="0.9"), REMOTE_ADDR="2001:db8::1"
    )
    [line] = lines()
    assert (line.act, line.who, line.about, line.address) == ("changed", ada.username, "Front desk", "2001:db8::1")
    assert [change[1:] for change in line.details["changes"] if change[0].lower() == "threshold"] == [["0.6", "0.9"]]


def as_shown(client: Client, where: str) -> dict[str, str]:
    """What a browser sends when the form of a page is saved as it is."""
    context = client.get(where).context
    formsets = [inline.formset for inline in context["inline_admin_formsets"]]
    forms_shown = [context["adminform"].form, *(one for f in formsets for one in (f.management_form, *f.forms))]
    values = {field.html_name: field.value() for form in forms_shown for field in form}
    return {
        name: "on" if value is True else str(value)
        for name, value in values.items()
        if value is not None and value is not False
    }


def test_saving_without_a_change_is_not_told(client_of_ada: Client, agent: Agent) -> None:
    where = f"/admin/agents/agent/{agent.pk}/change/"
    assert client_of_ada.post(where, as_shown(client_of_ada, where)).status_code == 302
    assert lines() == []


def test_presets_undoing_and_rolling_back_are_told(client_of_ada: Client, agent: Agent) -> None:
    page = f"/admin/agents/agent/{agent.pk}"
    client_of_ada.post(f"{page}/preset/patient/")
    [preset] = lines(Act.PRESET)
    assert preset.details["preset"] == "Patient" and preset.details["changes"]
    client_of_ada.post(f"{page}/preset/patient/")
    assert len(lines(Act.PRESET)) == 1  # nothing was changed by it
    entries = history.of(agent)
    client_of_ada.post(f"{page}/undo/", {"latest": entries[0].key})
    client_of_ada.post(f"{page}/roll-back/", {"to": entries[0].key})
    assert len(lines(Act.UNDONE)) == len(lines(Act.ROLLED_BACK)) == 1
    assert "Patient" in lines(Act.ROLLED_BACK)[0].details["to"]


def test_deleting_by_page_and_by_list_is_told(client_of_ada: Client, agent: Agent) -> None:
    numbers = [PhoneNumber.objects.create(number=f"+1202555014{n}", agent=agent) for n in range(3)]
    client_of_ada.post(f"/admin/agents/phonenumber/{numbers[0].pk}/delete/", {"post": "yes"})
    chosen = [str(number.pk) for number in numbers[1:]]
    client_of_ada.post(
        "/admin/agents/phonenumber/", {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
    )
    assert sorted(line.about for line in lines(Act.DELETED)) == [number.number for number in numbers]


def test_a_password_is_told_as_changed_and_never_itself(client_of_ada: Client, ada: User) -> None:
    somebody = User.objects.create_user("somebody")
    word = "correct-horse-battery"
    client_of_ada.post(f"/admin/auth/user/{somebody.pk}/password/", {"password1": word, "password2": word})
    [line] = lines()
    assert line.about == "somebody" and word not in str(line.details) and "changed" in str(line.details)


def test_what_is_typed_unseen_is_told_as_changed_and_never_itself() -> None:
    class WithKey(forms.Form):
        key = forms.CharField(label="Key of the provider", widget=forms.PasswordInput)

    form = WithKey({"key": "sk-secret"})
    assert form.is_valid()
    assert changes_of(form) == [["Key of the provider", "", "changed"]]


def test_a_change_of_role_is_told_as_one(client_of_ada: Client) -> None:
    somebody = User.objects.create_user("somebody")
    group = Group.objects.get(name=TUNER)
    sent = {"username": "somebody", "is_active": "on", "groups": str(group.pk)}
    client_of_ada.post(f"/admin/auth/user/{somebody.pk}/change/", sent)
    assert [line.details["changes"] for line in lines(Act.ROLE)] == [[["Groups", "none", TUNER]]]


def test_a_playback_is_one_line_however_many_pieces_the_player_fetches(client_of_ada: Client, call: Call) -> None:
    url = f"{call.get_absolute_url()}recording.wav"
    client_of_ada.head(url)
    assert not lines()
    for asked in ("bytes=0-99", "bytes=500-599", "bytes=-10"):
        client_of_ada.get(url, headers={"range": asked})
    assert [(line.act, line.about_id) for line in lines()] == [("played", str(call.pk))]
    other = Client()
    other.force_login(person(REVIEWER))
    other.get(url, headers={"range": "bytes=7-9"})
    assert len(lines()) == 2


async def test_a_websocket_tells_too(transactional_db: None) -> None:
    await audit.heard({"client": ["192.0.2.9", 5], "user": AnonymousUser()}, Act.LISTENED, seconds=3)
    line = await AuditEntry.objects.aget()
    assert (line.act, line.address, line.details) == ("listened", "192.0.2.9", {"seconds": 3})


# --- to read


def test_the_page_shows_filters_and_exports(client_of_ada: Client, ada: User, agent: Agent) -> None:
    audit.record(Act.PLAYED, by=ada, about=agent)
    audit.record(Act.CHANGED, by=ada, about=agent, changes=[["Threshold", "0.6", "0.9"], ["Greeting", "empty", "=1+1"]])
    page = "/admin/voiceplatform/auditentry/"
    assert "Threshold: 0.6 → 0.9" in client_of_ada.get(page).content.decode()
    assert "Threshold: 0.6" not in client_of_ada.get(f"{page}?act=played").content.decode()
    assert "Threshold: 0.6" not in client_of_ada.get(f"{page}?q=nobody").content.decode()
    answer = client_of_ada.get(f"{page}export/?act=changed&who={ada.username}")
    assert answer.streaming
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    assert [(row["who"], row["what"], row["of"]) for row in rows] == [(ada.username, "changed", "Front desk")]
    assert rows[0]["details"] == "Threshold: 0.6 → 0.9; Greeting: empty → =1+1"
    assert lines(Act.EXPORTED)[0].details == {"what": "audit log", "filters": f"act=changed&who={ada.username}"}


def test_a_cell_that_a_spreadsheet_would_run_is_made_text(client_of_ada: Client) -> None:
    Agent.objects.create(name="=cmd()", instructions="x")
    audit.record(Act.MADE, by=None, about=Agent.objects.get())
    shown = b"".join(client_of_ada.get("/admin/voiceplatform/auditentry/export/")).decode()
    assert ",'=cmd()," in shown and ",=cmd()," not in shown


def test_the_list_asks_as_often_for_many_lines_as_for_few(
    client_of_ada: Client, django_assert_max_num_queries: Any
) -> None:
    AuditEntry.objects.bulk_create(AuditEntry(act=Act.PLAYED, who="ada", at=timezone.now()) for _ in range(300))
    with django_assert_max_num_queries(12):
        client_of_ada.get("/admin/voiceplatform/auditentry/")
