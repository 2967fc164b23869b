"""Prometheus metrics of the operator."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

registry = CollectorRegistry()

depth = Gauge("bosh_operator_queue_depth", "Machines that wait for their turn", registry=registry)
oldest = Gauge(
    "bosh_operator_queue_oldest_seconds", "How long the machine waiting longest has waited", registry=registry
)
seconds = Histogram(
    "bosh_operator_reconcile_seconds",
    "Time that one look at a machine takes",
    buckets=(0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
    registry=registry,
)
results = Counter(
    "bosh_operator_reconciles_total",
    "Looks at machines, by result: an Again, or an error's name",
    ["result"],
    registry=registry,
)
steps = Counter("bosh_operator_steps_total", "Steps taken, by kind", ["step"], registry=registry)
orders = Counter(
    "bosh_operator_orders_total", "Orders to firmware, by order and exit code", ["order", "code"], registry=registry
)
machines = Gauge("bosh_operator_machines", "Machines by printable status", ["status"], registry=registry)
leader = Gauge("bosh_operator_leader", "1 while this operator holds the Lease", registry=registry)


class Census:
    """Counts machines by status; told of each one by name."""

    def __init__(self) -> None:
        self._status: dict[str, str] = {}

    def is_now(self, name: str, status: str | None) -> None:
        """`status` None: the machine is no more."""
        before = self._status.pop(name, None)
        if status is not None:
            self._status[name] = status
        if before == status:
            return
        for word in {before, status} - {None}:
            machines.labels(word).set(sum(1 for each in self._status.values() if each == word))


def serve(address: str, port: int) -> None:
    """Serves /metrics in a thread of its own. Raises OSError when the port is taken."""
    start_http_server(port, address, registry=registry)
