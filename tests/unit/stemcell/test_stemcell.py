"""The files that build.py makes, on a base of three files."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
import yaml

from tests.stemcell import image, rootfs, tarball


@pytest.fixture
def base(tmp_path: Path) -> rootfs.Base:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (root / "dev").mkdir()
    (root / "dev" / "null").touch()
    member, packages = tmp_path / "base.part", tmp_path / "packages.txt"
    rootfs._write_member(root, member)
    packages.write_text("bash\t5.2\n")
    return rootfs.Base(member, packages, rootfs._paths(member))


def read(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path, "r:gz") as tar:
        found = tar.getmembers()
    names = [entry.name.removeprefix("./") for entry in found]
    assert len(names) == len(set(names)), "engines refuse an image in which a path comes twice"
    return dict(zip(names, found, strict=True))


@pytest.mark.parametrize("flavour", ["runit", "systemd"])
def test_an_image_is_the_base_and_the_layout(flavour: str, base: rootfs.Base, tmp_path: Path) -> None:
    path = tmp_path / "image"
    image.write(path, base, flavour, "1.0", None, None)
    found = read(path)
    assert {"etc/passwd", "var/vcap/bosh/agent.json", "var/vcap/bosh/bin/bosh-agent", "warden-cpi-dev"} <= set(found)
    assert "dev/null" not in found
    assert ("usr/sbin/runsvdir-start" in found) == (flavour == "runit")
    assert ("etc/systemd/system/bosh-agent.service" in found) == (flavour == "systemd")
    assert found["var/vcap/bosh/etc/monitrc"].mode == 0o700
    assert found["var/vcap/bosh/bin/bosh-agent-rc"].mode == 0o755
    assert {entry.uid for entry in found.values()} == {0}
    folders = {str(parent) for name in found for parent in Path(name).parents} - {"."}
    assert folders <= set(found), "a folder without an entry gets whatever mode the engine likes"


def test_the_runit_service_for_monit_is_down(base: rootfs.Base, tmp_path: Path) -> None:
    image.write(tmp_path / "image", base, "runit", "1.0", None, None)
    assert "etc/sv/monit/down" in read(tmp_path / "image")


def test_another_version_changes_one_file_and_keeps_the_base(base: rootfs.Base, tmp_path: Path) -> None:
    contents = []
    for version in ("1.0", "1.1"):
        path = tmp_path / version
        image.write(path, base, "runit", version, None, None)
        with tarfile.open(path, "r:gz") as tar:
            contents.append({one.name: tar.extractfile(one).read() for one in tar if one.isreg()})  # type: ignore[union-attr]
        assert path.read_bytes().startswith(base.member.read_bytes())
    changed = {name for name in contents[0] if contents[0][name] != contents[1][name]}
    assert changed == {"./var/vcap/bosh/etc/stemcell_version"}
    assert contents[1]["./var/vcap/bosh/etc/stemcell_version"] == b"1.1"


def test_the_real_agent_takes_the_place_of_the_stand_in(base: rootfs.Base, tmp_path: Path) -> None:
    agent, monit = tmp_path / "agent", tmp_path / "monit"
    agent.write_bytes(b"real agent")
    monit.write_bytes(b"real monit")
    image.write(tmp_path / "image", base, "runit", "1.0", agent, monit)
    found = read(tmp_path / "image")
    assert not [name for name in found if "standin" in name]
    assert found["var/vcap/bosh/bin/bosh-agent"].size == len(b"real agent")
    assert found["var/vcap/bosh/bin/monit"].mode == 0o755


def test_a_file_of_the_base_is_not_replaced() -> None:
    file = tarfile.TarInfo("./etc/passwd")
    with pytest.raises(ValueError, match="etc/passwd comes twice"):
        list(image.added([(file, b"")], frozenset({"etc", "etc/passwd"})))


def stemcell(path: Path) -> tuple[dict[str, object], bytes]:
    with tarfile.open(path, "r:gz") as tar:
        names = tar.getnames()
        assert names == ["stemcell.MF", "packages.txt", "image"]
        manifest, _, content = (tar.extractfile(name).read() for name in names)  # type: ignore[union-attr]
    return yaml.safe_load(manifest), content


def test_a_heavy_stemcell(tmp_path: Path) -> None:
    picture = tmp_path / "picture"
    picture.write_bytes(gzip.compress(b"root file system"))
    tarball.heavy(tmp_path / "s.tgz", picture, "systemd", "1.0", b"bash\t5.2\n")
    manifest, content = stemcell(tmp_path / "s.tgz")
    assert content == picture.read_bytes()
    properties = manifest.pop("cloud_properties")
    assert manifest == {
        "name": "bosh-kubernetes-test-systemd",
        "version": "1.0",
        "bosh_protocol": 1,
        "api_version": 3,
        "sha1": hashlib.sha1(content).hexdigest(),
        "operating_system": "ubuntu-noble",
        "stemcell_formats": ["warden-tar"],
    }
    assert isinstance(properties, dict)
    assert (properties["name"], properties["version"]) == ("bosh-kubernetes-test-systemd", "1.0")
    assert properties["infrastructure"] == "warden"


def test_a_light_stemcell(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    tarball.light(tmp_path / "s.tgz", "runit", "1.0", "registry.example/stemcell:1.0", digest)
    manifest, content = stemcell(tmp_path / "s.tgz")
    assert content == b""
    assert manifest["sha1"] == hashlib.sha1(b"").hexdigest()
    assert manifest["stemcell_formats"] == ["docker-light"]
    properties = manifest["cloud_properties"]
    assert isinstance(properties, dict)
    assert properties["image_reference"] == "registry.example/stemcell:1.0"
    assert properties["digest"] == digest


def test_the_base_ends_without_end_mark(base: rootfs.Base) -> None:
    content = gzip.decompress(base.member.read_bytes())
    assert len(content) % 512 == 0
    assert content[-512:] != bytes(512)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert "./etc/passwd" in tar.getnames()
