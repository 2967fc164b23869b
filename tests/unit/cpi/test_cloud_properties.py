"""The schema of cloud_properties: what is taken, and how what is wrong is named."""

import contextlib
import copy
import json

import pytest

from bosh_kubernetes_cpi.cloud_properties import DISK, NETWORK, STEMCELL, VM, paths, read
from bosh_kubernetes_cpi.config import DEFAULTS, merge
from bosh_kubernetes_cpi.errors import BadProperty, RequestError

SCHEMAS = {"vm": VM, "disk": DISK, "network": NETWORK, "stemcell": STEMCELL}

TAKEN = [
    (VM, {"cpu": 2}, {"cpu": "2"}),
    (VM, {"cpu": "500m"}, {"cpu": "500m"}),
    (VM, {"ram": 512}, {"memory": 512}),
    (VM, {"ram": 512, "memory": 512}, {"memory": 512}),
    (VM, {"root_disk": {"storage_class": ""}, "labels": {}, "node": None, "tolerations": []}, {}),
    (VM, {"static_ip": {"ports": [1, 65535]}}, {"static_ip": {"ports": [1, 65535]}}),
    (VM, {"tolerations": [{"operator": "Exists"}]}, {"tolerations": [{"operator": "Exists"}]}),
    (DISK, {"name": "a-name", "access_mode": "ReadWriteMany"}, {"access_mode": "ReadWriteMany"}),
    (NETWORK, {"preset": "calico"}, {"preset": "calico"}),
    (STEMCELL, {"version": 1.5, "name": " n "}, {"version": "1.5", "name": "n"}),
    (STEMCELL, {"image": "a:1", "image_reference": "a:1"}, {"image_reference": "a:1"}),
    (STEMCELL, {"auto_disk_config": True, "disk": 3072, "root_device_name": "/dev/sda1"}, {}),
]


@pytest.mark.parametrize(("schema", "given", "taken"), TAKEN)
def test_what_is_taken(schema, given, taken) -> None:
    before = copy.deepcopy(given)

    assert read(schema, given, "the thing") == taken
    assert given == before


WRONG = [
    (VM, {"memroy": 1}, "unknown key 'memroy'; did you mean 'memory'?"),
    (VM, {"memroy": None}, "unknown key 'memroy'; did you mean 'memory'?"),
    (VM, {"storage_class": "fast"}, "unknown key 'storage_class'; did you mean 'root_disk.storage_class'?"),
    (VM, {"privileged": True}, "unknown key 'privileged'; known are annotations, cpu, "),
    (VM, {"memory": "1Gi"}, "memory must be a whole number above 0"),
    (VM, {"memory": 0.5}, "memory must be a whole number above 0"),
    (VM, {"memory": 0}, "memory must be a whole number above 0"),
    (VM, {"memory": True}, "memory must be a whole number above 0"),
    (VM, {"memory": False}, "memory must be a whole number above 0"),
    (VM, {"memory": 1024, "ram": 2048}, "memory and ram contradict each other"),
    (VM, {"ram": 1024, "memory": 2048}, "ram and memory contradict each other"),
    *((VM, {"cpu": cores}, "cpu must be a number of cores above 0") for cores in (
        "two", True, -1, 0, "0", "0.0", "0m", "m", ".5", "1.", "1.5.2", "1e3", 1e30, float("nan"), "٣", "1" * 33, [1],
    )),
    (VM, {"root_disk": "fast"}, "root_disk must be an object with storage_class"),
    (VM, {"root_disk": {"class": "fast"}}, "unknown key 'root_disk.class'; did you mean 'root_disk.storage_class'?"),
    (VM, {"static_ip": {"ports": [0]}}, "static_ip.ports must be a list of ports"),
    (VM, {"static_ip": {"ports": [65536]}}, "static_ip.ports must be a list of ports"),
    (VM, {"static_ip": {"ports": [True]}}, "static_ip.ports must be a list of ports"),
    (VM, {"static_ip": {"ports": "22"}}, "static_ip.ports must be a list of ports"),
    (VM, {"tolerations": {"key": "x"}}, "tolerations must be a list of objects"),
    (VM, {"tolerations": ["x"]}, "tolerations must be a list of objects"),
    (VM, {"labels": {"a": 1}}, "labels must be an object of strings"),
    (VM, {"image_pull_secrets": [""]}, "image_pull_secrets must be a list of non-empty strings"),
    (VM, {"node": 5}, "node must be a string"),
    (DISK, {"storageclass": "fast"}, "unknown key 'storageclass'; did you mean 'storage_class'?"),
    (DISK, {"access_mode": "Any"}, "access_mode must be one of ReadWriteOnce, ReadWriteOncePod, ReadWriteMany"),
    (DISK, {"name": 5}, "name must be a string"),
    (NETWORK, {"presets": "calico"}, "unknown key 'presets'; did you mean 'preset'?"),
    (NETWORK, {"preset": "flannel"}, "preset must be one of calico, kube-ovn"),
    (STEMCELL, {"image_refrence": "a"}, "unknown key 'image_refrence'; did you mean 'image_reference'?"),
    (STEMCELL, {"image": "a:1", "image_reference": "a:2"}, "image and image_reference contradict each other"),
    (STEMCELL, {"version": True}, "version must be a string or a number"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "given", "words"), WRONG)
