"""The soak's auditor notices every wrong that it is there for, and complains of nothing right."""

import random
from dataclasses import replace
from typing import Any

import pytest

from tests.parts.at_stripe import AtStripe
from tests.parts.http import Heard
from tests.simulation.auditor_of_later import CANCELED, PAID
from tests.simulation.talking import Conversation
from tests.simulation.talking import Heard as Answer
from tests.soak.audit import Outside, judge_outside, updates
from tests.soak.buyers import LEFT_OUT, Buyer, refund_ids
from tests.soak.wanted import Said, WantedPayment, WantedRefund

ORDER, KEY = "order-1-1", "refund-order-1-1-0"
WANTED = WantedPayment(
    order_id=ORDER,
    amount_minor=1_230,
    currency="kwd",
    customer_id="cus_1",
    card="pm_1",
    capture_method=LEFT_OUT,
    description="Goods of order-1-1",
    basket="basket-1",
)
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "status": "succeeded",
    "created": 1_000,
    "amount": 1_230,
    "amount_received": 1_230,
    "currency": "kwd",
    "customer": "cus_1",
    "payment_method": "pm_1",
    "capture_method": LEFT_OUT,
    "description": "Goods of order-1-1",
    "cancellation_reason": None,
    "metadata": {"order_id": ORDER, "basket": "basket-1"},
}
REFUND: dict[str, Any] = {
    "id": "re_1",
    "payment_intent": "pi_1",
    "amount": 300,
    "currency": "kwd",
    "status": "succeeded",
    "reason": None,
    "metadata": {"idempotency_key": f"pay_1-{refund_ids(KEY)[0]}", "reason": "the wrong size"},
}
DISPUTE: dict[str, Any] = {"id": "du_1", "payment_intent": "pi_1", "status": "needs_response"}
SHOWN: dict[str, Any] = {
    "payment_intent_id": "pi_1",
    "orderId": ORDER,
    "status": "succeeded",
    "amount": 1_230,
    "currency": "kwd",
    "customerId": "cus_1",
    "capture_method": "automatic",
    "description": "Goods of order-1-1",
    "amount_received": 1_230,
    "amount_refunded": 300,
    "cancellation_reason": None,
    "disputes": [{"dispute_id": "du_1", "status": "needs_response"}],
}


def a_buyer(*talks: Conversation) -> Buyer:
    nobody: Any = None
    buyer = Buyer(1, [], AtStripe(nobody, ""), random.Random(1), told=list(talks))
    buyer.payments.append(WANTED)
    buyer.refunds.append(WantedRefund(ORDER, KEY, 300, "the wrong size"))
    return buyer


def seen(
    *talks: Conversation,
    intent: dict[str, Any] | None = None,
    refund: dict[str, Any] | None = None,
    shown: dict[str, Any] | None = None,
) -> Outside:
    """Return what is right, but for the fields that are given."""
    return Outside(
        intents=[{**INTENT, **(intent or {})}],
        refunds=[{**REFUND, **(refund or {})}],
        disputes=[DISPUTE],
        shown={ORDER: Heard(200, {}, {"data": {**SHOWN, **(shown or {})}})},
        buyers=[a_buyer(*talks)],
    )


def told(wish: str, *words: str) -> Conversation:
    return Conversation(wish, ORDER, 0, [Answer(word, 1.0, 2.0, 0) for word in words])


def test_what_is_right_is_not_complained_of() -> None:
    assert judge_outside(seen(told("capture", "succeeded"))) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 1_240),
        ("amount_received", 1_000),
        ("currency", "usd"),
        ("customer", "cus_2"),
        ("payment_method", "pm_2"),
        ("capture_method", "manual"),
        ("description", None),
        ("metadata", {"order_id": ORDER}),
    ],
)
def test_a_payment_that_differs_from_what_was_asked_for_is_noticed(field: str, value: Any) -> None:
    found = judge_outside(seen(intent={field: value}))
    assert any("pi_1 of order-1-1 is not as it was asked for" in one for one in found)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("amount", 299, "re_1 is 299, not 300"),
        ("currency", "usd", "re_1 is in usd"),
        ("reason", "duplicate", "re_1 says duplicate, not the wrong size"),
        ("metadata", {"idempotency_key": "pay_1-rfd_other"}, "re_1 of 300 was not asked for"),
    ],
)
def test_a_refund_that_differs_from_what_was_asked_for_is_noticed(
    field: str, value: Any, words: str
) -> None:
    assert words in judge_outside(seen(refund={field: value}))


