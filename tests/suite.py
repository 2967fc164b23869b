"""Runs the parts of the test suite in order, sets up what each needs, and prints where the time went.

`python tests/suite.py [--full] PART...`; the parts are the keys of PARTS below (`live`: cluster, e2e and nodes, side by
side, since all of them wait more than they work; what the latter two print comes when they are done).
The cluster is brought up at the first part that needs it and removed at the end if this run made it (`KEEP_CLUSTER=1`
keeps it). A part that fails does not stop the next ones, a set-up step that fails does. Exit code 0 only if everything
passed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv/bin"
CLUSTER = ROOT / "tests/cluster/kind/cluster.py"
NAME = os.environ.get("BOSH_CLUSTER", "bosh-test")
CORES = os.cpu_count() or 1
CHART_TESTS = "tests/cluster/test_chart.py"
WORKERS = CORES  # of tests on the cluster; e2e and nodes run beside them
# program that must be there -> Debian package that brings it
PROGRAMS = {
    "shellcheck": "shellcheck",
    "busybox": "busybox",
    "dash": "dash",
    "ruby": "ruby",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "pkill": "procps",
    "cc": "gcc",
    "make": "make",
    "perl": "perl",
    "xz": "xz-utils",
}


class Suite:
    """Steps taken so far, with their seconds and verdicts."""

    def __init__(self, *, full: bool) -> None:
        self.full = full
        self.steps: list[tuple[str, float, bool]] = []
        self.environment = dict(os.environ)
        self.made: list[str] = []  # clusters
        self.done: set[str] = set()
        self.began = time.monotonic()

    def step(self, name: str, command: list[str | Path], *, needed: bool = False) -> bool:
        """Run one command, its output as it is. A `needed` step that fails ends the run."""
        print(f"\n== {name}: {' '.join(str(word) for word in command)}", flush=True)
        began = time.monotonic()
        code = subprocess.run([str(word) for word in command], cwd=ROOT, env=self.environment, check=False).returncode
        self.steps.append((name, time.monotonic() - began, code == 0))
        if code and needed:
            print(f"suite: {name} failed with exit code {code}; nothing after it can run", flush=True)
            raise SystemExit(self.report())
        return code == 0

    @contextmanager
    def beside(self, name: str, command: list[str | Path]) -> Iterator[None]:
        """Run one command beside what happens in the `with` block; then wait for it, and print what it said."""
        output = ROOT / f"build/{name}.log"
        output.parent.mkdir(exist_ok=True)
        print(f"\n== {name}, beside what follows: {' '.join(str(word) for word in command)}", flush=True)
        began = time.monotonic()
        with output.open("wb") as file:
            process = subprocess.Popen(
                [str(word) for word in command], cwd=ROOT, env=self.environment, stdout=file, stderr=file
            )
        ended: list[float] = []
        watch = threading.Thread(target=lambda: (process.wait(), ended.append(time.monotonic())))
        watch.start()
        try:
            yield
        except BaseException:
            process.terminate()
            raise
        finally:
            watch.join()
            print(f"\n== {name}, which ran beside:\n{output.read_text(errors='replace')}", flush=True)
            self.steps.append((f"{name} (beside)", ended[0] - began, process.returncode == 0))

    def once(self, name: str, action: Callable[[], object]) -> None:
        if name not in self.done:
            self.done.add(name)
            action()

    def pytest(self, name: str, *paths: str, at_once: int = 1, only: str = "") -> None:
        """Run tests, so many `at_once`, `only` those with such marks."""
        marks = " and ".join(filter(None, (only, "" if self.full else "not full")))
        words = ["-m", marks] if marks else []
        words += ["-n", str(at_once), "--dist", "worksteal"] if at_once > 1 else []
        self.step(name, [BIN / "pytest", "-q", "--durations=10", "--durations-min=10", *words, *paths])

    def again(self, part: str) -> list[str | Path]:
        """The command that runs another part as this one is run."""
        return [sys.executable, Path(__file__), *(["--full"] if self.full else []), part]

    def report(self) -> int:
        total = time.monotonic() - self.began
        print("\nWhere the time went")
        for name, seconds, passed in self.steps:
            print(f"  {seconds:8.1f} s  {'ok    ' if passed else 'FAILED'}  {name}")
        print(f"  {total:8.1f} s  total", flush=True)
        return 0 if all(passed for _, _, passed in self.steps) else 1


def packages(suite: Suite) -> None:
    """Debian packages that the tests call by name."""
    path = suite.environment["PATH"] + ":/usr/sbin:/sbin"
    missing = [package for program, package in PROGRAMS.items() if not shutil.which(program, path=path)]
    if missing:
        suite.step("package lists", ["apt-get", "-qq", "update"], needed=True)
        suite.step("packages", ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *missing], needed=True)


def programs(suite: Suite) -> None:
    """helm on the PATH and the real registry, which tests without a cluster run too."""
    for name in ("helm", "registry"):
        suite.step(name, [sys.executable, CLUSTER, "program", name], needed=True)
        words = [sys.executable, str(CLUSTER), "program", name]
        path = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()[-1]
        suite.environment["PATH"] = f"{Path(path).parent}:{suite.environment['PATH']}"
        suite.environment[f"{name.upper()}_BINARY"] = path


def interpreter(suite: Suite) -> None:
    """The release's Python, compiled from its sources or out of the cache."""
    suite.step("compile the release's Python", [sys.executable, "-m", "tests.support.release.compiled"], needed=True)


