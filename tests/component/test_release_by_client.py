"""create-env takes the release as it is published: it compiles its packages, and calls the CPI that comes out.

With BOSH_CLI the real client does it, else the driver. The machine is refused by the stand-in API server, since there
is none: what is shown ends there.
"""

import io
import os
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.e2e.client import Client, ClientError
from tests.support.cluster.certificates import Certificates
from tests.support.fakeapi.server import TOKEN, FakeApi
from tests.support.release.tarballs import source_release

DIGEST = "sha256:" + "0" * 64


def stemcell(path: Path) -> None:
    """A light one."""
    properties = {"image_reference": "127.0.0.1:1/stemcell", "digest": DIGEST}
    manifest = {"name": "light", "version": "1", "api_version": 3, "cloud_properties": properties}
    with tarfile.open(path, "w:gz") as tar:
        for name, content in {"stemcell.MF": yaml.safe_dump(manifest).encode(), "image": b""}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def manifest(folder: Path, api: FakeApi) -> dict[str, object]:
    certificate = Certificates.make("127.0.0.1").settings()
    network = {"name": "default", "type": "dynamic", "dns": ["127.0.0.53"]}
    connection = {"server": api.url, "ca": api.authority.pem, "token": TOKEN}
    return {
        "name": "compiled",
        "releases": [{"name": "bosh-kubernetes-cpi", "url": f"file://{folder}/release.tgz"}],
        "networks": [network],
        "resource_pools": [
            {
                "name": "machines",
                "network": "default",
                "stemcell": {"url": f"file://{folder}/stemcell.tgz"},
                "cloud_properties": {},
                "env": {"bosh": {"mbus": {"cert": certificate}}},
            }
        ],
        "instance_groups": [
            {
                "name": "bosh",
                "instances": 1,
                "resource_pool": "machines",
                "networks": [{"name": "default"}],
                "jobs": [{"name": "kubernetes_cpi", "release": "bosh-kubernetes-cpi"}],
            }
        ],
        "cloud_provider": {
            "template": {"name": "kubernetes_cpi", "release": "bosh-kubernetes-cpi"},
            "mbus": "https://mbus:secret@127.0.0.1:1",
            "cert": certificate,
            "properties": {"kubernetes": connection, "agent": {"mbus": "https://mbus:secret@0.0.0.0:6868"}},
        },
    }


@pytest.mark.full
def test_client_compiles_the_release_and_calls_the_cpi(api: FakeApi, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin:/sbin")
    (tmp_path / "release.tgz").write_bytes(source_release(tmp_path / "work", "1"))
    stemcell(tmp_path / "stemcell.tgz")
    (tmp_path / "manifest.yml").write_text(yaml.safe_dump(manifest(tmp_path, api)))
    (tmp_path / "home").mkdir()
    api.fault("POST", "/virtualmachines", status=403)

    with pytest.raises(ClientError) as caught:
        Client(tmp_path / "home").run("create-env", tmp_path / "manifest.yml", tmp_path / "state.json")

    print(caught.value)
    assert "Bosh::Clouds::VMCreationFailed" in str(caught.value)
    assert [one["spec"]["image"] for one in api.store.list("Stemcell", "bosh-machines") if DIGEST in str(one)] != []
    assert [seen.method for seen in api.requests("POST", "/virtualmachines")] == ["POST"]
