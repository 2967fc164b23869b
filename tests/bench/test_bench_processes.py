"""What one CPI process costs beside a bare interpreter and kubectl. `info` precedes every call, so it counts twice."""

import subprocess
import sys

from tests.bench.measure import report, seconds, side_by_side

ROUNDS = 15


def process(*words: str) -> float:
    return seconds(lambda: subprocess.run(words, capture_output=True, check=True))


def test_info_and_has_vm(make_machine, stemcell, cpi) -> None:
    machine = make_machine(stemcell)
    kubectl = machine.kubectl
    medians = side_by_side(
        ROUNDS,
        {
            "python3 -I -c pass": lambda: process(sys.executable, "-I", "-c", "pass"),
            "info": lambda: seconds(lambda: cpi("info")),
            "has_vm": lambda: seconds(lambda: cpi("has_vm", machine.cid)),
            "kubectl get": lambda: seconds(lambda: kubectl.get("virtualmachines.cpi.bosh.io", machine.cid)),
        },
    )
    report("processes", medians, base="python3 -I -c pass", aim="info <= 1.6x; has_vm < kubectl get", rounds=ROUNDS)
