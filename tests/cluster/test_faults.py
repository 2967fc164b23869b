"""Something goes wrong on the way to a real API server: the same points as of the stand-in (tests/component/faults).

Real CPI processes with compressed deadlines, through a proxy, with the real operator and machines that run.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.cluster import environment
from tests.support.cluster.environment import MAIN
from tests.support.cluster.installation import Installation
from tests.support.faults.cluster import Cluster
from tests.support.faults.kinds import KINDS
from tests.support.faults.points import SEED, Point, check, points, undisturbed
from tests.support.faults.proxy import Proxy
from tests.support.faults.scenarios import METHODS

WATCHING = ["create_vm", "delete_vm", "reboot_vm", "attach_disk", "detach_disk"]  # the operator takes time


def rotation() -> dict[str, str]:
    """Method -> kind: every kind and every method at least once, in other pairs for another SEED."""
    luck = random.Random(SEED)
    watches = [name for name, kind in KINDS.items() if kind.watch]
    pairs = dict(zip(luck.sample(WATCHING, len(watches)), watches, strict=True))
    rest = [name for name in METHODS if name not in pairs]
    kinds = [name for name, kind in KINDS.items() if not kind.watch]
    more = luck.choices(kinds, k=len(rest) - len(kinds))
    return pairs | dict(zip(rest, luck.sample(kinds + more, len(rest)), strict=True))


def one_kind(method: str, all_points: list[Point]) -> list[Point]:
    """One point, of the kind whose turn it is."""
    return [point for point in one_of_each_kind(method, all_points) if point.kind == rotation()[method]]


def one_of_each_kind(method: str, all_points: list[Point]) -> list[Point]:
    luck = random.Random(f"{SEED} {method}")
    luck.shuffle(all_points)
    return list({point.kind: point for point in all_points}.values())


def steady(calls: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Those that a repeat of the call makes, too: how often a wait looks again is a matter of time."""
    watches = [number for number, (sort, _) in enumerate(calls) if sort.startswith("WATCH")]
    return [call for number, call in enumerate(calls) if not watches or number <= watches[0] or call[1] == 0]


def test_every_kind_and_every_method_is_met() -> None:
    assert set(rotation()) == set(METHODS)
    assert set(rotation().values()) == set(KINDS)


@contextmanager
def cluster(installation: Installation, stemcell: str, folder: Path) -> Iterator[Cluster]:
    server = installation.config()["kubernetes"]
    with Proxy(server["server"], server["ca"]) as proxy, Cluster(folder, proxy, installation, stemcell) as world:
        yield world


@pytest.fixture(scope="module")
def world(
    installation: Installation, stemcells: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with cluster(installation, stemcells("runit"), tmp_path_factory.mktemp("faults")) as world:
        yield world


@pytest.fixture
def world_of(world: Cluster, tmp_path: Path) -> Iterator[Callable[[str], Cluster]]:
    """The world for a method: the main installation has the only registry."""
    with ExitStack() as stack:

        def choose(method: str) -> Cluster:
            if world.namespace == MAIN.machines.namespace or not method.endswith("_stemcell"):
                return world
            return stack.enter_context(cluster(environment.main(), "", tmp_path))

        yield choose


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "choose", [one_kind, pytest.param(one_of_each_kind, marks=pytest.mark.full)], ids=["one", "each"]
)
def test_what_goes_wrong_once(
    world_of: Callable[[str], Cluster], method: str, choose: Callable, record_property: Callable
) -> None:
    world = world_of(method)
    normal = undisturbed(method, world)
    chosen = choose(method, points(method, steady(normal.calls)))
    record_property("fault points on the cluster", len(chosen))
    record_property("FAULT_SEED", SEED)
    wrong = {str(point): found for point in chosen if (found := check(point, normal, world))}

    assert chosen
    assert not wrong, "\n".join(f"{point}: {'; '.join(found)}" for point, found in wrong.items())
