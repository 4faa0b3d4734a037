"""What a caller hears of a payment or refund that failed: which of the reasons is theirs to mend.

Stripe's words are passed on only where they are meant for the payer; the others may name our key.
"""

from typing import NoReturn

from payment_service.api.problems import NotCharged
from payment_service.domain.errors import (
    CardNotUsable,
    CardRefused,
    FieldError,
    InvalidRequest,
    NotFound,
    PaymentDisputed,
    RefundExceedsRemaining,
    StripeRefused,
)
from payment_service.domain.payment import OPEN, Failure, FailureKind, Payment, State
from payment_service.domain.refund import Refund, RefundStatus
from payment_service.ports import GatewayUnavailable

# The fields of Stripe's request that come straight from the caller's, by their names on our wire.
_CALLERS_FIELDS = {
    "amount": "amount",
    "currency": "currency",
    "return_url": "returnUrl",
    "description": "description",
    "metadata": "metadata",
}
# A card that belongs to a customer, used without that customer: Stripe calls the parameter so.
_CARD_PARAMS = frozenset({"payment_method", "source"})
_MISSING = "resource_missing"
# Why a request surely did nothing although Stripe can be reached: it does not take our key.
_KEY_REFUSED = ("http_401", "http_403")


def raise_failure(payment: Payment, *, confirming: bool) -> None:
    """Raise why the last attempt failed, if it did and the payment went nowhere since.

    confirming: whether the caller wanted a card to be charged. Else an earlier decline is no
    failure of this request.
    """
    failure = payment.failure
    if failure is None or payment.state not in OPEN | {State.CANCELED}:
        return
    if failure.kind is FailureKind.DECLINED and not confirming and payment.intent_id:
        return
    _raise(failure)


def _raise(failure: Failure) -> NoReturn:
    match failure.kind:
        case FailureKind.DECLINED:
            raise CardRefused(failure.message, code=failure.code, decline_code=failure.decline_code)
        case FailureKind.REJECTED:
            _raise_rejected(failure)
        case FailureKind.UNAVAILABLE if failure.code.startswith(_KEY_REFUSED):
            raise StripeRefused("Stripe does not take this service's key.")
        case FailureKind.UNAVAILABLE | FailureKind.ABANDONED:
            raise NotCharged(failure.code)


def _raise_rejected(failure: Failure) -> NoReturn:
    param, is_missing = failure.param or "", failure.code == _MISSING
    if param == "customer" and is_missing:
        raise NotFound("There is no such customer.", code="customer_not_found")
    if param in _CARD_PARAMS and is_missing:
        raise NotFound("There is no such card.", code="card_not_found")
    if param in _CARD_PARAMS or param == "customer":
        raise CardNotUsable("This card cannot be used by this customer.")
    name = param.partition("[")[0]
    if name in _CALLERS_FIELDS:
        own_code = failure.code if failure.code.startswith("amount_") else None
        raise InvalidRequest(
            FieldError(_CALLERS_FIELDS[name], "is not accepted by Stripe for this account"),
            code=own_code,
        )
    raise StripeRefused("Stripe refused the payment.", code=failure.code)


def raise_refund_failure(payment: Payment, refund: Refund) -> None:
    """Raise why the refund failed, if it did."""
    if refund.status not in {RefundStatus.FAILED, RefundStatus.CANCELED}:
        return
    reason = refund.failure or ""
    if refund.unavailable and not reason.startswith(_KEY_REFUSED):
        raise GatewayUnavailable(reason)
    if reason == "abandoned":
        raise GatewayUnavailable(reason)
    if reason == "charge_already_refunded":
        raise RefundExceedsRemaining("This payment is refunded already.", payment=payment)
    if reason == "charge_disputed":
        raise PaymentDisputed(
            "The payer disputes this payment; it cannot be refunded.", payment=payment
        )
    raise StripeRefused("Stripe made no refund.", code=reason)
