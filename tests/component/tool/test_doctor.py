"""`doctor` against the stand-in API server and registry: each thing that is not as it must be, by itself."""

import json
from base64 import b64encode
from typing import Any

import pytest
import yaml

from tests.component.conftest import NAMESPACE, PLANTED, snapshot_class, storage_class
from tests.component.tool.doctor import DRIVER, ENFORCE, PROVEN, amiss, label, lines
from tests.support.fakeapi.faults import Fault
from tests.support.fakeapi.server import TOKEN, FakeApi
from tests.support.registry.server import PASSWORD
from tests.support.tool_process import tool

Json = dict[str, Any]

pytestmark = pytest.mark.usefixtures("healthy")


def test_where_nothing_is_amiss_every_line_is_ok_and_nothing_is_changed(api, cpi, registry) -> None:
    before = [(kind, api.store.list(kind)) for kind in api.store.kinds if kind != "Lease"]

    said = tool("doctor", config=cpi.config)
    found = lines(cpi)

    assert amiss(found) == {}
    assert said.code == 0
    assert f"{len(found)} ok, 0 warnings, 0 failures" in said.out
    assert "not proven without --probe" in said.out
    assert [(kind, api.store.list(kind)) for kind in api.store.kinds if kind != "Lease"] == before
    assert {step.split()[0] for step in registry.steps()} == {"HEAD"}
    secrets = (TOKEN, PASSWORD, *PLANTED.values())
    assert [secret for secret in secrets if secret in said.out + said.err] == []


def test_placeholders_are_named_by_their_keys(new_cpi, settings) -> None:
    settings["kubernetes"]["token"] = "((cpi_token))"

    found = lines(new_cpi(agent={"mbus": "https://mbus:((mbus))@0.0.0.0:6868", "ntp": ["((ntp))"], "blobstore": {}}))

    assert list(found) == ["configuration"]
    assert "kubernetes.token, agent.mbus, agent.ntp[0]" in found["configuration"]["found"]
    assert "interpolate the manifest" in found["configuration"]["remedy"]


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"kubernetes": {}}, "configuration", "needs one of server, kubeconfig and in_cluster, there is none"),
        ({"kubernetes": {"server": "http://127.0.0.1:1", "token": "t"}}, "configuration", "must be an https URL"),
        ({"kubernetes": {"server": "https://127.0.0.1:1", "token": "t"}}, "API server", "Connection refused"),
        (
            {"kubernetes": {"server": "https://127.0.0.1:1", "exec": {"command": "false"}}},
            "credentials",
            "false gave no credential: exit code 1",
        ),
        ({"nmespace": "x"}, "configuration", "unknown key 'nmespace'; did you mean 'namespace'"),
    ],
)
def test_what_makes_all_else_impossible_is_the_only_failure(new_cpi, changes, check, words) -> None:
    found = lines(new_cpi(**changes))

    assert amiss(found) == {check: "failure"}
    assert list(found)[-1] == check
    assert words in found[check]["found"]
    assert found[check]["remedy"]


def test_a_wrong_token_is_told_and_not_shown(new_cpi, settings) -> None:
    settings["kubernetes"]["token"] = "wrong-token-of-somebody"

    said = tool("doctor", config=new_cpi().config)

    assert said.code == 1
    assert "does not accept the credentials" in said.out
    assert "wrong-token-of-somebody" not in said.out + said.err


@pytest.mark.parametrize(("version", "level"), [("v1.29.9", "failure"), ("v1.30.0-eks", "ok"), ("", "warning")])
def test_the_version_of_the_api_server(api, cpi, version, level) -> None:
    api.version = {"gitVersion": version}

    assert lines(cpi)["API server"]["level"] == level