def test_a_refund_of_another_order_is_noticed() -> None:
    wrong = seen()
    other = replace(wrong.buyers[0].refunds[0], order_id="order-1-2")
    wrong.buyers[0].refunds[0] = other
    assert "re_1 was asked for order-1-2" in judge_outside(wrong)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "canceled"),
        ("amount", 1_240),
        ("currency", "usd"),
        ("customerId", "cus_2"),
        ("capture_method", "manual"),
        ("description", None),
        ("amount_received", 0),
        ("amount_refunded", 0),
        ("cancellation_reason", "duplicate"),
        ("disputes", []),
    ],
)
def test_an_order_shown_otherwise_than_stripe_has_it_is_noticed(field: str, value: Any) -> None:
    (found,) = judge_outside(seen(shown={field: value}))
    assert found.startswith("order-1-1 is shown otherwise than Stripe has it")


def test_a_paid_order_that_is_gone_is_noticed() -> None:
    wrong = replace(seen(), shown={ORDER: Heard(404, {}, {})})
    assert judge_outside(wrong) == ["order-1-1 is shown as 404 {}"]


@pytest.mark.parametrize("words", [["away"], ["away", "away"]])
def test_a_capture_that_happened_after_nothing_but_503_is_noticed(words: list[str]) -> None:
    found = judge_outside(seen(told("capture", *words)))
    assert found == ["order-1-1: its capture was told 503 and happened"]


def test_a_capture_of_which_one_answer_was_lost_may_happen() -> None:
    assert judge_outside(seen(told("capture", "away", "lost"))) == []


def test_a_cancellation_that_happened_after_nothing_but_503_is_noticed() -> None:
    canceled = {"status": "canceled", "amount_received": 0, "cancellation_reason": "abandoned"}
    wrong = seen(told("cancel", "away"), intent=canceled, shown=canceled)
    assert judge_outside(wrong) == ["order-1-1: its cancel was told 503 and happened"]


@pytest.mark.parametrize(("status", "wrong"), [(503, True), (0, False), (202, False)])
def test_a_refund_that_happened_after_nothing_but_503_is_noticed(
    status: int, *, wrong: bool
) -> None:
    outside = seen()
    outside.buyers[0].said.append(Said("/payment/refund", KEY, status, {}))
    words = "order-1-1: its refund was told 503 and is there: ['re_1']"
    assert judge_outside(outside) == ([words] if wrong else [])


def test_a_refund_that_happened_though_its_last_word_was_502_is_noticed() -> None:
    outside = seen()
    for status in (0, 502):
        outside.buyers[0].said.append(Said("/payment/refund", KEY, status, {}))
    words = "order-1-1: its refund was told 502 and is there: ['re_1']"
    assert judge_outside(outside) == [words]


def test_two_answers_under_one_key_are_noticed() -> None:
    outside = seen()
    for intent in ("pi_1", "pi_2"):
        body = {"data": {"payment_intent_id": intent}}
        outside.buyers[0].said.append(Said("/payment/payment-intent", "key", 200, body))
    (found,) = judge_outside(outside)
    assert found.startswith("/payment/payment-intent under key was answered")


def test_an_answer_that_nobody_should_get_is_noticed() -> None:
    outside = seen()
    outside.buyers[0].odd.append("pay: 500")
    assert judge_outside(outside) == ["an answer that nobody should get: pay: 500"]


@pytest.mark.parametrize(
    ("status", "at", "paid_minor"),
    [
        (CANCELED, 1_004.9, 0),
        (CANCELED, 1_006.9, 0),  # it may have been under way
        (CANCELED, 1_007.1, 1_230),
        (PAID, 1_005.0, 1_230),
        (PAID, 1_004.9, 0),
    ],
)
def test_an_update_is_judged_by_what_was_surely_paid_when_it_came(
    status: str, at: float, paid_minor: int
) -> None:
    event = {
        "type": "payment_intent.succeeded",
        "created": 1_005,
        "data": {"object": {"id": "pi_1"}},
    }
    line = {"status": status, "idempotencyKey": "key", "at": at}
    (found,) = updates({ORDER: [line]}, [INTENT], [event])
    assert found.paid_minor == paid_minor
