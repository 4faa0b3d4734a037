"""What cannot be heard where, each with the reason. Patterns as a shell has them."""

from collections.abc import Mapping
from typing import Final

_NEW: Final = "what has just been made and confirmed is not cancelled yet"
_CONFIRMED: Final = "a confirmation is answered with where it led to, or refused with 402"
_CAPTURED: Final = "a capture is answered with the money taken, or refused"
_CANCELED: Final = "a cancellation is answered with the end, or refused"
_ENDED: Final = "such an answer shows the end of the PaymentIntent, so its replay does too"
_HELD: Final = "the money is held: it is taken, let go of, or its bank is at work"
_FINAL: Final = "what is succeeded here is so at Stripe, and stays so"
_EARLIER: Final = "an order is paid anew only when its PaymentIntent is canceled"
_DISPUTED: Final = "of what bears no mark of an order only refunds and disputes tell: it succeeded"
_KEYLESS: Final = "a DELETE bears no key under which Stripe could have saved an error"
_REFUNDS: Final = "a card refund is pending or succeeded when it is made, and fails later"

_UNCONFIRMED: Final = ("requires_payment_method", "requires_confirmation")
_UNPAID: Final = (*_UNCONFIRMED, "requires_action")
_NO_END: Final = (*_UNPAID, "processing", "requires_capture")

IMPOSSIBLE: Final[Mapping[str, str]] = {
    "CreateIntent in *: canceled": _NEW,
    **{f"ConfirmIntent in *: {status}": _CONFIRMED for status in (*_UNCONFIRMED, "canceled")},
    **{f"CaptureIntent in *: {status}": _CAPTURED for status in (*_NO_END, "canceled")},
    **{f"CancelIntent in *: {status}": _CANCELED for status in (*_NO_END, "succeeded")},
    **{
        f"{step} in *: replayed, not at its end": _ENDED
        for step in ("CaptureIntent", "CancelIntent")
    },
    **{f"ReadIntent in capture: {status}": _HELD for status in _UNPAID},
    **{f"ReadIntent in requires_capture: {status}": _HELD for status in _UNPAID},
    **{f"ReadIntent in succeeded: {status}": _FINAL for status in (*_NO_END, "canceled")},
    **{f"ReadIntent in an earlier one: {status}": _EARLIER for status in (*_NO_END, "succeeded")},
    **{f"ReadIntent in nobody's: {status}": _DISPUTED for status in (*_NO_END, "canceled")},
    "DeleteCustomer: a dead end": _KEYLESS,
    **{f"CreateRefund: {status}": _REFUNDS for status in ("failed", "requires_action", "canceled")},
}
