"""Documents that the tool hands to kind, to the engine and to the API server."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kind import archive, engine, images, programs, volumes
from tests.cluster.kind.create import Cluster, kind_config
from tests.cluster.kind.errors import ClusterError


def test_one_node_is_a_control_plane_and_three_have_two_workers() -> None:
    assert kind_config("one", 1, cgroup=2)["nodes"] == [{"role": "control-plane"}]
    assert kind_config("three", 3, cgroup=2)["nodes"] == [
        {"role": "control-plane"},
        {"role": "worker"},
        {"role": "worker"},
    ]


def test_only_where_the_machine_has_cgroup_v1_the_kubelet_is_told_to_bear_it() -> None:
    assert "failCgroupV1" not in str(kind_config("x", 1, cgroup=2)["kubeadmConfigPatches"])
    assert "failCgroupV1: false" in str(kind_config("x", 1, cgroup=1)["kubeadmConfigPatches"])
    assert "failCgroupV1: false" in str(kind_config("x", 3, cgroup=1)["kubeadmConfigPatches"])


@pytest.mark.parametrize("nodes", [1, 3])
def test_machines_that_ask_for_little_are_not_held_to_it(nodes: int) -> None:
    assert "cpuCFSQuota: false" in str(kind_config("x", nodes, cgroup=2)["kubeadmConfigPatches"])


def test_only_with_several_nodes_the_loss_of_one_shows_soon() -> None:
    def said(nodes: int) -> str:
        return json.dumps(kind_config("x", nodes, cgroup=1))

    for word in ("node-monitor-grace-period", "default-unreachable-toleration-seconds", "nodeLeaseDurationSeconds"):
        assert word in said(3)
        assert word not in said(1)


@pytest.mark.parametrize("name", ["", "Upper", "-x", "a/b", "x" * 33, "../other"])
def test_names_that_could_leave_the_clusters_folder_are_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="is no name for a cluster"):
        Cluster(name)


def test_our_engine_keeps_everything_below_its_folder() -> None:
    config = engine.daemon_config(Path("/cache/engine"), sys_resource=True)
    assert config["hosts"] == ["unix:///cache/engine/docker.sock"]
    assert all(str(config[name]).startswith("/cache/engine/") for name in ("data-root", "exec-root", "pidfile"))
    assert "default-runtime" not in config


def test_without_sys_resource_the_engine_runs_containers_through_the_wrapper() -> None:
    config = engine.daemon_config(Path("/cache/engine"), sys_resource=False)
    assert config["default-runtime"] in config["runtimes"]  # type: ignore[operator]
    assert config["oom-score-adjust"] == 0


def test_a_block_volume_belongs_to_its_nodes() -> None:
    spec: Any = volumes.Volume(3, "/dev/loop7", 512, volumes.ANYWHERE, ("a", "b")).manifest("bosh-x")["spec"]
    assert spec["storageClassName"] == volumes.ANYWHERE
    assert spec["local"] == {"path": "/dev/loop7", "fsType": "ext4"}
    assert spec["capacity"] == {"storage": "512Mi"}
    terms = spec["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert terms == [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a", "b"]}]}]


@pytest.mark.parametrize(
    ("available", "count", "sizes", "missing"),
    [
        ([], 4, [256, 512], [256, 256, 512, 512]),
        (["256Mi", "1Gi"], 3, [256, 256, 1024], [256]),
        (["256Mi", "256Mi", "256Mi"], 2, [256], []),
        ([], 0, [256], []),
    ],
)
def test_volumes_are_made_until_enough_are_available(
    available: list[str], count: int, sizes: list[int], missing: list[int]
) -> None:
    listed = [{"spec": {"capacity": {"storage": size}}, "status": {"phase": "Available"}} for size in available]
    bound = {"spec": {"capacity": {"storage": "256Mi"}}, "status": {"phase": "Bound"}}
    assert volumes.lacking([*listed, bound], count, sizes) == missing


def test_an_image_archive_says_what_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/file").write_text("content")
    settings = archive.Settings(entrypoint=["/init"], stop_signal="SIGRTMIN+3")
    written = archive.write(tmp_path / "image.tar", "bosh.local/x:1", tmp_path / "root", settings)

    assert archive.name_and_id(tmp_path / "image.tar") == ("bosh.local/x:1", written)
    with tarfile.open(tmp_path / "image.tar") as tar:
        config = json.loads(tar.extractfile(f"{written.removeprefix('sha256:')}.json").read())  # type: ignore[union-attr]
    assert config["config"] == {"Env": [archive.PATH], "Entrypoint": ["/init"], "StopSignal": "SIGRTMIN+3"}
    assert list(tmp_path.glob("*.layer")) == []


def test_every_program_of_an_image_can_be_built() -> None:
    wanted = {program for image in [*images.NODE_IMAGES, *images.TEST_IMAGES] for program in image.programs}
    for program in wanted:
        family = programs.family_of(program)
        assert (programs.TOOLS / family / "go.sum").exists()
        assert programs.FAMILIES[family].packages[program] in (programs.TOOLS / family / "go.mod").read_text()
