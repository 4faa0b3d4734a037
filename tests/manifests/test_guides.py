"""What the guides tell people to type at kubectl and docker: it exists, in an order that works.

Each test stands for something that a guide said and that a real engine did not do.
"""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.manifests.kustomized import containers, installed, rendered
from tests.parts.dockerfile import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs/guides").glob("*.md")))
KUBERNETES = ROOT / "docs/guides/deploy-to-kubernetes.md"
FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`((?:kubectl|docker) [^`]+)`")
# The kinds of objects that are named in commands, as kubectl and as the manifests call them.
KINDS = {"deployment": "Deployment", "service": "Service", "job": "Job", "secret": "Secret"}
NAMED = re.compile(r"\b(deployment|service|job|secret)[ /]((?:payment|demo|stripe)-[a-z-]+)")
DELETE_JOB = "kubectl delete job payment-migrate --ignore-not-found"


class Block(NamedTuple):
    """The commands of one fence, in their order, each on one line."""

    page: Path
    commands: list[str]


def blocks(*pages: Path) -> Iterator[Block]:
    for page in pages or PAGES:
        for text in FENCE.findall(page.read_text(encoding="utf-8")):
            lines = text.replace("\\\n", " ").splitlines()
            yield Block(page, [" ".join(line.split()) for line in lines if line.strip()])


def commands() -> list[str]:
    """Return each command of kubectl and docker, in fences and within lines."""
    fenced = [line for block in blocks() for line in block.commands]
    spans = [found for page in PAGES for found in SPAN.findall(page.read_text(encoding="utf-8"))]
    return [line for line in [*fenced, *spans] if re.search(r"\b(kubectl|docker)\b", line)]


@cache
def composed() -> dict[str, object]:
    services: dict[str, object] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


def test_every_object_that_a_command_names_exists() -> None:
    known = {*installed("k8s"), *rendered("k8s-development")}
    named = {(KINDS[kind], name) for line in commands() for kind, name in NAMED.findall(line)}

    assert {("Deployment", "payment-api"), ("Job", "payment-migrate")} <= named
    assert named - known == set()


def test_every_deployment_in_a_list_and_every_label_exists() -> None:
    lists = [
        re.findall(r" (payment-[a-z]+)", line)
        for line in commands()
        if re.search(r"kubectl (scale|rollout \w+) deployment ", line)
    ]
    labels = [
        re.findall(r"payment-[a-z]+", found)
        for line in commands()
        for found in re.findall(r"-l '?app[= ]([^'-]*-[^']*?)(?:'| --|$)", line)
    ]

    assert lists, "the guide restarts them"
    assert {name for names in lists for name in names} <= set(containers(rendered("k8s")))
    assert {name for names in labels for name in names} <= set(containers(rendered("k8s")))


def test_a_job_is_made_anew_before_it_is_waited_for() -> None:
    """A Job cannot be changed, and a failed one is not repeated by an apply."""
    migrating = [
        block.commands for block in blocks() if any("apply=first" in c for c in block.commands)
    ]

    assert len(migrating) >= 2, "the first start, and a roll-out with a stop"
    for lines in migrating:
        (first,) = (at for at, line in enumerate(lines) if "apply=first" in line)
        assert lines[first - 1] == DELETE_JOB
    for block in blocks():
        for at, line in enumerate(block.commands):
            if re.search(r"kubectl apply (-f|-k) k8s/?$", line):
                assert DELETE_JOB in block.commands[:at], block.page.name


def test_the_table_of_failed_starts_says_how_a_failed_job_is_repeated() -> None:
    table = KUBERNETES.read_text(encoding="utf-8").partition("## When it does not start")[2]

    (row,) = (line for line in table.splitlines() if "kubectl wait" in line)
    assert DELETE_JOB in row
    assert "kubectl logs -l app=payment-migrate" in row


def test_what_is_scaled_to_none_is_scaled_up_again() -> None:
    """An autoscaler leaves a Deployment of no pods alone, and `rollout status` calls it done."""
    told = [line for line in commands() if "--replicas=0" in line]
    fenced = [
        (block, at, line)
        for block in blocks()
        for at, line in enumerate(block.commands)
        if "--replicas=0" in line
    ]

    assert len(told) == len(fenced), "never in passing, without the line that ends it"
    for block, at, line in fenced:
        after = [found for found in block.commands[at:] if re.search(r"--replicas=[1-9]", found)]
        applied = any(re.fullmatch(r"kubectl apply -k k8s", found) for found in block.commands[at:])
        for name in re.findall(r" (payment-[a-z]+)", line):
            by_manifest = "replicas" in rendered("k8s")["Deployment", name]["spec"]
            assert (applied and by_manifest) or any(name in found for found in after), name


def test_no_guide_kills_by_docker_what_is_to_come_back() -> None:
    """Docker takes that for a stop by hand, which `restart: unless-stopped` respects."""
    killing = [
        line
        for block in blocks()
        for line in block.commands
        if re.search(r"docker (compose |container )?(kill|stop)\b", line)
    ]

    assert killing == []


def test_every_service_that_compose_is_told_of_exists() -> None:
    told = {
        word
        for line in commands()
        if (found := re.search(r"docker compose (?:up|exec|logs|restart|start) (.*)", line))
        for word in shlex.split(found[1].split(" sh -c ")[0].split(" payment-service ")[0])
        if not word.startswith("-")
    }

    assert "worker" in told
    assert told - set(composed()) == set()


def test_logs_are_read_of_every_pod_and_say_of_which() -> None:
    reading = [line for line in commands() if re.search(r"kubectl logs \S", line)]

    assert len(reading) >= 2
    for line in reading:
        assert re.search(r" -l app=payment-\w+ --prefix", line), line
        assert "--tail=-1" in line, "with a label kubectl shows ten lines a pod"


def test_every_port_of_the_walk_is_forwarded_to_what_listens_there() -> None:
    (trial,) = (
        block.commands
        for block in blocks(KUBERNETES)
        if any("-k k8s-development" in line for line in block.commands)
    )
    walked = {
        port
        for block in blocks(ROOT / "README.md")
        for line in block.commands
        for port in re.findall(r"127\.0\.0\.1:(\d+)", line)
    }
    forwarded = {
        here: (service, int(there))
        for line in trial
        for service, here, there in re.findall(r"port-forward service/(\S+) (\d+):(\d+) &$", line)
    }

    assert walked == {"9000", "9001", "12111"} == forwarded.keys()
    for service, port in forwarded.values():
        spec = rendered("k8s-development")["Service", service]["spec"]
        assert port in [one["port"] for one in spec["ports"]], service


@pytest.mark.parametrize("tool", ["kind load docker-image", "minikube image load"])
def test_the_image_is_put_into_the_cluster_of_one_s_own_machine(tool: str) -> None:
    image = containers(rendered("k8s-development"))["payment-api"]["image"]
    lines = [line for block in blocks(KUBERNETES) for line in block.commands]

    assert f"docker build -t {image} ." in lines
    assert [line for line in lines if line.startswith(f"{tool} {image}")]


def test_a_secret_is_made_so_that_it_may_be_there_already() -> None:
    making = [line for line in commands() if "create secret" in line]

    assert making
    for line in making:
        assert line.endswith("--dry-run=client -o yaml | kubectl apply -f -"), line


def test_no_command_applies_the_example_of_the_secret() -> None:
    assert [line for line in commands() if "apply" in line and "k8s-examples" in line] == []
