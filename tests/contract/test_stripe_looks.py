"""The gateway's looks through long lists, its time limits, and what it says in the log."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import stripe
from structlog.testing import capture_logs

from payment_service.adapters.stripe.looks import PAGE_LIMIT, PAGES_MAX
from payment_service.domain.news import (
    CustomerSeen,
    IntentSeen,
    NoNews,
    NothingFound,
    RefundsSeen,
    Rejected,
)
from payment_service.domain.steps import (
    AttachCard,
    FindCustomer,
    FindRefunds,
    GatewayStep,
    ReadCustomer,
    ReadIntent,
)
from stripe_sandbox.engine import Engine
from tests.contract.test_stripe_gateway import (
    CREATE,
    CUSTOMER,
    EPOCH_S,
    FIND,
    INTENT,
    KEY,
    REFUND,
    REFUNDING,
    Answer,
    Recorder,
    Sent,
    asked,
    opened,
    ordinary,
)
from tests.parts.stripe_in_process import InProcessStripe, open_in_process
from tests.parts.virtual_time import epoch_s, run

LONGEST = PAGES_MAX * PAGE_LIMIT
FIND_GUESTS = replace(FIND, customer_id=None)
Element = Mapping[str, Any]


def paged(path: str, elements: list[Element]) -> Recorder:
    """Return a Stripe with one long list, newest first, that says itself what more there is."""
    ids = [element["id"] for element in elements]

    def answer(sent: Sent) -> Answer:
        if sent.path != path:
            return ordinary(sent)
        after = sent.params.get("starting_after")
        start = ids.index(after) + 1 if after else 0
        page = elements[start : start + PAGE_LIMIT]
        more = start + PAGE_LIMIT < len(elements)
        return 200, {"object": "list", "data": page, "has_more": more}

    return Recorder(answer)


def intents(number: int, *, ours_at: int | None = None) -> list[Element]:
    """Return this many PaymentIntents of others, and ours in one place."""
    return [
        INTENT
        | {
            "id": f"pi_{place}",
            "metadata": {"idempotency_key": "key-1" if place == ours_at else f"key-of-{place}"},
        }
        for place in range(number)
    ]


@pytest.mark.parametrize(
    ("number", "ours_at", "pages"),
    [
        (1, 0, 1),
        (100, 99, 1),
        (101, 100, 2),
        (LONGEST + 1, 150, 2),
        (LONGEST, LONGEST - 1, PAGES_MAX),
    ],
)
def test_our_payment_intent_is_found_by_its_mark_on_whichever_page(
    number: int, ours_at: int, pages: int
) -> None:
    http = paged("/v1/payment_intents", intents(number, ours_at=ours_at))

    news = asked(http, FIND_GUESTS)

    assert isinstance(news, IntentSeen)
    assert (news.intent.id, news.replayed) == (f"pi_{ours_at}", False)
    assert len(http.sent) == pages


def copies(*statuses: str, made_s: int = EPOCH_S) -> list[Element]:
    """Return PaymentIntents under our key, newest first: the last is the one that we made."""
    return [
        {**INTENT, "id": f"pi_{n}", "status": status, "created": made_s, "metadata": MARKS}
        for n, status in enumerate(statuses)
    ]


MARKS = {"idempotency_key": "key-1"}


def test_of_several_under_our_key_the_one_that_took_the_money_is_ours_and_that_is_told() -> None:
    http = paged("/v1/payment_intents", copies("canceled", "succeeded", "requires_action"))

    with capture_logs() as lines:
        news = asked(http, FIND)

    assert isinstance(news, IntentSeen)
    assert news.intent.id == "pi_1"
    (told,) = [line for line in lines if line["event"] == "intent.copied"]
    assert (told["log_level"], told["intent_ids"]) == ("error", ["pi_0", "pi_1", "pi_2"])


def test_what_is_older_than_the_attempt_is_not_read_for_a_copy() -> None:
    old = intents(1_000)
    rows = [*copies("requires_action"), *[{**one, "created": 1} for one in old]]
    http = paged("/v1/payment_intents", rows)

    assert isinstance(asked(http, FIND), IntentSeen)
    assert len(http.sent) == 1


def test_a_list_too_long_to_be_read_for_copies_still_shows_what_was_found() -> None:
    rows = [*copies("succeeded"), *[{**one, "created": EPOCH_S} for one in intents(LONGEST)]]

    news = asked(paged("/v1/payment_intents", rows), FIND_GUESTS)

    assert isinstance(news, IntentSeen)
    assert news.intent.id == "pi_0"


@pytest.mark.parametrize("number", [0, 1, 100, LONGEST])
def test_nothing_is_found_only_when_all_was_seen(number: int) -> None:
    news = asked(paged("/v1/payment_intents", intents(number)), FIND_GUESTS)

    assert news == NothingFound(request_id="req_1")


def test_a_list_too_long_to_be_seen_whole_is_doubt_not_absence() -> None:
    http = paged("/v1/payment_intents", intents(LONGEST + 1, ours_at=LONGEST))

    assert asked(http, FIND_GUESTS) == NoNews("unreadable")
    assert len(http.sent) == PAGES_MAX


@pytest.mark.parametrize("ours_at", [0, 999])
def test_a_customers_payments_are_read_whatever_any_clock_says(ours_at: int) -> None:
    http = paged("/v1/payment_intents", intents(1_000, ours_at=ours_at))

    assert isinstance(asked(http, FIND), IntentSeen)
    assert not any("created" in name for sent in http.sent for name in sent.params)


def test_of_a_customer_with_more_than_a_look_reads_a_window_of_days_is_read() -> None:
    http = paged("/v1/payment_intents", intents(1_001, ours_at=1_000))

    assert isinstance(asked(http, FIND), IntentSeen)
    windowed = http.sent[10:]
    assert not any("created[gte]" in sent.params for sent in http.sent[:10])
    assert len(windowed) == 11
    assert {sent.params["customer"] for sent in windowed} == {"cus_1"}
    assert {(s.params["created[gte]"], s.params["created[lte]"]) for s in windowed} == {
        (str(EPOCH_S - 3 * 86_400), str(EPOCH_S + 3 * 86_400))
    }


def test_a_customers_window_too_long_to_be_seen_whole_is_doubt_not_absence() -> None:
    http = paged("/v1/payment_intents", intents(LONGEST + 1))

    assert asked(http, FIND) == NoNews("unreadable")
    assert len(http.sent) == 10 + PAGES_MAX


def test_each_page_begins_where_the_last_ended() -> None:
    http = paged("/v1/payment_intents", intents(250))

    asked(http, FIND)

    assert [sent.params.get("starting_after") for sent in http.sent] == [None, "pi_99", "pi_199"]


def test_the_payments_of_a_customer_that_is_gone_are_looked_for_without_it() -> None:
    def answer(sent: Sent) -> Answer:
        if "customer" in sent.params:
            error = {"type": "invalid_request_error", "code": "resource_missing"}
            return 400, {"error": error}
        return 200, {"object": "list", "data": intents(1, ours_at=0), "has_more": False}

    http = Recorder(answer)

    assert isinstance(asked(http, FIND), IntentSeen)
    assert ["customer" in sent.params for sent in http.sent] == [True, False]


def test_a_look_that_stripe_refuses_is_told_as_refused() -> None:
    refusing = Recorder(lambda _: (400, {"error": {"code": "parameter_invalid"}}))

    assert isinstance(asked(refusing, replace(FIND, customer_id=None)), Rejected)


def test_all_refunds_are_seen_with_our_marks() -> None:
    rows: list[Element] = [
        REFUND | {"id": f"re_{n}", "metadata": {"idempotency_key": f"key-{n}"}} for n in range(101)
    ]

    news = asked(paged("/v1/refunds", rows), FindRefunds("ord_1", "pi_1"))

    assert isinstance(news, RefundsSeen)
    assert [(seen.id, seen.key) for seen in news.refunds[::100]] == [
        ("re_0", "key-0"),
        ("re_100", "key-100"),
    ]


def test_of_customers_with_one_email_ours_comes_first_then_the_oldest() -> None:
    def named(id: str, service: str | None = None) -> Element:
        return CUSTOMER | {"id": id, "metadata": {"service": service} if service else None}

    foreign = [named("cus_3"), named("cus_2"), named("cus_1", "another")]
    ours = [*foreign, named("cus_0", "payment-service")]
    look = FindCustomer("ann@example.com")

    for found, expected in ((foreign, "cus_1"), (ours[::-1], "cus_0")):
        news = asked(paged("/v1/customers", found), look)
        assert isinstance(news, CustomerSeen)
        assert news.customer.id == expected


def test_the_stub_of_a_deleted_customer_is_nobody() -> None:
    stub = Recorder(lambda _: (200, {"id": "cus_1", "object": "customer", "deleted": True}))

    assert asked(stub, ReadCustomer("cus_1")) == NothingFound(request_id="req_1")


# Against the sandbox


def test_what_is_created_is_found_again() -> None:
    async def main() -> None:
        gateway = open_in_process(InProcessStripe(Engine(), epoch_s))
        step = replace(CREATE, customer_id=None, payment_method_id="pm_card_visa")

        made = await gateway.ask(step)
        found = await gateway.ask(replace(FIND, customer_id=None))
        again = await gateway.ask(step)
        other = await gateway.ask(replace(FIND, customer_id=None, key="key-2"))

        assert isinstance(made, IntentSeen)
        assert isinstance(found, IntentSeen)
        assert isinstance(again, IntentSeen)
        assert (made.intent.id, made.intent.amount_received_minor) == (found.intent.id, 10_000)
        assert (again.intent, again.replayed, made.replayed) == (made.intent, True, False)
        assert isinstance(other, NothingFound)

    run(main)


# Time limits


@pytest.mark.parametrize(
    ("step", "limit_s"),
    [
        (CREATE, 25),
        (REFUNDING, 25),
        (AttachCard("key-1", "cus_1", "pm_1"), 15),
        (ReadIntent("ord_1", "pi_1"), 10),
        (FIND, 10),
    ],
)
def test_each_operation_has_its_limit_and_over_it_all_is_doubt(
    step: GatewayStep, limit_s: float
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        in_time = await opened(Recorder(ordinary, takes_s=limit_s - 0.001)).ask(step)
        begun = loop.time()
        too_late = await opened(Recorder(ordinary, takes_s=limit_s + 0.001)).ask(step)

        assert not isinstance(in_time, NoNews)
        assert too_late == NoNews("TimeoutError")
        assert loop.time() - begun == pytest.approx(limit_s)

    run(main)


def test_the_sdk_does_not_ask_twice_by_itself() -> None:
    failing = Recorder(lambda _: (500, {"error": {"type": "api_error"}}))

    assert asked(failing, CREATE) == NoNews("http_500", None, "req_1")
    assert len(failing.sent) == 1


def test_who_stops_us_is_obeyed() -> None:
    """A cancellation is no answer of Stripe's; the corridor must hear of it."""

    async def main() -> None:
        asking = asyncio.create_task(opened(Recorder(ordinary, takes_s=9)).ask(CREATE))
        await asyncio.sleep(1)

        asking.cancel()

        with pytest.raises(asyncio.CancelledError):
            await asking

    run(main)


