"""Documents that the tool hands to kind, to the engine and to the API server."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kind import archive, engine, images, programs, storage
from tests.cluster.kind.create import Cluster, kind_config
from tests.cluster.kind.errors import ClusterError

FOLDER = Path("/cache/run/x/volumes")


def config(nodes: int, cgroup: int = 2) -> dict[str, Any]:
    return kind_config("x", nodes, cgroup, FOLDER)


def test_one_node_is_a_control_plane_and_three_have_two_workers() -> None:
    assert [node["role"] for node in config(1)["nodes"]] == ["control-plane"]
    assert [node["role"] for node in config(3)["nodes"]] == ["control-plane", "worker", "worker"]


def test_every_node_has_the_folder_of_the_volumes_where_the_driver_looks_for_it() -> None:
    driver = (storage.ASSETS / "storage.yaml").read_text()
    for node in config(3)["nodes"]:
        [mount] = node["extraMounts"]
        assert mount["hostPath"] == str(FOLDER)
        assert f"{{path: {mount['containerPath']}, type: Directory}}" in driver


def test_only_where_the_machine_has_cgroup_v1_the_kubelet_is_told_to_bear_it() -> None:
    assert "failCgroupV1" not in str(config(1, cgroup=2)["kubeadmConfigPatches"])
    assert "failCgroupV1: false" in str(config(1, cgroup=1)["kubeadmConfigPatches"])
    assert "failCgroupV1: false" in str(config(3, cgroup=1)["kubeadmConfigPatches"])


@pytest.mark.parametrize("nodes", [1, 3])
def test_machines_that_ask_for_little_are_not_held_to_it(nodes: int) -> None:
    assert "cpuCFSQuota: false" in str(config(nodes)["kubeadmConfigPatches"])


def test_only_with_several_nodes_the_loss_of_one_shows_soon() -> None:
    def said(nodes: int) -> str:
        return json.dumps(config(nodes, cgroup=1))

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
        folder = programs.folder_of(family)
        assert (folder / "go.sum").exists()
        assert programs.FAMILIES[family].packages[program] in (folder / "go.mod").read_text()
