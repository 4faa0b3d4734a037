"""What a caller may begin besides paying: to confirm, to capture, to cancel. See also refunds."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from payment_service.domain import corridor
from payment_service.domain.errors import (
    CaptureExceedsHold,
    HoldExpired,
    InvalidRequest,
    OrderAlreadyPaid,
    PaymentCanceled,
    PaymentInProgress,
    PaymentNotCancelable,
    PaymentNotCapturable,
    Refusal,
)
from payment_service.domain.news import Declined, Denial, IntentSeen, Rejected
from payment_service.domain.payment import Attempt, Operation, Payment, State
from payment_service.domain.steps import CancelIntent, CaptureIntent, ConfirmIntent, CreateIntent
from payment_service.domain.wishes import (
    AUTHENTICATION_REQUIRED,
    cancel_payment,
    capture_payment,
    confirm_payment,
    pay_again,
)
from tests.domain.papers import (
    DENIAL,
    OTHER_CARD,
    REFUSAL,
    VISA,
    canceled,
    cancelling,
    capturing,
    chosen,
    confirming,
    created,
    declined,
    heard,
    held,
    intent,
    moment,
    opened,
    order,
    paid,
    waiting,
)

NOW = moment(60)


def at_the_bank() -> Payment:
    return heard(opened(), IntentSeen(intent("processing")), 0)


def refused() -> Payment:
    return heard(opened(confirm=False), Rejected(REFUSAL), 0)


def begun(payment: Payment | None) -> tuple[Payment, Attempt]:
    assert payment is not None
    assert payment.attempt is not None
    return payment, payment.attempt


# Confirming


@pytest.mark.parametrize(
    ("begin", "card", "confirmed_with"),
    [
        (created, VISA, VISA),
        (chosen, None, VISA),
        (chosen, OTHER_CARD, OTHER_CARD),
        (declined, OTHER_CARD, OTHER_CARD),
        (waiting, OTHER_CARD, OTHER_CARD),
    ],
)
def test_a_card_confirms_the_payment_intent_that_is_there(
    begin: Callable[[], Payment], card: str | None, confirmed_with: str
) -> None:
    payment, attempt = begun(confirm_payment(begin(), order(card, retry_key="again"), NOW))

    assert (attempt.operation, attempt.retry_key) == (Operation.CONFIRM, "again")
    assert corridor.next_step(payment, NOW) == ConfirmIntent(
        "pay_1-2-confirm", "ord_1", "pi_1", confirmed_with, None
    )


@pytest.mark.parametrize(
    "begin", [paid, held, at_the_bank, opened, waiting, cancelling, confirming]
)
def test_there_is_nothing_to_confirm_when_it_is_confirmed_or_being_worked_on(
    begin: Callable[[], Payment],
) -> None:
    assert confirm_payment(begin(), order(None), NOW) is None


@pytest.mark.parametrize(
    ("begin", "error"),
    [(paid, OrderAlreadyPaid), (held, PaymentInProgress), (at_the_bank, PaymentInProgress)],
)
def test_another_card_than_the_one_that_is_charged_is_no_confirmation(
    begin: Callable[[], Payment], error: type[Refusal]
) -> None:
    with pytest.raises(error):
        confirm_payment(begin(), order(OTHER_CARD), NOW)
    assert confirm_payment(begin(), order(VISA), NOW) is None


def test_the_card_that_waits_for_its_holder_is_not_confirmed_a_second_time() -> None:
    assert confirm_payment(waiting(), order(VISA), NOW) is None


def test_a_canceled_payment_cannot_be_confirmed() -> None:
    with pytest.raises(PaymentCanceled) as refusal:
        confirm_payment(canceled(), order(OTHER_CARD), NOW)

    assert refusal.value.details == {"payment": canceled()}


def test_who_names_no_card_where_none_is_known_must_name_one() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        confirm_payment(created(), order(None), NOW)

    assert [bad.field for bad in refusal.value.fields] == ["paymentMethodId"]


def test_what_the_payer_s_client_has_tried_in_vain_is_the_answer() -> None:
    assert confirm_payment(declined(), order(None), NOW) is None
    # A new key says "again", and nobody has said with which card.
    assert confirm_payment(declined(), order(None, retry_key="second"), NOW) is None


def test_the_same_card_is_not_tried_again_without_a_new_key() -> None:
    payment = declined(retry_key="first")

    assert confirm_payment(payment, order(VISA, retry_key="first"), NOW) is None
    assert confirm_payment(payment, order(VISA), NOW) is None
    _, attempt = begun(confirm_payment(payment, order(VISA, retry_key="second"), NOW))
    assert attempt.payment_method_id == VISA


def test_one_that_never_came_to_stripe_is_created_and_confirmed() -> None:
    """It was to wait for the payer's client, and Stripe refused it then."""
    payment, _ = begun(confirm_payment(refused(), order(VISA), NOW))

    step = corridor.next_step(payment, NOW)
    assert isinstance(step, CreateIntent)
    assert (step.confirm, step.payment_method_id, step.key) == (True, VISA, "pay_1-2-create")