# The log


def lost(_: Sent) -> Answer:
    raise stripe.APIConnectionError("lost")  # type: ignore[no-untyped-call]


SECRETS = (KEY, "pi_1_secret_x", "4242", "ann@example.com", "Your card")
DECLINE = {"code": "card_declined", "message": "Your card 4242 of ann@example.com was declined."}


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (
            ordinary,
            {
                "event": "stripe.answered",
                "log_level": "info",
                "status": 200,
                "stripe_request_id": "req_1",
                "replayed": False,
            },
        ),
        (
            lambda _: (402, {"error": {"type": "card_error", **DECLINE}}),
            {
                "event": "stripe.refused",
                "log_level": "warning",
                "status": 402,
                "error": "CardError",
                "code": "card_declined",
                "stripe_request_id": "req_1",
            },
        ),
        (
            lost,
            {
                "event": "stripe.unanswered",
                "log_level": "warning",
                "status": None,
                "error": "APIConnectionError",
                "code": None,
                "stripe_request_id": None,
            },
        ),
    ],
)
def test_each_request_is_one_line_without_a_secret(answer: Any, line: dict[str, Any]) -> None:
    with capture_logs() as lines:
        asked(Recorder(answer), CREATE)

    (told,) = [one for one in lines if one["log_level"] != "debug"]
    assert told.pop("duration_ms") >= 0
    assert told == line | {
        "method": "post",
        "path": "/v1/payment_intents",
        "idempotency_key": "key-1",
        "attempt": 1,
    }
    assert [secret for secret in SECRETS if secret in repr(lines)] == []


def test_the_connections_are_let_go() -> None:
    async def main() -> None:
        http = Recorder(ordinary)

        await opened(http).close()

        assert http.closed

    run(main)
