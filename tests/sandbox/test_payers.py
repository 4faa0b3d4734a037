"""The payer's own client: a publishable key and the secret of one intent open two doors."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine import Config, Request
from stripe_sandbox.engine.wire import encode
from tests.sandbox.account import NO_REDIRECT, Account, Reply, reply


def by_payer(
    account: Account,
    method: str,
    path: str,
    parameters: dict[str, Any] | None = None,
    key: str = "pk_test_shop",
) -> Reply:
    form = encode(parameters or {})
    posts = method == "POST"
    query, body = ("", form) if posts else (form.decode(), b"")
    sent = Request(method, path, query, {"authorization": f"Bearer {key}"}, body)
    return reply(account.engine.handle(sent, now=account.now))


def made(account: Account, kind: str) -> Any:
    """Make an intent that waits for its payer."""
    money = {"amount": 1000, "currency": "usd", "metadata": {"order": "7"}}
    wish = {**NO_REDIRECT, **(money if kind == "payment_intents" else {})}
    return account.post(f"/v1/{kind}", wish).body


KINDS = pytest.mark.parametrize("kind", ["payment_intents", "setup_intents"])


@KINDS
def test_who_knows_the_secret_may_look(kind: str) -> None:
    account = Account()
    intent = made(account, kind)

    answer = by_payer(
        account, "GET", f"/v1/{kind}/{intent['id']}", {"client_secret": intent["client_secret"]}
    )

    assert answer.status == 200
    assert (answer.body["id"], answer.body["status"]) == (intent["id"], intent["status"])
    assert set(answer.body) < set(intent)
    for name in ("metadata", "customer", "latest_charge", "latest_attempt"):
        assert name not in answer.body


@KINDS
def test_who_knows_the_secret_may_confirm(kind: str) -> None:
    account = Account()
    intent = made(account, kind)
    data = {"type": "card", "card": {"token": "tok_visa"}}
    wish = {
        "client_secret": intent["client_secret"],
        "payment_method_data": data,
        "expected_payment_method_type": "card",
        "use_stripe_sdk": True,
    }

    answer = by_payer(account, "POST", f"/v1/{kind}/{intent['id']}/confirm", wish)

    assert (answer.status, answer.body["status"]) == (200, "succeeded")
    assert account.get(f"/v1/{kind}/{intent['id']}").body["status"] == "succeeded"


@KINDS
@pytest.mark.parametrize("action", ["", "/confirm"])
def test_a_wrong_secret_opens_nothing(kind: str, action: str) -> None:
    account = Account()
    intent, other = made(account, kind), made(account, kind)
    method = "POST" if action else "GET"
    path = f"/v1/{kind}/{intent['id']}{action}"
    card = {"payment_method": "pm_card_visa"} if action else {}

    wrong = by_payer(account, method, path, {"client_secret": other["client_secret"], **card})
    absent = by_payer(account, method, path, card)

    assert (wrong.status, wrong.error["param"]) == (400, "client_secret")
    assert wrong.error["message"].startswith("The client_secret provided does not match the")
    assert (absent.status, absent.error["code"]) == (400, "parameter_missing")
    assert account.get(f"/v1/{kind}/{intent['id']}").body == intent


def test_a_decline_shows_the_payer_no_more_than_the_intent_would() -> None:
    account = Account()
    intent = made(account, "payment_intents")
    wish = {"client_secret": intent["client_secret"], "payment_method": "pm_card_chargeDeclined"}

    answer = by_payer(account, "POST", f"/v1/payment_intents/{intent['id']}/confirm", wish)

    assert (answer.status, answer.error["code"]) == (402, "card_declined")
    shown = answer.error["payment_intent"]
    assert shown["last_payment_error"]["code"] == "card_declined"
    assert "metadata" not in shown


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/payment_intents"),
        ("POST", "/v1/payment_intents"),
        ("POST", "/v1/payment_intents/{id}"),
        ("POST", "/v1/payment_intents/{id}/cancel"),
        ("POST", "/v1/payment_intents/{id}/capture"),
        ("POST", "/v1/refunds"),
        ("GET", "/v1/customers"),
        ("GET", "/v1/nothing"),
    ],
)
def test_every_other_door_stays_shut(method: str, path: str) -> None:
    account = Account()
    intent = made(account, "payment_intents")
    before = account.books()

    answer = by_payer(
        account,
        method,
        path.replace("{id}", intent["id"]),
        {"client_secret": intent["client_secret"]},
    )

    assert (answer.status, answer.error["code"]) == (401, "secret_key_required")
    assert account.books() == before


def test_the_account_needs_no_secret_but_a_wrong_one_is_refused() -> None:
    account = Account()
    intent = made(account, "payment_intents")
    path = f"/v1/payment_intents/{intent['id']}"

    assert account.get(path).body == intent
    assert account.get(path, {"client_secret": intent["client_secret"]}).body == intent
    assert account.get(path, {"client_secret": "x"}).error["param"] == "client_secret"


@pytest.mark.parametrize(
    ("key", "accepted", "status"),
    [
        ("pk_test_shop", None, 200),
        ("pk_live_shop", None, 401),
        ("pk_test_shop", frozenset({"sk_test_sandbox"}), 401),
        ("pk_test_shop", frozenset({"sk_test_sandbox", "pk_test_shop"}), 200),
    ],
)
def test_the_payers_key_must_be_one_of_the_account(
    key: str, accepted: frozenset[str] | None, status: int
) -> None:
    account = Account(Config(accepted_keys=accepted))
    intent = made(account, "payment_intents")
    wish = {"client_secret": intent["client_secret"]}

    answer = by_payer(account, "GET", f"/v1/payment_intents/{intent['id']}", wish, key)

    assert answer.status == status
