"""What every exception of the Stripe library means. One that is not known here is doubt."""

from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
import stripe
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDict

from payment_service.adapters.stripe.news import news_of, replayed
from payment_service.domain.news import (
    Declined,
    Denial,
    Intent,
    News,
    NoNews,
    NotExecuted,
    Rejected,
)

STATUSES = (None, 200, 400, 401, 402, 403, 404, 409, 424, 429, 500, 502, 503, 504)
HEADERS = {"Request-Id": "req_1"}


def tree(root: type[stripe.StripeError]) -> Iterator[type[stripe.StripeError]]:
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


CLASSES = sorted(set(tree(stripe.StripeError)), key=lambda kind: kind.__name__)


def error(
    kind: type[stripe.StripeError],
    status: int | None = None,
    fields: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> stripe.StripeError:
    """Return the exception as the SDK makes it of such an answer."""
    made = kind.__new__(kind)
    body = None if fields is None else {"error": fields}
    sent: Any = CIMultiDict(HEADERS | (headers or {}))  # as aiohttp hands them over
    stripe.StripeError.__init__(made, "Said.", "", status, body, sent)
    return made


def card_error(**fields: Any) -> dict[str, Any]:
    return {"type": "card_error", "message": "Your card was declined.", **fields}


def intent(status: str) -> dict[str, Any]:
    return {"id": "pi_1", "object": "payment_intent", "status": status, "amount": 10_000}


def connection(cause: BaseException | None) -> stripe.StripeError:
    try:
        raise stripe.APIConnectionError("lost") from cause  # type: ignore[no-untyped-call]
    except stripe.APIConnectionError as made:
        return made


def test_the_whole_tree_is_walked() -> None:
    """An SDK that adds a class makes the tests below judge it; this says that they do."""
    names = {kind.__name__ for kind in CLASSES}

    assert {
        "StripeError",
        "APIError",
        "APIConnectionError",
        "CardError",
        "InvalidRequestError",
        "IdempotencyError",
        "AuthenticationError",
        "PermissionError",
        "RateLimitError",
        "SignatureVerificationError",
        "TemporarySessionExpiredError",
    } <= names
    assert len(CLASSES) >= 30


@pytest.mark.parametrize(
    "fields", [card_error(code="card_declined"), {"code": "of_tomorrow"}, None]
)
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_at_every_status_is_judged_by_status_and_what_is_unknown_is_doubt(
    kind: type[stripe.StripeError], status: int | None, fields: dict[str, Any] | None
) -> None:
    news = news_of(error(kind, status, fields))

    expected: type[News] = NoNews
    judged_by_status = not issubclass(kind, stripe.APIConnectionError | stripe.IdempotencyError)
    if judged_by_status and status == 402 and fields:
        expected = Declined
    elif judged_by_status and status in {400, 404} and fields:
        expected = Rejected
    elif judged_by_status and status in {401, 403, 429}:
        expected = NotExecuted
    assert type(news) is expected


DENIAL = Denial("card_declined", "Your card was declined.", "generic_decline", "exp_month")
DECLINE = card_error(code="card_declined", decline_code="generic_decline", param="exp_month")
REPLAYED = {"Idempotent-Replayed": "true"}


@pytest.mark.parametrize(
    ("raised", "news"),
    [
        (
            error(stripe.CardError, 402, DECLINE),
            Declined(DENIAL, request_id="req_1"),
        ),
        (
            error(stripe.CardError, 402, DECLINE, REPLAYED),
            Declined(DENIAL, replayed=True, request_id="req_1"),
        ),
        (
            error(
                stripe.CardError,
                402,
                DECLINE | {"payment_intent": intent("requires_payment_method")},
            ),
            Declined(
                DENIAL, Intent("pi_1", "requires_payment_method", 10_000, 0), request_id="req_1"
            ),
        ),
        (
            error(
                stripe.InvalidRequestError,
                400,
                {"code": "payment_intent_unexpected_state", "payment_intent": intent("canceled")},
            ),
            Rejected(
                Denial("payment_intent_unexpected_state", "Stripe gave no reason."),
                Intent("pi_1", "canceled", 10_000, 0),
                "req_1",
            ),
        ),
        (
            error(stripe.InvalidRequestError, 404, {"type": "invalid_request_error"}),
            Rejected(Denial("invalid_request_error", "Stripe gave no reason."), request_id="req_1"),
        ),
        (
            error(stripe.IdempotencyError, 400, {"type": "idempotency_error"}),
            NoNews("key_used_before", "idempotency_error", "req_1"),
        ),
        (
            error(stripe.AuthenticationError, 401, {}),
            NotExecuted("http_401", retryable=False, request_id="req_1"),
        ),
        (
            error(stripe.PermissionError, 403, {}),
            NotExecuted("http_403", retryable=False, request_id="req_1"),
        ),
        (
            error(stripe.RateLimitError, 429, {"code": "lock_timeout"}),
            NotExecuted("lock_timeout", request_id="req_1"),
        ),
        (error(stripe.RateLimitError, 429, {}), NotExecuted("http_429", request_id="req_1")),
        (
            error(stripe.APIError, 409, {"code": "idempotency_key_in_use"}),
            NoNews("http_409", None, "req_1"),
        ),
        (error(stripe.APIError, 424, {}), NoNews("http_424", None, "req_1")),
        (error(stripe.APIError, 500, {}), NoNews("http_500", None, "req_1")),
        (error(stripe.APIError, 500, {}, REPLAYED), NoNews("http_500", "http_500", "req_1")),
        (error(stripe.APIError, 503, {}, REPLAYED), NoNews("http_503", "http_503", "req_1")),
        (error(stripe.APIError, 200), NoNews("http_200", None, "req_1")),  # cut off
        (error(stripe.APIError, 200, None, REPLAYED), NoNews("http_200", None, "req_1")),
        (error(stripe.CardError, 402, {}), NoNews("unreadable", None, "req_1")),
        (error(stripe.InvalidRequestError, 400), NoNews("unreadable", None, "req_1")),
        (error(stripe.StripeError), NoNews("http_None", None, "req_1")),
        (
            error(stripe.CardError, 402, DECLINE | {"payment_intent": "pi_1"}),
            NoNews("unreadable", None, "req_1"),
        ),
    ],
)
def test_what_stripe_documents(raised: stripe.StripeError, news: News) -> None:
    assert news_of(raised) == news


NO_FIELDS: tuple[dict[str, str] | None, ...] = ({}, None)
TELL_NOTHING = (
    *((stripe.APIError, status, {}) for status in (410, 424, 500, 501, 503)),
    *((stripe.CardError, 402, fields) for fields in NO_FIELDS),
    *(
        (stripe.InvalidRequestError, status, fields)
        for status in (400, 404)
        for fields in NO_FIELDS
    ),
    (stripe.CardError, 402, DECLINE | {"payment_intent": "pi_1"}),
    (
        stripe.InvalidRequestError,
        400,
        {"code": "wrong", "payment_intent": {"id": 1}},
    ),
)


@pytest.mark.parametrize(("kind", "status", "fields"), TELL_NOTHING)
def test_only_the_replay_of_an_answer_that_tells_nothing_is_a_dead_end(
    kind: type[stripe.StripeError], status: int, fields: dict[str, Any] | None
) -> None:
    first, again = (
        news_of(error(kind, status, fields, headers)) for headers in (HEADERS, REPLAYED)
    )

    assert isinstance(first, NoNews)
    assert first.dead_end is None
    assert again == NoNews(first.reason, f"http_{status}", "req_1")


NOT_BEGUN = (
    (stripe.AuthenticationError, 401),
    (stripe.PermissionError, 403),
    (stripe.RateLimitError, 429),
)


@pytest.mark.parametrize(("kind", "status"), NOT_BEGUN)
def test_what_stripe_does_not_begin_is_no_dead_end(
    kind: type[stripe.StripeError], status: int
) -> None:
    assert type(news_of(error(kind, status, {}, REPLAYED))) is NotExecuted


KEY = ConnectionKey(
    "stripe.invalid",
    443,
    is_ssl=True,
    ssl=True,
    proxy=None,
    proxy_auth=None,
    proxy_headers_hash=None,
)


@pytest.mark.parametrize(
    ("cause", "news"),
    [
        (aiohttp.ClientConnectorError(KEY, OSError("refused")), NotExecuted("unreachable")),
        (aiohttp.ConnectionTimeoutError(), NotExecuted("unreachable")),
        (aiohttp.ServerDisconnectedError(), NoNews("ServerDisconnectedError")),
        (aiohttp.SocketTimeoutError(), NoNews("SocketTimeoutError")),
        (aiohttp.ClientPayloadError(), NoNews("ClientPayloadError")),
        (TimeoutError(), NoNews("TimeoutError")),
        (None, NoNews("connection")),
    ],
)
def test_only_a_connection_that_was_never_made_did_surely_nothing(
    cause: BaseException | None, news: News
) -> None:
    assert news_of(connection(cause)) == news


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("2", 2.0),
        ("0.5", 0.5),
        ("-1", 0.0),
        ("3600", 60.0),
        ("inf", 60.0),
        ("Mon, 23 Nov 2026 09:00:00 GMT", None),
    ],
)
def test_stripe_s_wish_for_a_pause_is_heard_within_reason(
    header: str | None, seconds: float | None
) -> None:
    headers = {} if header is None else {"Retry-After": header}

    news = news_of(error(stripe.RateLimitError, 429, {}, headers))

    assert isinstance(news, NotExecuted)
    assert news.retry_after_s == seconds


@pytest.mark.parametrize(
    ("headers", "was"), [(None, False), ({}, False), (REPLAYED, True), (HEADERS, False)]
)
def test_a_replay_is_told_by_its_header(headers: dict[str, str] | None, *, was: bool) -> None:
    assert replayed(headers) is was
