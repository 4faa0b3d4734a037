"""What a payment is, and what a caller may begin: to pay, to pay again, to refund."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from payment_service.domain.errors import (
    OrderAlreadyPaid,
    PaymentInProgress,
    PaymentNotRefundable,
    RefundExceedsRemaining,
    Refusal,
)
from payment_service.domain.history import HISTORY_HEAD, HISTORY_MAX
from payment_service.domain.news import Declined, IntentSeen, NoNews, NotExecuted, Rejected
from payment_service.domain.payment import (
    REFUNDS_MAX,
    FailureKind,
    Operation,
    Payment,
    State,
    noted,
)
from payment_service.domain.refund import RefundStatus
from payment_service.domain.wishes import begin_refund, open_payment, pay_again
from tests.domain.papers import (
    DENIAL,
    OTHER_CARD,
    REFUSAL,
    VISA,
    asked,
    at,
    canceled,
    chosen,
    created,
    declined,
    heard,
    held,
    intent,
    moment,
    opened,
    order,
    paid,
    terms,
    waiting,
)


def rejected() -> Payment:
    """Return a payment that Stripe would not make; there is no PaymentIntent."""
    return heard(opened(), Rejected(REFUSAL), 0)


def unavailable() -> Payment:
    """Return a payment that never reached Stripe, since our API key was refused."""
    return heard(opened(), NotExecuted("http_401", retryable=False), 0)


def processing() -> Payment:
    return heard(opened(), IntentSeen(intent("processing")), 0)


def authorised() -> Payment:
    return heard(opened(), IntentSeen(intent("requires_capture", charge_id="ch_1")), 0)


# To pay, and to pay again


def test_an_order_opens_one_payment_with_an_attempt_due_at_once() -> None:
    payment = open_payment(order(retry_key="mine"), "pay_1", moment())

    attempt = payment.attempt
    assert attempt is not None
    assert (attempt.operation, attempt.call.key) == (Operation.CREATE, "pay_1-1-create")
    assert (attempt.payment_method_id, attempt.retry_key) == (VISA, "mine")
    assert (payment.id, payment.order_id, payment.version) == ("ord_1", "ord_1", 0)
    assert (payment.state, payment.status) == (State.ASKING, State.REQUIRES_PAYMENT_METHOD)
    assert payment.wake_at == at(0)
    assert [entry.what for entry in payment.history] == ["create.begun"]


# What it means to be asked once more for the order. `None`: the answer is the payment as it is.
SAME_DEAL: dict[Callable[[], Payment], Operation | None] = {
    opened: None,
    created: Operation.CONFIRM,
    declined: None,  # the same card without a new key: the same answer
    waiting: None,
    processing: None,
    authorised: None,
    paid: None,
    canceled: Operation.CREATE,  # the next generation
    rejected: Operation.CREATE,
    unavailable: Operation.CREATE,
}
OTHER_DEAL: dict[Callable[[], Payment], Operation | type[Refusal]] = {
    opened: PaymentInProgress,
    created: Operation.CANCEL,  # first make sure that the old one can never be paid
    declined: Operation.CANCEL,
    waiting: PaymentInProgress,
    processing: PaymentInProgress,
    authorised: PaymentInProgress,
    paid: OrderAlreadyPaid,
    canceled: Operation.CREATE,
    rejected: Operation.CREATE,
    unavailable: Operation.CREATE,
}


@pytest.mark.parametrize(("begin", "operation"), SAME_DEAL.items())
def test_asked_again_on_the_same_terms(
    begin: Callable[[], Payment], operation: Operation | None
) -> None:
    again = pay_again(begin(), order(), moment(60))

    attempt = again.attempt if again else None
    assert (attempt.operation if attempt else None) is operation


@pytest.mark.parametrize(
    "changed", [{"amount_minor": 5_000}, {"currency": "eur"}, {"customer_id": "cus_2"}]
)
@pytest.mark.parametrize(("begin", "outcome"), OTHER_DEAL.items())
def test_asked_again_on_other_terms(
    begin: Callable[[], Payment],
    outcome: Operation | type[Refusal],
    changed: dict[str, Any],
) -> None:
    payment, again = begin(), order(**changed)

    if isinstance(outcome, Operation):
        begun = pay_again(payment, again, moment(60))
        assert begun is not None
        assert begun.attempt is not None
        assert begun.attempt.operation is outcome
        assert begun.terms == (payment.terms if outcome is Operation.CANCEL else again.terms)
    else:
        with pytest.raises(outcome) as refused:
            pay_again(payment, again, moment(60))
        assert refused.value.details == {"payment": payment}


def test_what_is_no_part_of_the_deal_makes_no_other_payment() -> None:
    changed = order(description="a hat", metadata={"colour": "red"}, return_url="https://x.test")

    assert pay_again(paid(), changed, moment(60)) is None


@pytest.mark.parametrize(
    ("card_then", "key_then", "card_now", "key_now", "confirms"),
    [
        (VISA, None, VISA, None, False),
        (VISA, None, VISA, "new", True),  # a new key says: yes, once more
        (VISA, "old", VISA, None, False),
        (VISA, "old", VISA, "old", False),
        (VISA, "old", VISA, "new", True),
        (VISA, None, OTHER_CARD, None, True),
        (VISA, "old", OTHER_CARD, "old", True),
        (VISA, None, None, None, False),  # without a card there is nothing to confirm with
        (VISA, None, None, "new", False),
    ],
)
def test_after_a_decline_only_another_card_or_a_new_key_tries_again(
    *,
    card_then: str,
    key_then: str | None,
    card_now: str | None,
    key_now: str | None,
    confirms: bool,
) -> None:
    payment = declined(card_then, key_then)

    again = pay_again(payment, order(card_now, key_now), moment(60))

    if not confirms:
        assert again is None
        return
    assert again is not None
    assert again.attempt is not None
    assert (again.attempt.operation, again.intent_id) == (Operation.CONFIRM, "pi_1")
    assert (again.attempt.call.key, again.attempts_made) == ("pay_1-2-confirm", 2)
    assert (again.attempt.payment_method_id, again.attempt.charge_before) == (
        card_now,
        "ch_declined",
    )
    assert again.failure is None


def test_who_does_not_want_to_confirm_gets_the_payment_as_it_is() -> None:
    assert pay_again(created(), order(None), moment(60)) is None


@pytest.mark.parametrize("begin", [created, declined, chosen, waiting])
def test_a_card_that_is_named_to_be_confirmed_later_is_the_one_that_the_payment_gets(
    begin: Callable[[], Payment],
) -> None:
    """The payer's client could only confirm the old card, so that must never be paid."""
    again = pay_again(begin(), order(OTHER_CARD, confirm=False), moment(60))

    assert again is not None
    assert again.attempt is not None
    assert again.attempt.operation is Operation.CANCEL


