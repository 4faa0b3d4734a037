"""The manifests: valid for the Kubernetes versions in support, and at one with themselves."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from payment_service.setting_placeholders import is_placeholder
from tests.manifests.commands import parse
from tests.manifests.kustomized import (
    ASKING,
    FOLDERS,
    YOURS,
    Manifest,
    asked,
    containers,
    documents,
    installed,
    pod_specs,
    rendered,
)
from tests.parts.dockerfile import ROOT, last_stage

# The three minor versions in support, and the next: a release every four months.
VERSIONS = ("1.34", "1.35", "1.36", "1.37")
# Past its grace a process takes a second or two to close things; a busy node takes longer.
SPARE_S = 5
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
ROLES = {"payment-api": "serve", "payment-worker": "worker", "payment-migrate": "migrate"}

every_folder = pytest.mark.parametrize("folder", FOLDERS)


def selected(folder: str, labels: dict[str, str]) -> list[str]:
    """Return whose pods have all these labels."""
    return [name for name, had, _ in pod_specs(rendered(folder)) if labels.items() <= had.items()]


@every_folder
@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(folder: str, version: str) -> None:
    for one in installed(folder).values():
        assert kubernetes_validate.validate(one, version, strict=True) == version


def test_the_validation_refuses_what_does_not_exist() -> None:
    wrong = {**documents(ROOT / "k8s/pdb.yaml")[0], "spec": {"maxUnavailble": 1}}

    with pytest.raises(kubernetes_validate.ValidationError, match="maxUnavailble"):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@every_folder
def test_no_file_is_forgotten(folder: str) -> None:
    here = {path.name for path in (ROOT / folder).iterdir()}
    resources = asked(ROOT / folder)["resources"]

    yours = {Path(name).name for name in YOURS if Path(name).parent.name == folder}
    assert here - {*ASKING, *yours} == {name for name in resources if "/" not in name}


def test_all_of_it_can_be_applied_without_kustomize() -> None:
    """`kubectl apply -f k8s/` takes every file with one of these endings for objects."""
    taken = [path for path in (ROOT / "k8s").iterdir() if path.suffix in {".yaml", ".yml", ".json"}]
    plain = {
        (one["kind"], one["metadata"]["name"]): one for path in taken for one in documents(path)
    }

    secret = "Secret", "payment-service-secret"
    assert plain.keys() == installed("k8s").keys() - {secret}, "the Secret is never written over"
    assert containers(plain) == containers(rendered("k8s")), "the images are the same, for one"


def test_no_way_to_apply_the_folder_writes_over_a_secret() -> None:
    """Not even `--recursive`, or a pipeline that takes one file after the other."""
    files = [path for path in (ROOT / "k8s").rglob("*") if path.is_file()]
    kinds = {one["kind"] for path in files for one in documents(path)}
    (secret,) = documents(ROOT / "k8s-examples/PaymentService-secret.yaml")

    assert "Secret" not in kinds
    assert [name for name, text in secret["stringData"].items() if not is_placeholder(text)] == []


def test_the_config_map_has_the_file_name_that_existing_pipelines_apply() -> None:
    names = [path.name for path in (ROOT / "k8s").iterdir()]
    (one,) = documents(ROOT / "k8s" / "PaymentService-configMap.yaml")

    assert "PaymentService-configMap.yaml" in names, "spelled so, on every file system"
    assert len({name.lower() for name in names}) == len(names), "some file systems know one case"
    assert (one["kind"], one["metadata"]["name"]) == ("ConfigMap", "payment-service-configmap")


@every_folder
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl to compare with")
def test_kubectl_makes_the_same_of_it(folder: str) -> None:
    made = subprocess.run(
        ["kubectl", "kustomize", ROOT / folder], capture_output=True, text=True, check=True
    )
    theirs = {
        (one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(made.stdout)
    }

    assert theirs == rendered(folder)


@every_folder
def test_names_are_what_kubernetes_takes(folder: str) -> None:
    names = {name for _, name in installed(folder)}

    assert [name for name in names if not DNS_LABEL.fullmatch(name)] == []


def test_the_names_of_existing_installations_are_kept() -> None:
    deployment, reached = documents(ROOT / "k8s/PaymentService-deployment.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    assert deployment["metadata"]["name"] == "payment-api"
    # A selector cannot be changed; a container of another name would be a second one.
    assert deployment["spec"]["selector"] == {"matchLabels": {"app": "payment-api"}}
    assert container["name"] == "payment-service-container"
    assert container["ports"][0] == {"name": "http", "containerPort": 9000, "protocol": "TCP"}
    assert reached["metadata"]["name"] == "payment-service"
    assert reached["spec"]["type"] == "LoadBalancer"
    assert (reached["spec"]["ports"][0]["port"], reached["spec"]["ports"][0]["targetPort"]) == (
        80,
        9000,
    )


@every_folder
def test_one_image_is_named_in_one_place_and_none_floats(folder: str) -> None:
    images = {name: one["image"] for name, one in containers(rendered(folder)).items()}

    assert len({images[name] for name in ROLES}) == 1
    assert [image for image in images.values() if not re.search(r":(\d+\.\d+|local)", image)] == []


@every_folder
def test_every_command_exists(folder: str) -> None:
    for name, one in containers(rendered(folder)).items():
        if name == "mongo":
            continue
        command = one.get("command") or last_stage("ENTRYPOINT")[0].listed
        assert parse([*command, *one["args"]]) == ROLES.get(name, name)


@every_folder
def test_no_pod_may_do_more_than_it_needs(folder: str) -> None:
    """What the restricted pod security standard asks for, and a file system that is read only."""
    for name, _, spec in pod_specs(rendered(folder)):
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert all("emptyDir" in volume for volume in spec.get("volumes", [])), name
        for one in spec["containers"]:
            assert one["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def test_the_roles_run_as_the_user_of_the_image() -> None:
    user = f"{last_stage('USER')[-1].text}"

    for name, _, spec in pod_specs(rendered("k8s")):
        context = spec["securityContext"]
        assert f"{context['runAsUser']}:{context['runAsGroup']}" == user, name
        assert ("ServiceAccount", spec["serviceAccountName"]) in rendered("k8s")


@every_folder
def test_every_container_says_what_it_needs_and_may_take(folder: str) -> None:
    for name, one in containers(rendered(folder)).items():
        for what in ("requests", "limits"):
            assert one["resources"][what].keys() == {"cpu", "memory", "ephemeral-storage"}, name


@every_folder
def test_every_selector_meets_the_pods_it_means(folder: str) -> None:
    for (kind, name), one in rendered(folder).items():
        spec = one.get("spec", {})
        match kind:
            case "Deployment" | "StatefulSet":
                labels = spec["selector"]["matchLabels"]
                assert selected(folder, labels) == [name]
            case "Service":
                assert len(selected(folder, spec["selector"])) == 1, name
            case "PodDisruptionBudget":
                assert selected(folder, spec["selector"]["matchLabels"]) == ["payment-api"]
            case "NetworkPolicy":
                met = selected(folder, spec["podSelector"]["matchLabels"])
                assert set(met) in ({"payment-api"}, set(ROLES)), name
            case "HorizontalPodAutoscaler":
                target = spec["scaleTargetRef"]
                assert (target["kind"], target["name"]) == ("Deployment", "payment-api")
                assert "replicas" not in rendered(folder)["Deployment", "payment-api"]["spec"]


@every_folder
def test_every_service_leads_to_a_port_that_is_open(folder: str) -> None:
    for (kind, name), one in rendered(folder).items():
        if kind != "Service":
            continue
        (owner,) = selected(folder, one["spec"]["selector"])
        opened = containers(rendered(folder))[owner]["ports"]
        for port in one["spec"]["ports"]:
            led_to = port.get("targetPort", port["port"])
            assert led_to in {value for found in opened for value in found.values()}, name


def test_what_is_applied_first_is_the_job_and_what_it_needs() -> None:
    """The guide applies it before all else, by this label."""
    first = {
        key for key, one in rendered("k8s").items() if "apply" in one["metadata"].get("labels", {})
    }

    assert first == {
        ("Job", "payment-migrate"),
        ("ServiceAccount", "payment-service"),
        ("ConfigMap", "payment-service-settings"),
    }


def test_a_roll_out_takes_no_pod_away_before_its_successor_is_ready() -> None:
    for name in ("payment-api", "payment-worker"):
        strategy = rendered("k8s")["Deployment", name]["spec"]["strategy"]
        assert strategy["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


@every_folder
def test_pods_are_given_the_time_to_stop(folder: str) -> None:
    settings = rendered(folder)["ConfigMap", "payment-service-settings"]["data"]
    grace_s = int(settings["SHUTDOWN_GRACE_S"])
    specs = {name: spec for name, _, spec in pod_specs(rendered(folder))}
    pause_s = _pause_s(containers(rendered(folder))["payment-api"])

    assert specs["payment-api"]["terminationGracePeriodSeconds"] == pause_s + grace_s + SPARE_S
    assert specs["payment-worker"]["terminationGracePeriodSeconds"] == grace_s + SPARE_S


def _pause_s(container: Manifest) -> int:
    pause: Any = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    return int(pause)
