"""Every way to say no, and its status: the one table between refusals and HTTP.

Refusal (domain/errors.py)
├── UnknownPath          no such endpoint
├── MethodNotAllowed     the endpoint is there, not with this method
├── MalformedRequest     what came is not HTTP
├── UrlTooLong           longer than any honest one
├── HeadersTooLarge      more, or larger, than any honest client's
├── HeadersTooSlow       they did not arrive in time
├── BodyTooLarge         more than any honest request
├── BodyTooSlow          it did not arrive in time
├── WrongContentType     a body that does not say it is JSON
├── WebhooksNotConfigured  no signing secret is set
├── TooManyRequests      more than this caller or address may ask
├── RefusedByStripe      by the table of `stripe_refusals.py`
└── InvalidRequest
    ├── InvalidJson      a body that is not a JSON object
    └── AmbiguousCredentials  two that differ
Unavailable (ports.py)
├── Overloaded           this process has more to do than it can; refused before anything began
├── ShuttingDown         this process takes no more requests
├── SecretUnavailable    the payment waits for the payer, but Stripe does not tell how
└── RefreshUnavailable   Stripe was to be looked at first, and does not answer
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from payment_service.api.answers import Answer
from payment_service.api.presenting import Presenter
from payment_service.api.stripe_refusals import STRIPE_REFUSED_MESSAGE, told
from payment_service.domain import errors
from payment_service.domain.errors import InvalidRequest, Refusal
from payment_service.domain.payment import Payment
from payment_service.domain.stripe_errors import RefusedByStripe, field_of
from payment_service.ports import (
    GatewayLost,
    GatewayUnavailable,
    OrdersUnavailable,
    StoreInDoubt,
    StoreLost,
    StoreUnavailable,
    TokenKeysUnavailable,
    Unavailable,
)

# Stripe's and a database's short troubles are over in a few seconds; more callers at once are not.
RETRY_AFTER_S = 5


class UnknownPath(Refusal):
    """There is no such path."""

    code = "unknown_path"


class MethodNotAllowed(Refusal):
    """The path is there, and cannot be asked with this method."""

    code = "method_not_allowed"


class MalformedRequest(Refusal):
    """What came is not HTTP, or not as anybody honest speaks it; the connection is closed."""

    code = "malformed_request"


class UrlTooLong(Refusal):
    """The URL is longer than any honest request's; the connection is closed."""

    code = "url_too_long"


class HeadersTooLarge(Refusal):
    """The headers are more, or larger, than any honest client's; the connection is closed."""

    code = "headers_too_large"


class HeadersTooSlow(Refusal):
    """The headers did not arrive in time; the connection is closed."""

    code = "headers_too_slow"


class BodyTooLarge(Refusal):
    """The body is larger than any honest request."""

    code = "body_too_large"


class BodyTooSlow(Refusal):
    """The body did not arrive in time."""

    code = "body_too_slow"


class WrongContentType(Refusal):
    """The body does not say that it is JSON."""

    code = "unsupported_media_type"


class WebhooksNotConfigured(Refusal):
    """Nobody can check who posts: the operator has set no signing secret."""

    code = "webhooks_not_configured"


class TooManyRequests(Refusal):
    """More than this caller or address may ask for in so short a time."""

    code = "too_many_requests"


class InvalidJson(InvalidRequest):
    """The body cannot be read at all; there is no field to name."""

    code = "invalid_json"

    def __init__(self, message: str) -> None:
        super().__init__(message=message)


class AmbiguousCredentials(InvalidRequest):
    """Two different credentials were sent; which of them counts must not be a matter of luck."""

    code = "ambiguous_credentials"

    def __init__(self, message: str) -> None:
        super().__init__(message=message)


class Overloaded(Unavailable):
    """This process has more to do than it can; the request was refused before anything began."""


class ShuttingDown(Unavailable):
    """This process is being stopped; another one will answer."""


class SecretUnavailable(GatewayUnavailable):
    """The payment waits for the payer and nothing is charged, but its client secret is missing."""


class RefreshUnavailable(GatewayUnavailable):
    """Stripe was to be looked at first and does not answer; what we know is there without that."""