@pytest.mark.parametrize("begin", [chosen, waiting])
def test_the_same_card_that_is_named_to_be_confirmed_later_is_there_already(
    begin: Callable[[], Payment],
) -> None:
    assert pay_again(begin(), order(VISA, confirm=False), moment(60)) is None


@pytest.mark.parametrize("begin", [created, declined, chosen])
@pytest.mark.parametrize("confirm", [True, False])
def test_who_asks_for_a_hold_never_confirms_a_charge(
    begin: Callable[[], Payment], *, confirm: bool
) -> None:
    asked = order(VISA, retry_key="again", confirm=confirm, capture_method="manual")
    again = pay_again(begin(), asked, moment(60))

    assert again is not None
    assert again.attempt is not None
    assert again.attempt.operation is Operation.CANCEL


def test_who_asks_for_a_hold_while_a_charge_waits_for_its_payer_is_told_so() -> None:
    with pytest.raises(PaymentInProgress):
        pay_again(waiting(), order(capture_method="manual"), moment(60))


def test_who_asks_for_a_hold_of_what_is_charged_is_told_that_it_is() -> None:
    assert pay_again(paid(), order(capture_method="manual"), moment(60)) is None


def test_the_next_generation_begins_with_nothing_of_the_last_but_its_history() -> None:
    before = replace(
        canceled(), charge_id="ch_1", hold=held().hold, capturable_minor=1, look_at=at(9), looks=4
    )

    again = pay_again(before, order(OTHER_CARD, amount_minor=5_000), moment(60))

    assert again is not None
    assert (again.generation, again.intent_id, again.charge_id) == (2, None, None)
    assert (again.hold, again.capturable_minor, again.payment_method_id) == (None, 0, None)
    assert (again.cancellation_reason, again.look_at, again.looks) == (None, None, 0)
    assert (again.status, again.entered_at) == (State.REQUIRES_PAYMENT_METHOD, at(60))
    assert again.terms == terms(amount_minor=5_000)
    assert again.attempt is not None
    assert again.attempt.call.key == "pay_1-2-create"
    assert again.history[:-1] == before.history


# To refund


