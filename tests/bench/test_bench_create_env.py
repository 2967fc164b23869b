"""create-env beside the client's own floor: what it takes with a CPI that costs nothing.

The real client's floor was measured once, with a scripted CPI on two shared cores. The driver waits less than the real
client does; its floor is the same run less the time that it spends in processes of the CPI.
"""

import re
import time

from tests.bench.measure import report
from tests.e2e.life import Life

ROUNDS = 1
FLOOR = {"first create": 19.0, "changed property": 19.0, "bigger disk": 23.0, "new stemcell": 22.0, "delete": 4.7}


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
        if life.client.cli:
            floor, aim, note = FLOOR[title], "<= 1.25x", "real client; its floor is of another run"
        else:
            assert account, printed
            floor, aim, note = wall - float(account.group(1)), "none: the real client's counts", account.group(0)
        medians = {"the client's own": floor, "whole": wall}
        report(
            f"create-env, {title}", medians, base="the client's own", aim=aim, rounds=ROUNDS,
            note=note,
        )  # fmt: skip
