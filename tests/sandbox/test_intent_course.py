"""PaymentIntents that a bank works on, and those that are moved by hand."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine import Config
from stripe_sandbox.engine.errors import ApiError
from tests.sandbox.account import Account
from tests.sandbox.live import live

INTENTS = "/v1/payment_intents"


def slow_bank() -> Account:
    return Account(Config(processing_s=60.0))


def status_of(account: Account, intent_id: str) -> str:
    found: str = account.get(f"{INTENTS}/{intent_id}").body["status"]
    return found


def types(account: Account) -> list[str]:
    return [event["type"] for event in account.engine.events]


def test_a_slow_bank_leaves_a_payment_processing_and_then_takes_the_money() -> None:
    account = slow_bank()

    intent = account.pay().body
    early = status_of(account, intent["id"])
    account.now += 60

    assert (intent["status"], intent["amount_received"], early) == ("processing", 0, "processing")
    assert status_of(account, intent["id"]) == "succeeded"
    assert types(account)[:2] == ["payment_intent.created", "payment_intent.processing"]


def test_a_slow_bank_may_refuse_at_last() -> None:
    account = slow_bank()

    intent = account.pay(card="chargeDeclined").body
    account.now += 60
    after = account.get(f"{INTENTS}/{intent['id']}").body

    assert (intent["status"], after["status"]) == ("processing", "requires_payment_method")
    assert after["last_payment_error"]["code"] == "card_declined"


def test_a_slow_bank_works_on_what_was_authenticated_and_on_holds() -> None:
    account = slow_bank()
    asked = account.pay(card="authenticationRequired", capture_method="manual").body

    account.engine.authenticate(asked["id"], passed=True, now=account.now)
    between = status_of(account, asked["id"])
    account.now += 60

    assert (asked["status"], between) == ("requires_action", "processing")
    assert status_of(account, asked["id"]) == "requires_capture"


def test_what_was_cancelled_meanwhile_stays_so() -> None:
    account = slow_bank()
    intent = account.pay().body

    account.post(f"{INTENTS}/{intent['id']}/cancel")
    account.now += 60

    assert status_of(account, intent["id"]) == "canceled"
    assert account.books()["payment_intents"][0]["amount_received"] == 0


def moved(account: Account, intent_id: str, status: str) -> Any:
    return account.engine.move_intent(intent_id, status, now=account.now)


def unconfirmed(account: Account, **more: Any) -> str:
    intent: str = account.pay(confirm=False, **more).body["id"]
    return intent


@pytest.mark.parametrize(
    ("statuses", "received"),
    [
        (("processing", "succeeded"), 1000),
        (("processing", "requires_payment_method"), 0),
        (("requires_confirmation", "processing", "canceled"), 0),
        (("requires_reauthorization", "succeeded"), 1000),
    ],
)
def test_an_intent_is_moved_by_hand(statuses: tuple[str, ...], received: int) -> None:
    account = Account()
    intent = unconfirmed(account)

    seen = [moved(account, intent, status) for status in statuses]

    assert tuple(one["status"] for one in seen) == statuses
    assert seen[-1]["amount_received"] == received


def test_a_hold_that_had_another_status_is_the_same_hold() -> None:
    account = Account()
    held = account.pay(capture_method="manual").body["id"]

    moved(account, held, "requires_reauthorization")
    moved(account, held, "requires_capture")
    captured = account.post(f"{INTENTS}/{held}/capture").body

    assert captured["amount_received"] == 1000
    assert len(account.books()["payment_intents"][0]["charges"]) == 1


def test_a_hold_that_had_another_status_when_it_lapsed_lapses_when_it_is_back() -> None:
    account = Account()
    held = account.pay(capture_method="manual").body["id"]

    moved(account, held, "processing")
    account.now += 8 * 86_400
    moved(account, held, "requires_capture")

    assert status_of(account, held) == "canceled"


@pytest.mark.parametrize(
    ("capture_method", "first", "status", "why"),
    [
        ("automatic", "succeeded", "canceled", "is succeeded; that is its end"),
        ("automatic", "processing", "requires_capture", "capture_method is automatic"),
        ("manual", "processing", "succeeded", "capture_method is manual"),
        ("manual", "requires_capture", "requires_payment_method", "capture or cancel it"),
        ("automatic", "processing", "requires_action", "by being confirmed with"),
        ("automatic", "processing", "No such", "There is no such status"),
    ],
)
def test_an_intent_is_not_moved_where_it_cannot_be(
    capture_method: str, first: str, status: str, why: str
) -> None:
    account = Account()
    intent = unconfirmed(account, capture_method=capture_method)
    moved(account, intent, first)

    with pytest.raises(ApiError, match=why):
        moved(account, intent, status)

    assert status_of(account, intent) == first


def test_an_intent_without_a_card_takes_no_money() -> None:
    account = Account()
    intent = account.post(INTENTS, {"amount": 1000, "currency": "usd"}).body["id"]

    with pytest.raises(ApiError, match="has no payment method"):
        moved(account, intent, "succeeded")


async def test_an_intent_is_moved_by_command() -> None:
    async with live() as at:
        _, intent = await at.post(INTENTS, {"amount": 500, "currency": "usd"})
        wish = {"payment_intent": intent["id"], "status": "processing"}

        status, after = await at.control("POST", "/payment-intent", wish)

        assert (status, after["status"]) == (200, "processing")
        for bad, field in (
            ({"status": "processing"}, "payment_intent"),
            ({**wish, "status": "Not so"}, "status"),
            ({**wish, "status": "requires_action"}, "status"),
            ({**wish, "payment_intent": "pi_none"}, "payment_intent"),
        ):
            status, refused = await at.control("POST", "/payment-intent", bad)
            assert (status, list(refused["fields"])) == (400, [field])