def test_a_refund_reserves_its_amount_before_stripe_is_asked() -> None:
    payment = begin_refund(paid(), "ref_1", 6_000, "duplicate", moment(60))

    (refund,) = payment.refunds
    assert (refund.id, refund.amount_minor, refund.reason) == ("ref_1", 6_000, "duplicate")
    assert (refund.status, refund.key) == (RefundStatus.ASKING, "pay_1-ref_1")
    assert (payment.refundable_minor, payment.refunded_minor) == (4_000, 0)
    assert payment.history[-1].what == "refund.begun"


def test_the_same_refund_again_is_the_same_refund() -> None:
    payment = begin_refund(paid(), "ref_1", 6_000, None, moment(60))

    assert begin_refund(payment, "ref_1", 6_000, None, moment(61)) is payment


def test_a_refund_without_an_amount_gives_back_all_that_is_left() -> None:
    payment = begin_refund(paid(), "ref_1", 6_000, None, moment(60))

    payment = begin_refund(payment, "ref_2", None, None, moment(61))

    assert [r.amount_minor for r in payment.refunds] == [6_000, 4_000]
    assert payment.refundable_minor == 0


@pytest.mark.parametrize(
    ("given_back", "amount", "message"),
    [
        (None, 10_001, "10001 was asked for and 10000 usd (minor units) is left to refund."),
        (6_000, 4_001, "4001 was asked for and 4000 usd (minor units) is left to refund."),
        (10_000, 1, "1 was asked for and 0 usd (minor units) is left to refund."),
        (10_000, None, "Something was asked for and 0 usd (minor units) is left to refund."),
    ],
)
def test_no_more_is_refunded_than_is_left(
    given_back: int | None, amount: int | None, message: str
) -> None:
    payment = paid()
    if given_back:
        payment = begin_refund(payment, "ref_1", given_back, None, moment(60))

    with pytest.raises(RefundExceedsRemaining) as no:
        begin_refund(payment, "ref_2", amount, None, moment(61))

    assert no.value.message == message
    assert no.value.details == {"payment": payment}


@pytest.mark.parametrize("begin", [created, declined, waiting, authorised, canceled])
def test_what_was_not_captured_is_not_refunded(begin: Callable[[], Payment]) -> None:
    payment = begin()

    with pytest.raises(PaymentNotRefundable) as refused:
        begin_refund(payment, "ref_1", 1, None, moment(60))

    assert refused.value.message == f"Nothing was captured: this payment is {payment.state}."


def test_a_payment_has_a_limited_number_of_refunds() -> None:
    payment = paid()
    for number in range(REFUNDS_MAX):
        payment = begin_refund(payment, f"ref_{number}", 1, None, moment(60))

    with pytest.raises(PaymentNotRefundable) as refused:
        begin_refund(payment, "ref_one_more", 1, None, moment(61))

    assert refused.value.message == "This payment has too many refunds."
    assert payment.refundable_minor == 10_000 - REFUNDS_MAX


# The document


def test_while_something_is_in_doubt_nobody_is_shown_more_than_asking() -> None:
    payment, _ = asked(declined(), 5)

    assert payment.state is State.REQUIRES_PAYMENT_METHOD  # a look has no effect, so no doubt
    assert heard(opened(), NoNews("lost"), 0).state is State.ASKING


def test_the_time_line_keeps_how_it_began_and_what_came_last() -> None:
    payment = opened()
    for number in range(HISTORY_MAX + 50):
        payment = noted(payment, f"line.{number}", moment(number))

    lines = [entry.what for entry in payment.history]
    assert len(lines) == HISTORY_MAX
    assert lines[: HISTORY_HEAD + 1] == [
        "create.begun",
        *(f"line.{n}" for n in range(HISTORY_HEAD - 1)),
        "line.70",
    ]
    assert lines[-1] == "line.249"
    assert payment.updated_at == at(249)


def test_a_failure_remembers_card_and_key_and_is_cleared_by_the_next_attempt() -> None:
    payment = declined(VISA, "old")

    failure = payment.failure
    assert failure is not None
    assert (failure.kind, failure.code, failure.decline_code) == (
        FailureKind.DECLINED,
        "card_declined",
        "generic_decline",
    )
    assert (failure.payment_method_id, failure.retry_key) == (VISA, "old")
    again = pay_again(payment, order(OTHER_CARD), moment(60))
    assert again is not None
    assert again.failure is None


def test_a_payment_that_nobody_owes_anything_sleeps() -> None:
    assert canceled().wake_at is None
    assert rejected().wake_at is None
    assert heard(opened(), Declined(DENIAL), 0).wake_at is None


def test_what_is_due_first_wakes_the_payment() -> None:
    payment = replace(declined(), refunds_look_at=at(3))

    assert declined().wake_at == at(5)
    assert payment.wake_at == at(3)