def cluster_up(suite: Suite, name: str = NAME, nodes: int = 1) -> None:
    """A test cluster, the images in it, and their names in the environment of every later step."""
    size = ["--nodes", str(nodes)]
    status = subprocess.run(
        [sys.executable, CLUSTER, "status", "--name", name, *size], capture_output=True, check=False
    )
    if status.returncode:
        suite.made.append(name)
    suite.step(f"cluster up, {nodes}", [sys.executable, CLUSTER, "up", "--name", name, *size], needed=True)
    # What the cluster's own tool exports, read by a shell as a user's shell would.
    script = 'eval "$("$0" "$1" env --name "$2")" && env -0'
    words = ["sh", "-c", script, sys.executable, str(CLUSTER), name]
    said = subprocess.run(words, env=suite.environment, capture_output=True, text=True, check=True).stdout
    suite.environment = dict(pair.split("=", 1) for pair in said.split("\0") if "=" in pair)
    suite.step("images", [sys.executable, "-m", "tests.support.cluster.images"], needed=True)


def cluster_down(suite: Suite, name: str = NAME) -> None:
    """If this run made it."""
    if name in suite.made and not os.environ.get("KEEP_CLUSTER"):
        suite.made.remove(name)
        suite.step("cluster down", [sys.executable, CLUSTER, "down", "--name", name])


def shell_scripts() -> list[Path]:
    """Every tracked shell script, by suffix or first line."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in names.split("\0") if name]
    return [path for path in files if path.is_file() and (path.suffix == ".sh" or is_shell(path))]


def is_shell(path: Path) -> bool:
    return path.suffix == "" and path.read_bytes()[:16].startswith((b"#!/bin/sh", b"#!/bin/bash"))


def lint(suite: Suite) -> None:
    suite.once("packages", lambda: packages(suite))
    suite.step("ruff format", [BIN / "ruff", "format", "--check", "cpi", "operator", "docs", "tests"])
    suite.step("ruff check", [BIN / "ruff", "check", "cpi", "operator", "docs", "tests"])
    suite.step("mypy", [BIN / "mypy"])
    suite.step("shellcheck", ["shellcheck", *shell_scripts()])
    suite.step(
        "gofmt", ["sh", "-c", 'wrong=$(gofmt -d tests/support/csi); test -z "$wrong" || { echo "$wrong"; exit 1; }']
    )


def with_cluster(suite: Suite) -> None:
    suite.once("packages", lambda: packages(suite))
    suite.once("cluster", lambda: cluster_up(suite))


def cluster(suite: Suite) -> None:
    with_cluster(suite)
    alone(suite)
    together(suite)


def alone(suite: Suite) -> None:
    """Tests that restart the node, under which no other would stand."""
    suite.pytest("cluster, alone", "tests/cluster", only="alone")


def together(suite: Suite) -> None:
    """The chart's tests in their order, as each goes on with the release that the one before left; then all others."""
    suite.pytest("cluster, chart", CHART_TESTS)
    suite.pytest("cluster", "tests/cluster", f"--ignore={CHART_TESTS}", only="not alone", at_once=WORKERS)


def live(suite: Suite) -> None:
    with_cluster(suite)
    with suite.beside("nodes", suite.again("nodes")):  # it has a cluster of its own
        alone(suite)
        with suite.beside("e2e", suite.again("e2e")):
            together(suite)


def e2e(suite: Suite) -> None:
    with_cluster(suite)
    suite.once("interpreter", lambda: interpreter(suite))
    suite.pytest("e2e", "tests/e2e")


def nodes(suite: Suite) -> None:
    """Tests that take nodes away, on a cluster of three of its own: the others' would not survive them."""
    suite.once("packages", lambda: packages(suite))
    environment, name = suite.environment, f"{NAME}-nodes"
    cluster_up(suite, name, 3)
    suite.pytest(
        "nodes", "tests/cluster/test_cluster_itself.py::test_every_node_reaches_the_pods_of_every_node", "tests/nodes"
    )
    cluster_down(suite, name)
    suite.environment = environment


def bench(suite: Suite) -> None:
    """Its tables are what it is run for: they are printed as they come."""
    with_cluster(suite)
    suite.once("programs", lambda: programs(suite))
    suite.once("interpreter", lambda: interpreter(suite))
    suite.pytest("bench", "tests/bench", "--capture=no")


def without_cluster(name: str, path: str, at_once: int = CORES) -> Callable[[Suite], None]:
    def part(suite: Suite) -> None:
        suite.once("packages", lambda: packages(suite))
        suite.once("programs", lambda: programs(suite))
        suite.once("interpreter", lambda: interpreter(suite))
        suite.pytest(name, path, at_once=at_once)

    return part


def demo(suite: Suite) -> None:
    with_cluster(suite)
    suite.once("interpreter", lambda: interpreter(suite))
    suite.step("demo", [sys.executable, "-m", "tests.e2e.demo"])


def chart(suite: Suite) -> None:
    suite.once("packages", lambda: packages(suite))
    suite.once("programs", lambda: programs(suite))
    suite.pytest("chart", "tests/unit/chart")
    suite.step("chart package", ["helm", "package", "charts/bosh-kubernetes-operator", "--destination", "dist"])


PARTS: dict[str, Callable[[Suite], None]] = {
    "lint": lint,
    "unit": without_cluster("unit", "tests/unit"),
    "component": without_cluster("component", "tests/component", 3 * CORES),  # they wait two thirds of their time
    "cluster": cluster,
    "live": live,
    "nodes": nodes,
    "e2e": e2e,
    "bench": bench,
    "image": with_cluster,
    "demo": demo,
    "chart": chart,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS, metavar="PART")
    parser.add_argument("--full", action="store_true", help="the long matrices too")
    arguments = parser.parse_args()
    suite = Suite(full=arguments.full)
    try:
        for part in arguments.parts:
            PARTS[part](suite)
    finally:
        for name in list(suite.made):
            cluster_down(suite, name)
    return suite.report()


if __name__ == "__main__":
    sys.exit(main())
