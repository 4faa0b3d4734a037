"""What amounts mean, and how long things may take."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from payment_service.setting_groups.spans import EXPIRY_S_MAX, EXPIRY_S_MIN
from payment_service.setting_kinds import Currency, Word


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
    requires_action_status: Annotated[Literal["200", "402"], Word] = Field(
        default="200",
        description=(
            "The status of a payment that waits for its payer to authenticate it (3-D Secure): "
            "`200` with `status` `requires_action`, or `402` with the code "
            "`authentication_required` and the same `data`, for clients that read only `success`."
        ),
        examples=["402"],
    )
    strict_requests: bool = Field(
        default=False,
        description=(
            "Whether a request with any field that is not known is refused. Else such fields are "
            "ignored, but for those that are one slip away from a known one, or move money at "
            "Stripe."
        ),
        examples=["true"],
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
        ge=EXPIRY_S_MIN,
        le=EXPIRY_S_MAX,
        description="A 3-D Secure challenge left alone this long is cancelled.",
        examples=["3600"],
    )
    payment_expires_s: float = Field(
        default=86_400.0,
        ge=EXPIRY_S_MIN,
        le=EXPIRY_S_MAX,
        description="An unpaid payment left alone this long is cancelled.",
        examples=["86400"],
    )

    hold_warning_s: float = Field(
        default=86_400.0,
        ge=0,
        le=EXPIRY_S_MAX,
        description="How long before an authorised payment's hold lapses that is warned about.",
        examples=["86400"],
    )
    hold_auto_capture_s: float = Field(
        default=0.0,
        ge=0,
        le=EXPIRY_S_MAX,
        description=(
            "How long before its hold lapses an authorised payment is captured whole by itself; 0 "
            "never: it lapses."
        ),
        examples=["7200"],
    )
