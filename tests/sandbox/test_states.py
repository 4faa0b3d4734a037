"""Every state of a PaymentIntent against every action, as one table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sandbox.account import NO_REDIRECT, Account

INTENT = {"amount": 1000, "currency": "usd", **NO_REDIRECT}
CARD = {"payment_method": "pm_card_visa"}
CONFIRMED = {**INTENT, **CARD, "confirm": True}


def _requires_payment_method(account: Account) -> str:
    return account.made("/v1/payment_intents", INTENT)


def _requires_confirmation(account: Account) -> str:
    return account.made("/v1/payment_intents", {**INTENT, **CARD})


def _requires_action(account: Account) -> str:
    challenged = {**CONFIRMED, "payment_method": "pm_card_threeDSecure2Required"}
    return account.made("/v1/payment_intents", challenged)


def _requires_capture(account: Account) -> str:
    return account.made("/v1/payment_intents", {**CONFIRMED, "capture_method": "manual"})


def _succeeded(account: Account) -> str:
    return account.made("/v1/payment_intents", CONFIRMED)


def _canceled(account: Account) -> str:
    made = _requires_payment_method(account)
    return account.made(f"/v1/payment_intents/{made}/cancel")


STATES: dict[str, Callable[[Account], str]] = {
    "requires_payment_method": _requires_payment_method,
    "requires_confirmation": _requires_confirmation,
    "requires_action": _requires_action,
    "requires_capture": _requires_capture,
    "succeeded": _succeeded,
    "canceled": _canceled,
}
# State -> status after confirm, capture, cancel, update of the amount, refund; None is a refusal.
TABLE = {
    "requires_payment_method": ("succeeded", None, "canceled", "requires_payment_method", None),
    "requires_confirmation": ("succeeded", None, "canceled", "requires_confirmation", None),
    "requires_action": ("succeeded", None, "canceled", "requires_action", None),
    "requires_capture": (None, "succeeded", "canceled", None, None),
    "succeeded": (None, None, None, None, "succeeded"),
    "canceled": (None, None, None, None, None),
}
ACTIONS = ("confirm", "capture", "cancel", "update", "refund")
CASES = [
    (state, action, after)
    for state, row in TABLE.items()
    for action, after in zip(ACTIONS, row, strict=True)
]


@pytest.mark.parametrize(("state", "action", "after"), CASES)
def test_each_state_allows_its_own_actions(state: str, action: str, after: str | None) -> None:
    account = Account()
    made = STATES[state](account)
    before = account.books()
    events_before = len(account.engine.events)

    if action == "refund":
        answer = account.post("/v1/refunds", {"payment_intent": made})
    elif action == "update":
        answer = account.post(f"/v1/payment_intents/{made}", {"amount": 2000})
    else:
        parameters = CARD if action == "confirm" else None
        answer = account.post(f"/v1/payment_intents/{made}/{action}", parameters)

    status = account.get(f"/v1/payment_intents/{made}").body["status"]
    if after is None:
        assert answer.status == 400
        assert (status, account.books()) == (state, before)
        assert len(account.engine.events) == events_before
    else:
        assert (answer.status, status) == (200, after)


@pytest.mark.parametrize(
    ("state", "action", "message"),
    [
        (
            "succeeded",
            "confirm",
            (
                "You cannot confirm this PaymentIntent because it has already succeeded after "
                "being "
                "previously confirmed."
            ),
        ),
        (
            "requires_payment_method",
            "confirm",
            (
                "You cannot confirm this PaymentIntent because it's missing a payment method. "
                "You can "
                "either update the PaymentIntent with a payment method and then confirm it "
                "again, or "
                "confirm it again directly with a payment method or ConfirmationToken."
            ),
        ),
        (
            "requires_confirmation",
            "capture",
            (
                "This PaymentIntent could not be captured because it has a status of "
                "requires_confirmation. Only a PaymentIntent with one of the following "
                "statuses may be "
                "captured: requires_capture."
            ),
        ),
        (
            "succeeded",
            "capture",
            "This PaymentIntent could not be captured because it has already been captured.",
        ),
        (
            "succeeded",
            "cancel",
            (
                "You cannot cancel this PaymentIntent because it has a status of succeeded. Only a "
                "PaymentIntent with one of the following statuses may be canceled: "
                "requires_payment_method, requires_capture, requires_reauthorization, "
                "requires_confirmation, requires_action, expired, processing."
            ),
        ),
    ],
)
def test_a_wrong_state_is_refused_in_stripes_words(state: str, action: str, message: str) -> None:
    account = Account()
    made = STATES[state](account)

    answer = account.post(f"/v1/payment_intents/{made}/{action}")

    assert answer.status == 400
    assert answer.error["code"] == "payment_intent_unexpected_state"
    assert answer.error["message"] == message
    assert answer.error["payment_intent"] == account.get(f"/v1/payment_intents/{made}").body
    assert list(answer.error) == sorted(answer.error)


def test_the_amount_of_a_settled_intent_is_refused_by_name() -> None:
    account = Account()
    made = _succeeded(account)

    answer = account.post(f"/v1/payment_intents/{made}", {"amount": 2000})

    assert (answer.status, answer.error["param"]) == (400, "amount")
    assert answer.error["message"] == (
        "This PaymentIntent's amount could not be updated because it has a status of succeeded. "
        "You may only update the amount of a PaymentIntent with one of the following statuses: "
        "requires_payment_method, requires_confirmation, requires_action."
    )


def test_description_and_metadata_stay_writable() -> None:
    account = Account()
    made = _succeeded(account)

    answer = account.post(
        f"/v1/payment_intents/{made}", {"description": "late", "metadata": {"order": "7"}}
    )

    assert (answer.body["description"], answer.body["metadata"]) == ("late", {"order": "7"})


def test_duplicate_confirms_charge_once() -> None:
    account = Account()
    made = _requires_confirmation(account)

    statuses = [account.post(f"/v1/payment_intents/{made}/confirm").status for _ in range(3)]

    assert statuses == [200, 400, 400]
    assert len(account.books()["payment_intents"][0]["charges"]) == 1


def test_a_cancelled_intent_says_when_and_why() -> None:
    account = Account()
    made = _requires_capture(account)

    answer = account.post(
        f"/v1/payment_intents/{made}/cancel", {"cancellation_reason": "abandoned"}
    )

    assert answer.body["canceled_at"] == int(account.now)
    assert answer.body["cancellation_reason"] == "abandoned"
    assert answer.body["amount_capturable"] == 0


def test_only_four_reasons_are_known() -> None:
    account = Account()
    made = _requires_payment_method(account)

    answer = account.post(f"/v1/payment_intents/{made}/cancel", {"cancellation_reason": "bored"})

    assert answer.error["message"] == (
        "Invalid cancellation_reason: must be one of duplicate, fraudulent, "
        "requested_by_customer, or abandoned"
    )
    assert account.books()["payment_intents"][0]["status"] == "requires_payment_method"
