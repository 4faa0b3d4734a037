"""What a caller is told when Stripe refuses: the one table, operation by class of refusal.

The code answers from it, `docs/reference/errors.md` is made of it, and a test walks all of it over
HTTP. Stripe's words are passed on only about a card, where they are meant for the payer; the others
may name our key or our account.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from payment_service.domain.stripe_errors import Action, ErrorClass

# Stripe's words about our own request may name our key or our account.
STRIPE_REFUSED_MESSAGE = "Stripe refused this service's request; the operator must look into it."


@dataclass(frozen=True, slots=True)
class Told:
    """What a refusal is answered with.

    code: None passes Stripe's own on. message: None passes Stripe's on, which is for the payer.
    """

    status: int
    code: str | None
    message: str | None


_UNAVAILABLE = Told(
    503, "stripe_unavailable", "Stripe cannot be reached; nothing was done. Please try again."
)
_NOT_CHARGED = Told(
    503, "stripe_unavailable", "Stripe cannot be reached; nothing was charged. Please try again."
)
_OPERATORS = Told(502, "stripe_refused", STRIPE_REFUSED_MESSAGE)
_NO_CUSTOMER = Told(404, "customer_not_found", "There is no such customer.")
_NO_CARD = Told(404, "card_not_found", "There is no such card.")
_NOT_USABLE = Told(400, "card_not_usable", "This card cannot be used by this customer.")
_DETACHED = Told(400, "card_detached", "This card was removed at Stripe and may not be used again.")
_DECLINED = Told(402, None, None)
_FIELD = Told(400, "invalid_request", "is not accepted by Stripe")
_MOVED = Told(
    409, "payment_in_progress", "Stripe does not do this while the payment is in its present state."
)

# What holds for every operation that says nothing else.
_ALWAYS: Final[Mapping[ErrorClass, Told]] = MappingProxyType(
    {
        ErrorClass.DECLINED: _DECLINED,
        ErrorClass.AUTHENTICATION_REQUIRED: _DECLINED,
        ErrorClass.CUSTOMER_MISSING: _NO_CUSTOMER,
        ErrorClass.CARD_MISSING: _NO_CARD,
        ErrorClass.CARD_DETACHED: _DETACHED,
        ErrorClass.CARD_NOT_USABLE: _NOT_USABLE,
        ErrorClass.FIELD_INVALID: _FIELD,
        ErrorClass.HOLD_EXPIRED: _MOVED,
        ErrorClass.WRONG_STATE: _MOVED,
        ErrorClass.FULLY_REFUNDED: _MOVED,
        ErrorClass.DISPUTED: _MOVED,
        ErrorClass.BALANCE_INSUFFICIENT: _OPERATORS,
        ErrorClass.REFUND_FAILED: _OPERATORS,
        ErrorClass.UNSPECIFIED: _OPERATORS,
        ErrorClass.UNAVAILABLE: _UNAVAILABLE,
        ErrorClass.ABANDONED: _UNAVAILABLE,
        ErrorClass.KEY_REFUSED: _OPERATORS,
        ErrorClass.PERMISSION_MISSING: _OPERATORS,
        ErrorClass.MISCONFIGURED: _OPERATORS,
    }
)
# About a customer and its cards there is no payment that could be in a state.
_NO_PAYMENT: Final = dict.fromkeys(
    (
        ErrorClass.HOLD_EXPIRED,
        ErrorClass.WRONG_STATE,
        ErrorClass.FULLY_REFUNDED,
        ErrorClass.DISPUTED,
    ),
    _OPERATORS,
)
_CHARGE: Final = {ErrorClass.UNAVAILABLE: _NOT_CHARGED, ErrorClass.ABANDONED: _NOT_CHARGED}
_CAPTURE_REFUSED = Told(
    402, "capture_refused", "The bank did not give the money that it holds; nothing was captured."
)
_NOT_CAPTURABLE = Told(
    409, "payment_not_capturable", "Stripe does not capture this payment in its present state."
)
_NOT_CANCELABLE = Told(
    409, "payment_not_cancelable", "Stripe does not cancel this payment in its present state."
)
_NOT_REFUNDABLE = Told(
    409, "payment_not_refundable", "Stripe does not refund this payment in its present state."
)
_OF_OPERATION: Final[Mapping[Action, Mapping[ErrorClass, Told]]] = MappingProxyType(
    {
        Action.PAY: _CHARGE,
        Action.CONFIRM: _CHARGE,
        Action.CAPTURE: {
            ErrorClass.DECLINED: _CAPTURE_REFUSED,
            ErrorClass.AUTHENTICATION_REQUIRED: _CAPTURE_REFUSED,
            ErrorClass.HOLD_EXPIRED: Told(
                409, "hold_expired", "The bank has let go of the money that was held."
            ),
            ErrorClass.WRONG_STATE: _NOT_CAPTURABLE,
            ErrorClass.FULLY_REFUNDED: _NOT_CAPTURABLE,
            ErrorClass.DISPUTED: _NOT_CAPTURABLE,
        },
        Action.CANCEL: dict.fromkeys(
            (
                ErrorClass.HOLD_EXPIRED,
                ErrorClass.WRONG_STATE,
                ErrorClass.FULLY_REFUNDED,
                ErrorClass.DISPUTED,
            ),
            _NOT_CANCELABLE,
        ),
        Action.REFUND: {
            ErrorClass.HOLD_EXPIRED: _NOT_REFUNDABLE,
            ErrorClass.WRONG_STATE: _NOT_REFUNDABLE,
            ErrorClass.FULLY_REFUNDED: Told(
                409, "refund_exceeds_remaining", "This payment is refunded already."
            ),
            ErrorClass.DISPUTED: Told(
                409, "payment_disputed", "The payer disputes this payment; it cannot be refunded."
            ),
            ErrorClass.BALANCE_INSUFFICIENT: Told(
                409,
                "refund_balance_insufficient",
                "The Stripe balance is too low for this refund. Nothing was given back: ask again "
                "once there is money on it.",
            ),
            ErrorClass.REFUND_FAILED: Told(
                409,
                "refund_failed",
                "The payer's bank did not take the refund; give the money back in another way.",
            ),
        },
        Action.CREATE_CUSTOMER: _NO_PAYMENT,
        Action.UPDATE_CUSTOMER: _NO_PAYMENT,
        Action.ATTACH: _NO_PAYMENT
        | {
            ErrorClass.CARD_NOT_USABLE: Told(
                400,
                "card_not_usable",
                "This cannot be added to this customer: only a card can, and none of another's.",
            ),
            ErrorClass.UNSPECIFIED: Told(
                400,
                "card_not_usable",
                "Stripe does not add this card: it belongs to another customer, or it was removed "
                "from one and may not be used again.",
            ),
        },
        Action.NAME: _NO_PAYMENT,
        Action.SET_DEFAULT: _NO_PAYMENT
        | {
            ErrorClass.CARD_MISSING: _DETACHED,
            ErrorClass.UNSPECIFIED: Told(
                400, "card_not_usable", "Stripe does not take this card as the default."
            ),
        },
        Action.REMOVE: _NO_PAYMENT
        | {ErrorClass.UNSPECIFIED: Told(409, "card_not_removed", "Stripe keeps this card.")},
        Action.SET_UP: _NO_PAYMENT,
    }
)


def told(action: Action, kind: ErrorClass) -> Told:
    """Return what a caller is told when Stripe refuses an operation for such a reason."""
    return _OF_OPERATION[action].get(kind, _ALWAYS[kind])
