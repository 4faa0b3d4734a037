"""Stripe's objects as our values: what they name, whose they are, and never a client secret."""

from datetime import UTC, datetime
from typing import Any

import pytest

from payment_service.adapters.stripe.events import event_of
from payment_service.adapters.stripe.objects import (
    card_of,
    customer_of,
    denial_of,
    dispute_of,
    fraud_warning_of,
    intent_of,
    named_by,
    refund_of,
    setup_of,
)
from payment_service.domain.news import (
    ChargeOutcome,
    Denial,
    SeenDispute,
    SeenEvent,
    SeenFraudWarning,
    SeenRefund,
    SeenSetup,
)

MADE_S = 1_795_338_000
MADE = datetime.fromtimestamp(MADE_S, UTC)
MARKS = {"service": "payment-service", "order_id": "ord_1", "idempotency_key": "key-1"}
SECRET = "x_secret_y"


def thing(kind: str, id: str, **fields: Any) -> dict[str, Any]:
    return {"id": id, "object": kind, "created": MADE_S, "client_secret": SECRET, **fields}


INTENT = thing(
    "payment_intent",
    "pi_1",
    status="requires_capture",
    amount=10_000,
    amount_capturable=10_000,
    customer="cus_1",
    metadata=MARKS,
    latest_charge={
        "id": "ch_1",
        "payment_method_details": {"card": {"capture_before": MADE_S + 60}},
    },
)
CHARGE = thing("charge", "ch_1", payment_intent="pi_1", customer="cus_1", metadata=MARKS)
REFUND = thing("refund", "re_1", status="pending", payment_intent="pi_1", metadata={}, amount=1)
DISPUTE = thing(
    "dispute",
    "du_1",
    status="needs_response",
    payment_intent="pi_1",
    amount=5,
    currency="usd",
    reason="fraudulent",
    metadata={},
)
WARNING = thing("radar.early_fraud_warning", "issfr_1", payment_intent="pi_1")
SETUP = thing("setup_intent", "seti_1", status="succeeded", customer="cus_1", metadata=MARKS)
METHOD = thing("payment_method", "pm_1", customer="cus_1")
CUSTOMER = thing("customer", "cus_1", metadata={})

Named = tuple[str | None, str | None, str | None, str | None]
# The object -> its intent, customer, payment method and order.
NAMES: list[tuple[dict[str, Any], Named]] = [
    (INTENT, ("pi_1", "cus_1", None, "ord_1")),
    (CHARGE, ("pi_1", "cus_1", None, "ord_1")),
    (REFUND, ("pi_1", None, None, None)),
    (DISPUTE, ("pi_1", None, None, None)),
    (WARNING, ("pi_1", None, None, None)),
    (SETUP, (None, "cus_1", None, "ord_1")),
    (METHOD, (None, "cus_1", "pm_1", None)),
    (CUSTOMER, (None, "cus_1", None, None)),
]


def event(about: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "id": "evt_1",
        "type": f"{about['object']}.updated",
        "created": MADE_S,
        "livemode": False,
        "data": {"object": about},
        **fields,
    }


@pytest.mark.parametrize(("about", "names"), NAMES)
def test_an_event_says_what_it_is_about_and_whose_that_is(
    about: dict[str, Any], names: Named
) -> None:
    seen = event_of(event(about))

    assert (seen.id, seen.object_id, seen.happened_at) == ("evt_1", about["id"], MADE)
    assert (seen.intent_id, seen.customer_id, seen.payment_method_id, seen.order_id) == names
    assert seen.status == about.get("status")


@pytest.mark.parametrize("about", [about for about, _ in NAMES])
def test_neither_an_event_nor_an_object_brings_a_client_secret_along(about: dict[str, Any]) -> None:
    for seen in (event_of(event(about)), named_by(about, type="x.swept")):
        fields = [getattr(seen, name) for name in SeenEvent.__slots__]
        assert SECRET not in repr(fields)


def test_an_object_that_was_expanded_is_known_by_its_id() -> None:
    about = REFUND | {"payment_intent": INTENT, "customer": CUSTOMER}

    seen = event_of(event(about))

    assert (seen.intent_id, seen.customer_id) == ("pi_1", "cus_1")


def test_a_card_that_was_detached_tells_whose_it_was() -> None:
    about = METHOD | {"customer": None}
    body = event(about, data={"object": about, "previous_attributes": {"customer": "cus_1"}})

    assert event_of(body).customer_id == "cus_1"
    assert event_of(event(about)).customer_id is None


