"""What CPI processes take of a Director's machine: one by itself, and 100 at once."""

import json
import subprocess
from pathlib import Path

from tests.bench.measure import note_down
from tests.support.release.installed import InstalledRelease, install

ROUNDS = 5
AT_ONCE = 100
MOST = 25.0  # MiB of resident memory of one process
CROWD = Path(__file__).parent / "crowd.py"


def crowd(release: InstalledRelease, folder: Path, request: str, count: int) -> dict[str, float]:
    """Of `count` processes of the release's bin/cpi at once, all of which must answer without an error."""
    answers = folder / "answers"
    answers.mkdir(exist_ok=True)
    (folder / "request").write_text(request)
    words = [release.python, "-I", "-S", CROWD, count, folder / "request", answers, release.executable]
    done = subprocess.run(
        [str(word) for word in words], env=release.environment, capture_output=True, text=True, check=True
    )
    assert all(json.loads((answers / str(number)).read_text())["error"] is None for number in range(count))
    told = json.loads(done.stdout)
    peaks = [peak / 1024 for peak in told["peaks"]]
    return {"wall": told["wall"], "cpu": told["cpu"], "largest": max(peaks), "sum": sum(peaks)}


def test_memory_and_cpu_of_processes(make_machine, stemcell, cpi, tmp_path) -> None:
    machine = make_machine(stemcell)
    disk = machine.plug()
    release = install(tmp_path)
    release.config.write_bytes(cpi.config.read_bytes())
    cases = {
        "info": (cpi.request("info"), 1),
        "has_vm": (cpi.request("has_vm", machine.cid), 1),
        "attach_disk, attached": (cpi.request("attach_disk", machine.cid, disk), 1),
        f"{AT_ONCE} has_vm at once": (cpi.request("has_vm", machine.cid), AT_ONCE),
    }
    figures = {
        name: min((crowd(release, tmp_path, *case) for _ in range(ROUNDS)), key=lambda one: one["wall"])
        for name, case in cases.items()
    }

    met = all(one["largest"] < MOST for one in figures.values())
    print(f"\nmemory and CPU (aim: has_vm < {MOST:g} MiB each, {'met' if met else 'missed'}; best of {ROUNDS})")
    for name, one in figures.items():
        print(
            f"  {one['largest']:6.1f} MiB the largest, {one['sum']:7.1f} MiB in all, "
            f"{one['cpu']:6.2f} s CPU, {one['wall']:6.2f} s wall  {name}"
        )
    note_down("memory and CPU", {"figures": figures, "aim": f"has_vm < {MOST:g} MiB", "rounds": ROUNDS})
