"""What one CPI process costs beside a bare interpreter and kubectl. `info` precedes every call, so it counts twice."""

import subprocess
from collections.abc import Callable

from tests.bench.measure import report, seconds, side_by_side
from tests.support.release.installed import install

ROUNDS = 15


def test_info_and_has_vm(make_machine, stemcell, cpi, tmp_path) -> None:
    """The release's own bin/cpi, and the interpreter that it found.

    What that runs by itself at each start (`site`, .pth files) is in the base but not in the CPI: the second line tells
    how much it is.
    """
    machine = make_machine(stemcell)
    release = install(tmp_path)
    release.config.write_bytes(cpi.config.read_bytes())

    def process(*words: object, stdin: str = "") -> Callable[[], float]:
        return lambda: seconds(
            lambda: subprocess.run(
                words, input=stdin.encode(), env=release.environment, capture_output=True, check=True
            )
        )

    medians = side_by_side(
        ROUNDS,
        {
            "python3 -I -c pass": process(release.python, "-I", "-c", "pass"),
            "python3 -I -S -c pass": process(release.python, "-I", "-S", "-c", "pass"),
            "info": process(release.executable, stdin=cpi.request("info")),
            "has_vm": process(release.executable, stdin=cpi.request("has_vm", machine.cid)),
            "kubectl get": lambda: seconds(
                lambda: machine.kubectl.run("get", "virtualmachines.cpi.bosh.io", machine.cid, "-o", "json")
            ),
        },
    )
    report("processes", medians, base="python3 -I -c pass", aim="info <= 1.6x; has_vm < kubectl get", rounds=ROUNDS)
