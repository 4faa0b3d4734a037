"""What proves that an order is the end user's who pays it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from payment_service.setting_groups.spans import EXPIRY_S_MAX, EXPIRY_S_MIN
from payment_service.setting_kinds import FieldPath, ProofSecrets, PublicKey, Word


class ProofSettings(BaseModel):
    """What proves that an order is the end user's who pays it."""

    order_proof: Annotated[Literal["none", "signed", "order-service"], Word] = Field(
        default="none",
        description=(
            "What an end user must show for an order. `signed`: a proof (`orderProof`) that the "
            "shop's back end has signed, whose amount counts. `order-service`: nothing; the order "
            "is read at `ORDER_SERVICE_READ_PATH` and compared. `none`: nothing; the amount is the "
            "browser's, and an order belongs to whoever claims it first. Services need no proof."
        ),
        examples=["signed"],
    )
    order_proof_secret: ProofSecrets = Field(
        default=None,
        description=(
            "The secrets with which the shop's back end signs proofs of orders; the first for new "
            "ones, others while they are rotated. Not `AUTH_JWT_SECRET`."
        ),
        examples=["..."],
    )
    order_proof_public_key: PublicKey = Field(
        default="",
        description=(
            "The public key of proofs that are signed with a private one (RS, PS, ES, EdDSA). Its "
            "line breaks may be written as `\\n`."
        ),
        examples=["-----BEGIN PUBLIC KEY-----\\n...\\n-----END PUBLIC KEY-----"],
    )
    unproved_claim_expires_s: float = Field(
        default=1800.0,
        ge=EXPIRY_S_MIN,
        le=EXPIRY_S_MAX,
        description=(
            "How long an end user who shows no proof may hold an order without paying it. Then its "
            "PaymentIntent is cancelled and anybody may pay the order. A service need not wait."
        ),
        examples=["1800"],
    )
    order_service_amount_field: FieldPath = Field(
        default="amount",
        description=(
            "The field of the answer of `ORDER_SERVICE_READ_PATH` that has what the order costs, "
            "in `AMOUNT_UNIT`; dots go down. Used with `ORDER_PROOF=order-service`."
        ),
        examples=["data.totalAmount"],
    )
    order_service_currency_field: FieldPath = Field(
        default="currency",
        description=(
            "The field with the order's currency; where it is missing that is `DEFAULT_CURRENCY`."
        ),
        examples=["data.currency"],
    )
    order_service_customer_field: FieldPath = Field(
        default="customerId",
        description=(
            "The field with the customer whose order it is: the id at Stripe, or the e-mail. An "
            "order without it is nobody's."
        ),
        examples=["data.email"],
    )


def proof_contradictions(values: Mapping[str, str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Find what may not be together, from the raw text, as (setting, (reason, example))."""
    kind = values.get("order_proof", "").strip().lower()
    keys = ("order_proof_secret", "order_proof_public_key")
    if kind == "signed" and not any(values.get(name) for name in keys):
        reason = "is not set, nor ORDER_PROOF_PUBLIC_KEY, and ORDER_PROOF=signed needs one of them"
        yield keys[0], (reason, "...")
    secrets = {one.strip() for one in values.get(keys[0], "").split(",")} - {""}
    if values.get("auth_jwt_secret", "").strip() in secrets:
        yield keys[0], ("is AUTH_JWT_SECRET too: whoever makes tokens could make proofs", "...")
    for name in ("order_service_url", "order_service_read_path"):
        if kind == "order-service" and not values.get(name):
            yield name, ("is not set, and ORDER_PROOF=order-service reads orders there", _AT[name])


_AT = {
    "order_service_url": "https://orders.internal.example/order",
    "order_service_read_path": "/{orderId}",
}


def proof_warnings(settings: ProofSettings, *, auth: str, production: bool) -> Iterator[str]:
    """Say what of this group is worth a look at the start."""
    if production and "jwt" in auth and settings.order_proof == "none":
        yield "ORDER_PROOF is none: what an order costs is said by the end user who pays it"
