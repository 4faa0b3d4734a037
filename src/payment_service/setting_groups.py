"""The settings by what they are about; `settings` puts them together and reads them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from payment_service.setting_kinds import (
    Allowed,
    Currency,
    FilePath,
    Host,
    OrderStatus,
    Origin,
    Prefix,
    ServiceName,
    StripeKey,
    Token,
    Url,
    WebhookSecrets,
    Word,
)

Environment = Literal["development", "production"]
STRIPE_URL = "https://api.stripe.com"

# Below a tenth of a second ordinary jitter looks like failure, even next door (rehearsals want to
# see time-outs soon). Stripe's own library gives up after 80 s, and nothing there takes longer.
_CALL_S_MIN, _CALL_S_MAX = 0.1, 80
# From "settle it now" (rehearsals again) to a month, past which nobody remembers the order.
_EXPIRY_S_MIN, _EXPIRY_S_MAX = 1, 30 * 86_400


class ServingSettings(BaseModel):
    """Where the service listens and what it keeps."""

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


class StripeSettings(BaseModel):
    """How to reach Stripe, and how Stripe reaches us."""

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

    stripe_webhook_secret: WebhookSecrets = Field(
        default=None,
        description=(
            "The signing secret of the webhook endpoint at Stripe, `whsec_…`; two, separated by a "
            "comma, while one is being rotated. Not set: the webhook is closed, and the truth "
            "comes by the worker's looks alone."
        ),
        examples=["whsec_..."],
    )
    # Stripe signs each delivery anew, so an old signature is a replay; five minutes are Stripe's
    # own libraries' tolerance for clocks.
    stripe_webhook_tolerance_s: float = Field(
        default=300.0,
        ge=1,
        le=3600,
        description="How far the time of a webhook's signature may be from ours, either way.",
        examples=["300"],
    )
    # Each round is two reads; Stripe takes 25 a second.
    back_fill_every_s: float = Field(
        default=60.0,
        ge=0,
        le=86_400,
        description=(
            "How often Stripe's list of events is read for what the webhook never brought; 0 never."
        ),
        examples=["60"],
    )
    sweep_every_s: float = Field(
        default=3600.0,
        ge=0,
        le=86_400,
        description=(
            "How often the payments, refunds and disputes made at Stripe are compared with ours, "
            "since some events are never made; 0 never."
        ),
        examples=["3600"],
    )


class OrderSettings(BaseModel):
    """Who is told of what becomes of an order."""

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

    order_status_canceled: OrderStatus = Field(
        default="",
        description=(
            "The status that the OrderService is told when a payment ends canceled, a lapsed hold "
            "included. Empty: it is not told."
        ),
        examples=["CANCELLED"],
    )
    order_status_refunded: OrderStatus = Field(
        default="",
        description=(
            "The status that the OrderService is told when a payment is refunded wholly. Empty: it "
            "is not told."
        ),
        examples=["REFUNDED"],
    )
    order_status_refund_failed: OrderStatus = Field(
        default="",
        description=(
            "The status that the OrderService is told when the bank returns a refund after the "
            "payment was refunded wholly. Empty: it is not told."
        ),
        examples=["REFUND FAILED"],
    )


class PaymentSettings(BaseModel):
    """What amounts mean, and how long things may take."""

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

    hold_warning_s: float = Field(
        default=86_400.0,
        ge=0,
        le=_EXPIRY_S_MAX,
        description="How long before an authorised payment's hold lapses that is warned about.",
        examples=["86400"],
    )
    hold_auto_capture_s: float = Field(
        default=0.0,
        ge=0,
        le=_EXPIRY_S_MAX,
        description=(
            "How long before its hold lapses an authorised payment is captured whole by itself; 0 "
            "never: it lapses."
        ),
        examples=["7200"],
    )


class RunningSettings(BaseModel):
    """How the process works and what it writes about that."""

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
