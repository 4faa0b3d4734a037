"""What is asked of Stripe is what was agreed: to the letter, in whatever currency."""

from dataclasses import replace

from payment_service.domain import corridor
from payment_service.domain.news import NoNews
from payment_service.domain.payment import Order, Payment, Terms
from payment_service.domain.steps import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    CreateRefund,
    FindIntent,
    PaymentStep,
)
from payment_service.domain.wishes import (
    begin_refund,
    cancel_payment,
    capture_payment,
    open_payment,
    pay_again,
)
from tests.domain.papers import (
    OTHER_CARD,
    VISA,
    asked,
    at,
    declined,
    heard,
    held,
    moment,
    order,
    paid,
)

AGREED = Terms(
    amount_minor=500,
    currency="jpy",
    customer_id="cus_7",
    capture_method="manual",
    return_url="https://shop.example/back",
    description="Two tickets",
    metadata={"cart": "42"},
    off_session=True,
)
ORDER = Order("ord_7", AGREED, VISA, "req_7")


def first_step() -> CreateIntent:
    """Return what is asked first for the order."""
    _, step = asked(open_payment(ORDER, "pay_7", moment()), 0)
    assert isinstance(step, CreateIntent)
    return step


def next_step(payment: Payment | None, seconds: float) -> PaymentStep | None:
    """Return what is due then."""
    assert payment is not None
    return corridor.next_step(payment, moment(seconds))


def test_a_charge_is_asked_for_on_all_the_terms_of_its_order() -> None:
    assert first_step() == CreateIntent(
        key="pay_7-1-create",
        order_id="ord_7",
        amount_minor=500,
        currency="jpy",
        confirm=True,
        customer_id="cus_7",
        payment_method_id=VISA,
        capture_method="manual",
        return_url="https://shop.example/back",
        description="Two tickets",
        metadata={"cart": "42"},
        request_id="req_7",
        attempt=1,
        off_session=True,
    )


def test_the_second_try_asks_the_same_to_the_letter() -> None:
    """Stripe refuses a key whose request changed, and a charge on other terms is another one."""
    doubted = heard(open_payment(ORDER, "pay_7", moment()), NoNews("lost"), 0)
    looking, look = asked(doubted, 0)
    assert isinstance(look, FindIntent)
    assert looking.attempt is not None
    seen_nothing = replace(looking.attempt.call, in_flight=False, looks=1, due_at=at(1))

    again = next_step(replace(looking, attempt=replace(looking.attempt, call=seen_nothing)), 1)

    assert again == replace(first_step(), attempt=2)


def test_a_charge_in_doubt_is_looked_for_among_its_own_customers() -> None:
    doubted = heard(open_payment(ORDER, "pay_7", moment()), NoNews("lost"), 3)

    _, look = asked(doubted, 3)

    assert isinstance(look, FindIntent)
    assert (look.key, look.order_id, look.customer_id) == ("pay_7-1-create", "ord_7", "cus_7")
    assert (look.since, look.until) == (at(0), at(3))


def test_a_confirmation_is_asked_for_with_the_card_and_in_the_way_of_this_request() -> None:
    again = pay_again(
        declined(),
        order(OTHER_CARD, off_session=True, return_url="https://shop.example/other"),
        moment(60),
    )

    assert next_step(again, 60) == ConfirmIntent(
        key="pay_1-2-confirm",
        order_id="ord_1",
        intent_id="pi_1",
        payment_method_id=OTHER_CARD,
        return_url="https://shop.example/other",
        attempt=1,
        off_session=True,
    )


def test_a_part_of_a_hold_is_asked_for_and_not_all_of_it() -> None:
    begun = capture_payment(held(), 299, "req_2", moment(60))

    assert next_step(begun, 60) == CaptureIntent("pay_1-2-capture", "ord_1", "pi_1", 299, 1)


def test_a_cancellation_gives_the_callers_reason() -> None:
    begun = cancel_payment(held(), "requested_by_customer", "req_2", moment(60))

    assert next_step(begun, 60) == CancelIntent(
        "pay_1-2-cancel", "ord_1", "pi_1", "requested_by_customer", 1
    )


def test_a_refund_is_asked_for_with_its_own_amount_reason_and_key() -> None:
    told = replace(paid(), notices=())
    begun = begin_refund(told, "ref_1", 299, "duplicate", moment(60), request_id="req_2")

    assert next_step(begun, 60) == CreateRefund(
        key="pay_1-ref_1",
        order_id="ord_1",
        refund_id="ref_1",
        intent_id="pi_1",
        amount_minor=299,
        reason="duplicate",
        attempt=1,
        request_id="req_2",
    )
