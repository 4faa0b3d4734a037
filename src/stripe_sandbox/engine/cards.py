"""The test cards: their numbers, the names that stand for them, and what they do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from stripe_sandbox.engine.ids import ALPHABET

Authentication = Literal["never", "optional", "always", "unless_set_up"]
RefundCourse = Literal["succeeds", "pending", "fails"]
DisputeCourse = Literal["fraudulent", "product_not_received", "inquiry"]


@dataclass(frozen=True, slots=True)
class Decline:
    """Why an issuer says no, in the words of the error object."""

    code: str
    message: str
    decline_code: str | None = None
    network_decline_code: str | None = None
    advice_code: str | None = None
    param: str | None = None
    blocked: bool = False
    network_advice_code: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One test card. `names` come after pm_card_ and tok_; the first is the modern one."""

    number: str
    names: tuple[str, ...]
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    attachable: bool = True
    authentication: Authentication = "never"
    set_up: bool = False
    refund: RefundCourse = "succeeds"
    available_at_once: bool = False
    dispute: DisputeCourse | None = None
    fraud_warning: bool = False


_DECLINED = "Your card was declined."
_TRY_LATER = "try_again_later"
GENERIC: Final = Decline("card_declined", _DECLINED, "generic_decline", "01", _TRY_LATER)
_FUNDS = Decline(
    "card_declined", "Your card has insufficient funds.", "insufficient_funds", "51", _TRY_LATER
)
# Not recorded: the networks' own advice "do not try again" is 03 with either of them.
_NEVER_AGAIN = "03"
_LOST = Decline(
    "card_declined",
    _DECLINED,
    "lost_card",
    "41",
    "do_not_try_again",
    network_advice_code=_NEVER_AGAIN,
)
_STOLEN = Decline(
    "card_declined",
    _DECLINED,
    "stolen_card",
    "43",
    "do_not_try_again",
    network_advice_code=_NEVER_AGAIN,
)
_EXPIRED = Decline(
    "expired_card",
    "Your card has expired.",
    network_decline_code="54",
    advice_code="do_not_try_again",
    param="exp_month",
)
_CVC = Decline(
    "incorrect_cvc",
    "Your card's security code is incorrect.",
    network_decline_code="82",
    param="cvc",
)
_PROCESSING = Decline(
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
    network_decline_code="96",
    advice_code=_TRY_LATER,
)
_VELOCITY = Decline(
    "card_declined",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount "
    "limit.",
    "card_velocity_exceeded",
    "65",
    _TRY_LATER,
)
_BLOCKED = Decline("card_declined", _DECLINED, "fraudulent", blocked=True)
INCORRECT_NUMBER: Final = Decline(
    "incorrect_number", "Your card number is incorrect.", param="number"
)
AUTHENTICATION_REQUIRED: Final = Decline(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
)

ACTION_NOT_HANDLED: Final = Decline(
    "authentication_required",
    "This payment required an authentication action to complete, but `error_on_requires_action` "
    "was set. When you're ready, you can upgrade your integration to handle actions at "
    "https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.",
    "authentication_not_handled",
)

