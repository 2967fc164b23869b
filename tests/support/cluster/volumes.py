"""Volumes of the test cluster's CSI driver (tests/support/csi) as the kernel of all its nodes sees them."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kind.create import Cluster
from tests.support.cluster.kubectl import Kubectl


@dataclass(frozen=True)
class Volume:
    """A volume by the path of its image on this machine, which every node has mounted."""

    image: Path

    def keys(self) -> list[str]:
        """major:minor of the block devices over the image: one while somebody, seen or not, holds its file system."""
        return [
            (backing.parents[1] / "dev").read_text().strip()
            for backing in Path("/sys/block").glob("loop*/loop/backing_file")
            if _content(backing).endswith(f"/{self.image.parent.name}/{self.image.name}")
        ]

    def free(self) -> bool:
        return not self.keys()


def of_claim(kubectl: Kubectl, claim: str) -> Volume:
    """The volume that a claim is bound to."""
    found = kubectl.get("pvc", claim)
    assert found is not None, f"there is no claim {claim}"
    volume = kubectl.get("pv", found["spec"]["volumeName"])
    assert volume is not None, f"the volume of {claim} is gone"
    folder = Cluster(os.environ["BOSH_CLUSTER"]).volumes / "volumes"
    return Volume(folder / f"{volume['spec']['csi']['volumeHandle']}.img")


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""  # detached between listing and reading
