"""What a light stemcell is called."""

import pytest

from bosh_kubernetes_cpi.stemcell.reference import parse
from bosh_kubernetes_cpi.tool.codes import WrongUse
from bosh_kubernetes_cpi.tool.light import naming, tarball
from bosh_kubernetes_cpi.tool.light.naming import TITLE, VERSION, identify
from bosh_kubernetes_cpi.tool.light.published import Published

DIGEST = "sha256:" + "0" * 64
NOTHING = {"name": "", "version": "", "os": "", "architecture": ""}
UBUNTU = "ghcr.io/cloudfoundry/ubuntu-noble-stemcell"


@pytest.mark.parametrize(
    ("reference", "labels", "given", "expected"),
    [
        (f"{UBUNTU}:1.165", {}, {}, ("bosh-kubernetes-ubuntu-noble", "1.165", "ubuntu-noble", "x86_64")),
        (f"{UBUNTU}:v2", {}, {}, ("bosh-kubernetes-ubuntu-noble", "2", "ubuntu-noble", "x86_64")),
        (f"{UBUNTU}:latest", {VERSION: "1.7"}, {}, ("bosh-kubernetes-ubuntu-noble", "1.7", "ubuntu-noble", "x86_64")),
        (f"{UBUNTU}:1.165", {TITLE: "own", VERSION: "1.7"}, {}, ("own", "1.7", "ubuntu-noble", "x86_64")),
        (f"{UBUNTU}:1.165", {TITLE: "own"}, {"name": "given", "os": "other"}, ("given", "1.165", "other", "x86_64")),
        ("localhost:5000/a:1", {}, {"os": "debian"}, ("bosh-kubernetes-debian", "1", "debian", "x86_64")),
        ("localhost:5000/a:1", {}, {"os": "b", "architecture": "arm64"}, ("bosh-kubernetes-b", "1", "b", "aarch64")),
    ],
)  # fmt: skip
def test_options_win_then_labels_then_the_reference(reference, labels, given, expected) -> None:
    found = identify(parse(reference), Published(labels, "amd64"), **{**NOTHING, **given})

    assert (found.name, found.version, found.os, found.architecture) == expected


@pytest.mark.parametrize(
    ("reference", "given", "words"),
    [
        (f"{UBUNTU}:latest", {}, "give --version"),
        (f"{UBUNTU}@{DIGEST}", {}, "give --version"),
        ("localhost:5000/mine:1", {"name": "n"}, "give --os"),
        (f"{UBUNTU}:1.165", {"name": "../../etc/passwd"}, "another --name"),
        (f"{UBUNTU}:1.165", {"version": "1 2"}, "another --version"),
    ],
)
def test_what_is_not_known_or_no_name_is_asked_for(reference, given, words) -> None:
    with pytest.raises(WrongUse, match=words):
        identify(parse(reference), Published(), **{**NOTHING, **given})


def test_every_architecture_is_one_that_a_heavy_stemcell_gets_back() -> None:
    from bosh_kubernetes_cpi.stemcell import image

    assert {ours: theirs for theirs, ours in naming.ARCHITECTURES.items()} == image._ARCHITECTURES


def test_a_tarball_holds_neither_times_nor_owners() -> None:
    reference = parse(f"{UBUNTU}:1.165@{DIGEST}")
    identity = identify(reference, Published(), **NOTHING)

    one = tarball.archive(tarball.manifest(identity, reference, formats=tarball.FORMATS, api_version=3))
    two = tarball.archive(tarball.manifest(identity, reference, formats=tarball.FORMATS, api_version=3))

    assert one == two
    assert one[4:8] == bytes(4)  # gzip's time
