"""A provider that is down costs a few calls their wait, and not every one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from calls import circuit
from calls.circuit import FAILURES, REST_S, Circuit


def down(at: float = 100.0) -> Circuit:
    broken = Circuit()
    for _ in range(FAILURES):
        broken.failed(at)
    return broken


def test_one_failure_is_forgiven() -> None:
    once = Circuit()
    once.failed(100.0)
    assert once.allows(100.1)


def test_who_is_down_is_left_alone() -> None:
    assert not down().allows(100.0)
    assert not down().allows(100.0 + REST_S - 0.1)


def test_after_its_rest_one_call_tries_it_and_the_others_wait_for_how_that_ends() -> None:
    broken = down()
    assert broken.allows(100.0 + REST_S)
    assert not broken.allows(100.1 + REST_S)
    broken.succeeded()
    assert broken.allows(100.2 + REST_S)


def test_a_trial_that_fails_begins_another_rest() -> None:
    broken = down()
    assert broken.allows(100.0 + REST_S)
    broken.failed(101.0 + REST_S)
    assert not broken.allows(100.9 + 2 * REST_S)
    assert broken.allows(101.0 + 2 * REST_S)


def test_all_calls_of_a_process_share_the_circuit_of_an_address() -> None:
    circuit.forget_all()
    circuit.of("ws://one").failed(1.0)
    assert circuit.of("ws://one").failures == 1
    assert circuit.of("ws://another").failures == 0
    circuit.forget_all()


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 5)), max_size=60))
def test_while_it_is_down_it_is_tried_at_most_once_in_a_rest(course: list[tuple[bool, float]]) -> None:
    broken, now, tried = down(0.0), 0.0, [0.0]
    for fails, passed in course:
        now += passed
        if broken.allows(now):
            assert now - tried[-1] >= REST_S
            tried.append(now)
            if fails:
                broken.failed(now)
