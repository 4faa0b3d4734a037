"""What the manifests tell the service: settings that exist, and a start that they let succeed."""

import pytest

from payment_service.settings import InvalidSettings, load_settings, secret_fields
from tests.manifests.environments import EXISTING_KEYS, environ_of, named, references
from tests.manifests.kustomized import FOLDERS, containers, installed
from tests.manifests.names import known_names

ROLES = ("payment-api", "payment-worker", "payment-migrate")
EXISTING_NAMES = {"PORT", "STRIPE_SECRET_KEY", "MONGODB_URI", "ORDER_SERVICE_URL", "NODE_ENV"}

every_folder = pytest.mark.parametrize("folder", FOLDERS)
every_role = pytest.mark.parametrize("role", ROLES)


@every_folder
@every_role
def test_every_setting_exists(folder: str, role: str) -> None:
    role_container = containers(installed(folder))[role]

    assert named(role_container, installed(folder)) - known_names() == set()


@every_folder
@every_role
def test_the_settings_let_it_start(folder: str, role: str) -> None:
    environ = environ_of(containers(installed(folder))[role], installed(folder))
    settings = load_settings(environ)

    assert settings.environment == ("production" if folder == "k8s" else "development")
    assert settings.host == "0.0.0.0"


@every_role
def test_the_objects_of_an_existing_installation_are_enough(role: str) -> None:
    role_container = containers(installed("k8s"))[role]
    environ = environ_of(role_container, installed("k8s"), existing_only=True)

    assert "STRIPE_WEBHOOK_SECRET" not in environ
    assert load_settings(environ).environment == "production"


@every_role
def test_stripes_test_mode_needs_nothing_but_its_key_and_its_environment(role: str) -> None:
    environ = environ_of(containers(installed("k8s"))[role], installed("k8s"), existing_only=True)
    settings = load_settings(
        {**environ, "NODE_ENV": "development", "STRIPE_SECRET_KEY": "sk_test_madeup"}
    )

    assert settings.stripe_api_base == "https://api.stripe.com"


def test_a_placeholder_that_is_left_is_refused() -> None:
    api = containers(installed("k8s"))["payment-api"]
    environ = environ_of(api, installed("k8s"), filled_in=False)

    with pytest.raises(InvalidSettings) as refused:
        load_settings(environ)
    wrong = {problem.name for problem in refused.value.problems}
    assert {"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET", "MONGODB_URI"} <= wrong


@every_folder
@every_role
def test_what_is_referred_to_is_there_or_may_be_absent(folder: str, role: str) -> None:
    for name, (kind, holder, key, optional) in references(
        containers(installed(folder))[role]
    ).items():
        one = installed(folder)[kind, holder]
        assert optional or key in {**one.get("data", {}), **one.get("stringData", {})}, name
        # Whatever is newer than the existing installations must be able to be absent.
        assert optional == (key not in EXISTING_KEYS[holder]), name


@every_role
def test_every_secret_setting_has_a_place_in_the_secret(role: str) -> None:
    found = references(containers(installed("k8s"))[role])

    placed = {name for name, (kind, _, _, _) in found.items() if kind == "Secret"}
    assert placed == {name.upper() for name in secret_fields()}


def test_existing_keys_keep_their_places() -> None:
    found = references(containers(installed("k8s"))["payment-api"])

    assert {name: found[name][1:3] for name in EXISTING_NAMES} == {
        "PORT": ("payment-service-configmap", "port"),
        "ORDER_SERVICE_URL": ("payment-service-configmap", "order_service_url"),
        "NODE_ENV": ("payment-service-configmap", "node_env"),
        "MONGODB_URI": ("payment-service-secret", "db_url"),
        "STRIPE_SECRET_KEY": ("payment-service-secret", "stripe_secret_key"),
    }


def test_no_secret_is_written_down() -> None:
    held = installed("k8s")["Secret", "payment-service-secret"]["stringData"]

    assert [key for key, text in held.items() if not text.startswith("<")] == []


@every_folder
def test_all_roles_are_told_the_same(folder: str) -> None:
    told = [
        {
            name: text
            for name, text in environ_of(found, installed(folder)).items()
            if name not in {"PORT", "WORKER_ENABLED"}
        }
        for found in map(containers(installed(folder)).__getitem__, ROLES)
    ]

    assert told[0] == told[1] == told[2]


@every_folder
def test_the_ports_are_those_that_are_opened(folder: str) -> None:
    api = containers(installed(folder))["payment-api"]
    environ = environ_of(api, installed(folder))
    opened = {port["name"]: str(port["containerPort"]) for port in api["ports"]}
    (watched,) = containers(installed(folder))["payment-worker"]["ports"]

    port = int(environ["METRICS_PORT"])
    assert opened == {"http": environ["PORT"], "metrics": environ["METRICS_PORT"]}
    assert watched == {"name": "metrics", "containerPort": port, "protocol": "TCP"}


@every_folder
def test_the_api_leaves_what_is_due_to_the_worker(folder: str) -> None:
    api = containers(installed(folder))["payment-api"]

    assert environ_of(api, installed(folder))["WORKER_ENABLED"] == "false"