STATUSES: Final[Mapping[type[Refusal], int]] = MappingProxyType(
    {
        errors.InvalidRequest: 400,
        InvalidJson: 400,
        AmbiguousCredentials: 400,
        MalformedRequest: 400,
        errors.RawCardDataRefused: 400,
        errors.WebhookRefused: 400,
        errors.InvalidEvent: 400,
        errors.CardNotUsable: 400,
        errors.CredentialsRefused: 401,
        errors.CredentialsMissing: 401,
        errors.CredentialsExpired: 401,
        errors.InsufficientScope: 403,
        errors.EmailNotVerified: 403,
        errors.NeitherUserNorService: 403,
        errors.EmailNotYours: 403,
        errors.ServiceRequired: 403,
        errors.OrderProofRequired: 403,
        errors.OrderProofInvalid: 403,
        errors.OrderProofDiffers: 400,
        errors.NotFound: 404,
        UnknownPath: 404,
        WebhooksNotConfigured: 404,
        MethodNotAllowed: 405,
        BodyTooSlow: 408,
        HeadersTooSlow: 408,
        errors.OrderAlreadyPaid: 409,
        errors.PaymentInProgress: 409,
        errors.OrderTermsDiffer: 409,
        errors.PaymentNotRefundable: 409,
        errors.PaymentCanceled: 409,
        errors.PaymentNotCapturable: 409,
        errors.HoldExpired: 409,
        errors.CaptureExceedsHold: 409,
        errors.PaymentNotCancelable: 409,
        errors.NotificationNotRetryable: 409,
        errors.PaymentDisputed: 409,
        errors.RefundExceedsRemaining: 409,
        errors.RefundableDiffers: 409,
        errors.CustomerForgotten: 409,
        errors.EmailInUse: 409,
        errors.CustomerChangeInProgress: 409,
        errors.CustomerHasOpenPayments: 409,
        errors.IdempotencyKeyInUse: 409,
        BodyTooLarge: 413,
        UrlTooLong: 414,
        WrongContentType: 415,
        errors.IdempotencyKeyReused: 422,
        TooManyRequests: 429,
        errors.TooManyCardRefusals: 429,
        HeadersTooLarge: 431,
        errors.StripeRefused: 502,
    }
)

# What cannot be done now: its code, and what a person should know.
UNAVAILABLE: Final[Mapping[type[Unavailable], tuple[str, str]]] = MappingProxyType(
    {
        Overloaded: (
            "overloaded",
            "There is too much to do at the moment; nothing was begun. Please try again.",
        ),
        ShuttingDown: ("shutting_down", "This process is being stopped; please try again."),
        SecretUnavailable: (
            "stripe_unavailable",
            "Nothing was charged: the payer must act, and Stripe does not say how. Please retry.",
        ),
        RefreshUnavailable: (
            "stripe_unavailable",
            "Stripe cannot be reached. Without `refresh` the payment is shown as we know it.",
        ),
        GatewayLost: (
            "stripe_unavailable",
            "Stripe cannot be reached any more. Look how it stands before asking anew.",
        ),
        GatewayUnavailable: (
            "stripe_unavailable",
            "Stripe cannot be reached; nothing was charged or changed. Please try again.",
        ),
        TokenKeysUnavailable: (
            "identity_provider_unavailable",
            "The identity provider cannot be reached to check this token. Please try again.",
        ),
        OrdersUnavailable: (
            "order_service_unavailable",
            "The OrderService does not show this order; nothing was charged. Please try again.",
        ),
        StoreInDoubt: (
            "database_unavailable",
            "Nobody can say whether this was done. Look how it stands before asking for it anew.",
        ),
        StoreLost: (
            "database_unavailable",
            "The database cannot be reached any more. Look how it stands before asking anew.",
        ),
        StoreUnavailable: (
            "database_unavailable",
            "The database cannot be reached; nothing was charged or changed. Please try again.",
        ),
        Unavailable: ("unavailable", "This cannot be done now; please try again."),
    }
)

# Stripe's codes about a field that say more than that it is wrong.
FIELD_CODES = frozenset({"amount_too_large", "amount_too_small", "email_invalid"})

INTERNAL_CODE = "internal_error"
INTERNAL_MESSAGE = "Something went wrong on our side. It is logged under the requestId."