def test_a_card_is_charged_off_session_when_that_was_agreed() -> None:
    away = opened(off_session=True)
    again = heard(away, IntentSeen(intent("requires_payment_method", last_error=DENIAL)), 0)
    payment, _ = begun(confirm_payment(again, order(OTHER_CARD, off_session=True), NOW))

    steps = (corridor.next_step(away, moment()), corridor.next_step(payment, NOW))
    assert [getattr(step, "off_session", None) for step in steps] == [True, True]


# Capturing


@pytest.mark.parametrize("amount_minor", [None, 1, 10_000])
def test_what_is_held_is_captured_whole_or_in_part(amount_minor: int | None) -> None:
    payment, attempt = begun(capture_payment(held(), amount_minor, "req_2", NOW))

    assert (attempt.operation, attempt.request_id) == (Operation.CAPTURE, "req_2")
    assert corridor.next_step(payment, NOW) == CaptureIntent(
        "pay_1-2-capture", "ord_1", "pi_1", amount_minor
    )


def test_no_more_than_what_is_held_is_captured() -> None:
    with pytest.raises(CaptureExceedsHold) as refusal:
        capture_payment(held(), 10_001, "req_2", NOW)

    assert str(refusal.value) == "10001 was asked for and 10000 usd (minor units) is held."


@pytest.mark.parametrize("begin", [opened, cancelling])
def test_while_something_else_is_under_way_nothing_is_captured(
    begin: Callable[[], Payment],
) -> None:
    with pytest.raises(PaymentInProgress):
        capture_payment(begin(), None, "req_2", NOW)


@pytest.mark.parametrize("reason", ["automatic", "expired"])
def test_a_hold_that_has_lapsed_is_said_to_have(reason: str) -> None:
    lapsed = replace(held(), status=State.CANCELED, cancellation_reason=reason)

    with pytest.raises(HoldExpired):
        capture_payment(lapsed, None, "req_2", NOW)


@pytest.mark.parametrize("begin", [created, declined, waiting, at_the_bank, paid, canceled])
def test_where_nothing_is_held_nothing_is_captured(begin: Callable[[], Payment]) -> None:
    with pytest.raises(PaymentNotCapturable):
        capture_payment(begin(), None, "req_2", NOW)


def captured(received_minor: int = 10_000) -> Payment:
    seen = intent("succeeded", amount_received_minor=received_minor)
    return heard(capturing(), IntentSeen(seen), 60)


@pytest.mark.parametrize(
    ("taken_minor", "amount_minor"), [(4_000, 4_000), (10_000, None), (10_000, 10_000)]
)
def test_a_capture_that_is_done_is_not_begun_again(
    taken_minor: int, amount_minor: int | None
) -> None:
    assert capture_payment(captured(taken_minor), amount_minor, "req_3", NOW) is None


@pytest.mark.parametrize("amount_minor", [3_000, 10_000, None])
def test_a_capture_on_other_terms_than_the_one_that_is_done_is_refused(
    amount_minor: int | None,
) -> None:
    with pytest.raises(PaymentNotCapturable):
        capture_payment(captured(4_000), amount_minor, "req_3", NOW)


def test_a_capture_under_way_is_waited_for_and_another_one_refused() -> None:
    assert capture_payment(capturing(4_000), 4_000, "req_3", NOW) is None
    for amount_minor in (None, 3_999):
        with pytest.raises(PaymentInProgress):
            capture_payment(capturing(4_000), amount_minor, "req_3", NOW)


