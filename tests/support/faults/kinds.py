"""What goes wrong once at a point of a call, and what may come of it."""

from collections.abc import Callable
from typing import NamedTuple

from tests.support.fakeapi.faults import Fault

REFUSED, LOST, KILLED, OUTAGE, WATCH = "refused", "lost", "killed", "outage", "watch"  # groups


class Kind(NamedTuple):
    """`fault` makes it, given what kills the CPI. `survived`: one such thing is no reason for the call to fail; else
    its error says that the call may be repeated (ok_to_retry).
    """

    group: str
    fault: Callable[[Callable[[], None]], Fault]
    survived: bool = True

    @property
    def kills(self) -> bool:
        """There is no answer."""
        return self.group == KILLED

    @property
    def lasts(self) -> bool:
        """From that point on every request gets 503."""
        return self.group == OUTAGE

    @property
    def watch(self) -> bool:
        """It can happen to a watch only."""
        return self.group == WATCH


KINDS = {
    "conflict": Kind(REFUSED, lambda _: Fault(409), survived=False),
    "throttled": Kind(REFUSED, lambda _: Fault(429, header="1")),
    "error 500": Kind(REFUSED, lambda _: Fault(500)),
    "error 503": Kind(REFUSED, lambda _: Fault(503)),
    "reset before": Kind(LOST, lambda _: Fault()),
    "reset after": Kind(LOST, lambda _: Fault(after=True)),
    "slow": Kind(LOST, lambda _: Fault(after=True, slow=True)),
    "killed before": Kind(KILLED, lambda kill: Fault(then=kill)),
    "killed after": Kind(KILLED, lambda kill: Fault(after=True, then=kill)),
    "outage before": Kind(OUTAGE, lambda _: Fault(503), survived=False),
    "outage after": Kind(OUTAGE, lambda _: Fault(after=True), survived=False),
    "expired in a watch": Kind(WATCH, lambda _: Fault(expired=True)),
    "expired watch": Kind(WATCH, lambda _: Fault(410)),
    "silent watch": Kind(WATCH, lambda _: Fault(silent=True)),
}
