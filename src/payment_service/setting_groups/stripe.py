"""How to reach Stripe, and how Stripe reaches us."""

from urllib.parse import urlsplit

from pydantic import BaseModel, Field

from payment_service.setting_groups.spans import CALL_S_MAX, CALL_S_MIN
from payment_service.setting_kinds import Origin, StripeKey, WebhookSecrets

STRIPE_URL = "https://api.stripe.com"


def is_stripe(api_base: str) -> bool:
    """Whether this text is the address of Stripe itself, and not of something in its place."""
    try:
        return urlsplit(api_base).hostname == urlsplit(STRIPE_URL).hostname
    except ValueError:  # no address at all
        return False


def is_live_key(key: str) -> bool:
    """Whether it is a key of Stripe's live mode, with which money moves."""
    return key.startswith(("sk_live_", "rk_live_"))


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
        ge=CALL_S_MIN,
        le=CALL_S_MAX,
        description="How long to wait for Stripe to create, confirm or capture a payment.",
        examples=["25"],
    )
    # As for a charge: the issuer is asked here too.
    stripe_timeout_refund_s: float = Field(
        default=25.0,
        ge=CALL_S_MIN,
        le=CALL_S_MAX,
        description="How long to wait for Stripe to make a refund.",
        examples=["25"],
    )
    # Attaching a card may verify it with the issuer; creating a customer asks nobody.
    stripe_timeout_write_s: float = Field(
        default=15.0,
        ge=CALL_S_MIN,
        le=CALL_S_MAX,
        description="How long to wait for Stripe to write customers and cards.",
        examples=["15"],
    )
    # Stripe answers reads from its own database; slower than this is trouble, and safe to repeat.
    stripe_timeout_read_s: float = Field(
        default=10.0,
        ge=CALL_S_MIN,
        le=CALL_S_MAX,
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
            "comes by the worker's looks alone. Development knows the sandbox's secret by itself, "
            f"but not while `STRIPE_API_BASE` is `{STRIPE_URL}`: anybody could sign with it."
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
