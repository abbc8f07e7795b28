"""The shell round the core: order, one timer, and faults that cost a command and not the call."""

from __future__ import annotations

import asyncio
from typing import Any

from calls.bridge import Bridge
from calls.conversation import commands as c
from calls.conversation import events as e
from calls.conversation.conversation import Conversation
from calls.conversation.settings import ConversationSettings


class Outlet:
    takes = frozenset({c.OpenModel, c.SendMark, c.EndCall, c.SendAudio, c.Note, c.AskForReply})

    def __init__(self) -> None:
        self.taken: list[c.Command] = []
        self.on_take: Any = None

    def take(self, command: c.Command, now: float) -> None:
        self.taken.append(command)
        if self.on_take is not None:
            self.on_take(command)


def bridge(*outlets: Outlet, **more: Any) -> Bridge:
    loop = asyncio.get_running_loop()
    conversation = Conversation(ConversationSettings(), loop.time())
    return Bridge(conversation, outlets, call_id="test", clock=loop.time, **more)


async def test_commands_arrive_in_order_and_within_feed() -> None:
    outlet = Outlet()
    made = bridge(outlet)
    made.feed(e.CallAnswered())
    assert [type(x) for x in outlet.taken] == [c.SendMark, c.OpenModel]
    made.close()


async def test_an_event_fed_from_inside_an_outlet_waits_for_the_step_to_end() -> None:
    outlet = Outlet()
    made = bridge(outlet)

    def lose(command: c.Command) -> None:
        if isinstance(command, c.SendMark):
            made.feed(e.LinkLost("HTTP 401", retry=False))

    outlet.on_take = lose
    made.feed(e.CallAnswered())
    assert [type(x) for x in outlet.taken] == [c.SendMark, c.OpenModel, c.Note, c.EndCall]
    assert made.ended == c.EndCall("model unreachable", True)
    made.close()


async def test_a_faulty_outlet_costs_its_command_and_not_the_call() -> None:
    faulty, sound = Outlet(), Outlet()

    def fail(command: c.Command) -> None:
        raise RuntimeError("broken")

    faulty.on_take = fail
    made = bridge(faulty, sound)
    made.feed(e.CallAnswered())
    assert [type(x) for x in sound.taken] == [c.SendMark, c.OpenModel]
    made.close()


async def test_the_caller_is_heard_by_the_recorder_before_anything_else() -> None:
    heard: list[bytes] = []
    outlet = Outlet()
    made = bridge(outlet, hear=lambda audio, now: heard.append(audio))
    made.feed(e.CallAnswered())
    made.feed(e.ModelReady("s"))
    made.feed(e.CallerAudio(b"\xff" * 160, "/" * 216))
    assert heard == [b"\xff" * 160]
    assert isinstance(outlet.taken[-1], c.SendAudio)
    made.close()


async def test_a_deadline_is_met_without_another_event() -> None:
    outlet = Outlet()
    made = bridge(outlet)
    made.feed(e.CallAnswered())
    made.feed(e.ModelReady("s"))
    made.feed(e.SpeechStarted("u1", 0))
    made.feed(e.SpeechStopped("u1", 900))  # and no commit
    asked = asyncio.Event()
    outlet.on_take = lambda command: asked.set() if isinstance(command, c.AskForReply) else None
    async with asyncio.timeout(5):
        await asked.wait()
    assert isinstance(outlet.taken[-2], c.AskForReply)
    made.close()