def test_only_of_a_card_is_it_told_whose_it_was() -> None:
    about = INTENT | {"customer": None}
    body = event(about, data={"object": about, "previous_attributes": {"customer": "cus_1"}})

    assert event_of(body).customer_id is None


def test_a_status_that_is_no_word_and_an_object_without_an_id_are_taken_as_they_are() -> None:
    balance = {"object": "balance", "status": {"a": 1}, "created": MADE_S}

    seen = event_of(event(balance))

    assert (seen.object_id, seen.status, seen.service) == ("", None, None)


def test_an_object_of_a_sweep_is_as_if_an_event_were_about_it() -> None:
    seen = named_by(INTENT | {"livemode": True}, type="payment_intent.swept")

    assert seen == SeenEvent(
        id="payment_intent.swept:pi_1",
        type="payment_intent.swept",
        happened_at=MADE,
        livemode=True,
        object_id="pi_1",
        status="requires_capture",
        service="payment-service",
        order_id="ord_1",
        intent_id="pi_1",
        customer_id="cus_1",
    )


# The things themselves


def test_a_hold_says_how_much_and_until_when() -> None:
    seen = intent_of(INTENT)

    assert (seen.amount_capturable_minor, seen.capture_before, seen.charge_id) == (
        10_000,
        datetime.fromtimestamp(MADE_S + 60, UTC),
        "ch_1",
    )
    assert (seen.service, seen.order_id, seen.key) == ("payment-service", "ord_1", "key-1")


@pytest.mark.parametrize(
    "charge",
    [
        None,
        "ch_1",
        {"id": "ch_1"},
        {"id": "ch_1", "payment_method_details": None},
        {"id": "ch_1", "payment_method_details": {"card": None}},
        {"id": "ch_1", "payment_method_details": {"link": {}}},
        {"id": "ch_1", "payment_method_details": {"card": {"capture_before": None}}},
    ],
)
def test_what_holds_nothing_has_no_such_time(charge: Any) -> None:
    assert intent_of(INTENT | {"latest_charge": charge}).capture_before is None


def test_the_secret_of_an_intent_is_passed_on_and_never_shown() -> None:
    intent, setup = intent_of(INTENT), setup_of(SETUP | {"payment_method": METHOD})

    assert (intent.client_secret, setup.client_secret) == (SECRET, SECRET)
    assert SECRET not in repr(intent) + repr(setup)
    assert setup == SeenSetup("seti_1", "succeeded", "pm_1", SECRET)


def test_an_intent_without_marks_is_somebody_else_s() -> None:
    for unmarked in (INTENT | {"metadata": None}, INTENT | {"metadata": {}}):
        seen = intent_of(unmarked)
        assert (seen.service, seen.order_id, seen.key) == (None, None, None)


def test_a_dispute_and_a_fraud_warning() -> None:
    due = DISPUTE | {"evidence_details": {"due_by": MADE_S + 60}, "is_charge_refundable": True}

    assert dispute_of(DISPUTE) == SeenDispute(
        "du_1", 5, "usd", "fraudulent", "needs_response", MADE
    )
    assert dispute_of(due).evidence_due_at == datetime.fromtimestamp(MADE_S + 60, UTC)
    assert dispute_of(due).refundable is True
    warned = WARNING | {"fraud_type": "misc", "actionable": True}
    assert fraud_warning_of(warned) == SeenFraudWarning("issfr_1", "misc", True, MADE)  # noqa: FBT003


@pytest.mark.parametrize(
    ("body", "denial"),
    [
        ({}, Denial("unknown", "Stripe gave no reason.")),
        ({"type": "api_error"}, Denial("api_error", "Stripe gave no reason.")),
        (
            {"code": "c", "message": "m", "decline_code": "d", "param": "p"},
            Denial("c", "m", "d", "p"),
        ),
        (
            {
                "code": "c",
                "message": "m",
                "advice_code": "do_not_try_again",
                "network_advice_code": "03",
                "network_decline_code": "43",
                "charge": "ch_1",
            },
            Denial(
                "c",
                "m",
                advice_code="do_not_try_again",
                network_advice_code="03",
                network_decline_code="43",
                charge_id="ch_1",
            ),
        ),
        (
            {
                "code": 5,
                "message": ["m"],
                "decline_code": {},
                "param": True,
                "advice_code": "\ud800",
            },
            Denial("unknown", "Stripe gave no reason."),
        ),
        ({"code": "c" * 256, "message": "m" * 1_001}, Denial("unknown", "Stripe gave no reason.")),
    ],
)
def test_a_refusal_says_what_stripe_said(body: dict[str, Any], denial: Denial) -> None:
    assert denial_of(body) == denial


