"""Fixtures of the tests that drive the firmware by Pods of their own, without operator."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.cluster import firmware
from tests.support.cluster.firmware import MIB, BareMachine
from tests.support.cluster.kubectl import Kubectl
from tests.support.cluster.node import Node


@pytest.fixture(scope="session")
def firmware_namespace() -> Iterator[Kubectl]:
    kubectl = Kubectl(namespace=f"firmware-{uuid.uuid4().hex[:6]}")
    firmware.prepare(kubectl)
    yield kubectl
    kubectl.delete("namespace", kubectl.namespace, "--wait=false")


@pytest.fixture
def bare(firmware_namespace: Kubectl, node: Node) -> Iterator[Callable[..., BareMachine]]:
    """Makes machines without operator and waits until they run; removes them at the end."""
    made: list[BareMachine] = []

    def make(
        flavour: str, *, size: int = 64, off_timeout: int = 20, root: dict[str, Any] | None = None,
        claim_root: bool = False, wait: bool = True,
    ) -> BareMachine:  # fmt: skip
        name = f"m{uuid.uuid4().hex[:8]}"
        environment = {"OFF_TIMEOUT": str(off_timeout)}
        if not claim_root:
            environment["ROOT_SIZE"] = str(size * MIB)
        machine = BareMachine(
            name=name, kubectl=firmware_namespace, node=node, image=firmware.stemcell_image(flavour),
            base=f"{firmware.node_folder()}/{name}", environment=environment, root=root or {"emptyDir": {}},
        )  # fmt: skip
        made.append(machine)
        machine.create()
        if wait:
            machine.wait("running")
            machine.wait_init(flavour)
        return machine

    yield make
    for machine in made:
        machine.remove()
