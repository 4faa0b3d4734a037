"""Payments and customers as values, walked by their own rules to where a test begins."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from payment_service.domain import corridor
from payment_service.domain.call import Call
from payment_service.domain.customer import Customer
from payment_service.domain.moment import Door, Moment, Policy
from payment_service.domain.news import (
    Declined,
    Denial,
    Intent,
    IntentSeen,
    News,
    NoNews,
    NothingFound,
    SeenRefund,
)
from payment_service.domain.payment import Order, Payment, Terms
from payment_service.domain.steps import PaymentStep
from payment_service.domain.wishes import capture_payment, open_payment, pay_again

T0: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
VISA, OTHER_CARD = "pm_visa", "pm_other"
DENIAL: Final = Denial("card_declined", "Your card was declined.", "generic_decline")
REFUSAL: Final = Denial("parameter_invalid", "No.", param="currency")


def at(seconds: float) -> datetime:
    """Return the time this many seconds after the payment was asked for."""
    return T0 + timedelta(seconds=seconds)


def moment(seconds: float = 0, *, door: Door = Door.REQUEST, **policy: Any) -> Moment:
    """Return a moment, under the default policy unless told otherwise."""
    return Moment(now=at(seconds), door=door, policy=Policy(**policy))


def terms(**changed: Any) -> Terms:
    """Return terms over 100 dollars."""
    return replace(Terms(amount_minor=10_000, currency="usd", customer_id="cus_1"), **changed)


def order(
    payment_method_id: str | None = VISA, retry_key: str | None = None, **changed: Any
) -> Order:
    """Return a request to pay the order with a card; without one it is only to be created."""
    changed = {"confirm": payment_method_id is not None, **changed}
    return Order("ord_1", terms(**changed), payment_method_id, "req_1", retry_key)


def intent(status: str, **changed: Any) -> Intent:
    """Return the PaymentIntent of the order as Stripe would show it in this status."""
    seen = Intent(
        id="pi_1",
        status=status,
        amount_minor=10_000,
        amount_received_minor=10_000 if status == "succeeded" else 0,
        charge_id="ch_1" if status == "succeeded" else None,
        payment_method_id=None if status == "requires_payment_method" else VISA,
    )
    return replace(seen, **changed)


def seen_refund(status: str, **changed: Any) -> SeenRefund:
    """Return the refund `ref_1` over 60 dollars as Stripe would show it."""
    shown = SeenRefund("re_1", status, 6_000, "pay_1-ref_1", T0)
    return replace(shown, **changed)


def opened(**changed: Any) -> Payment:
    """Return a payment that was just asked for."""
    return open_payment(order(**changed), "pay_1", moment())


def asked(payment: Payment, seconds: float, **policy: Any) -> tuple[Payment, PaymentStep]:
    """Return the payment with its next step written ahead, and the step. There must be one."""
    now = moment(seconds, **policy)
    step = corridor.next_step(payment, now)
    assert step is not None
    return corridor.asking(payment, step, now), step


def heard(payment: Payment, news: News, seconds: float, **policy: Any) -> Payment:
    """Return the payment after its next step brought this news at once."""
    payment, step = asked(payment, seconds, **policy)
    return corridor.decide(payment, step, news, moment(seconds, **policy))


def created() -> Payment:
    """Return a payment without a card: the PaymentIntent is there and waits for one."""
    return heard(opened(payment_method_id=None), IntentSeen(intent("requires_payment_method")), 0)


def chosen() -> Payment:
    """Return a payment whose card is chosen and not confirmed."""
    return heard(opened(confirm=False), IntentSeen(intent("requires_confirmation")), 0)


def declined(card: str | None = VISA, retry_key: str | None = None) -> Payment:
    """Return a payment whose card was refused; the PaymentIntent is kept."""
    kept = intent("requires_payment_method", charge_id="ch_declined")
    return heard(opened(payment_method_id=card, retry_key=retry_key), Declined(DENIAL, kept), 0)


def waiting() -> Payment:
    """Return a payment that waits for the payer's bank."""
    return heard(opened(), IntentSeen(intent("requires_action")), 0)


def paid() -> Payment:
    """Return a payment that took the money; the OrderService is still to be told."""
    return heard(opened(), IntentSeen(intent("succeeded")), 0)


def canceled() -> Payment:
    """Return a payment whose PaymentIntent was cancelled by somebody else."""
    return heard(waiting(), IntentSeen(intent("canceled", cancellation_reason="abandoned")), 5)


def in_doubt(payment: Payment, seconds: float = 0) -> Payment:
    """Return the payment after a try whose answer was lost, and a look that found nothing."""
    payment = heard(payment, NoNews("lost"), seconds)
    if payment.intent_id is None:
        return heard(payment, NothingFound(), seconds)
    assert payment.attempt is not None
    unmoved = intent("requires_payment_method", charge_id=payment.attempt.charge_before)
    return heard(payment, IntentSeen(unmoved), seconds)


def confirming() -> Payment:
    """Return a payment that is to be confirmed with another card, begun after a minute."""
    begun = pay_again(declined(), order(OTHER_CARD), moment(60))
    assert begun is not None
    return begun


def cancelling() -> Payment:
    """Return a payment that is to be cancelled for other terms, begun after a minute."""
    begun = pay_again(declined(), order(amount_minor=5_000), moment(60))
    assert begun is not None
    return begun


def held(capture_before_s: float = 604_800, **policy: Any) -> Payment:
    """Return a payment whose money is held, and lapses a week after."""
    return heard(
        opened(capture_method="manual"), IntentSeen(on_hold(capture_before_s)), 0, **policy
    )


def on_hold(capture_before_s: float = 604_800) -> Intent:
    """Return the PaymentIntent with its money held."""
    capture_before = at(capture_before_s)
    return intent(
        "requires_capture",
        charge_id="ch_1",
        amount_capturable_minor=10_000,
        capture_before=capture_before,
    )


def capturing(amount_minor: int | None = None, seconds: float = 60) -> Payment:
    """Return a payment whose hold is to be captured, begun after a minute."""
    begun = capture_payment(held(), amount_minor, "req_2", moment(seconds))
    assert begun is not None
    return begun


def call_of(payment: Payment) -> Call:
    """Return the call of the payment's attempt. There must be one."""
    assert payment.attempt is not None
    return payment.attempt.call


def with_email(customer: Customer) -> Customer:
    """Return the customer once it has the e-mail that it wants."""
    return replace(
        customer,
        held_email=customer.next_email,
        next_email=None,
        email_due_at=None,
        is_founding=False,
    )
