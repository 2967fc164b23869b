"""Firmware ConfigMaps that nobody needs any more, and those that somebody does."""

from datetime import datetime, timezone

import pytest

from bosh_kubernetes_api import names
from bosh_kubernetes_operator import firmware_map
from bosh_kubernetes_operator.errors import RefusedError
from bosh_kubernetes_operator.machine import attachment, pod
from tests.unit.operator.things import vm

NOW = datetime(2026, 1, 2, 3, 0, 0, tzinfo=timezone.utc)
OLD, YOUNG = "2026-01-02T01:59:00Z", "2026-01-02T02:01:00Z"
CURRENT = firmware_map.config_map(firmware_map.scripts())["metadata"]["name"]


def firmware(name: str, made: str = OLD):
    labels = names.labels(names.ROLE_FIRMWARE)
    return {"metadata": {"name": name, "uid": f"uid-{name}", "creationTimestamp": made, "labels": labels}}


class Api:
    """Stand-in for Cluster that notes what it is asked in `asked`."""

    def __init__(self, maps, pods, refusal=None) -> None:
        self.things = {"ConfigMap": maps, "Pod": pods}
        self.refusal, self.asked = refusal, []

    async def list(self, kind, label_selector="", field_selector=""):
        self.asked.append(("list", kind, label_selector))
        if self.refusal:
            raise self.refusal
        return self.things[kind]

    async def delete(self, kind, name, uid, grace=None):
        self.asked.append(("delete", kind, name, uid))

    @property
    def deleted(self):
        return [words[2] for words in self.asked if words[0] == "delete"]


MACHINE = pod.build(vm(), "firmware-machine", "/base", 60, {})
CABLE = attachment.build(vm(), "disk-1", "n1", "firmware-cable", "/base")


async def test_only_old_firmware_that_no_pod_has_is_removed() -> None:
    maps = [firmware(name) for name in ("firmware-machine", "firmware-cable", "firmware-unused", CURRENT)]
    api = Api([*maps, firmware("firmware-young", YOUNG)], [MACHINE, CABLE])

    await firmware_map.sweep(api, NOW)

    assert api.deleted == ["firmware-unused"]
    assert api.asked[-1][-1] == "uid-firmware-unused"


async def test_pods_are_listed_after_the_firmware_and_whatever_their_labels() -> None:
    """A Pod that was made meanwhile is seen, and one that lost its labels too."""
    api = Api([], [])
    await firmware_map.sweep(api, NOW)
    assert api.asked == [("list", "ConfigMap", names.selector(role=names.ROLE_FIRMWARE)), ("list", "Pod", "")]


@pytest.mark.parametrize("refusal", [RefusedError("get ConfigMap", 403, "Forbidden", "no such right")])
async def test_a_sweep_that_fails_stops_nobody(refusal, caplog) -> None:
    await firmware_map.sweep(Api([], [], refusal), NOW)
    assert "no such right" in caplog.text
