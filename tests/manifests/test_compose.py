"""compose.yaml, as far as it can be known to work without an engine to run it."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from payment_service.settings import load_settings
from tests.manifests.commands import parse
from tests.manifests.names import known_names
from tests.parts.dockerfile import ROOT, image_environ, last_stage

DONE, HEALTHY = "service_completed_successfully", "service_healthy"


@cache
def composed() -> dict[str, Any]:
    """Return the services by name."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return services


def ours() -> dict[str, Any]:
    return {name: one for name, one in composed().items() if one.get("build") == "."}


def needs() -> Iterator[tuple[str, str, str]]:
    for name, one in composed().items():
        for other, how in one.get("depends_on", {}).items():
            yield name, other, how["condition"]


def words_of(one: dict[str, Any]) -> list[str]:
    entry = one.get("entrypoint") or last_stage("ENTRYPOINT")[0].listed
    return [*entry, *one["command"]]


def test_all_roles_run_from_one_image_and_what_is_fetched_is_pinned() -> None:
    fetched = [one["image"] for one in composed().values() if "build" not in one]

    assert {one["image"] for one in ours().values()} == {"payment-service:local"}
    assert [
        image for image in fetched if not re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?", image)
    ] == []


@pytest.mark.parametrize("name", composed())
def test_it_may_do_nothing_that_it_does_not_need(name: str) -> None:
    one = composed()[name]

    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert [port for port in one.get("ports", []) if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", composed())
def test_it_says_when_it_is_healthy_or_ends_by_itself(name: str) -> None:
    ends = {other for _, other, condition in needs() if condition == DONE}
    one = composed()[name]

    if name in ends:
        assert one["restart"].startswith("on-failure")
    else:
        assert one["restart"] == "unless-stopped"
        assert one["healthcheck"]["test"][0] == "CMD"


def test_what_is_waited_for_can_happen() -> None:
    for _, other, condition in needs():
        disabled = composed()[other]["healthcheck"].get("disable", False)
        assert condition == (DONE if disabled else HEALTHY)

    started: set[str] = set()
    while len(started) < len(composed()):
        ready = {
            name
            for name, one in composed().items()
            if name not in started and set(one.get("depends_on", {})) <= started
        }
        assert ready, "they wait for each other"
        started |= ready


@pytest.mark.parametrize("name", ours())
def test_its_commands_exist(name: str) -> None:
    one = ours()[name]
    asked = one["healthcheck"].get("test")

    assert parse(words_of(one)) in {"migrate", "serve", "worker", "stripe-sandbox", "demo-orders"}
    assert asked is None or parse(asked[1:]) == "healthy"


@pytest.mark.parametrize("name", ["migrate", "service", "worker"])
def test_its_settings_exist_and_can_be_used(name: str) -> None:
    given = ours()[name]["environment"]

    assert given.keys() - known_names() == set()
    assert load_settings({**image_environ(), **given}).environment == "development"


def test_every_address_is_one_of_the_composition_at_the_port_it_listens_on() -> None:
    given = ours()["service"]["environment"]
    sandbox = dict(word[2:].split("=", 1) for word in ours()["sandbox"]["command"] if "=" in word)
    orders = dict(word[2:].split("=", 1) for word in ours()["orders"]["command"] if "=" in word)
    settings = load_settings(given)

    mongo = urlsplit(given["MONGODB_URI"])
    assert (mongo.netloc, mongo.query) == ("mongo:27017", "replicaSet=rs0")
    assert 'host: "mongo:27017"' in composed()["mongo"]["healthcheck"]["test"][-1]
    assert composed()["mongo"]["command"][:2] == ["--replSet", "rs0"]
    assert given["STRIPE_API_BASE"] == f"http://sandbox:{sandbox['port']}"
    assert given["ORDER_SERVICE_URL"] == f"http://orders:{orders['port']}/order"
    assert sandbox["webhook-url"] == f"http://service:{settings.port}{settings.api_prefix}/webhook"
    assert sandbox["webhook-secret"] == given["STRIPE_WEBHOOK_SECRET"]
    assert sandbox["public-url"] == f"http://{ours()['sandbox']['ports'][0].rsplit(':', 1)[0]}"


def test_the_running_requests_are_waited_for_before_the_kill() -> None:
    grace_s = load_settings({}).shutdown_grace_s

    for name in ("service", "worker"):
        # What is to spare closes connections and files.
        assert int(ours()[name]["stop_grace_period"].rstrip("s")) >= grace_s + 5
