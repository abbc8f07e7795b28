"""One process's calls and those who follow them, over a real Redis."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.layers import get_channel_layer

from calls.conversation import events as e
from calls.conversation import facts
from calls.ear.playing import Playing
from calls.following import switchboard
from calls.following.switchboard import BOARD, GROUP, follow_group, listen_group, of_this_loop
from tests.calls.broker import Broker
from tests.calls.following.conftest import RunningCall, until

pytestmark = pytest.mark.usefixtures("quick")


class Watcher:
    """Somebody's page, without its socket."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []

    async def open(self, *groups: str) -> Watcher:
        self.layer = get_channel_layer()
        self.ticket = await self.layer.new_channel()
        for group in groups:
            await self.layer.group_add(group, self.ticket)
        self.reading = asyncio.ensure_future(self._read())
        return self

    async def _read(self) -> None:
        while True:
            self.got.append(await self.layer.receive(self.ticket))

    async def ask(self, kind: str, **more: Any) -> None:
        await self.layer.group_send(GROUP, {"type": kind, "ticket": self.ticket, **more})

    async def keeps_asking(self, kind: str, what: str, fact: Any, **more: Any) -> Any:
        """Ask until it is answered: a process may only just be joining."""
        for _ in range(100):
            await self.ask(kind, **more)
            await asyncio.sleep(0.05)
            if value := fact():
                return value
        raise AssertionError(f"nobody answered: {what}")

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.got if message["type"] == kind]

    def rows(self) -> list[dict[str, Any]]:
        return [row for message in self.all("board.rows") for row in message["rows"]]

    def lines(self) -> list[str]:
        return [line["kind"] for message in self.all("call.news") for line in message["lines"]]

    async def close(self) -> None:
        self.reading.cancel()
        await asyncio.wait({self.reading})


async def over(*calls: RunningCall) -> None:
    for call in calls:
        call.leave()
    board = of_this_loop()
    await until(lambda: board._telling is None and board._reading is None, "the switchboard rests")


async def test_the_board_gets_all_calls_at_once_then_what_changes_and_what_is_gone(broker: Broker) -> None:
    calls = [RunningCall().join() for _ in range(3)]
    page = await Watcher().open(BOARD)
    await page.keeps_asking("board.look", "the board", page.rows)
    assert {row["id"] for row in page.all("board.rows")[0]["rows"]} == {call.id for call in calls}
    page.got.clear()
    calls[1]._feed(e.SpeechStarted("u1", 100))
    calls[1].write(facts.CALLER_WORDS, item_id="u1", text="Hello?")
    row = await until(lambda: [r for r in page.rows() if r["words"]], "the caller's words")
    assert (row[0]["id"], row[0]["state"]) == (calls[1].id, "hearing")
    calls[1].leave()
    await until(lambda: [m for m in page.all("board.rows") if m.get("gone") == [calls[1].id]], "that it is gone")
    await over(*calls)
    await page.close()


async def test_what_does_not_change_is_not_told_again(broker: Broker) -> None:
    call = RunningCall().join()
    page = await Watcher().open(BOARD)
    await page.keeps_asking("board.look", "the board", page.rows)
    await until(lambda: len([m for m in page.got if "gone" in m]) >= 1, "the first telling")
    page.got.clear()
    await asyncio.sleep(switchboard.NEWS_S * 3)
    assert page.got == []
    await over(call)
    await page.close()


async def test_who_follows_a_call_gets_what_was_and_what_comes_each_line_once(broker: Broker) -> None:
    call = RunningCall().join()
    call.write(facts.CALL_STARTED, agent="Front desk")
    page = await Watcher().open(follow_group(call.id))
    await page.keeps_asking("call.look", "the call", lambda: page.all("call.news"), call=call.id, after=0)
    first = page.all("call.news")[0]
    assert [line["kind"] for line in first["lines"]] == [facts.CALL_STARTED]
    assert (first["now"]["state"], first["turn"]) == ("listening", {"threshold": 0.6})
    call.followed.heard(e.SoundHeard(call.followed._began_at + 1, 0.9))
    call.write(facts.CALLER_KEY, digit="1")
    await until(lambda: facts.CALLER_KEY in page.lines(), "the key")
    await until(lambda: [m for m in page.all("call.news") if m.get("sounds")], "what our ear heard")
    call.write(facts.CALL_ENDED, reason="caller hung up")
    call.leave()
    await until(lambda: facts.CALL_ENDED in page.lines(), "the end")
    assert page.lines().count(facts.CALLER_KEY) == 1
    await over(call)
    await page.close()


