"""The optional registry: who reaches it, by which names, and what it keeps."""

import pytest
import yaml

from tests.unit.chart.rendering import API_SERVER, MACHINES, REGISTRY, Object, one, render

OBJECTS = render(REGISTRY)


def config(name: str) -> Object:
    loaded: Object = yaml.safe_load(one(OBJECTS, "ConfigMap", name)["data"]["config.yml"])
    return loaded


def test_it_is_off_by_default() -> None:
    assert not [each for each in render() if "registry" in each["metadata"]["name"]]


def test_the_service_leads_to_the_registry_and_not_to_the_mirrors() -> None:
    selector = one(OBJECTS, "Service", "bosh-registry")["spec"]["selector"].items()
    registry = one(OBJECTS, "Deployment", "bosh-registry")["spec"]["template"]["metadata"]["labels"].items()
    mirror = one(OBJECTS, "DaemonSet", "bosh-registry-mirror")["spec"]["template"]["metadata"]["labels"].items()

    assert selector <= registry
    assert not selector <= mirror
    assert one(OBJECTS, "Service", "bosh-registry")["spec"]["ports"][0]["port"] == 5000


def test_it_can_be_pushed_to_through_the_api_server() -> None:
    assert config("bosh-registry")["http"] == {"addr": ":5000", "relativeurls": True}
    assert config("bosh-registry")["storage"]["delete"] == {"enabled": True}


def test_blobs_are_on_a_claim() -> None:
    volumes = one(OBJECTS, "Deployment", "bosh-registry")["spec"]["template"]["spec"]["volumes"]

    assert {"name": "blobs", "persistentVolumeClaim": {"claimName": "bosh-registry"}} in volumes


def test_blobs_can_be_on_a_claim_that_is_given() -> None:
    values = {"registry": {"enabled": True, "storage": {"existingClaim": "mine"}, "networkPolicy": {"enabled": False}}}
    objects = render(values)
    volumes = one(objects, "Deployment", "bosh-registry")["spec"]["template"]["spec"]["volumes"]

    assert {"name": "blobs", "persistentVolumeClaim": {"claimName": "mine"}} in volumes
    assert not [each for each in objects if each["kind"] == "PersistentVolumeClaim"]


def test_mirrors_listen_on_the_loopback_address_of_their_node_only() -> None:
    spec = one(OBJECTS, "DaemonSet", "bosh-registry-mirror")["spec"]["template"]["spec"]

    assert spec["containers"][0]["ports"] == [
        {"name": "http", "containerPort": 5000, "hostPort": 5005, "hostIP": "127.0.0.1"}
    ]
    assert spec["tolerations"] == [{"operator": "Exists"}]


def test_mirrors_draw_on_the_registry() -> None:
    assert config("bosh-registry-mirror")["proxy"]["remoteurl"] == f"http://bosh-registry.{MACHINES}.svc:5000"


@pytest.mark.parametrize(("kind", "name"), [("Deployment", "bosh-registry"), ("DaemonSet", "bosh-registry-mirror")])
def test_a_changed_configuration_restarts(kind: str, name: str) -> None:
    def checksum(objects: list[Object]) -> str:
        return str(one(objects, kind, name)["spec"]["template"]["metadata"]["annotations"]["checksum/config"])

    other = {"machines": {"namespace": "other"}}
    same = {"operator": {"logLevel": "DEBUG"}}

    assert checksum(render(REGISTRY, same)) == checksum(OBJECTS)
    if kind == "DaemonSet":
        assert checksum(render(REGISTRY, other)) != checksum(OBJECTS)


def test_only_mirrors_and_the_api_server_reach_the_registry() -> None:
    policy = one(OBJECTS, "NetworkPolicy", "bosh-registry")["spec"]
    registry = one(OBJECTS, "Deployment", "bosh-registry")["spec"]["template"]["metadata"]["labels"]
    mirror = one(OBJECTS, "DaemonSet", "bosh-registry-mirror")["spec"]["template"]["metadata"]["labels"]
    [rule] = policy["ingress"]
    [peer, *others] = rule["from"]

    assert policy["podSelector"]["matchLabels"].items() <= registry.items()
    assert policy["policyTypes"] == ["Ingress"]
    assert rule["ports"] == [{"port": "http"}]
    assert set(peer) == {"podSelector"}, "Pods of another namespace must not match"
    assert peer["podSelector"]["matchLabels"].items() <= mirror.items()
    assert not peer["podSelector"]["matchLabels"].items() <= registry.items()
    assert others == [API_SERVER]


def test_no_pod_reaches_a_mirror() -> None:
    policy = one(OBJECTS, "NetworkPolicy", "bosh-registry-mirror")["spec"]
    mirror = one(OBJECTS, "DaemonSet", "bosh-registry-mirror")["spec"]["template"]["metadata"]["labels"]

    assert policy["podSelector"]["matchLabels"].items() <= mirror.items()
    assert (policy["policyTypes"], policy["ingress"]) == (["Ingress"], [])


def test_policies_can_be_switched_off() -> None:
    objects = render({"registry": {"enabled": True, "networkPolicy": {"enabled": False}}})

    assert not [each for each in objects if each["kind"] == "NetworkPolicy"]
