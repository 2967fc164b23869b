"""The cache that the chart puts on each node: the real registry, with the chart's configuration, before another."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from bosh_kubernetes_cpi.errors import RegistryError
from bosh_kubernetes_cpi.stemcell.image import Document
from bosh_kubernetes_cpi.stemcell.registry import Registry as Client
from tests.support.registry.real import RealRegistry
from tests.unit.chart.rendering import REGISTRY, one, render

CONFIG = Document(b"{}", "application/vnd.oci.image.config.v1+json")
MANIFEST = Document(
    (
        '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"'
        f'{CONFIG.media_type}","digest":"{CONFIG.digest}","size":2}},"layers":[]}}'
    ).encode(),
    "application/vnd.oci.image.manifest.v1+json",
)


@pytest.fixture
def registry(tmp_path: Path) -> RealRegistry:
    """Not running yet."""
    folder = tmp_path / "registry"
    folder.mkdir()
    return RealRegistry(folder)


@pytest.fixture
def mirror(registry: RealRegistry, tmp_path: Path) -> RealRegistry:
    """Not running yet."""
    text = one(render(REGISTRY), "ConfigMap", "bosh-registry-mirror")["data"]["config.yml"]
    proxy = yaml.safe_load(text)["proxy"] | {"remoteurl": f"http://{registry.host}"}
    folder = tmp_path / "mirror"
    folder.mkdir()
    return RealRegistry(folder, proxy=proxy)


def test_it_starts_before_its_registry_and_has_what_that_gets_later(
    registry: RealRegistry, mirror: RealRegistry, client: Callable[..., Client]
) -> None:
    with mirror:
        with registry:
            upstream = client(registry.host)
            upstream.put_blob(CONFIG)
            upstream.put_manifest(MANIFEST, tag="stemcell-1")
            assert client(mirror.host).digest(MANIFEST.digest) == MANIFEST.digest
        assert client(mirror.host).digest(MANIFEST.digest) == MANIFEST.digest, "it has a copy"


def test_it_answers_500_for_what_the_registry_does_not_have(
    registry: RealRegistry, mirror: RealRegistry, client: Callable[..., Client]
) -> None:
    """So a node cannot tell this from a registry that is out of reach: the operator's verdict says both."""
    with mirror, registry, pytest.raises(RegistryError, match="HTTP 500"):
        client(mirror.host).digest(f"sha256:{'0' * 64}")
