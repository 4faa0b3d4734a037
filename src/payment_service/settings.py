"""All that can be set from outside, read once from the environment into one frozen value.

The names of the environment are the names of the fields in capitals. Everything but secrets has a
default, so a fresh clone runs with none of them. Nobody but `main` and `cli` may import this; the
rest of the program is handed plain values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from payment_service.setting_kinds import (
    Allowed,
    Currency,
    FilePath,
    Host,
    Origin,
    Prefix,
    ServiceName,
    StripeKey,
    Token,
    Url,
    Word,
    allowed_of,
    example_of,
)

Environment = Literal["development", "production"]
Reason = tuple[str, str]  # what is wrong with a setting, and an example of what is right

# Where `stripe-sandbox` and `payment-service demo-orders` listen when nothing else is said.
SANDBOX_URL = "http://127.0.0.1:12111"
DEMO_ORDERS_URL = "http://127.0.0.1:9001/order"
STRIPE_URL = "https://api.stripe.com"

SANDBOX_KEY = "sk_test_sandbox"

# Below a tenth of a second ordinary jitter looks like failure, even next door (rehearsals want to
# see time-outs soon). Stripe's own library gives up after 80 s, and nothing there takes longer.
_CALL_S_MIN, _CALL_S_MAX = 0.1, 80
# From "settle it now" (rehearsals again) to a month, past which nobody remembers the order.
_EXPIRY_S_MIN, _EXPIRY_S_MAX = 1, 30 * 86_400


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


class Settings(BaseModel):
    """Made by `load_settings` only, which knows the defaults that depend on the environment."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    environment: Annotated[Environment, Word] = Field(
        default="development",
        description=(
            "Decides which defaults hold and which Stripe keys are accepted. `NODE_ENV` is read "
            "when this is not set, for deployments that have it already."
        ),
        examples=["production"],
    )
    port: int = Field(
        default=9000, ge=1, le=65_535, description="The port to listen on.", examples=["9000"]
    )
    host: Host = Field(
        description="The address to listen on. A container must listen on all of them.",
        examples=["0.0.0.0"],  # noqa: S104 - what production wants, and only there the default
    )
    api_prefix: Prefix = Field(
        default="/payment",
        description="The path before every endpoint but the health checks.",
        examples=["/payment"],
    )

    sqlite_path: FilePath = Field(
        default="var/payments.sqlite3",
        description=(
            "The database file, made when absent. One file is one replica: a second process that "
            "serves must have another database."
        ),
        examples=["/var/lib/payments/payments.sqlite3"],
    )
    mongodb_uri: Annotated[SecretStr | None, Allowed("nothing, in this release")] = Field(
        default=None,
        description=(
            "Reserved: MongoDB comes with a later release and will then win over `SQLITE_PATH`. "
            "Until then a value here stops the start."
        ),
        examples=["mongodb://mongo-0,mongo-1,mongo-2/payments?replicaSet=rs0"],
    )

    stripe_secret_key: StripeKey = Field(
        description=(
            "The secret or restricted key of the Stripe account. Live keys are refused outside "
            "production, test keys in it."
        ),
        examples=["rk_live_..."],
    )
    stripe_api_base: Origin = Field(
        description=(
            "Where Stripe is. In development it is the sandbox of this project; set "
            f"`{STRIPE_URL}` to use Stripe's own test mode. A live key needs https."
        ),
        examples=[STRIPE_URL],
    )
    # A charge asks the card's issuer, which may take its time: Stripe's slowest answers come after
    # some 20 s. Two such calls fit into the response deadline.
    stripe_timeout_charge_s: float = Field(
        default=25.0,
        ge=_CALL_S_MIN,
        le=_CALL_S_MAX,
        description="How long to wait for Stripe to create, confirm or capture a payment.",
        examples=["25"],
    )
    # As for a charge: the issuer is asked here too.
    stripe_timeout_refund_s: float = Field(
        default=25.0,
        ge=_CALL_S_MIN,
        le=_CALL_S_MAX,
        description="How long to wait for Stripe to make a refund.",
        examples=["25"],
    )
    # Attaching a card may verify it with the issuer; creating a customer asks nobody.
    stripe_timeout_write_s: float = Field(
        default=15.0,
        ge=_CALL_S_MIN,
        le=_CALL_S_MAX,
        description="How long to wait for Stripe to write customers and cards.",
        examples=["15"],
    )
    # Stripe answers reads from its own database; slower than this is trouble, and safe to repeat.
    stripe_timeout_read_s: float = Field(
        default=10.0,
        ge=_CALL_S_MIN,
        le=_CALL_S_MAX,
        description="How long to wait for Stripe to retrieve or list.",
        examples=["10"],
    )
    # As many payments as one process can usefully have in flight; beyond a few thousand the
    # operating system's limit on open files is nearer than any gain.
    stripe_connections_max: int = Field(
        default=256,
        ge=1,
        le=4096,
        description="How many connections to Stripe may be open at once.",
        examples=["256"],
    )

    order_service_url: Url = Field(
        description=(
            "The OrderService: it is told at `<this>/updateStatus` when an order is paid. Empty: "
            "nobody is told, and the start warns of it."
        ),
        examples=["https://orders.internal.example/order"],
    )
    order_service_token: Token = Field(
        default=None,
        description="The bearer token to tell the OrderService with. Not set: none is sent.",
        examples=["..."],
    )
    order_service_timeout_s: float = Field(
        default=10.0,
        ge=_CALL_S_MIN,
        le=_CALL_S_MAX,
        description="How long to wait for the OrderService; after it the update is sent again.",
        examples=["10"],
    )

    default_currency: Currency = Field(
        default="usd",
        description="The currency of a payment that names none.",
        examples=["usd"],
    )
    amount_unit: Annotated[Literal["minor", "major"], Word] = Field(
        default="minor",
        description=(
            "What amounts mean in requests and answers: `minor` is whole cents (6522), `major` is "
            "decimals (65.22)."
        ),
        examples=["minor"],
    )

    # Load balancers commonly cut at 60 s: the answer must be out before. 300 s is the longest a
    # client was ever seen to wait.
    payment_response_deadline_s: float = Field(
        default=55.0,
        ge=1,
        le=300,
        description=(
            "A payment that Stripe has not settled by then is answered with 202 and settled in "
            "the background."
        ),
        examples=["55"],
    )
    # Stripe forgets an idempotency key after 24 h; asking again after 23 h could charge twice.
    payer_expects_charge_s: float = Field(
        default=900.0,
        ge=1,
        le=23 * 3600,
        description=(
            "How long after the request a charge in doubt may still be asked for again. Later it "
            "is looked up, and given up by cancelling."
        ),
        examples=["900"],
    )
    action_expires_s: float = Field(
        default=3600.0,
        ge=_EXPIRY_S_MIN,
        le=_EXPIRY_S_MAX,
        description="A 3-D Secure challenge left alone this long is cancelled.",
        examples=["3600"],
    )
    payment_expires_s: float = Field(
        default=86_400.0,
        ge=_EXPIRY_S_MIN,
        le=_EXPIRY_S_MAX,
        description="An unpaid payment left alone this long is cancelled.",
        examples=["86400"],
    )

    worker_enabled: bool = Field(
        default=True,
        description=(
            "Whether `serve` also settles what is due. Set it to false where `payment-service "
            "worker` runs on its own."
        ),
        examples=["true"],
    )
    # Each one may hold a connection to Stripe: no more than the most of those.
    worker_concurrency: int = Field(
        default=16,
        ge=1,
        le=4096,
        description="How many due payments are settled at once.",
        examples=["16"],
    )
    # Five seconds below the 30 s that Kubernetes waits before it kills.
    shutdown_grace_s: float = Field(
        default=25.0,
        ge=0,
        le=300,
        description="How long running requests may take to finish after SIGTERM.",
        examples=["25"],
    )

    log_level: Annotated[Literal["debug", "info", "warning", "error"], Word] = Field(
        default="info",
        description="The least serious log line that is written.",
        examples=["info"],
    )
    log_format: Annotated[Literal["json", "console"], Word] = Field(
        description="`json`: one object a line, for machines. `console`: coloured, for people.",
        examples=["json"],
    )
    service_name: ServiceName = Field(
        default="payment-service",
        description=(
            "Written as `service` into the metadata of all that is made at Stripe; payments under "
            "another name are not ours. Never change it while payments are open."
        ),
        examples=["payment-service"],
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
_MAY_BE_EMPTY = frozenset({"api_prefix", "order_service_url"})


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
    if values.get("mongodb_uri"):
        reason = "comes with a later release; leave it unset, payments are kept at SQLITE_PATH", ""
        yield "mongodb_uri", reason


def _warnings(settings: Settings) -> Iterator[str]:
    token = settings.order_service_token is not None
    in_the_clear = settings.order_service_url.startswith("http://")
    production = settings.environment == "production"
    if not settings.order_service_url:
        yield "ORDER_SERVICE_URL is empty: orders are paid and nobody is told"
    if production and token and in_the_clear:
        yield "ORDER_SERVICE_URL is not https: ORDER_SERVICE_TOKEN travels in the clear"
    if production and settings.order_service_url and not token:
        yield "ORDER_SERVICE_TOKEN is not set: the OrderService is told without credentials"