CARDS: Final = (
    Card("4242424242424242", ("visa",)),
    Card("4000056655665556", ("visa_debit",), funding="debit"),
    Card("5555555555554444", ("mastercard",), "mastercard"),
    Card("2223003122003222", (), "mastercard"),
    Card("5200828282828210", ("mastercard_debit",), "mastercard", "debit"),
    Card("5105105105105100", ("mastercard_prepaid",), "mastercard", "prepaid"),
    Card("378282246310005", ("amex",), "amex"),
    Card("6011111111111117", ("discover",), "discover"),
    Card("3056930009020004", ("diners",), "diners"),
    Card("3566002020360505", ("jcb",), "jcb", country="JP"),
    Card("6200000000000005", ("unionpay",), "unionpay", country="CN"),
    Card(
        "4000000000000002",
        ("visa_chargeDeclined", "chargeDeclined"),
        decline=GENERIC,
        attachable=False,
    ),
    Card(
        "4000000000009995",
        ("visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"),
        decline=_FUNDS,
        attachable=False,
    ),
    Card(
        "4000000000009987",
        ("visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"),
        decline=_LOST,
        attachable=False,
    ),
    Card(
        "4000000000009979",
        ("visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"),
        decline=_STOLEN,
        attachable=False,
    ),
    Card(
        "4000000000000069",
        ("chargeDeclinedExpiredCard", "visa_chargeDeclinedExpiredCard"),
        decline=_EXPIRED,
        attachable=False,
    ),
    Card(
        "4000000000000127",
        ("chargeDeclinedIncorrectCvc", "visa_chargeDeclinedIncorrectCvc"),
        decline=_CVC,
        attachable=False,
    ),
    Card(
        "4000000000000119",
        ("chargeDeclinedProcessingError", "visa_chargeDeclinedProcessingError"),
        decline=_PROCESSING,
        attachable=False,
    ),
    Card(
        "4000000000006975",
        ("visa_chargeDeclinedVelocityLimitExceeded", "chargeDeclinedVelocityLimitExceeded"),
        decline=_VELOCITY,
        attachable=False,
    ),
    Card("4000000000000341", ("chargeCustomerFail", "visa_chargeCustomerFail"), decline=GENERIC),
    Card("4100000000000019", ("radarBlock", "visa_radarBlock"), decline=_BLOCKED),
    Card("4000002500003155", ("authenticationRequiredOnSetup",), authentication="unless_set_up"),
    Card("4000002760003184", ("authenticationRequired",), country="DE", authentication="always"),
    Card(
        "4000003800000446",
        ("authenticationRequiredSetupForOffSession",),
        authentication="unless_set_up",
        set_up=True,
    ),
    Card(
        "4000000000003220",
        ("threeDSecure2Required", "threeDSecureRequired"),
        country="IE",
        authentication="always",
    ),
    Card(
        "4000008400001629",
        ("threeDSecureRequiredChargeDeclined",),
        decline=GENERIC,
        authentication="always",
    ),
    Card(
        "4000008400001280",
        ("threeDSecureRequiredProcessingError",),
        decline=_PROCESSING,
        authentication="always",
    ),
    Card("4000000000003055", ("threeDSecureOptional",), authentication="optional"),
    Card("4000000000007726", ("pendingRefund", "visa_pendingRefund"), refund="pending"),
    Card("4000000000005126", ("refundFail", "visa_refundFail"), refund="fails"),
    Card("4000000000000259", ("createDispute", "visa_createDispute"), dispute="fraudulent"),
    Card(
        "4000000000002685",
        ("createDisputeProductNotReceived", "visa_createDisputeProductNotReceived"),
        dispute="product_not_received",
    ),
    Card(
        "4000000000001976",
        ("createDisputeInquiry", "visa_createDisputeInquiry"),
        dispute="inquiry",
    ),
    Card(
        "4000000000005423",
        ("createIssuerFraudRecord", "visa_createIssuerFraudRecord"),
        fraud_warning=True,
    ),
    Card("4000000000000077", ("bypassPending", "visa_bypassPending"), available_at_once=True),
)
_BY_NUMBER: Final = {card.number: card for card in CARDS}
_BY_NAME: Final = {name: card for card in CARDS for name in card.names}


def by_alias(text: str, prefix: str) -> Card | None:
    """Find the card behind `pm_card_visa` or `tok_visa`."""
    return _BY_NAME.get(text[len(prefix) :]) if text.startswith(prefix) else None


def card_of(number: str) -> Card:
    """Find a card by number; a valid number that is no test card acts like the Visa one."""
    return _BY_NUMBER.get(number) or Card(number, ())


def luhn_holds(number: str) -> bool:
    """Whether the last digit of a card number is right."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@lru_cache(maxsize=1024)
def fingerprint(number: str) -> str:
    """Return what is the same for a number wherever it is used."""
    digest = hashlib.sha256(number.encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:16])


@lru_cache(maxsize=1024)
def network_transaction_id(number: str) -> str:
    """In test mode this, too, is constant per card."""
    return str(int.from_bytes(hashlib.sha256(number.encode()).digest()[16:24]))[:15].zfill(15)
