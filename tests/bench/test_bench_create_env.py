"""create-env beside the client's own floor: the same run less the time that it spends in processes of the CPI.

Driven by the driver, whose waiting is the real client's (polls of a second); the real client's floor with a CPI of no
cost was 19 s for a first create on two shared cores.
"""

import re
import time

from tests.bench.measure import report
from tests.e2e.life import Life

ROUNDS = 1


def test_create_env(life: Life) -> None:
    runs = {
        "first create": lambda: life.create(),
        "changed property": lambda: life.create(word="thump"),
        "bigger disk": lambda: life.create(disk_size=256),
        "new stemcell": lambda: life.create(stemcell=life.site.stemcells[1]),
        "delete": life.delete,
    }
    for title, run in runs.items():
        began = time.perf_counter()
        printed = run()
        wall = time.perf_counter() - began
        account = re.search(r"CPI: ([0-9.]+) s in .*", printed)
        assert account, printed
        medians = {"the client's own": wall - float(account.group(1)), "whole": wall}
        report(
            f"create-env, {title}", medians, base="the client's own", aim="<= 1.25x", rounds=ROUNDS,
            note=account.group(0),
        )  # fmt: skip