@pytest.mark.parametrize(
    ("resource", "verb", "check", "level"),
    [
        (("", "secrets"), "create", f"rights in {NAMESPACE}", "failure"),
        (("cpi.bosh.io", "virtualmachines"), "watch", f"rights in {NAMESPACE}", "failure"),
        (("", "events"), "list", f"rights in {NAMESPACE}", "warning"),
        (("storage.k8s.io", "volumeattributesclasses"), "list", "rights in the cluster", "warning"),
    ],
)
def test_a_right_that_is_lacking(api, cpi, resource, verb, check, level) -> None:
    api.rights[resource].discard(verb)

    found = lines(cpi)

    assert amiss(found) == {check: level}
    assert f"may not {verb} {resource[1]}" in found[check]["found"]


def test_the_proxy_of_the_registrys_service_is_a_right_too(api, new_cpi) -> None:
    found = lines(new_cpi(registry={"service": f"{NAMESPACE}/bosh-registry:5000"}))

    assert found["rights on the registry"]["level"] == "failure"
    assert "services/proxy" in found["rights on the registry"]["found"]


def test_a_custom_resource_that_lacks_a_field_is_of_another_version(api, cpi) -> None:
    kind = api.store.kinds["VirtualMachine"]
    schema = json.loads(json.dumps(kind.schema))
    del schema["properties"]["spec"]["properties"]["machine"]["properties"]["placement"]["properties"]["runtimeClass"]
    api.store.kinds["VirtualMachine"] = kind._replace(schema=schema)

    found = lines(cpi)

    assert amiss(found) == {"kind VirtualMachine": "failure"}
    assert 'unknown field "spec.machine.placement.runtimeClass"' in found["kind VirtualMachine"]["found"]
    assert "install the operator's chart" in found["kind VirtualMachine"]["remedy"]


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ('User "cpi" cannot create resource "virtualmachines"', "see the line of the rights"),
        ("exceeded quota: machines, requested: count/virtualmachines.cpi.bosh.io=1", "a quota"),
        ('admission webhook "v.example.com" denied the request: no', "an admission webhook"),
    ],
)
def test_a_dry_run_that_is_forbidden_says_by_whom(api, cpi, said, remedy) -> None:
    body = {"kind": "Status", "message": f'virtualmachines "vm-1" is forbidden: {said}', "reason": "Forbidden"}
    fault = Fault(403, body=body)
    api.intercept = lambda seen: fault if seen.method == "POST" and "/virtualmachines" in seen.path else None

    found = lines(cpi)

    assert amiss(found) == {"kind VirtualMachine": "failure"}
    assert remedy in found["kind VirtualMachine"]["remedy"]


def test_custom_resources_that_are_not_there(api, cpi) -> None:
    del api.store.kinds["Stemcell"]

    assert amiss(lines(cpi)) == {"kind Stemcell": "failure"}


def test_an_operator_that_has_never_run(api, operator, cpi) -> None:
    operator.stopped = True
    with api.store.changed:
        if api.store.find("Lease", NAMESPACE, "bosh-kubernetes-operator"):
            api.store.delete("Lease", NAMESPACE, "bosh-kubernetes-operator")

    found = lines(cpi)

    assert amiss(found) == {"operator": "failure"}
    assert "has never run" in found["operator"]["found"]


def test_an_operator_that_does_not_renew_its_lease(api, operator, cpi) -> None:
    while not api.store.find("Lease", NAMESPACE, "bosh-kubernetes-operator"):
        pass
    operator.stopped = True

    found = lines(cpi)

    assert amiss(found) == {"operator": "failure"}
    assert "was last renewed at" in found["operator"]["found"]


def test_an_operator_of_another_version(api, operator, cpi) -> None:
    operator.version = "0.0.1"
    with api.store.changed:
        if api.store.find("Lease", NAMESPACE, "bosh-kubernetes-operator"):
            api.store.delete("Lease", NAMESPACE, "bosh-kubernetes-operator")

    found = lines(cpi)

    assert amiss(found) == {"operator": "warning"}
    assert "runs, version 0.0.1; this is " in found["operator"]["found"]


