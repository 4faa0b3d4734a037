"""All that can be set from outside, read once from the environment into one frozen value.

The names of the environment are the names of the fields in capitals. Everything but secrets has a
default, so a fresh clone runs with none of them. Nobody but `main` and `cli` may import this; the
rest of the program is handed plain values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import ConfigDict, ValidationError

from payment_service.setting_groups import (
    STRIPE_URL,
    AccessSettings,
    DatabaseSettings,
    Environment,
    LimitSettings,
    OrderSettings,
    PaymentSettings,
    RunningSettings,
    ServingSettings,
    StripeSettings,
)
from payment_service.setting_kinds import allowed_of, example_of

Reason = tuple[str, str]  # what is wrong with a setting, and an example of what is right

# Where `stripe-sandbox` and `payment-service demo-orders` listen when nothing else is said.
SANDBOX_URL = "http://127.0.0.1:12111"
DEMO_ORDERS_URL = "http://127.0.0.1:9001/order"

SANDBOX_KEY = "sk_test_sandbox"
SANDBOX_WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105 - of a sandbox on this machine


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting. Never carries the value: it may be a secret in the wrong place."""

    name: str
    message: str
    example: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}, for example {self.name}={self.example}"


class InvalidSettings(Exception):
    """The settings cannot be used; every wrong one is named at once."""

    def __init__(self, *problems: Problem) -> None:
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        super().__init__("\n  ".join([f"{count} wrong:", *map(str, problems)]))
        self.problems = problems


class Settings(  # the page of settings shows the last group first
    RunningSettings,
    PaymentSettings,
    LimitSettings,
    OrderSettings,
    StripeSettings,
    AccessSettings,
    DatabaseSettings,
    ServingSettings,
):
    """Made by `load_settings` only, which knows the defaults that depend on the environment."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    def warnings(self) -> tuple[str, ...]:
        """Say what may be meant, but is worth a look at the start."""
        return tuple(_warnings(self))


# What depends on the environment. A name that is absent here and has no default must be set.
DEFAULTS: Mapping[Environment, Mapping[str, str]] = MappingProxyType(
    {
        "development": {
            "host": "127.0.0.1",
            "stripe_secret_key": SANDBOX_KEY,
            "stripe_webhook_secret": SANDBOX_WEBHOOK_SECRET,
            "stripe_api_base": SANDBOX_URL,
            "order_service_url": DEMO_ORDERS_URL,
            "log_format": "console",
        },
        "production": {
            "host": "0.0.0.0",  # noqa: S104 - a container's own network; the manifests narrow it
            "stripe_api_base": STRIPE_URL,
            "order_service_url": "",
            "log_format": "json",
        },
    }
)

# Elsewhere an empty variable means one that is not set, as compose files produce them.
_MAY_BE_EMPTY = frozenset(
    {"api_prefix", "order_service_url", "rate_limit_per_caller", "rate_limit_per_address"}
)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raise `InvalidSettings` that names all wrong ones at once."""
    names = {field: field.upper() for field in Settings.model_fields}
    if not environ.get("ENVIRONMENT", "").strip() and environ.get("NODE_ENV", "").strip():
        names["environment"] = "NODE_ENV"
    given = {
        field: environ[name].strip()
        for field, name in names.items()
        if name in environ and (environ[name].strip() or field in _MAY_BE_EMPTY)
    }
    environment = given.get("environment", "development").lower()
    known: Environment = "production" if environment == "production" else "development"
    values = {**DEFAULTS[known], **given}
    settings, wrong = _validated(values)
    for field, reason in _contradictions(environment, values):
        wrong.setdefault(field, reason)
    if settings is None or wrong:
        raise InvalidSettings(
            *(Problem(name, *wrong[field]) for field, name in names.items() if field in wrong)
        )
    return settings


def _validated(values: Mapping[str, str]) -> tuple[Settings | None, dict[str, Reason]]:
    try:
        return Settings.model_validate(values), {}
    except ValidationError as error:
        wrong: dict[str, Reason] = {}
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            name = str(detail["loc"][0])
            field = Settings.model_fields[name]
            missing = detail["type"] == "missing"
            wrong[name] = (
                "is not set, and production has no default for it"
                if missing
                else f"must be {allowed_of(field)}",
                example_of(field),
            )
        return None, wrong


def _contradictions(environment: str, values: Mapping[str, str]) -> Iterator[tuple[str, Reason]]:
    """Find what each setting may be alone, but not together.

    Reads the raw text, so that it speaks up even while another setting is wrong.
    """
    key, base = values.get("stripe_secret_key", ""), values.get("stripe_api_base", "")
    live = key.startswith(("sk_live_", "rk_live_"))
    if live and environment == "development":
        reason = "is a live key, which only ENVIRONMENT=production may use", "sk_test_..."
        yield "stripe_secret_key", reason
    if key.startswith(("sk_test_", "rk_test_")) and environment == "production":
        reason = "is a test key, with which production would take no money", "rk_live_..."
        yield "stripe_secret_key", reason
    if key == SANDBOX_KEY and base.startswith(STRIPE_URL):
        reason = "is the sandbox's key, which Stripe does not know", "sk_test_..."
        yield "stripe_secret_key", reason
    if live and environment == "production" and not base.startswith("https://"):
        reason = "must be https, or a live key travels in the clear", STRIPE_URL
        yield "stripe_api_base", reason
    secrets = values.get("stripe_webhook_secret", "")
    if environment == "production" and SANDBOX_WEBHOOK_SECRET in secrets.split(","):
        reason = "is the sandbox's secret, with which anybody could sign", "whsec_..."
        yield "stripe_webhook_secret", reason
    if values.get("mongodb_uri"):
        reason = "comes with a later release; leave it unset, payments are kept at SQLITE_PATH", ""
        yield "mongodb_uri", reason


def _warnings(settings: Settings) -> Iterator[str]:
    token = settings.order_service_token is not None
    in_the_clear = settings.order_service_url.startswith("http://")
    production = settings.environment == "production"
    if not settings.order_service_url:
        yield "ORDER_SERVICE_URL is empty: orders are paid and nobody is told"
    if settings.stripe_webhook_secret is None:
        yield "STRIPE_WEBHOOK_SECRET is not set: the truth comes by polling alone, only slower"
    if not settings.back_fill_every_s and not settings.stripe_webhook_secret:
        yield "BACK_FILL_EVERY_S is 0 and there is no webhook: only the sweep finds disputes"
    if production and token and in_the_clear:
        yield "ORDER_SERVICE_URL is not https: ORDER_SERVICE_TOKEN travels in the clear"
    if production and settings.order_service_url and not token:
        yield "ORDER_SERVICE_TOKEN is not set: the OrderService is told without credentials"
