"""What a payment was, read from its PaymentIntents and refunds at Stripe."""

from dataclasses import replace

import pytest

from payment_service.domain.payment import Payment, State
from payment_service.domain.refund import RefundStatus
from payment_service.domain.restoring import (
    ATTEMPTS_LEFT_OUT,
    MadeBy,
    foremost,
    gone_on,
    made_by,
    refund_of,
    restored,
    with_keys_left_out,
)
from tests.domain.papers import (
    at,
    call_of,
    canceled,
    created,
    declined,
    held,
    in_doubt,
    intent,
    moment,
    opened,
    paid,
    seen_refund,
    waiting,
)

JPY = {"currency": "jpy", "customer_id": "cus_9", "amount_minor": 500}


@pytest.mark.parametrize(
    ("key", "maker"),
    [
        ("pay_1-3-create", MadeBy("pay_1", 3)),
        ("pay-with-hyphens-12-create", MadeBy("pay-with-hyphens", 12)),
        ("pay_1-3-confirm", None),
        ("pay_1-three-create", None),
        ("-3-create", None),
        ("create", None),
        (None, None),
    ],
)
def test_who_made_a_payment_intent_is_read_from_its_key(
    key: str | None, maker: MadeBy | None
) -> None:
    assert made_by(intent("succeeded", key=key)) == maker


@pytest.mark.parametrize("status", ["succeeded", "canceled", "requires_capture", "processing"])
def test_a_lost_document_is_made_again_as_stripe_shows_it(status: str) -> None:
    seen = intent(status, key="pay_7-2-create", capture_method="manual", **JPY)

    payment = restored("ord_1", seen, at(0), moment(60))

    assert payment is not None
    assert (payment.id, payment.uid, payment.attempts_made) == ("ord_1", "pay_7", 2)
    assert (payment.state, payment.intent_id, payment.version) == (status, "pi_1", 0)
    assert (payment.created_at, payment.updated_at) == (at(0), at(60))
    terms = payment.terms
    assert (terms.amount_minor, terms.currency, terms.customer_id) == (500, "jpy", "cus_9")
    assert terms.capture_method == "manual"
    assert payment.history[0].what == "payment.restored"


def test_nothing_is_made_of_a_key_that_is_not_ours() -> None:
    assert restored("ord_1", intent("succeeded", key="odd"), at(0), moment()) is None


def later(payment: Payment, uid: str | None = None, attempt: int = 7) -> Payment:
    seen = intent("succeeded", id="pi_2", key=f"{uid or payment.uid}-{attempt}-create", **JPY)
    return gone_on(payment, seen, moment(60))


@pytest.mark.parametrize("payment", [declined(), canceled(), in_doubt(opened())])
def test_a_later_payment_intent_of_the_same_payment_is_gone_on_with(payment: Payment) -> None:
    after = later(payment)

    assert (after.state, after.intent_id, after.received_minor) == (
        State.SUCCEEDED,
        "pi_2",
        10_000,
    )
    assert (after.attempts_made, after.generation) == (7, payment.generation + 1)
    assert (after.attempt, after.failure) == (None, None)
    assert (after.terms.currency, after.terms.amount_minor) == ("jpy", 500)


def test_one_of_another_document_is_gone_on_with_unless_something_is_under_way() -> None:
    assert later(canceled(), "pay_other").uid == "pay_other"
    waiting = in_doubt(opened())
    assert later(waiting, "pay_other") is waiting


@pytest.mark.parametrize("payment", [created(), waiting(), paid(), held()])
@pytest.mark.parametrize("status", ["canceled", "requires_payment_method"])
def test_one_of_another_document_that_is_no_nearer_to_the_money_takes_no_place(
    payment: Payment, status: str
) -> None:
    """A staging clone's cancelled PaymentIntent says nothing of what this payer may still pay."""
    other = intent(status, id="pi_2", key="pay_other-1-create")

    assert gone_on(payment, other, moment(60)) is payment


def test_an_order_that_a_clone_has_paid_is_not_told_to_be_canceled() -> None:
    lost = intent("canceled", id="pi_1", key="pay_1-1-create")
    cancels = moment(order_status_canceled="CANCELLED")
    before = restored("ord_1", lost, at(0), cancels)
    assert before is not None
    assert [notice.status for notice in before.notices] == ["CANCELLED"]

    after = gone_on(before, intent("succeeded", id="pi_2", key="pay_other-1-create"), cancels)

    assert [(notice.status, str(notice.state)) for notice in after.notices] == [
        ("CANCELLED", "dropped"),
        ("PAYMENT RECEIVED", "owed"),
    ]


@pytest.mark.parametrize(
    ("newest_first", "counts"),
    [
        (["canceled", "succeeded"], "pi_1"),
        (["succeeded", "canceled"], "pi_0"),
        (["requires_payment_method", "requires_action"], "pi_1"),
        (["canceled", "canceled"], "pi_1"),
        (["requires_payment_method", "requires_capture", "processing"], "pi_1"),
        (["a_status_of_tomorrow", "canceled"], "pi_0"),
    ],
)
def test_of_several_under_one_key_the_one_nearest_to_the_money_counts_then_the_oldest(
    newest_first: list[str], counts: str
) -> None:
    copies = [intent(status, id=f"pi_{n}") for n, status in enumerate(newest_first)]

    assert foremost(copies).id == counts


@pytest.mark.parametrize("payment", [paid(), held()])
def test_what_has_or_holds_money_is_never_left_for_another(payment: Payment) -> None:
    assert later(payment) is payment
    assert later(payment, "pay_other") is payment


def test_an_older_one_the_same_one_and_one_that_is_not_ours_change_nothing() -> None:
    payment = canceled()
    same = intent("canceled", id=payment.intent_id, key="pay_1-9-create")
    mine = in_doubt(opened())
    its_own = intent("succeeded", key=call_of(mine).key)

    assert later(payment, attempt=payment.attempts_made) is payment
    assert gone_on(payment, same, moment()) is payment
    assert gone_on(payment, intent("succeeded", id="pi_2", key="odd"), moment()) is payment
    assert gone_on(mine, its_own, moment()) is mine


def test_keys_that_may_have_been_used_since_are_left_out() -> None:
    payment = paid()

    assert with_keys_left_out(payment, moment()).attempts_made == (
        payment.attempts_made + ATTEMPTS_LEFT_OUT
    )


def test_a_refund_of_ours_is_entered_under_our_reference_and_no_other() -> None:
    payment = paid()
    found = refund_of(payment, seen_refund("succeeded"))

    assert found is not None
    assert (found.id, found.key, found.stripe_refund_id) == ("ref_1", "pay_1-ref_1", "re_1")
    assert (found.status, found.amount_minor) == (RefundStatus.PENDING, 6_000)
    known = replace(payment, refunds=(found,))
    assert refund_of(known, seen_refund("succeeded")) is None
    assert refund_of(payment, seen_refund("succeeded", key=None)) is None
    assert refund_of(payment, seen_refund("succeeded", key="pay_2-ref_1")) is None