def problem(error: Refusal | Unavailable, request_id: str, show: Presenter) -> Answer:
    """Return the envelope of a failure that was foreseen."""
    if isinstance(error, Unavailable):
        known = next(kind for kind in type(error).__mro__ if kind in UNAVAILABLE)
        code, message = UNAVAILABLE[known]
        headers = _retry_after(RETRY_AFTER_S)
        if isinstance(error, ShuttingDown):
            headers["connection"] = "close"  # the next request must find another process
        return _failure(503, code, message, request_id, headers=headers)
    if isinstance(error, RefusedByStripe):
        return _refused_by_stripe(error, request_id, show)
    extra: dict[str, Any] = {}
    if isinstance(error, InvalidRequest) and error.fields:
        extra["errors"] = [{"field": bad.field, "message": bad.message} for bad in error.fields]
    payment = error.details.get("payment")
    if isinstance(payment, Payment):
        extra["data"] = show.payment(payment)
    return _failure(
        STATUSES[type(error)],
        _code(error),
        _message(error, show),
        request_id,
        headers=_headers(error),
        **extra,
    )


def _refused_by_stripe(error: RefusedByStripe, request_id: str, show: Presenter) -> Answer:
    row, denial = told(error.action, error.kind), error.denial
    code, message = row.code or denial.code, row.message or denial.message
    extra: dict[str, Any] = {}
    field = field_of(error.action, denial)
    if row.status == 400 and field is not None:
        extra["errors"] = [{"field": field, "message": message}]
        message = f"{field}: {message}"
        code = denial.code if denial.code in FIELD_CODES else code
    if row.status == 402:
        decline = show.decline(denial)
        code = row.code or decline["code"]
        message = row.message or decline["message"]
        extra |= {name: decline[name] for name in decline.keys() - {"code", "message"}}
    payment = error.details.get("payment")
    if isinstance(payment, Payment) and row.status == 409:
        extra["data"] = show.payment(payment)
    headers = _retry_after(RETRY_AFTER_S) if row.status == 503 else {}
    return _failure(row.status, code, message, request_id, headers=headers, **extra)


def internal_error(request_id: str) -> Answer:
    """Return the envelope of our own bug: nothing of it but where to look."""
    return _failure(500, INTERNAL_CODE, INTERNAL_MESSAGE, request_id, headers={})


def _failure(
    status: int, code: str, message: str, request_id: str, *, headers: dict[str, str], **extra: Any
) -> Answer:
    body = {"success": False, "message": message, "code": code, **extra, "requestId": request_id}
    return Answer(status, body, headers)


def _code(error: Refusal) -> str:
    # Stripe's own codes for what it refused say nothing to a caller, who cannot mend it.
    return error.code if isinstance(error, errors.StripeRefused) else error.reason_code


def _message(error: Refusal, show: Presenter) -> str:
    if isinstance(error, errors.StripeRefused):
        return STRIPE_REFUSED_MESSAGE
    payment = error.details.get("payment")
    if isinstance(error, errors.RefundExceedsRemaining) and isinstance(payment, Payment):
        left = show.amount(payment.refundable_minor, payment.terms.currency)
        return f"Not more than {left} {payment.terms.currency} is left to refund."
    if isinstance(error, errors.CaptureExceedsHold) and isinstance(payment, Payment):
        held = show.amount(payment.capturable_minor, payment.terms.currency)
        return f"Not more than {held} {payment.terms.currency} is held."
    if isinstance(error, errors.RefundableDiffers) and isinstance(payment, Payment):
        left = show.amount(payment.refundable_minor, payment.terms.currency)
        return f"{left} {payment.terms.currency} is left to refund, which is not what you expected."
    return error.message


def _headers(error: Refusal) -> dict[str, str]:
    headers: dict[str, str] = {}
    if "allow" in error.details:
        headers["allow"] = error.details["allow"]
    if "retry_after_s" in error.details:
        headers.update(_retry_after(error.details["retry_after_s"]))
    if isinstance(error, errors.CredentialsRefused | errors.InsufficientScope):
        headers["www-authenticate"] = _challenge(error)
    if isinstance(error, BodyTooLarge | BodyTooSlow):
        headers["connection"] = "close"  # the rest of the body is not read
    return headers


def _challenge(error: Refusal) -> str:
    """Return what RFC 6750 wants to be said: nothing of errors to whoever sent nothing."""
    if isinstance(error, errors.CredentialsMissing):
        return "Bearer"
    if isinstance(error, errors.InsufficientScope):
        return f'Bearer error="insufficient_scope", scope="{error.details["scope"]}"'
    return 'Bearer error="invalid_token"'


def _retry_after(seconds: int) -> dict[str, str]:
    return {"retry-after": str(seconds)}
