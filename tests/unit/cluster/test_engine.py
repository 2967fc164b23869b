"""What our engine leaves when it is stopped."""

from pathlib import Path

from tests.cluster.kind.engine import mounted_below

TABLE = """\
22 1 8:1 / / rw - ext4 /dev/sda rw
40 22 0:4 net:[1] /cache/engine/exec/netns/default rw - nsfs nsfs rw
41 22 0:5 / /cache/engine/data rw - overlay overlay rw
42 41 0:6 / /cache/engine/data/deeper rw - tmpfs tmpfs rw
43 22 0:7 / /cache/engine-of-another rw - tmpfs tmpfs rw
"""


def test_mounts_of_the_engine_go_from_the_inside_and_no_others() -> None:
    assert mounted_below(Path("/cache/engine"), TABLE) == [
        "/cache/engine/exec/netns/default",
        "/cache/engine/data/deeper",
        "/cache/engine/data",
    ]
