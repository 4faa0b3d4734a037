"""Refusals as Stripe words them. Whoever refuses raises; the pipeline turns it into an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# Refusals from before execution, and what a gateway in front of it answers: no key keeps them.
NOT_SAVED: Final = frozenset((401, 403, 409, 429, 502, 503, 504))
_TYPES: Final = {402: "card_error"}


class ApiError(Exception):
    """An answer that is no success: its status and the fields of its error object.

    `saved` is None where the place in the pipeline decides whether the idempotency key keeps it.
    """

    def __init__(
        self,
        status: int,
        fields: dict[str, Any],
        *,
        headers: dict[str, str] | None = None,
        saved: bool | None = None,
        logged: bool = True,
    ) -> None:
        super().__init__(fields.get("message"))
        self.status = status
        self.fields = fields
        self.headers = headers or {}
        self.saved = saved
        self.logged = logged

    def body(self, account: str, request_id: str) -> dict[str, Any]:
        """Return the whole answer: keys in alphabetical order, nothing that is null."""
        fields = {name: value for name, value in self.fields.items() if value is not None}
        code = fields.get("code")
        if code is not None:
            fields["doc_url"] = doc_url(code)
        if self.logged:
            fields["request_log_url"] = (
                f"https://dashboard.stripe.com/{account}/test/workbench/logs?object={request_id}"
            )
        return {"error": dict(sorted(fields.items()))}


def doc_url(code: str) -> str:
    """Where Stripe explains an error code."""
    return "https://stripe.com/docs/error-codes/" + code.replace("_", "-")


def invalid(
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    status: int = 400,
    saved: bool | None = None,
    **objects: Any,
) -> ApiError:
    """Refuse a request for what it asks."""
    fields = {"message": message, "param": param, "code": code, "type": "invalid_request_error"}
    return ApiError(status, {**fields, **objects}, saved=saved)


def unexpected_state(message: str, intent: dict[str, Any], param: str | None = None) -> ApiError:
    """Refuse what the state of a PaymentIntent does not allow."""
    return invalid(
        message, param=param, code="payment_intent_unexpected_state", payment_intent=intent
    )


def card_error(fields: dict[str, Any], **objects: Any) -> ApiError:
    """Answer 402: the card, not the request, is refused."""
    return ApiError(402, {**fields, **objects, "type": "card_error"})


def no_such_route(method: str, path: str) -> ApiError:
    """Answer 404 for a URL Stripe does not have."""
    return invalid(
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we "
        "can help at https://support.stripe.com/.",
        status=404,
    )


def rate_limited(reason: str) -> ApiError:
    """Answer 429 for too many requests."""
    return ApiError(
        429,
        {
            "code": "rate_limit",
            "message": "Testmode request rate limit exceeded, the rate limits in testmode are "
            "lower than livemode. You can learn more about rate limits here "
            "https://stripe.com/docs/rate-limits.",
            "type": "invalid_request_error",
        },
        headers={"Stripe-Rate-Limited-Reason": reason},
        saved=False,
    )


def lock_timeout(*, saved: bool) -> ApiError:
    """Answer 429 for an object that another request holds."""
    return ApiError(
        429,
        {
            "code": "lock_timeout",
            "message": "This object cannot be accessed right now because another API request or "
            "Stripe process is currently accessing it. If you see this error intermittently, "
            "retry the request. If you see this error frequently and are making multiple "
            "concurrent requests to a single object, make your requests serially or at a lower "
            "rate.",
            "type": "invalid_request_error",
        },
        headers={"Stripe-Should-Retry": "true"},
        saved=saved,
    )


class Ordered(ApiError):
    """An answer that somebody ordered, word for word."""

    def __init__(self, status: int, body: Mapping[str, Any] | None) -> None:
        kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        fields = {"message": "This answer was ordered.", "type": kind}
        super().__init__(status, fields, saved=status not in NOT_SAVED)
        self._whole = body

    def body(self, account: str, request_id: str) -> dict[str, Any]:
        """Return what was ordered; an error without any details if that was only a status."""
        return super().body(account, request_id) if self._whole is None else dict(self._whole)


def internal(status: int = 500) -> ApiError:
    """Answer that something broke on Stripe's side."""
    return ApiError(
        status,
        {
            "message": "An unexpected error occurred while processing your request. If this "
            "persists, please contact support at https://support.stripe.com/.",
            "type": "api_error",
        },
        saved=status == 500,
    )
