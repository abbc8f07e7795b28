"""Changed settings on their way to calls that are running, over a real Redis; what the page says of each call."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, expect

from agents import services as agent_services
from agents.models import Agent, TurnSettings
from agents.presets import PRESETS
from agents.snapshot import AgentSnapshot
from calls import live_pages, live_settings, services
from calls.conversation import facts
from calls.conversation.commands import Note, SendMark
from calls.conversation.events import Event, SettingsChanged
from calls.live_settings import LayerAway, LiveSettings, offer
from calls.models import Call
from tests.calls.broker import Broker

TURN = {"min_speech_ms": 550, "threshold": 0.6, "stop_sound": "when_sure", "revision": 1}
MESSAGE = {
    "turn": {**TURN, "min_speech_ms": 700, "revision": 2},
    "turn_detection": {"type": "server_vad", "threshold": 0.6},
    "revision": 2,
    "by": "ann",
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that a test can afford."""
    monkeypatch.setattr(live_settings, "WAIT_S", 0.3)
    monkeypatch.setattr(live_settings, "AWAY_S", 1.0)
    monkeypatch.setattr(live_settings, "PAUSES_S", (0.05,))


class TalkingCall:
    """A call in the place of the bridge: it hears what is fed, and answers as the conversation does."""

    def __init__(
        self, answer: Callable[[SettingsChanged], Note | None], agent_id: int = 1, call_id: UUID | None = None
    ):
        self.id = call_id or uuid4()
        self.heard: list[SettingsChanged] = []
        self._answer = answer
        self.live = LiveSettings(self.id, agent_id, TURN, "Hello.", self._feed)

    def _feed(self, event: Event) -> None:
        assert isinstance(event, SettingsChanged)
        self.heard.append(event)
        if (note := self._answer(event)) is not None:
            self.live.take(note, 0.0)


def applies(event: SettingsChanged) -> Note:
    data = {"revision": event.settings.revision, "differences": ["silence_duration_ms"], "ticket": event.ticket}
    return Note(facts.SETTINGS_APPLIED, data)


def refuses(event: SettingsChanged) -> Note:
    data = {"revision": event.settings.revision, "code": "invalid_value", "ticket": event.ticket}
    return Note(facts.SETTINGS_REFUSED, data)


def says_nothing(event: SettingsChanged) -> None:
    return None


async def listening(broker: Broker, *calls: TalkingCall, agent_id: int = 1) -> None:
    """Start calls, and wait until the broker knows that they listen."""
    for call in calls:
        call.live.start()
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(broker.listeners, agent_id) or members(agent_id) < len(calls):
            await asyncio.sleep(0.02)


def members(agent_id: int) -> int:
    """How many calls of this event loop are in the agent's group."""
    return len(get_channel_layer().groups.get(f"asgi__group__{live_settings.group(agent_id)}", ()))


# --- on the way


async def test_a_live_call_gets_the_settings_and_the_page_its_answer(broker: Broker) -> None:
    call = TalkingCall(applies)
    await listening(broker, call)
    answers = await offer(1, MESSAGE, [str(call.id)])
    told = answers[str(call.id)]
    assert (told["state"], told["revision"], told["differences"]) == ("applied", 2, ["silence_duration_ms"])
    heard = call.heard[0]
    assert (heard.settings.min_speech_ms, heard.settings.revision, heard.settings.greeting) == (700, 2, "Hello.")
    assert heard.settings.turn_detection == {"type": "server_vad", "threshold": 0.6}
    assert (heard.by, heard.changes) == ("ann", {"min_speech_ms": (550, 700)})
    await call.live.close()


async def test_every_call_of_the_agent_answers_and_no_other(broker: Broker) -> None:
    mine, more, other = TalkingCall(applies), TalkingCall(refuses), TalkingCall(applies, agent_id=2)
    await listening(broker, mine, more)
    await listening(broker, other, agent_id=2)
    answers = await offer(1, MESSAGE, [str(mine.id), str(more.id)])
    assert {call: answer["state"] for call, answer in answers.items()} == {
        str(mine.id): "applied",
        str(more.id): "refused",
    }
    assert answers[str(more.id)]["code"] == "invalid_value"
    assert other.heard == []
    for call in (mine, more, other):
        await call.live.close()


