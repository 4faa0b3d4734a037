"""Every error code that the library knows, at every status: judged by status, never by its name."""

from typing import Any, get_args

import pytest
import stripe

from payment_service.adapters.stripe.news import news_of
from payment_service.domain.news import Declined, News, NoNews, NotExecuted, Rejected
from tests.contract.test_stripe_news import STATUSES, error

# What the library does not name among the codes of intents, and what nobody has named yet.
ELSEWHERE = ("idempotency_key_in_use", "lock_timeout", "rate_limit", "a_code_of_tomorrow", "")
# Of what Stripe calls a type; a code may come with any.
TYPES = ("card_error", "invalid_request_error", "api_error", "idempotency_error", "of_tomorrow")
CLASSES: tuple[type[stripe.StripeError], ...] = (
    stripe.StripeError,
    stripe.APIError,
    stripe.CardError,
    stripe.InvalidRequestError,
    stripe.RateLimitError,
    stripe.AuthenticationError,
    stripe.PermissionError,
)


def literals(hint: Any) -> set[str]:
    """Return all words of the literals within a type."""
    if isinstance(hint, str):
        return {hint}
    return {word for part in get_args(hint) for word in literals(part)}


def codes_of(kind: type) -> set[str]:
    return literals(kind.__annotations__["code"])


CODES = sorted(
    codes_of(stripe.PaymentIntent.LastPaymentError)
    | codes_of(stripe.SetupIntent.LastSetupError)
    | set(ELSEWHERE)
)
# Definite for the one try; every other status is doubt.
MEANS: dict[int | None, type[News]] = {
    400: Rejected,
    404: Rejected,
    402: Declined,
    401: NotExecuted,
    403: NotExecuted,
    429: NotExecuted,
}


def test_the_library_s_own_list_is_read() -> None:
    assert {
        "card_declined",
        "authentication_required",
        "charge_already_refunded",
        "charge_disputed",
        "charge_expired_for_capture",
        "payment_intent_unexpected_state",
        "resource_missing",
        "setup_intent_authentication_failure",
        "lock_timeout",
    } <= set(CODES)
    assert len(CODES) > 200


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_judged_by_its_status_and_by_nothing_else(code: str) -> None:
    for number, status in enumerate(STATUSES):
        kind = CLASSES[(CODES.index(code) + number) % len(CLASSES)]
        news = news_of(error(kind, status, {"type": "card_error", "code": code}))
        assert type(news) is MEANS.get(status, NoNews), (status, kind)


@pytest.mark.parametrize("its_type", TYPES)
@pytest.mark.parametrize("kind", CLASSES)
def test_neither_the_class_nor_the_type_of_an_error_is_what_it_is_judged_by(
    kind: type[stripe.StripeError], its_type: str
) -> None:
    for status in STATUSES:
        for code in ("card_declined", "resource_missing", "lock_timeout", "a_code_of_tomorrow"):
            news = news_of(error(kind, status, {"type": its_type, "code": code}))
            assert type(news) is MEANS.get(status, NoNews), (status, code)


@pytest.mark.parametrize("status", [status for status in STATUSES if status not in MEANS])
def test_no_code_makes_a_failure_of_a_status_that_is_doubt(status: int | None) -> None:
    said = {news_of(error(stripe.APIError, status, {"code": code})) for code in CODES[::5]}

    assert said == {NoNews(f"http_{status}", None, "req_1")}


@pytest.mark.parametrize("status", [402, 400, 404])
def test_the_code_is_told_as_stripe_said_it(status: int) -> None:
    for code in (*CODES[::5], ""):
        news = news_of(error(stripe.StripeError, status, {"type": "card_error", "code": code}))
        assert isinstance(news, Declined | Rejected)
        assert news.error.code == (code or "card_error")


def test_a_key_that_was_used_before_is_doubt_at_every_status_and_under_every_code() -> None:
    """Something of ours is there: that is no refusal of it."""
    for status in STATUSES:
        said = {news_of(error(stripe.IdempotencyError, status, {"code": c})) for c in CODES[::20]}
        assert said == {NoNews("key_used_before", "idempotency_error", "req_1")}


@pytest.mark.parametrize("status", [*range(100, 400), *range(405, 429), *range(430, 600)])
def test_every_status_that_is_not_known_is_doubt(status: int) -> None:
    fields = {"type": "card_error", "code": "card_declined"}

    assert isinstance(news_of(error(stripe.CardError, status, fields)), NoNews)