def test_what_is_wrong_is_named_with_its_owner(schema, given, words) -> None:
    with pytest.raises(BadProperty) as failure:
        read(schema, given, "the thing")

    assert failure.value.message.startswith("cloud_properties of the thing: ")
    assert words in failure.value.message
    assert not failure.value.ok_to_retry


def test_no_value_is_quoted_and_a_long_key_is_cut() -> None:
    for given in ({"cpu": "hidden"}, {"labels": "hidden"}, {"root_disk": {"storage_class": ["hidden"]}}):
        with pytest.raises(BadProperty) as failure:
            read(VM, given, "the VM")
        assert "hidden" not in failure.value.message
    with pytest.raises(BadProperty) as failure:
        read(VM, {"k" * 1_000_000: 1}, "the VM")
    assert len(failure.value.message) < 1_000


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_key_with_one_letter_too_few_is_known_again(name) -> None:
    known = set(paths(SCHEMAS[name]))
    for path in known:
        cut = path[:-1]
        if len(path) < 4 or cut in known:
            continue
        first, *inner = cut.split(".")
        with pytest.raises(BadProperty, match="did you mean"):
            read(SCHEMAS[name], {first: {inner[0]: "x"}} if inner else {first: "x"}, "the thing")


def test_defaults_come_from_the_configuration() -> None:
    assert read(VM, None, "the VM", DEFAULTS) == {"cpu": "1", "memory": 1024, "ephemeral_disk_size": 10240}
    config = copy.deepcopy(DEFAULTS)
    config["machines"] |= {"cpu": 2, "root_storage_class": "fast"}
    config["disks"]["storage_class"] = "slow"

    assert read(VM, {"ram": 1}, "the VM", config) == {
        "cpu": "2",
        "memory": 1,
        "ephemeral_disk_size": 10240,
        "root_disk": {"storage_class": "fast"},
    }
    given = {"root_disk": {"storage_class": "other"}}
    assert read(VM, given, "the VM", config)["root_disk"] == {"storage_class": "other"}
    assert read(DISK, {}, "the disk", config) == {"storage_class": "slow", "access_mode": "ReadWriteOnce"}
    given = {"storage_class": "other", "access_mode": "ReadWriteMany"}
    assert read(DISK, given, "the disk", config) == given


def test_a_wrong_default_is_the_configuration_s_fault() -> None:
    config = {**DEFAULTS, "machines": {**DEFAULTS["machines"], "cpu": "two"}}
    with pytest.raises(RequestError, match=r"configuration: machines\.cpu must be"):
        read(VM, {}, "the VM", config)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_has_a_meaning_or_a_name_that_has_one(name) -> None:
    def check(schema) -> None:
        for key, known in schema.items():
            if isinstance(known.kind, dict):
                check(known.kind)
            elif known.alias:
                assert schema[known.alias].kind is known.kind, key
            else:
                assert known.meaning, key
            if known.setting:
                section, _, setting = known.setting.partition(".")
                assert setting in DEFAULTS[section], key

    check(SCHEMAS[name])


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize(
    "value",
    [0, -1, 1.5, True, False, "x", "\ud800", [], [0], ["x"], [None], [[]], [{}], {}, {"x": 1}, {"x": None}, {"": ""}],
    ids=json.dumps,
)
def test_any_value_is_taken_or_refused(name, value) -> None:
    """No other exception, whatever a manifest holds."""
    for path in paths(SCHEMAS[name]):
        first, *inner = path.split(".")
        for given in ({first: value}, {first: dict.fromkeys(inner, value)}, {first: {"x": value}}):
            with contextlib.suppress(BadProperty):
                read(SCHEMAS[name], given, "the thing")


@pytest.mark.parametrize("cores", [0, 0.0, "0", 1e-9])
def test_default_of_no_cores_names_the_setting(cores) -> None:
    with pytest.raises(RequestError, match=r"configuration: machines\.cpu must be a number of cores above 0"):
        read(VM, {}, "the VM", merge({"machines": {"cpu": cores}}, {}))