async def test_what_changes_is_reckoned_from_what_the_call_has(broker: Broker) -> None:
    call = TalkingCall(refuses)
    await listening(broker, call)
    await offer(1, MESSAGE, [str(call.id)])
    call._answer = applies
    await offer(1, {**MESSAGE, "turn": {**MESSAGE["turn"], "threshold": 0.7}}, [str(call.id)])
    await offer(1, {**MESSAGE, "turn": {**MESSAGE["turn"], "threshold": 0.8}}, [str(call.id)])
    assert [heard.changes for heard in call.heard] == [
        {"min_speech_ms": (550, 700)},
        {"min_speech_ms": (550, 700), "threshold": (0.6, 0.7)},  # the first was refused
        {"threshold": (0.7, 0.8)},
    ]
    await call.live.close()


async def test_a_call_that_says_nothing_is_not_waited_for_for_ever(broker: Broker, impatient: None) -> None:
    silent, quick = TalkingCall(says_nothing), TalkingCall(applies)
    await listening(broker, silent, quick)
    answers = await offer(1, MESSAGE, [str(silent.id), str(quick.id)])
    assert list(answers) == [str(quick.id)]
    for call in (silent, quick):
        await call.live.close()


async def test_what_cannot_be_read_costs_nothing_but_itself(broker: Broker, impatient: None) -> None:
    call = TalkingCall(applies)
    await listening(broker, call)
    assert await offer(1, {"turn": 7}, [str(call.id)]) == {}
    assert str(call.id) in await offer(1, MESSAGE, [str(call.id)])
    await call.live.close()


async def test_a_note_about_something_else_is_nobodys_answer(broker: Broker) -> None:
    call = TalkingCall(applies)
    call.live.take(Note(facts.REPLY_ASKED, {"ticket": "x"}), 0.0)
    call.live.take(SendMark("m"), 0.0)
    assert call.live._answering == set()
    await call.live.close()


# --- the layer is away


async def test_a_call_that_began_without_a_broker_finds_it_later(away: Broker, impatient: None) -> None:
    call = TalkingCall(applies)
    call.live.start()
    with pytest.raises(LayerAway):
        await offer(1, MESSAGE, [str(call.id)])
    await asyncio.to_thread(away.start)
    await listening(away)
    assert str(call.id) in await offer(1, MESSAGE, [str(call.id)])
    await call.live.close()


async def test_a_call_hears_again_after_the_broker_was_away(broker: Broker, impatient: None) -> None:
    call = TalkingCall(applies)
    await listening(broker, call)
    await asyncio.to_thread(broker.stop)
    with pytest.raises(LayerAway):
        await offer(1, MESSAGE, [str(call.id)])
    await asyncio.to_thread(broker.start)
    await listening(broker)
    assert str(call.id) in await offer(1, MESSAGE, [str(call.id)])
    await call.live.close()


async def test_leaving_does_not_wait_for_a_layer_that_is_away(broker: Broker) -> None:
    call = TalkingCall(applies)
    await listening(broker, call)
    await asyncio.to_thread(broker.stop)
    async with asyncio.timeout(3):
        await call.live.close()
        await call.live.close()
    assert call.live._listening is not None
    assert call.live._listening.done()


# --- the page


@pytest.fixture
def agent(db: None) -> Agent:
    made = Agent.objects.create(name="Front desk", instructions="Help.")
    TurnSettings.objects.create(agent=made)
    return made


@pytest.fixture
def admin(db: None, client: Client) -> Client:
    client.force_login(User.objects.create_superuser("ann", password="a-good-password"))
    return client


def live_call(agent: Agent, n: int = 1) -> Call:
    return Call.objects.create(
        agent=agent,
        carrier="twilio",
        carrier_call_id=f"CA{n}",
        caller=f"+1202555010{n}",
        status=Call.Status.LIVE,
        started_at=timezone.now(),
        settings=AgentSnapshot.of(agent).as_json(),
    )


def change(agent: Agent) -> int:
    """Save something new; the revision it got."""
    agent_services.apply_preset(agent=agent, preset=PRESETS["patient"], by=None)
    return int(agent.turn_settings.revision)


def states(page: str) -> list[str]:
    return [part.split('"')[0] for part in page.split('data-state="')[1:]]