OUTCOME = {
    "type": "blocked",
    "risk_level": "highest",
    "reason": "rule",
    "seller_message": "Blocked.",
    "network_status": "not_sent_to_network",
    "rule": {"id": "rule_1", "predicate": "secret"},
    "risk_score": 99,
}
SEEN_OUTCOME = ChargeOutcome(
    "blocked", "highest", "rule", "Blocked.", "not_sent_to_network", "rule_1"
)


def refused_charge(**error: Any) -> dict[str, Any]:
    charge = {"id": "ch_1", "object": "charge", "outcome": OUTCOME}
    return INTENT | {"latest_charge": charge, "last_payment_error": {"code": "c", **error}}


def test_the_outcome_of_a_charge_is_told_of_the_refusal_that_it_belongs_to() -> None:
    its_own, anothers = refused_charge(charge="ch_1"), refused_charge(charge="ch_0")

    seen, other = intent_of(its_own), intent_of(anothers)

    assert seen.last_error is not None
    assert other.last_error is not None
    assert seen.charge_outcome == seen.last_error.charge_outcome == SEEN_OUTCOME
    assert (other.charge_outcome, other.last_error.charge_outcome) == (SEEN_OUTCOME, None)
    assert denial_of({"charge": "ch_1", "payment_intent": its_own}).charge_outcome == SEEN_OUTCOME


@pytest.mark.parametrize("outcome", [None, [], "blocked", 5])
def test_an_outcome_that_is_none_is_left_out(outcome: Any) -> None:
    charge = {"id": "ch_1", "outcome": outcome}

    assert intent_of(INTENT | {"latest_charge": charge}).charge_outcome is None


WRONG = [1.5, True, [1], {"x": 1}, "\ud800"]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    ("read", "body", "names"),
    [
        (intent_of, INTENT, ("id", "status", "amount", "currency", "customer", "capture_method")),
        (refund_of, REFUND, ("id", "status", "amount", "reason", "failure_reason", "created")),
        (dispute_of, DISPUTE, ("id", "amount", "currency", "reason", "status", "created")),
        (fraud_warning_of, WARNING, ("id", "fraud_type", "created")),
        (setup_of, SETUP, ("id", "status", "payment_method")),
    ],
)
def test_what_could_not_be_read_again_is_doubt_and_is_not_written_down(
    read: Any, body: dict[str, Any], names: tuple[str, ...], wrong: Any
) -> None:
    for name in names:
        with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
            read(body | {name: wrong})


def test_what_was_taken_is_what_stripe_received_and_not_what_was_authorised() -> None:
    captured = INTENT | {"status": "succeeded", "amount_received": 299, "amount_capturable": 0}

    seen = intent_of(captured)

    assert (seen.amount_minor, seen.amount_received_minor, seen.amount_capturable_minor) == (
        10_000,
        299,
        0,
    )


def test_a_refund_shows_how_much_of_its_charge_was_given_back() -> None:
    part = REFUND | {"amount": 299, "metadata": MARKS, "reason": "duplicate"}

    assert refund_of(part) == SeenRefund(
        id=REFUND["id"],
        status=REFUND["status"],
        amount_minor=299,
        key="key-1",
        created_at=MADE,
        reason="duplicate",
        failure_reason=None,
    )


def test_why_a_refund_failed() -> None:
    seen = refund_of(REFUND | {"status": "failed", "failure_reason": "declined"})

    assert (seen.status, seen.failure_reason, seen.key) == ("failed", "declined", None)


def test_a_customer_s_cards_come_oldest_first() -> None:
    def card(id: str) -> dict[str, Any]:
        its = {"brand": "visa", "last4": "4242", "exp_month": 1, "exp_year": 2030}
        return METHOD | {"id": id, "card": its}

    seen = customer_of(CUSTOMER, [card("pm_2"), card("pm_1")])

    assert [c.payment_method_id for c in seen.cards] == ["pm_1", "pm_2"]
    assert card_of(card("pm_1")).fingerprint is None


def test_a_time_that_no_clock_shows_is_another_shape_too() -> None:
    for seconds in (10**20, -(10**20), float("inf")):
        with pytest.raises(ValueError, match="no time"):
            refund_of(REFUND | {"created": seconds})


@pytest.mark.parametrize("read", [intent_of, refund_of, dispute_of, setup_of, card_of, event_of])
def test_what_is_of_another_shape_raises_what_the_gateway_takes_for_doubt(read: Any) -> None:
    for body in ({}, {"id": None}, {"id": "x", "data": 1}):
        with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
            read(body)