def test_no_default_storage_class(api, cpi) -> None:
    api.store.delete("StorageClass", "", "standard")
    api.store.create("StorageClass", "", storage_class("fast"))

    found = lines(cpi)

    assert amiss(found) == {"storage class": "failure"}
    assert "there are: fast" in found["storage class"]["found"]


def test_storage_classes_of_the_configuration_that_are_not_there(new_cpi) -> None:
    found = lines(new_cpi(disks={"storage_class": "fast"}, machines={"root_storage_class": "faster"}))

    assert amiss(found) == {"storage class": "failure", "root disks": "failure"}


def test_a_class_without_growth_and_snapshots_is_a_warning(api, cpi) -> None:
    api.store.delete("StorageClass", "", "standard")
    api.store.create("StorageClass", "", storage_class("standard", default=True))
    api.store.delete("VolumeSnapshotClass", "", "snapshots")
    api.store.create("VolumeSnapshotClass", "", snapshot_class("others", default=True, driver="other"))

    found = lines(cpi)

    assert amiss(found) == {"growth of disks": "warning", "snapshots": "warning"}
    assert "allowVolumeExpansion" in found["growth of disks"]["remedy"]
    assert f"no default class of {DRIVER} (there are: none)" in found["snapshots"]["found"]


def test_a_cluster_without_snapshots(api, cpi) -> None:
    del api.store.kinds["VolumeSnapshotClass"]

    found = lines(cpi)

    assert amiss(found) == {"snapshots": "warning"}
    assert "VolumeSnapshot is not served" in found["snapshots"]["found"]


@pytest.mark.parametrize(("level", "expected"), [("restricted", "failure"), ("", "warning")])
def test_pod_security_of_the_namespace(api, cpi, level, expected) -> None:
    label(api, level)

    found = lines(cpi)

    assert amiss(found) == {"Pod Security": expected}
    assert f"{ENFORCE}=privileged" in found["Pod Security"]["remedy"]


def test_what_the_account_may_not_see_is_asked_by_the_person(api, cpi, kubeconfig) -> None:
    api.rights["", "namespaces"] = set()

    alone, together = lines(cpi), lines(cpi, "--kubeconfig", kubeconfig)

    assert alone["Pod Security"]["found"].startswith("not checked: this account may not read")
    assert amiss(together) == {}


def test_with_a_kubeconfig_alone_the_persons_account_is_checked(api, kubeconfig) -> None:
    said = tool("doctor", "--kubeconfig", kubeconfig, "--output", "json")

    assert amiss({each["check"]: each for each in said.json["checks"]}) == {"registry": "warning"}
    assert said.code == 0


def test_a_kubeconfig_of_another_cluster_is_noticed(cpi, kubeconfig, settings) -> None:
    with FakeApi() as other:
        lease = {"name": "bosh-kubernetes-operator"}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": lease}
        other.store.create("Lease", NAMESPACE, body)
        content = yaml.safe_load(kubeconfig.read_text())
        ca = b64encode(other.authority.pem.encode()).decode()
        content["clusters"][0]["cluster"] = {"server": other.url, "certificate-authority-data": ca}
        kubeconfig.write_text(yaml.safe_dump(content))

        found = lines(cpi, "--kubeconfig", kubeconfig, "--probe")

        assert found["accounts"]["level"] == "failure"
        assert other.store.list("Pod") == []
        assert not set(PROVEN) & set(found)


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({"password": "wrong"}, "failure", "were not accepted"),
        ({"host": "localhost:1"}, "failure", "Connection refused"),
        ({"host": "", "username": "", "password": ""}, "warning", "none is configured"),
    ],
)
def test_a_registry_that_cannot_be_used(new_cpi, settings, changes, level, words) -> None:
    found = lines(new_cpi(registry={**settings["registry"], **changes}))

    assert amiss(found) == {"registry": level}
    assert words in found["registry"]["found"]
    assert "docs/registry.md" in found["registry"]["remedy"]