class Elsewhere:
    """Calls on an event loop of another thread, as in another process."""

    def __init__(self, broker: Broker, *calls: TalkingCall, agent_id: int) -> None:
        self._ready, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._carry(broker, calls, agent_id)))
        self._loop: asyncio.AbstractEventLoop | None = None

    async def _carry(self, broker: Broker, calls: tuple[TalkingCall, ...], agent_id: int) -> None:
        self._loop = asyncio.get_running_loop()
        await listening(broker, *calls, agent_id=agent_id)
        self._ready.set()
        await self._over.wait()
        for call in calls:
            await call.live.close()

    def __enter__(self) -> Elsewhere:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *args: object) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()


def test_the_page_tells_of_each_call_what_became_of_the_settings(
    admin: Client, agent: Agent, broker: Broker, impatient: None
) -> None:
    rows = [live_call(agent, n) for n in (1, 2, 3)]
    revision = change(agent)
    assert states(admin.get(f"/calls/agents/{agent.pk}/").content.decode()) == ["unasked"] * 3
    calls = [TalkingCall(how, agent.pk, row.pk) for how, row in zip((applies, refuses), rows, strict=False)]
    with Elsewhere(broker, *calls, agent_id=agent.pk):
        answer = admin.post(f"/calls/agents/{agent.pk}/apply/", follow=True)
    page = answer.content.decode()
    assert answer.redirect_chain == [(f"/calls/agents/{agent.pk}/", 302)]
    assert sorted(states(page)) == ["differs", "refused", "silent"]
    assert "the model did not take: silence_duration_ms" in page
    assert "refused (invalid_value)" in page
    assert "no answer yet" in page
    assert {heard.settings.revision for call in calls for heard in call.heard} == {revision}
    assert calls[0].heard[0].changes["min_speech_ms"] == (550, 700)
    assert calls[0].heard[0].by == "ann"


def test_an_answer_that_came_late_is_found_in_the_record(
    admin: Client, agent: Agent, broker: Broker, impatient: None
) -> None:
    call = live_call(agent)
    revision = change(agent)
    admin.post(f"/calls/agents/{agent.pk}/apply/")
    assert states(admin.get(f"/calls/agents/{agent.pk}/").content.decode()) == ["silent"]
    data = {"revision": revision, "differences": [], "ticket": "t"}
    services.apply_events(call_id=call.pk, lines=[{"seq": 1, "at_ms": 5, "kind": facts.SETTINGS_APPLIED, "data": data}])
    assert states(admin.get(f"/calls/agents/{agent.pk}/").content.decode()) == ["applied"]


def record(call: Call, seq: int, kind: str, **data: Any) -> None:
    services.apply_events(call_id=call.pk, lines=[{"seq": seq, "at_ms": 5 * seq, "kind": kind, "data": data}])


def test_a_call_that_was_changed_before_and_refuses_runs_with_the_change(admin: Client, agent: Agent) -> None:
    call = live_call(agent)
    first = change(agent)
    record(call, 1, facts.SETTINGS_APPLIED, revision=first, differences=[], ticket="a")
    agent_services.apply_preset(agent=agent, preset=PRESETS["protect_disclaimer"], by=None)
    second = TurnSettings.objects.get().revision
    record(call, 2, facts.SETTINGS_REFUSED, revision=second, code="invalid_value", ticket="b")
    page = admin.get(f"/calls/agents/{agent.pk}/").content.decode()
    assert states(page) == ["refused"]
    assert f"<td>revision {first}</td>" in page
    assert "Shortest silence: <del>900 ms</del> → <ins>500 ms</ins>" in page
    assert "Apply what is saved to 1 call<" in page  # it may be tried again


def test_a_call_that_is_over_is_not_waited_for(admin: Client, agent: Agent, broker: Broker, impatient: None) -> None:
    call = live_call(agent)
    revision = change(agent)
    admin.post(f"/calls/agents/{agent.pk}/apply/")
    record(call, 1, facts.SETTINGS_REFUSED, revision=revision, code="x", ticket="t")
    Call.objects.update(status=Call.Status.ENDED)
    page = admin.get(f"/calls/agents/{agent.pk}/").content.decode()
    assert states(page) == ["refused"]
    assert "Apply what is saved" not in page