def test_what_was_captured_is_received_and_the_rest_of_the_hold_is_gone() -> None:
    payment = captured(4_000)

    assert (payment.state, payment.received_minor, payment.capturable_minor, payment.hold) == (
        State.SUCCEEDED,
        4_000,
        0,
        None,
    )
    assert payment.refundable_minor == 4_000


# Cancelling


@pytest.mark.parametrize("begin", [created, declined, chosen, waiting, held])
@pytest.mark.parametrize("reason", ["duplicate", None])
def test_what_is_not_captured_can_be_cancelled(
    begin: Callable[[], Payment], reason: str | None
) -> None:
    payment, attempt = begun(cancel_payment(begin(), reason, "req_2", NOW))

    assert (attempt.operation, attempt.reason) == (Operation.CANCEL, reason)
    assert corridor.next_step(payment, NOW) == CancelIntent(
        "pay_1-2-cancel", "ord_1", "pi_1", reason or "abandoned"
    )


@pytest.mark.parametrize("begin", [canceled, cancelling])
def test_what_is_canceled_or_being_so_stays_so(begin: Callable[[], Payment]) -> None:
    assert cancel_payment(begin(), "duplicate", "req_2", NOW) is None


@pytest.mark.parametrize(
    ("begin", "refusal"),
    [
        (paid, PaymentNotCancelable),
        (at_the_bank, PaymentNotCancelable),
        (opened, PaymentInProgress),
        (confirming, PaymentInProgress),
        (capturing, PaymentInProgress),
    ],
)
def test_what_succeeded_or_is_worked_on_is_not_cancelled(
    begin: Callable[[], Payment], refusal: type[Refusal]
) -> None:
    payment = begin()

    with pytest.raises(refusal) as refused:
        cancel_payment(payment, "duplicate", "req_2", NOW)

    assert refused.value.details == {"payment": payment}


def test_a_success_that_comes_before_the_cancellation_wins() -> None:
    payment, _ = begun(cancel_payment(waiting(), None, "req_2", NOW))

    payment = heard(payment, Rejected(REFUSAL, intent("succeeded")), 60)

    assert (payment.state, payment.received_minor, payment.failure) == (
        State.SUCCEEDED,
        10_000,
        None,
    )


def test_a_cancellation_is_told_to_the_orders_only_if_they_want_to_hear_it() -> None:
    payment, _ = begun(cancel_payment(held(), None, "req_2", NOW))
    news = IntentSeen(intent("canceled", cancellation_reason="duplicate"))

    silent = heard(payment, news, 60)
    loud = heard(payment, news, 60, order_status_canceled="CANCELED")

    assert (silent.notices, [n.status for n in loud.notices]) == ((), ["CANCELED"])
    assert replace(loud, notices=(), history=()) == replace(silent, history=())
    assert (silent.hold, silent.capturable_minor) == (None, 0)


# On and off session


def absent() -> Payment:
    """Return a payment whose absent payer's bank wanted to see the payer."""
    wants = Denial(AUTHENTICATION_REQUIRED, "Come and see us.", AUTHENTICATION_REQUIRED)
    kept = intent("requires_payment_method", last_error=wants)
    return heard(opened(off_session=True), Declined(wants, kept), 0)


def test_who_comes_back_on_session_confirms_the_card_that_wants_to_see_them() -> None:
    payment, attempt = begun(confirm_payment(absent(), order(None), NOW))

    step = corridor.next_step(payment, NOW)
    assert isinstance(step, ConfirmIntent)
    assert (attempt.payment_method_id, step.off_session) == (VISA, False)


def test_an_absent_payer_is_not_asked_for_twice_but_one_who_is_there_is() -> None:
    again_absent = order(VISA, off_session=True)

    assert pay_again(absent(), again_absent, NOW) is None
    assert pay_again(absent(), order(VISA), NOW) is not None


def test_the_way_back_may_be_another_one_this_time() -> None:
    home = "https://shop.test/home"

    payment, _ = begun(confirm_payment(declined(), order(OTHER_CARD, return_url=home), NOW))
    kept, _ = begun(pay_again(replace(declined(), terms=payment.terms), order(OTHER_CARD), NOW))

    for one in (payment, kept):
        step = corridor.next_step(one, NOW)
        assert isinstance(step, ConfirmIntent)
        assert step.return_url == home
