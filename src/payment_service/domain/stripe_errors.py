"""What kind of refusal an error of Stripe's is, for the operation that was asked for.

Stripe has some two hundred codes and few reasons. Each code belongs to one class here; what a
caller is told for an operation and a class is in one table, `api/stripe_refusals.py`. A code that
is not here is sorted by the parameter that it names, and is the operator's to look into otherwise:
nobody is told that it is their fault without evidence.
Source: https://docs.stripe.com/error-codes
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from payment_service.domain.call import is_saved_error
from payment_service.domain.errors import Refusal
from payment_service.domain.news import Denial
from payment_service.domain.steps import (
    AttachCard,
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateCustomer,
    CreateIntent,
    CreateRefund,
    CreateSetup,
    DetachCard,
    NameCard,
    SetDefaultCard,
    UpdateCustomer,
)


class Action(StrEnum):
    """What a caller may ask for that changes something at Stripe, by its operation in OpenAPI."""

    PAY = "pay_order"
    CONFIRM = "confirm_payment"
    CAPTURE = "capture_payment"
    CANCEL = "cancel_payment"
    REFUND = "refund_payment"
    CREATE_CUSTOMER = "create_customer"
    UPDATE_CUSTOMER = "update_customer"
    ATTACH = "attach_card"
    NAME = "name_card"
    SET_DEFAULT = "set_default_card"
    REMOVE = "remove_card"
    SET_UP = "create_setup_intent"


class ErrorClass(StrEnum):
    """Why Stripe refused, by whose it is to mend."""

    DECLINED = "card declined"
    AUTHENTICATION_REQUIRED = "authentication required"
    CUSTOMER_MISSING = "customer missing"
    CARD_MISSING = "card missing"
    CARD_DETACHED = "card detached"
    CARD_NOT_USABLE = "card not usable"
    FIELD_INVALID = "field invalid"
    HOLD_EXPIRED = "hold expired"
    WRONG_STATE = "wrong state"
    FULLY_REFUNDED = "fully refunded"
    DISPUTED = "disputed"
    BALANCE_INSUFFICIENT = "balance insufficient"
    REFUND_FAILED = "refund failed"
    UNSPECIFIED = "unspecified"
    UNAVAILABLE = "unavailable"
    ABANDONED = "abandoned"
    KEY_REFUSED = "key refused"
    PERMISSION_MISSING = "permission missing"
    MISCONFIGURED = "misconfigured"


# Why Stripe does not even take a request of ours, whatever is in it.
OF_OUR_KEY: Final = frozenset({ErrorClass.KEY_REFUSED, ErrorClass.PERMISSION_MISSING})
# Only the operator of this service can do something about these.
OPERATORS: Final = OF_OUR_KEY | {ErrorClass.MISCONFIGURED}

MISSING = "resource_missing"
AUTHENTICATION_REQUIRED = "authentication_required"
# What stands for a code where Stripe sends none.
NO_CODE: Final = frozenset({"invalid_request_error", "unknown"})
# Why a try surely did nothing although Stripe can be reached.
KEY_REFUSED, PERMISSION_MISSING = "http_401", "http_403"
# The code of what surely did not happen since Stripe could not be reached, or takes no more now.
UNAVAILABLE = "unavailable"
ABANDONED = "abandoned"
# How a card and a customer are called in parameters of Stripe's.
CARD_PARAMS: Final = frozenset({"payment_method", "source", "payment_method_data"})
CUSTOMER_PARAM = "customer"
# The one of them that is a part of another parameter.
_DEFAULT_CARD_PARAM: Final = "invoice_settings[default_payment_method]"

_CODES: Final[Mapping[ErrorClass, frozenset[str]]] = MappingProxyType(
    {
        # Codes of cards; nearly all come with 402, which is a decline whatever the code.
        ErrorClass.DECLINED: frozenset(
            {
                "card_decline_rate_limit_exceeded",
                "card_declined",
                "expired_card",
                "expired_payment_method",
                "incorrect_address",
                "incorrect_cvc",
                "incorrect_number",
                "incorrect_postal_code",
                "incorrect_zip",
                "insufficient_funds",
                "invalid_cvc",
                "invalid_expiry_month",
                "invalid_expiry_year",
                "invalid_number",
                "payment_intent_authentication_failure",
                "payment_intent_payment_attempt_failed",
                "payment_method_customer_decline",
                "payment_method_provider_decline",
                "processing_error",
                "refer_to_customer",
                "setup_attempt_failed",
                "setup_intent_authentication_failure",
            }
        ),
        ErrorClass.AUTHENTICATION_REQUIRED: frozenset(
            {
                AUTHENTICATION_REQUIRED,
                "payment_intent_action_required",
                "invoice_payment_intent_requires_action",
            }
        ),
        ErrorClass.CARD_NOT_USABLE: frozenset(
            {
                "customer_max_payment_methods",
                "invalid_card_type",
                "invalid_source_usage",
                "not_a_card",  # what we say of any other payment method
                "payment_intent_incompatible_payment_method",
                "payment_method_currency_mismatch",
                "payment_method_not_available",
                "payment_method_restricted",
                "payment_method_unactivated",
                "payment_method_unexpected_state",
                "payment_method_unsupported_type",
                "token_already_used",
                "token_in_use",
            }
        ),
        ErrorClass.HOLD_EXPIRED: frozenset(
            {"capture_charge_authorization_expired", "charge_expired_for_capture"}
        ),
        ErrorClass.WRONG_STATE: frozenset(
            {
                "capture_unauthorized_payment",
                "charge_already_captured",
                "charge_not_refundable",
                "intent_invalid_state",
                "payment_intent_payment_attempt_expired",
                "payment_intent_unexpected_state",
                "return_intent_already_processed",
                "setup_intent_setup_attempt_expired",
                "setup_intent_unexpected_state",
                "status_transition_invalid",
            }
        ),
        ErrorClass.FULLY_REFUNDED: frozenset({"charge_already_refunded"}),
        ErrorClass.DISPUTED: frozenset({"charge_disputed", "refund_disputed_payment"}),
        ErrorClass.BALANCE_INSUFFICIENT: frozenset({"balance_insufficient"}),
        # Passing trouble that Stripe has called an error of the request.
        ErrorClass.UNAVAILABLE: frozenset(
            {
                "lock_timeout",
                "payment_intent_rate_limit_exceeded",
                "payment_method_provider_timeout",
                "rate_limit",
                UNAVAILABLE,
            }
        ),
        # Nothing came of it, as a look has shown since.
        ErrorClass.ABANDONED: frozenset({ABANDONED, "idempotency_error"}),
        ErrorClass.KEY_REFUSED: frozenset(
            {"api_key_expired", "platform_api_key_expired", "secret_key_required", KEY_REFUSED}
        ),
        ErrorClass.PERMISSION_MISSING: frozenset({PERMISSION_MISSING}),
    }
)
CLASS_OF: Final[Mapping[str, ErrorClass]] = MappingProxyType(
    {code: kind for kind, codes in _CODES.items() for code in codes}
)
# Codes that name a field by themselves, as Stripe's parameter.
_PARAM_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "amount_too_large": "amount",
        "amount_too_small": "amount",
        "charge_exceeds_source_limit": "amount",
        "charge_exceeds_transaction_limit": "amount",
        "email_invalid": "email",
        "invalid_charge_amount": "amount",
        "url_invalid": "return_url",
    }
)
_PAYMENT_FIELDS = {
    "amount": "amount",
    "currency": "currency",
    "return_url": "returnUrl",
    "description": "description",
    "metadata": "metadata",
    "capture_method": "captureMethod",
    "off_session": "offSession",
}
# Per operation: Stripe's parameters that come straight from the caller, by their names on our wire.
FIELDS: Final[Mapping[Action, Mapping[str, str]]] = MappingProxyType(
    {
        Action.PAY: _PAYMENT_FIELDS,
        Action.CONFIRM: {"return_url": "returnUrl"},
        Action.CAPTURE: {"amount": "amount", "amount_to_capture": "amount"},
        Action.CANCEL: {"cancellation_reason": "reason"},
        Action.REFUND: {"amount": "amount", "reason": "reason", "metadata": "reason"},
        Action.CREATE_CUSTOMER: {"email": "email", "name": "name"},
        Action.UPDATE_CUSTOMER: {"email": "email", "name": "name"},
        Action.NAME: {"billing_details": "cardholderName"},
    }
)
# The step that carries an operation out at Stripe.
ACTION_OF: Final[Mapping[type, Action]] = MappingProxyType(
    {
        CreateIntent: Action.PAY,
        ConfirmIntent: Action.CONFIRM,
        CaptureIntent: Action.CAPTURE,
        CancelIntent: Action.CANCEL,
        CreateRefund: Action.REFUND,
        CreateCustomer: Action.CREATE_CUSTOMER,
        UpdateCustomer: Action.UPDATE_CUSTOMER,
        AttachCard: Action.ATTACH,
        NameCard: Action.NAME,
        SetDefaultCard: Action.SET_DEFAULT,
        DetachCard: Action.REMOVE,
        CreateSetup: Action.SET_UP,
    }
)
# Operations that name a card, or a customer, that the caller has chosen.
_NAMES_CARD = frozenset(
    {Action.PAY, Action.CONFIRM, Action.ATTACH, Action.NAME, Action.SET_DEFAULT, Action.REMOVE}
)
# Operations in which a card can be declined, or a hold be refused by its bank.
_ASKS_ISSUER = frozenset(
    {Action.PAY, Action.CONFIRM, Action.CAPTURE, Action.ATTACH, Action.SET_UP, Action.SET_DEFAULT}
)


class RefusedByStripe(Refusal):
    """Stripe refused what was asked, and it is not tried again by itself.

    `payment` in the details when it was about one.
    """

    code = "refused_by_stripe"  # which nobody is told: each operation has its own

    def __init__(self, action: Action, kind: ErrorClass, denial: Denial, **details: Any) -> None:
        super().__init__(f"Stripe refused {action}: {kind}.", **details)
        self.action = action
        self.kind = kind
        self.denial = denial


def class_of(action: Action, denial: Denial, *, declined: bool = False) -> ErrorClass:
    """Return why Stripe refused this operation.

    declined: whether it was answered with 402, which says so whatever the code.
    """
    kind = CLASS_OF.get(denial.code)
    if kind is None and is_saved_error(denial.code):
        return ErrorClass.ABANDONED
    if kind is ErrorClass.DECLINED or (declined and kind is None):
        kind = ErrorClass.DECLINED
        if action is Action.REFUND:
            return ErrorClass.REFUND_FAILED
    if kind in {ErrorClass.DECLINED, ErrorClass.AUTHENTICATION_REQUIRED}:
        return kind if action in _ASKS_ISSUER else ErrorClass.MISCONFIGURED
    if kind is ErrorClass.CARD_NOT_USABLE:
        return kind if action in _NAMES_CARD else ErrorClass.MISCONFIGURED
    if kind is not None:
        return kind
    return _by_parameter(action, denial)


def _by_parameter(action: Action, denial: Denial) -> ErrorClass:
    param = (denial.param or "").partition("[")[0]
    names_card = param in CARD_PARAMS or denial.param == _DEFAULT_CARD_PARAM
    if names_card and action in _NAMES_CARD:
        is_missing = denial.code == MISSING
        return ErrorClass.CARD_MISSING if is_missing else ErrorClass.CARD_NOT_USABLE
    if param == CUSTOMER_PARAM:
        if denial.code == MISSING:
            return ErrorClass.CUSTOMER_MISSING
        return ErrorClass.CARD_NOT_USABLE if action in _NAMES_CARD else ErrorClass.MISCONFIGURED
    if field_of(action, denial) is not None:
        return ErrorClass.FIELD_INVALID
    if denial.code == MISSING and action in {Action.ATTACH, Action.NAME, Action.SET_DEFAULT}:
        return ErrorClass.CARD_MISSING
    if denial.code in NO_CODE and not param:
        return ErrorClass.UNSPECIFIED
    return ErrorClass.MISCONFIGURED


def field_of(action: Action, denial: Denial) -> str | None:
    """Return the caller's own field that an error speaks of, None when it is none of theirs."""
    param = (denial.param or _PARAM_OF.get(denial.code, "")).partition("[")[0]
    return FIELDS.get(action, {}).get(param)


def refused(
    action: Action, denial: Denial, *, declined: bool = False, **details: Any
) -> RefusedByStripe:
    """Return the refusal of an operation by what Stripe said of it."""
    return RefusedByStripe(action, class_of(action, denial, declined=declined), denial, **details)
