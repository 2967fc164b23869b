"""Cloud properties of a VM and networks: what they become, and how what is wrong is named."""

import pytest

from bosh_kubernetes_cpi import networks, vm_properties
from bosh_kubernetes_cpi.cloud_properties import NETWORK, VM, read
from bosh_kubernetes_cpi.config import DEFAULTS
from bosh_kubernetes_cpi.errors import CloudError


def shape(properties, group="", disks=()):
    return vm_properties.shape(read(VM, properties, "the VM", DEFAULTS), group=group, disks=list(disks))


def test_nothing_given_means_defaults_and_no_empty_parts() -> None:
    assert shape({}) == {"resources": {"cpu": "1", "memory": "1024Mi", "ephemeralDisk": "10240Mi"}}


@pytest.mark.parametrize(("given", "cores"), [(2, "2"), (0.5, "0.5"), ("500m", "500m"), ("1.5", "1.5")])
def test_cores(given, cores) -> None:
    assert shape({"cpu": given})["resources"]["cpu"] == cores


def test_what_calculate_vm_cloud_properties_would_give_is_taken() -> None:
    resources = shape({"cpu": 2, "ram": 4096, "ephemeral_disk_size": 20480})["resources"]
    assert resources == {"cpu": "2", "memory": "4096Mi", "ephemeralDisk": "20480Mi"}


def test_placement_labels_and_root_disk() -> None:
    result = shape(
        {
            "zone": "z1",
            "node_selector": {"disk": "ssd"},
            "tolerations": [{"operator": "Exists"}],
            "priority_class": "high",
            "labels": {"a": "b"},
            "root_disk": {"storage_class": "fast"},
            "annotations": {},
        },
        group="g",
        disks=["disk-1", "disk-2", "disk-1"],
    )

    assert result["placement"] == {
        "zone": "z1",
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"operator": "Exists"}],
        "priorityClass": "high",
        "group": "g",
        "disks": ["disk-1", "disk-2"],
    }
    assert result["rootDisk"] == {"storageClass": "fast"}
    assert result["labels"] == {"a": "b"}
    assert "annotations" not in result


NETWORKS = [
    ({"a": {"type": "dynamic", "ip": "10.0.0.9"}}, [{"name": "a", "type": "dynamic"}], {}),
    ({"a": {"type": "manual"}}, [{"name": "a", "type": "manual"}], {}),
    (
        {"a": {"ip": "10.0.0.9", "cloud_properties": {"static_ip": {"ports": [25555, 22, 22]}}}},
        [{"name": "a", "type": "manual", "ip": "10.0.0.9", "ports": [22, 25555]}],
        {},
    ),
    (
        {"a": {"type": "manual", "ip": "10.0.0.9", "cloud_properties": {"preset": "calico"}}},
        [{"name": "a", "type": "manual", "ip": "10.0.0.9"}],
        {"cni.projectcalico.org/ipAddrs": '["10.0.0.9"]'},
    ),
]


@pytest.mark.parametrize(("given", "entries", "annotations"), NETWORKS)
def test_networks(given, entries, annotations) -> None:
    assert networks.machine_networks(given, []) == (entries, annotations)


@pytest.mark.parametrize("preset", NETWORK["preset"].kind.words.removeprefix("one of ").split(", "))
def test_every_preset_gives_the_address(preset) -> None:
    given = {"a": {"ip": "10.0.0.9", "cloud_properties": {"preset": preset}}}

    (annotation,) = networks.machine_networks(given, [])[1].values()
    assert "10.0.0.9" in annotation


def test_ports_of_the_vm_serve_its_networks() -> None:
    assert networks.machine_networks({"a": {"ip": "10.0.0.9"}}, [22])[0][0]["ports"] == [22]


REFUSED = [
    ({"a": {"type": "manual", "ip": "10.0.0.9"}}, "network 'a'"),
    ({"a": {"type": "vip", "ip": "10.0.0.9"}}, "vip networks are not supported"),
    ({"a": {"type": "other"}}, "unknown type 'other'"),
    ({"a": {"ip": "10.0.0.900"}}, "is no IP address"),
    ({"a": {"ip": 167772169}}, "is no IP address"),
    ({"a": {"ip": ["10.0.0.9"]}}, "is no IP address"),
    ({"a": {"cloud_properties": {"subnet": "x"}}}, "cloud_properties of network 'a': unknown key 'subnet'"),
    ({"a": {"cloud_properties": ["x"]}}, "cloud_properties of network 'a' must be an object"),
    ({"a": {"cloud_properties": False}}, "cloud_properties of network 'a' must be an object"),
    (
        {"a": {"ip": "10.0.0.9", "cloud_properties": {"preset": "calic"}}},
        "cloud_properties of network 'a': preset must be one of calico, kube-ovn",
    ),
    (
        {"a": {"ip": "10.0.0.9", "cloud_properties": {"preset": "calico", "static_ip": {"ports": [22]}}}},
        "static_ip and preset exclude each other",
    ),
    (
        {name: {"ip": "10.0.0.9", "cloud_properties": {"preset": "calico"}} for name in "ab"},
        "network 'b': a machine has one address by calico",
    ),
]


@pytest.mark.parametrize(("given", "words"), REFUSED)
def test_refused_networks_are_named(given, words) -> None:
    with pytest.raises(CloudError) as failure:
        networks.machine_networks(given, [])
    assert words in failure.value.message


def test_result_repeats_networks_and_gives_a_dynamic_one_its_address() -> None:
    given = {
        "a": {"type": "dynamic", "ip": "10.0.0.9", "netmask": "x", "dns": ["d"]},
        "b": {"type": "manual", "ip": "i"},
    }

    assert networks.used(given, "10.244.0.7") == {
        "a": {"type": "dynamic", "ip": "10.244.0.7", "dns": ["d"]},
        "b": {"type": "manual", "ip": "i"},
    }
