"""Before and after a change: what is claimed, and above all what is not."""

from __future__ import annotations

import random

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from agents.models import Agent, TurnSettings
from calls import counting, effect
from calls.effect import FEWEST, Line, Side
from calls.figures import steps
from tests.calls.test_counting import ended


def side(
    *, calls: int = 200, per_call: int = 2, false: int = 10, stops: int = 100, ms: int = 600, n: int = 200
) -> Side:
    """Calls of which half have one interruption more than `per_call` and half one less."""
    total = calls * per_call
    squared = calls * (per_call**2 + 1)
    lengths = steps(ms + spread for spread in range(-n, n, 2))
    return Side(1, calls, stops, total, squared, false, total, squared, lengths, lengths)


def verdicts(before: Side, after: Side) -> dict[str, str]:
    return {line.name.split(",")[0]: line.verdict for line in effect.compare(before, after)}


def test_the_same_calls_show_no_difference() -> None:
    assert set(verdicts(side(), side()).values()) == {"same"}


def test_clear_differences_are_named_with_their_direction() -> None:
    found = verdicts(side(per_call=3, false=40, ms=1200), side(per_call=1, false=5, ms=500))
    assert set(found.values()) == {"lower"}
    assert set(verdicts(side(per_call=1, false=5, ms=500), side(per_call=3, false=40, ms=1200)).values()) == {"higher"}


def test_few_calls_claim_nothing_and_say_how_many_are_missing() -> None:
    lines = effect.compare(side(calls=3, stops=2, false=1, n=2), side(calls=25, per_call=9))
    assert {line.verdict for line in lines} == {"few"}
    assert f"{FEWEST - 3} more calls before are needed" in lines[0].says
    nothing = effect.compare(Side(1), Side(2))
    assert {line.verdict for line in nothing} == {"few"}
    assert {line.before for line in nothing} == {"–"}


def test_chance_alone_is_rarely_taken_for_an_effect() -> None:
    """Pairs of samples of the same calls: of 95 % intervals no more than about one in twenty may exclude nought."""
    chance = random.Random(5)

    def sample() -> Side:
        counts = [chance.choice([0, 0, 1, 1, 2, 5]) for _ in range(60)]
        stops = sum(counts)
        false = sum(chance.random() < 0.2 for _ in range(stops))
        lengths = steps(int(chance.lognormvariate(6.4, 0.5)) for _ in range(stops))
        squares = sum(count**2 for count in counts)
        return Side(1, 60, stops, stops, squares, false, stops, squares, lengths, lengths)

    pairs = 300
    claimed: dict[str, int] = {}
    for _ in range(pairs):
        for line in effect.compare(sample(), sample()):
            claimed[line.name] = claimed.get(line.name, 0) + (line.verdict in ("higher", "lower"))
    assert max(claimed.values()) <= 0.09 * pairs, claimed


@given(st.builds(side, calls=st.integers(20, 500), false=st.integers(0, 100), ms=st.integers(300, 3000)))
def test_a_comparison_and_its_reverse_say_the_opposite(some: Side) -> None:
    turned = {"higher": "lower", "lower": "higher", "same": "same", "few": "few"}

    def found(lines: list[Line]) -> list[str]:
        return [line.verdict for line in lines]

    assert found(effect.compare(some, side())) == [turned[v] for v in found(effect.compare(side(), some))]


# --- the page


@pytest.fixture
def agent(db: None) -> Agent:
    made = Agent.objects.create(name="Front desk", instructions="Help.")
    turn = TurnSettings.objects.create(agent=made)
    turn.min_speech_ms = 400
    turn.save()
    return made


def revisions(agent: Agent) -> list[int]:
    return list(TurnSettings.history.order_by("history_id").values_list("history_id", flat=True))


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("admin", password="a-good-password"))
    return client


def test_the_page_compares_the_revision_in_force_with_the_one_before(admin: Client, agent: Agent) -> None:
    before, after = revisions(agent)
    for number in range(30):
        ended(agent, before, interruptions=3 + number % 2, stops=4, false_stops=3, silence_ms=[900 + number])
        ended(agent, after, interruptions=number % 2, stops=4, false_stops=0, silence_ms=[400 + number])
    counting.count_pending()
    page = admin.get(f"/calls/agents/{agent.pk}/effect/").content.decode()
    assert f"Revision {before} (30 calls) against revision {after} (30 calls" in page
    assert "Lower: between" in page
    assert "Too few answers to tell" in page
    assert "Shortest interruption: <del>560 ms</del> → <ins>400 ms</ins>" in page


def test_other_revisions_can_be_chosen_and_nonsense_is_not(admin: Client, agent: Agent) -> None:
    before, after = revisions(agent)
    ended(agent, before)
    counting.count_pending()
    page = admin.get(f"/calls/agents/{agent.pk}/effect/?before={after}&after={before}").content.decode()
    assert f"Revision {after} (0 calls) against revision {before} (1 call" in page
    for wrong in ("?before=x&after=99999999999999999999", "?before=-1", f"?before={after}&after={after}"):
        assert admin.get(f"/calls/agents/{agent.pk}/effect/{wrong}").status_code == 200


def test_without_calls_it_says_what_to_do(admin: Client, agent: Agent) -> None:
    assert "There is nothing to compare yet" in admin.get(f"/calls/agents/{agent.pk}/effect/").content.decode()


def test_the_agents_page_asks_for_the_part_only(admin: Client, agent: Agent) -> None:
    whole = admin.get(f"/admin/agents/agent/{agent.pk}/change/").content.decode()
    assert f'hx-get="/calls/agents/{agent.pk}/effect/"' in whole
    part = admin.get(f"/calls/agents/{agent.pk}/effect/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "What changes do to real calls" in part


@pytest.mark.parametrize("lacking", ["view_turnsettings", "view_call"])
def test_it_needs_both_permissions(client: Client, agent: Agent, lacking: str) -> None:
    user = User.objects.create_user("tuner", password="a-good-password", is_staff=True)
    held = Permission.objects.filter(codename__in={"view_turnsettings", "view_call"} - {lacking})
    user.user_permissions.set(held)
    client.force_login(user)
    assert client.get(f"/calls/agents/{agent.pk}/effect/").status_code == 403