def test_the_page_sums_up_and_says_who_did_not_answer(
    admin: Client, agent: Agent, broker: Broker, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [live_call(agent, n) for n in (1, 2)]
    revision = change(agent)
    record(calls[0], 1, facts.SETTINGS_APPLIED, revision=revision, differences=[], ticket="t")
    admin.post(f"/calls/agents/{agent.pk}/apply/")
    monkeypatch.setattr(live_pages, "LONG_S", 0)
    page = admin.get(f"/calls/agents/{agent.pk}/").content.decode()
    assert "<strong>2 calls:</strong> 1 with what is saved, 1 without an answer." in page
    assert f"Revision {revision} was sent to them at" in page
    assert "no answer after 0 s; it goes on as it was" in page


@pytest.mark.usefixtures("broker", "impatient")
@pytest.mark.django_db(transaction=True)
def test_in_a_browser_a_late_answer_appears_by_itself(
    browser: Browser, live_server: Any, admin: Client, agent: Agent
) -> None:
    call = live_call(agent)
    revision = change(agent)
    context = browser.new_context(base_url=live_server.url)
    context.add_cookies([{"name": "sessionid", "value": admin.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"/admin/agents/agent/{agent.pk}/change/")
    page.get_by_role("button", name="Apply what is saved to 1 live call").click()
    expect(page.locator("[data-state=silent]")).to_contain_text("no answer")
    record(call, 1, facts.SETTINGS_APPLIED, revision=revision, differences=[], ticket="t")
    expect(page.locator("[data-state=applied]")).to_have_count(1)
    expect(page.get_by_role("button", name="Apply what is saved")).to_have_count(0)
    context.close()


def test_a_call_that_began_with_what_is_saved_needs_nothing(admin: Client, agent: Agent) -> None:
    change(agent)
    live_call(agent)
    page = admin.get(f"/calls/agents/{agent.pk}/").content.decode()
    assert states(page) == ["applied"]
    assert "Apply what is saved" not in page


def test_the_page_says_when_the_broker_is_away_and_nothing_was_sent(
    admin: Client, agent: Agent, away: Broker, impatient: None
) -> None:
    live_call(agent)
    change(agent)
    page = admin.post(f"/calls/agents/{agent.pk}/apply/", follow=True).content.decode()
    assert "Nothing was sent" in page
    assert states(page) == ["unasked"]


def test_only_who_may_change_turn_settings_may_apply_them(client: Client, agent: Agent) -> None:
    url = f"/calls/agents/{agent.pk}/apply/"
    assert client.post(url).status_code == 302  # to the login
    user = User.objects.create_user("staff", password="a-good-password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_turnsettings", "view_call"]))
    client.force_login(user)
    assert client.post(url).status_code == 403
    assert client.get(f"/calls/agents/{agent.pk}/").status_code == 200
    assert client.get(url).status_code == 405


def test_saving_with_the_button_for_live_calls_goes_on_to_them(admin: Client, agent: Agent, broker: Broker) -> None:
    from tests.agents.test_admin import filled

    row = live_call(agent)
    change_page = f"/admin/agents/agent/{agent.pk}/change/"
    assert "Save and apply to 1 live call<" in " ".join(admin.get(change_page).content.decode().split()).replace(
        " <", "<"
    )
    call = TalkingCall(applies, agent.pk, row.pk)
    with Elsewhere(broker, call, agent_id=agent.pk):
        form = filled(agent, threshold="0.75") | {"_apply_live": "1"}
        answer = admin.post(change_page, form, follow=True)
    assert [code for _, code in answer.redirect_chain] == [307, 302]
    assert states(answer.content.decode()) == ["differs"]
    assert call.heard[0].settings.turn_detection["threshold"] == 0.75


def test_saving_alone_reaches_no_call(admin: Client, agent: Agent, broker: Broker) -> None:
    from tests.agents.test_admin import filled

    call = TalkingCall(applies, agent.pk, live_call(agent).pk)
    with Elsewhere(broker, call, agent_id=agent.pk):
        admin.post(f"/admin/agents/agent/{agent.pk}/change/", filled(agent, threshold="0.75"))
        admin.post(f"/admin/agents/agent/{agent.pk}/preset/snappy/")
        async_to_sync(offer)(agent.pk, MESSAGE, [str(call.id)])
    assert [heard.by for heard in call.heard] == ["ann"]  # only what was asked for
