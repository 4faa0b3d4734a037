"""How the pods are reached and what they reach: ports, load balancer, policies, probes."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from payment_service.api.door import Gate
from payment_service.api.health import endpoints
from tests.manifests.kustomized import FOLDERS, Manifest, containers, installed, pod_specs, rendered
from tests.manifests.quantities import bytes_of
from tests.parts.dockerfile import ROOT

# What the kubelet lets a container's log grow to, unless it is told otherwise: five of 10 MiB.
LOG_BYTES = 5 * 10 * 2**20
# As long as a pod may stand still, by a full collection or a busy node, without being at fault.
SLOW_S = 1
# Health checks of load balancers: the slowest of the big clouds asks every 10 s, twice.
BALANCER_NOTICES_S = 20

every_folder = pytest.mark.parametrize("folder", FOLDERS)
every_process = pytest.mark.parametrize("name", ["payment-api", "payment-worker"])


def policies(folder: str = "k8s") -> dict[str, Manifest]:
    return {
        name: one["spec"]
        for (kind, name), one in rendered(folder).items()
        if kind == "NetworkPolicy"
    }


def ports_in(value: Any) -> Iterator[dict[str, Any]]:
    """Give every item of every list that is called `ports`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from inner if name == "ports" else ports_in(inner)
    elif isinstance(value, list):
        for one in value:
            yield from ports_in(one)


@every_folder
def test_every_port_says_its_protocol_so_that_a_second_apply_changes_nothing(folder: str) -> None:
    for key, one in installed(folder).items():
        for port in ports_in(one):
            assert port.get("protocol") in {"TCP", "UDP"}, (key, port)


@every_folder
def test_every_port_of_a_service_and_a_container_has_a_name(folder: str) -> None:
    for (kind, name), one in installed(folder).items():
        if kind != "NetworkPolicy":
            assert [port for port in ports_in(one) if not port.get("name")] == [], name


def test_the_load_balancer_keeps_the_addresses_of_clients_and_says_who_may_connect() -> None:
    spec = rendered("k8s")["Service", "payment-service"]["spec"]

    assert spec["type"] == "LoadBalancer"
    assert spec["externalTrafficPolicy"] == "Local"
    assert [ip_network(one) for one in spec["loadBalancerSourceRanges"]]


@every_folder
def test_what_only_a_load_balancer_may_have_nothing_else_has(folder: str) -> None:
    """The API server refuses such a Service."""
    for (kind, name), one in rendered(folder).items():
        if kind == "Service" and one["spec"].get("type") != "LoadBalancer":
            only = {"externalTrafficPolicy", "loadBalancerSourceRanges"}
            assert only & one["spec"].keys() == set(), name


@pytest.mark.parametrize("word", ["443", "ssl-cert", "TRUSTED_PROXIES", "HSTS", "Ingress"])
def test_the_manifest_of_the_load_balancer_says_where_tls_ends(word: str) -> None:
    assert word in (ROOT / "k8s/PaymentService-deployment.yaml").read_text(encoding="utf-8")


@every_process
def test_every_probe_asks_what_answers_on_the_port_that_callers_cannot_fill(name: str) -> None:
    one = containers(rendered("k8s"))[name]
    at_root = {endpoint.path for endpoint in endpoints(Gate()) if endpoint.at_root}
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    told = rendered("k8s")["ConfigMap", "payment-service-settings"]["data"]

    for kind, path in (("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz")):
        asked = one[f"{kind}Probe"]["httpGet"]
        assert asked == {"path": path, "port": "metrics"}
        assert path in at_root
        assert ports[asked["port"]] == int(told["METRICS_PORT"])


@every_process
def test_one_slow_second_starts_no_pod_again_and_takes_none_out(name: str) -> None:
    one = containers(rendered("k8s"))[name]

    for kind in ("startup", "liveness", "readiness"):
        probe = one[f"{kind}Probe"]
        assert probe["timeoutSeconds"] > SLOW_S, kind
        assert probe["failureThreshold"] > 1, kind
    alive = one["livenessProbe"]
    assert alive["periodSeconds"] * (alive["failureThreshold"] - 1) >= 20
    start = one["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] >= 60


def test_a_pod_answers_until_the_load_balancer_knows_that_its_node_has_none() -> None:
    pause = containers(rendered("k8s"))["payment-api"]["lifecycle"]["preStop"]["sleep"]

    assert pause["seconds"] > BALANCER_NOTICES_S


@every_folder
def test_the_disk_that_a_container_may_take_holds_its_log_and_its_volumes(folder: str) -> None:
    for name, _, spec in pod_specs(rendered(folder)):
        volumes = [bytes_of(one["emptyDir"]["sizeLimit"]) for one in spec.get("volumes", [])]
        (one,) = spec["containers"]
        asked, limit = (
            bytes_of(one["resources"][what]["ephemeral-storage"]) for what in ("requests", "limits")
        )
        assert asked <= limit, name
        assert limit >= LOG_BYTES + sum(volumes), name


# ---------------------------------------------------------------- policies


def test_metrics_are_for_the_monitoring_and_the_api_is_for_all() -> None:
    (metrics,) = policies()["payment-service"]["ingress"]

    assert policies()["payment-service"]["policyTypes"] == ["Ingress", "Egress"]
    assert metrics["ports"] == [{"port": 9090, "protocol": "TCP"}]
    assert metrics["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]
    assert policies()["payment-api"]["ingress"] == [{"ports": [{"port": 9000, "protocol": "TCP"}]}]


def test_they_reach_names_https_mongodb_the_orders_and_an_identity_provider() -> None:
    found = {
        tuple((port["port"], port["protocol"]) for port in rule.get("ports", [])): rule["to"]
        for rule in policies()["payment-service"]["egress"]
    }

    assert found.keys() == {
        ((53, "UDP"), (53, "TCP")),
        ((443, "TCP"),),
        ((27017, "TCP"),),
        (),
        ((8080, "TCP"), (8443, "TCP")),
    }
    assert found[()] == [{"podSelector": {"matchLabels": {"app": "order-api"}}}]
    (provider,) = found[(8080, "TCP"), (8443, "TCP")]
    assert provider.keys() == {"namespaceSelector", "podSelector"}, "its pods, not all of its space"


def test_the_addresses_of_a_machine_s_own_metadata_are_not_reached() -> None:
    metadata = ip_address("169.254.169.254"), ip_address("fd00:ec2::254")
    for rule in policies()["payment-service"]["egress"]:
        for block in (to["ipBlock"] for to in rule["to"] if "ipBlock" in to):
            closed = [ip_network(one) for one in block.get("except", [])]
            open_to = ip_network(block["cidr"])
            for address in metadata:
                shut = any(address in network for network in closed)
                assert address not in open_to or shut, (block, address)
