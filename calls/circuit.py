"""A circuit breaker for each provider of voices or hearing: one that is down must not cost every call its time-out."""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 2
"""In a row, over all calls of the process, after which a provider counts as down."""

REST_S = 30.0
"""For so long it is not asked. Then one call tries it, and the others wait for how that ends."""


@dataclass(slots=True)
class Circuit:
    """Of one provider. Times are seconds on the monotonic clock."""

    failures: int = 0
    asked_at: float = 0.0  # when it last failed, or was last tried while down

    def allows(self, now: float) -> bool:
        """Whether a call may try it now. While it is down, the asking itself is the trial."""
        if self.failures < FAILURES:
            return True
        if now < self.asked_at + REST_S:
            return False
        self.asked_at = now
        return True

    def failed(self, now: float) -> None:
        self.failures += 1
        self.asked_at = now

    def succeeded(self) -> None:
        self.failures = 0


_circuits: dict[str, Circuit] = {}


def of(address: str) -> Circuit:
    """The circuit of a provider's address, shared by all calls of this process."""
    return _circuits.setdefault(address, Circuit())


def forget_all() -> None:
    """For tests: no provider has ever failed."""
    _circuits.clear()
