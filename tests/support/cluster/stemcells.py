"""The test stemcells in the registry of the main installation: uploaded by create_stemcell, once a cluster.

Installations beside it have no registry. They get a Stemcell of the same image, which every node knows by then.
"""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.cluster.kind import cache
from tests.support.cluster import images
from tests.support.cluster.cpi import Cpi
from tests.support.cluster.installation import Installation

OWNER = "00000000-0000-4000-8000-000000000001"  # a Director that never deletes them: they go with the cluster
KIND = "stemcells.cpi.bosh.io"


def provide(main: Installation, here: Installation, flavour: str) -> str:
    """CID of the stemcell of that flavour, which is in the namespaces of `main` and `here` then."""
    with cache.locked(f"stemcells-{os.environ['BOSH_CLUSTER']}"):
        stemcell = _uploaded(main, images.stemcell(flavour))
    name: str = stemcell["metadata"]["name"]
    if here.machines.namespace != main.machines.namespace:
        spec = {**stemcell["spec"], "format": "light"}  # the image is not its own to delete
        kind = {"apiVersion": stemcell["apiVersion"], "kind": stemcell["kind"]}
        here.machines.apply({**kind, "metadata": {"name": name}, "spec": spec})
    return name


def _uploaded(main: Installation, stemcell: images.Stemcell) -> dict[str, Any]:
    noted = cache.root() / "run" / os.environ["BOSH_CLUSTER"] / "stemcells.json"  # goes with the cluster
    known: dict[str, str] = json.loads(noted.read_text()) if noted.exists() else {}
    key = cache.sha256(stemcell.tarball)
    found = main.machines.get(KIND, known[key]) if key in known else None
    if found is None:
        known[key] = _upload(main, stemcell)
        noted.write_text(json.dumps(known))
        found = main.machines.get(KIND, known[key])
    assert found is not None, f"create_stemcell made no {known[key]}"
    return found


def _upload(main: Installation, stemcell: images.Stemcell) -> str:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "cpi.json"
        config.write_text(json.dumps(main.config()))
        image, properties = stemcell.unpack(Path(folder))
        cid: str = Cpi(config, director=OWNER)("create_stemcell", str(image), properties)
        return cid
