"""One machine through its life, narrated: `python -m tests.e2e.demo`, on the test cluster that the environment names.

With BOSH_CLI the real `bosh create-env` drives it, else the driver; with BOSH_AGENT the stemcells hold the real agent;
with BOSH_STEMCELL=systemd they are of that flavour.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.life import BEAT, Life
from tests.e2e.site import route
from tests.support.cluster import environment
from tests.support.cluster.wait import eventually


@contextmanager
def chapter(title: str) -> Iterator[None]:
    """Says what is about to happen, and how long it took."""
    print(f"\n{title}", flush=True)
    began = time.monotonic()
    yield
    print(f"  took {time.monotonic() - began:.1f} s", flush=True)


def tell(text: str) -> None:
    print(f"  {text}", flush=True)


def show(life: Life) -> None:
    """The machine as a person sees it."""
    machine = life.machine()
    pod = machine["status"]["pod"]
    tell(f"{life.vm()} is {machine['status']['printableStatus']}: Pod {pod['ip']} on node {pod['node']}")
    tell(f"address {life.site.address}, disk {', '.join(life.disks())}, {life.beats()} lines written by its job")


def create(life: Life) -> None:
    with chapter("Create: stemcell, machine, persistent disk, and a job that writes to it without pause"):
        life.create()
    show(life)
    tell(f"5 MB of random data on the disk, sha256 {life.marker()[:16]}…")


def write_data(life: Life) -> None:
    with chapter("Write data: a file of ours in /etc, in /var/vcap/data and on the persistent disk"):
        life.inside(f"for f in /etc/ours /var/vcap/data/ours {BEAT}/ours; do echo kept >$f; done; sync")


def reboot(life: Life) -> None:
    """From inside, as `bosh ssh` and `sudo reboot` would."""
    pod, boots = life.machine()["status"]["pod"], life.machine()["status"]["guest"]["boots"]
    with chapter("Reboot from inside"):
        life.inside("reboot || systemctl reboot")
        eventually(lambda: life.machine()["status"]["guest"]["boots"] > boots, within=120, what="it booted again")
        life.agent().wait_until_ready(120)
    after = life.machine()["status"]["pod"]
    tell(f"same Pod: {after['uid'] == pod['uid']}, same address: {after['ip'] == pod['ip']}")
    kept = life.inside(f"cat /etc/ours /var/vcap/data/ours {BEAT}/ours").split()
    tell(f"files kept: {len(kept)} of 3; data on the disk is unchanged: sha256 {life.marker()[:16]}…")
    life.agent().wait_until_running(120)
    show(life)


def bigger_disk(life: Life) -> None:
    (old,) = life.disks()
    with chapter("Bigger disk: a second one is attached to the running machine, its agent moves the data"):
        life.create(disk_size=256)
    tell(f"{old} is gone; data unchanged: sha256 {life.marker()[:16]}…")
    show(life)


def new_stemcell(life: Life) -> None:
    with chapter("New stemcell: the machine is made anew, the disk stays"):
        life.create(stemcell=life.site.stemcells[1])
    tell(f"data unchanged: sha256 {life.marker()[:16]}…")
    show(life)


def unchanged(life: Life) -> None:
    with chapter("Once more without a change"):
        printed = life.create()
    tell(next(line for line in printed.splitlines() if "Skipping deploy" in line).strip())


def delete(life: Life) -> None:
    with chapter("Delete"):
        life.delete()
    left = life.left_over()
    tell("nothing of the environment is left in the cluster" if not left else f"left over: {', '.join(left)}")


def main() -> int:
    with chapter("Install the operator with its chart, and make the stemcells"):
        site = environment.site(environment.installed())
    tell(f"agent in the stemcells: {os.environ.get('BOSH_AGENT') or 'the stand-in of the tests'}")
    with tempfile.TemporaryDirectory(prefix="demo-") as folder, route(site):
        life = Life(site, Path(folder))
        tell(f"client: {life.client.name}")
        began = time.monotonic()
        try:
            for step in (create, write_data, reboot, bigger_disk, new_stemcell, unchanged, delete):
                step(life)
        except BaseException:
            if life.state_file.exists():
                print("\nThe demo failed; what it made is deleted", flush=True)
                life.delete()
            raise
    print(f"\nDone in {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
