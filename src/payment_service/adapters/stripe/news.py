"""What an exception from Stripe or the network means: definite news, or doubt.

Every class of `stripe.StripeError` is judged by status and code, never by message or type; what is
not known here is doubt (NoNews), never a failure. Sources: Stripe's documentation on errors and
idempotent requests; tests/contract/test_stripe_news.py walks the library's whole tree.

    402                        Declined     the card was refused; the PaymentIntent is kept
    400, 404                   Rejected     this try did nothing (earlier ones may have)
    400 idempotency_error      NoNews       the key was used before: something of ours is there
    401, 403                   NotExecuted  our API key is refused; trying again soon is pointless
    429                        NotExecuted  rate limit or lock; nothing was begun
    409                        NoNews       an earlier try under this key is still under way
    any other status, 2xx cut  NoNews
    what cannot be read        NoNews
    any of NoNews, replayed    NoNews       dead end: this key will answer nothing else
    connection never made      NotExecuted
    never left, its claim over NotExecuted  (the gateway says so itself: `leaving.NotLeft`)
    connection lost, time-out  NoNews
"""

from collections.abc import Mapping
from typing import Any

import aiohttp
import stripe

from payment_service.adapters.stripe.objects import denial_of, intent_of
from payment_service.domain.call import saved_error
from payment_service.domain.news import Declined, News, NoNews, NotExecuted, Rejected

# Stripe says how long to wait only sometimes; more than this is not worth a payer's patience.
RETRY_AFTER_MAX_S = 60.0
# What reading an answer raises when its shape is not as expected.
UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)


def news_of(error: stripe.StripeError) -> News:
    """Return what the exception says about this one try."""
    if isinstance(error, stripe.APIConnectionError):
        return _of_connection(error)
    try:
        return _of_status(error)
    except UNREADABLE:
        return _told_nothing(error, "unreadable")


def told_nothing(
    reason: str, status: int | None, request_id: str | None, *, replay: bool
) -> NoNews:
    """Return the doubt after an answer that does not say what became of this try.

    One that Stripe has saved under the key is all that it will ever answer to it.
    """
    dead_end = saved_error(status) if status is not None and replay else None
    return NoNews(reason, dead_end=dead_end, request_id=request_id)


def _of_status(error: stripe.StripeError) -> News:
    status, request_id = error.http_status, error.request_id
    if isinstance(error, stripe.IdempotencyError):
        return NoNews("key_used_before", dead_end="idempotency_error", request_id=request_id)
    match status:
        case 402:
            return _of_decline(error)
        case 400 | 404:
            return _of_rejection(error)
        case 401 | 403:
            return NotExecuted(f"http_{status}", retryable=False, request_id=request_id)
        case 429:
            return NotExecuted(
                code_of(error) or "http_429",
                retry_after_s=retry_after_s(error),
                request_id=request_id,
            )
        case int() if status < 300:  # cut off: what is saved may well be whole
            return NoNews(f"http_{status}", request_id=request_id)
        case _:
            return _told_nothing(error, f"http_{status}")


def replayed(headers: Mapping[str, str] | None) -> bool:
    """Whether Stripe answered from its memory of the key instead of doing anything."""
    return bool(headers) and (headers or {}).get("Idempotent-Replayed", "") == "true"


def code_of(error: stripe.StripeError) -> str | None:
    """Return Stripe's code; the library keeps it for some kinds of errors only."""
    code = _error_body(error).get("code")
    return str(code) if code else None


def param_of(error: stripe.StripeError) -> str | None:
    """Return the parameter that Stripe's error names."""
    param = _error_body(error).get("param")
    return str(param) if param else None


def retry_after_s(error: stripe.StripeError) -> float | None:
    """Return how long Stripe asks to wait, None when it does not say."""
    text = (error.headers or {}).get("Retry-After", "")
    try:
        return min(max(float(text), 0.0), RETRY_AFTER_MAX_S)
    except ValueError:
        return None


def _of_connection(error: stripe.APIConnectionError) -> News:
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return NotExecuted("unreachable")
    return NoNews(type(cause).__name__ if cause else "connection")


def _told_nothing(error: stripe.StripeError, reason: str) -> NoNews:
    replay = replayed(error.headers)
    return told_nothing(reason, error.http_status, error.request_id, replay=replay)


def _of_decline(error: stripe.StripeError) -> News:
    body = _error_body(error)
    if not body:
        return _told_nothing(error, "unreadable")
    intent = body.get("payment_intent")
    return Declined(
        error=denial_of(body),
        intent=intent_of(intent) if intent else None,
        replayed=replayed(error.headers),
        request_id=error.request_id,
    )


def _of_rejection(error: stripe.StripeError) -> News:
    body = _error_body(error)
    if not body:
        return _told_nothing(error, "unreadable")
    intent = body.get("payment_intent")
    return Rejected(
        error=denial_of(body),
        intent=intent_of(intent) if intent else None,
        request_id=error.request_id,
    )


def _error_body(error: stripe.StripeError) -> Mapping[str, Any]:
    body: Any = error.json_body
    found = body.get("error") if isinstance(body, Mapping) else None
    return found if isinstance(found, Mapping) else {}
