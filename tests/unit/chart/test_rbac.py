"""Who may do what (SECURITY.md)."""

from typing import Any

import pytest

from bosh_kubernetes_operator import rbac
from tests.unit.chart.rendering import CASES, MACHINES, REGISTRY, SYSTEM, one, render, render_case, rules

OPERATOR = "bosh-kubernetes-operator"
READ = {"get", "list", "watch"}

# docs/configuration.md, "What the CPI's account must be allowed to do"
CPI = {
    ("cpi.bosh.io", "virtualmachines"): "get list watch create patch delete",
    ("cpi.bosh.io", "stemcells"): "get list create patch delete",
    ("", "configmaps"): "create delete",
    ("", "secrets"): "create delete",
    ("", "persistentvolumeclaims"): "get list watch create patch delete",
    ("", "events"): "list",
    ("snapshot.storage.k8s.io", "volumesnapshots"): "get watch create delete",
}
CPI_IN_THE_CLUSTER = {
    ("storage.k8s.io", "storageclasses"): "get list",
    ("storage.k8s.io", "volumeattributesclasses"): "get list",
    ("snapshot.storage.k8s.io", "volumesnapshotclasses"): "get list",
}


def flat(table: dict[tuple[str, str], str]) -> set[tuple[str, str, str, str]]:
    return {(group, resource, "", verb) for (group, resource), verbs in table.items() for verb in verbs.split()}


@pytest.mark.parametrize("case", CASES)
def test_the_operator_has_no_verb_on_secrets(case: str) -> None:
    for role in (each for each in render_case(case) if each["kind"] in ("Role", "ClusterRole")):
        if not role["metadata"]["name"].endswith("-cpi"):
            assert not {rule for rule in rules(role) if rule[1] in ("secrets", "*")}, role["metadata"]["name"]


def test_the_operator_may_do_what_its_code_says_and_no_more() -> None:
    objects = render()
    cluster_role = one(objects, "ClusterRole", f"{SYSTEM}:{OPERATOR}")

    assert rules(one(objects, "Role", OPERATOR)) == {(r.group, r.resource, "", v) for r in rbac.ROLE for v in r.verbs}
    assert rules(cluster_role) == {(r.group, r.resource, "", v) for r in rbac.CLUSTER_ROLE for v in r.verbs}


def test_the_operator_deletes_no_claim_and_makes_no_machine() -> None:
    allowed = rules(one(render(), "Role", OPERATOR))

    assert not {rule for rule in allowed if rule[1] == "persistentvolumeclaims" and "delete" in rule[3]}
    assert {verb for _, resource, _, verb in allowed if resource == "virtualmachines"} == {*READ, "patch"}


def test_the_cpi_may_do_what_its_documentation_says_and_no_more() -> None:
    role = one(render(), "Role", f"{OPERATOR}-cpi")

    assert rules(role) == flat(CPI) | {("coordination.k8s.io", "leases", "bosh-kubernetes-operator", "get")}
    assert role["metadata"]["namespace"] == MACHINES
    assert rules(one(render(), "ClusterRole", f"{SYSTEM}:{OPERATOR}-cpi")) == flat(CPI_IN_THE_CLUSTER)


def test_with_the_registry_the_cpi_may_reach_it_through_the_api_server() -> None:
    more = rules(one(render(REGISTRY), "Role", f"{OPERATOR}-cpi")) - rules(one(render(), "Role", f"{OPERATOR}-cpi"))

    assert more == {
        ("", "services/proxy", "http:bosh-registry:5000", verb)
        for verb in ["get", "create", "update", "patch", "delete"]
    }


@pytest.mark.parametrize("case", CASES)
def test_roles_of_the_whole_cluster_only_read(case: str) -> None:
    for role in (each for each in render_case(case) if each["kind"] == "ClusterRole"):
        assert {verb for _, _, _, verb in rules(role)} <= READ
        assert {resource for _, resource, _, _ in rules(role)} <= {
            "nodes", "persistentvolumes", "storageclasses", "volumeattributesclasses", "volumesnapshotclasses",
            "virtualmachines", "stemcells",
        }  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_no_rule_has_a_wildcard_and_no_role_escalates(case: str) -> None:
    for role in (each for each in render_case(case) if each["kind"] in ("Role", "ClusterRole")):
        for group, resource, _, verb in rules(role):
            assert "*" not in (group, resource, verb)
            assert verb not in ("escalate", "bind", "impersonate")


@pytest.mark.parametrize("case", CASES)
def test_every_binding_binds_a_role_of_the_release_to_an_account_of_the_release(case: str) -> None:
    objects = render_case(case)
    accounts = {
        (each["metadata"]["namespace"], each["metadata"]["name"])
        for each in objects
        if each["kind"] == "ServiceAccount"
    }
    bindings = [each for each in objects if each["kind"] in ("RoleBinding", "ClusterRoleBinding")]

    assert len(bindings) == 4
    for binding in bindings:
        role = one(objects, binding["roleRef"]["kind"], binding["roleRef"]["name"])
        assert role["metadata"].get("namespace") == binding["metadata"].get("namespace")
        assert {(each["namespace"], each["name"]) for each in binding["subjects"]} <= accounts


def test_operator_and_cpi_are_different_accounts() -> None:
    objects = render()

    assert one(objects, "RoleBinding", OPERATOR)["subjects"][0]["namespace"] == SYSTEM
    assert one(objects, "RoleBinding", f"{OPERATOR}-cpi")["subjects"] == [
        {"kind": "ServiceAccount", "name": "bosh-cpi", "namespace": MACHINES}
    ]


def test_view_is_aggregated_and_edit_is_not() -> None:
    roles = [each for each in render() if each["kind"] == "ClusterRole"]
    aggregated = {
        (label.removeprefix("rbac.authorization.k8s.io/"), role["metadata"]["name"])
        for role in roles
        for label in role["metadata"]["labels"]
        if "aggregate-to" in label
    }

    assert aggregated == {("aggregate-to-view", f"{SYSTEM}:{OPERATOR}-view")}


@pytest.mark.parametrize(
    ("values", "secrets"), [({}, ["bosh-cpi-token"]), ({"cpi": {"tokenSecret": False}}, [])], ids=["on", "off"]
)
def test_token_of_the_cpi(values: dict[str, Any], secrets: list[str]) -> None:
    found = [each for each in render(values) if each["kind"] == "Secret"]

    assert [each["metadata"]["name"] for each in found] == secrets
    for each in found:
        assert each["type"] == "kubernetes.io/service-account-token"
        assert each["metadata"]["annotations"]["kubernetes.io/service-account.name"] == "bosh-cpi"
