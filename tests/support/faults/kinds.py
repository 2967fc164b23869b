"""What goes wrong once at a point of a call, and what may come of it."""

from collections.abc import Callable
from typing import NamedTuple

from tests.support.fakeapi.faults import Fault


class Kind(NamedTuple):
    """`fault` makes it, given what kills the CPI. `survived`: one such thing is no reason for the call to fail; else
    its error says that the call may be repeated (ok_to_retry). `watch`: it can happen to a watch only. `lasts`: from
    that point on every request gets 503. `kills`: there is no answer.
    """

    fault: Callable[[Callable[[], None]], Fault]
    survived: bool = True
    watch: bool = False
    lasts: bool = False
    kills: bool = False


KINDS = {
    "conflict": Kind(lambda _: Fault(409), survived=False),
    "throttled": Kind(lambda _: Fault(429, header="1")),
    "error 500": Kind(lambda _: Fault(500)),
    "error 503": Kind(lambda _: Fault(503)),
    "reset before": Kind(lambda _: Fault()),
    "reset after": Kind(lambda _: Fault(after=True)),
    "slow": Kind(lambda _: Fault(after=True, slow=True)),
    "killed before": Kind(lambda kill: Fault(then=kill), kills=True),
    "killed after": Kind(lambda kill: Fault(after=True, then=kill), kills=True),
    "outage before": Kind(lambda _: Fault(503), survived=False, lasts=True),
    "outage after": Kind(lambda _: Fault(after=True), survived=False, lasts=True),
    "expired in a watch": Kind(lambda _: Fault(expired=True), watch=True),
    "expired watch": Kind(lambda _: Fault(410), watch=True),
    "silent watch": Kind(lambda _: Fault(silent=True), watch=True),
}
