"""info comes before every call: offline, quick, the same for every version."""

import json

import pytest

from tests.support.cpi_process import Cpi


@pytest.mark.parametrize("version", [None, 1, 2, 3])
def test_same_answer_for_every_version_asked(cpi: Cpi, version: int | None) -> None:
    request = {"method": "info", "arguments": [], "context": {"director_uuid": "x"}}
    if version is not None:
        request["api_version"] = version
    result = cpi.raw(json.dumps(request).encode()).value()

    assert result["api_version"] == 2
    assert "warden-tar" in result["stemcell_formats"]


def test_needs_neither_configuration_nor_cluster(cpi: Cpi, api) -> None:
    cpi.config.write_text("no JSON")

    assert cpi("info")["api_version"] == 2
    assert api.connections == 0
