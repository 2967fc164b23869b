"""Traps and pitfalls of stemcells that no other test shows (docs/conformance.md)."""

import gzip
import threading
from pathlib import Path

import pytest

from tests.component.conftest import NAMESPACE
from tests.support.registry.samples import root_file_system
from tests.support.registry.server import PASSWORD, USER, Traits


@pytest.fixture
def registry(serve, settings):
    server = serve(Traits(auth="token"))
    settings["registry"] = {"host": server.host, "username": USER, "password": PASSWORD}
    return server


def image(folder: Path, size: int) -> str:
    path = folder / f"image-{size}"
    path.write_bytes(gzip.compress(root_file_system(size), 1, mtime=0))
    return str(path)


def test_trap_47_two_entries_of_one_director_share_a_stemcell(api, registry, cpi, tmp_path) -> None:
    """An entry of cpi-config cannot be told from another one for the same cluster: both are given the same CID, and the
    second deletion finds nothing, which is success. What `--fix` makes again is the same too.
    """
    path = image(tmp_path, 1 << 20)
    cid = cpi("create_stemcell", path, {})
    assert cpi("create_stemcell", path, {}) == cid
    assert cpi("delete_stemcell", cid) is None
    assert cpi("delete_stemcell", cid) is None
    assert registry.store.manifests == {}
    assert cpi("create_stemcell", path, {}) == cid


def test_pitfall_46_two_uploads_at_once_keep_apart(api, registry, cpi, tmp_path) -> None:
    paths = [image(tmp_path, size << 20) for size in (1, 2)]
    cids: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda path=path: cids.update({path: cpi("create_stemcell", path, {})}))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(cids.values())) == 2
    digests = {registry.store.tags["bosh/stemcells", cid] for cid in cids.values()}
    assert len(digests) == 2
    for cid in cids.values():
        named = api.store.get("Stemcell", NAMESPACE, cid)["spec"]["image"].partition("@")[2]
        assert named == registry.store.tags["bosh/stemcells", cid]
