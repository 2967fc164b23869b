"""Credentials of the request and the configuration reach their Secret and the server, and nothing else."""

import json

import pytest

from tests.component.conftest import ENV, NAMESPACE, NETWORKS, PLANTED, STEMCELL
from tests.support.fakeapi.server import TOKEN


@pytest.fixture
def unseen(cpi, api):
    """Checks that no planted text was said, or stands in an object that is no Secret."""

    def check() -> None:
        said = cpi.said
        for kind in ("VirtualMachine", "ConfigMap", "PersistentVolumeClaim"):
            said += json.dumps(api.store.list(kind, NAMESPACE))
        for word in (*PLANTED.values(), TOKEN, api.client.key):
            assert word not in said

    return check


def test_nothing_is_said_over_a_whole_life(cpi, create_vm, unseen) -> None:
    cid = create_vm()
    disk = cpi("create_disk", 1, {}, cid)
    cpi("attach_disk", cid, disk)
    cpi("set_vm_metadata", cid, {"name": "x"})
    unseen()
    cpi("detach_disk", cid, disk)
    cpi("delete_vm", cid)
    unseen()


def test_server_that_quotes_what_it_was_sent(cpi, api, operator, unseen) -> None:
    """As admission webhooks do."""
    quoted = " ".join([*PLANTED.values(), TOKEN, ENV["bosh"]["mbus"]["cert"]["private_key"]])
    body = {"kind": "Status", "message": f"denied: {quoted}", "reason": "Invalid", "code": 422}
    api.fault("POST", "/secrets", status=422, body=body)
    answer = cpi.answer("create_vm", "agent-1", STEMCELL, {}, NETWORKS, [], ENV)

    assert answer.error is not None
    assert "denied: <redacted>" in answer.error["message"]
    unseen()


@pytest.mark.parametrize(
    "text", ['{"kubernetes": {"token": "planted-token', '{"kubernetes": {"tokn": "planted-token"}}']
)
def test_broken_configuration_is_not_quoted(cpi, text) -> None:
    cpi.config.write_text(text)
    answer = cpi.answer("has_vm", "vm-1")

    assert answer.error is not None
    assert "planted" not in json.dumps(answer.error)