async def test_who_comes_back_gets_only_what_was_missed(broker: Broker) -> None:
    call = RunningCall().join()
    for digit in "123":
        call.write(facts.CALLER_KEY, digit=digit)
    page = await Watcher().open()
    await page.keeps_asking("call.look", "the call", lambda: page.all("call.news"), call=call.id, after=2)
    assert [line["seq"] for line in page.all("call.news")[0]["lines"]] == [3]
    await over(call)
    await page.close()


async def test_a_call_that_nobody_follows_is_not_told_of(broker: Broker) -> None:
    call = RunningCall().join()
    page = await Watcher().open(BOARD, follow_group(call.id), listen_group(call.id))
    for digit in "123":
        call.write(facts.CALLER_KEY, digit=digit)
    await asyncio.sleep(switchboard.NEWS_S * 3)
    assert page.got == []
    assert not call.followed.followed
    await over(call)
    await page.close()


async def test_who_does_not_say_so_any_more_does_not_follow_any_more(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(switchboard, "LEASE_S", 0.3)
    call = RunningCall().join()
    page = await Watcher().open(listen_group(call.id))
    await page.keeps_asking("call.look", "the sound", lambda: call.followed.listened, call=call.id, listen=True)
    await until(lambda: not call.followed.listened and not call.followed.followed, "the end of the lease")
    assert call.followed._caller.between(0, 1) is None
    assert isinstance(call.followed._caller, Playing)
    await over(call)
    await page.close()


async def test_who_listens_gets_the_sound_of_both_sides(broker: Broker) -> None:
    call = RunningCall().join()
    page = await Watcher().open(listen_group(call.id))
    await page.keeps_asking("call.look", "the sound", lambda: page.all("call.sound"), call=call.id, listen=True)
    clock = call.followed._clock
    call.followed.agent(b"\x22" * 4000, clock())
    for _ in range(20):
        call.followed.caller(b"\x11" * 160, clock())
        await asyncio.sleep(0.02)
    heard = page.all("call.sound")
    assert any(b"\x11" in message["caller"] for message in heard)
    assert any(b"\x22" in message["agent"] for message in heard)
    assert sum(len(message["agent"].replace(b"\xff", b"")) for message in heard) <= 4000
    await over(call)
    await page.close()


async def test_an_order_reaches_its_call_and_no_other_and_is_answered(broker: Broker) -> None:
    calls = [RunningCall().join() for _ in range(2)]
    page = await Watcher().open()
    asked = {"call": calls[0].id, "order": "say", "text": "One moment.", "by": "ann"}
    await page.keeps_asking("call.order", "the order", lambda: page.all("call.ordered"), **asked)
    assert page.all("call.ordered")[0] == {"type": "call.ordered", "order": "say", "done": True}
    assert calls[0].fed[-1] == e.SentenceTyped("One moment.", "ann")
    assert not [event for event in calls[1].fed if isinstance(event, e.SentenceTyped)]
    await over(*calls)
    await page.close()


async def test_what_cannot_be_read_is_skipped(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    call = RunningCall().join()
    page = await Watcher().open()
    await page.keeps_asking("board.look", "the board", page.rows)
    await page.ask("call.look", call=call.id, after="not a number")
    page.got.clear()
    await page.keeps_asking("board.look", "the board", page.rows)
    assert "could not be read" in caplog.text
    await over(call)
    await page.close()


async def test_a_call_goes_on_without_a_broker_and_is_followed_when_it_is_there(away: Broker) -> None:
    call = RunningCall().join()
    for digit in "123":
        call.write(facts.CALLER_KEY, digit=digit)
    await asyncio.to_thread(away.start)
    page = await Watcher().open()
    await page.keeps_asking("call.look", "the call", lambda: page.all("call.news"), call=call.id, after=0)
    assert len(page.all("call.news")[0]["lines"]) == 3
    await over(call)
    await page.close()
