"""The rate limiter, the object locks, the bounds on memory, and what reset forgets."""

from __future__ import annotations

import pytest

from stripe_sandbox.engine import Config, Fault
from tests.sandbox.account import NO_REDIRECT, Account, begun, refused, reply, request

INTENT = {"amount": 1000, "currency": "usd"}


def test_the_account_has_so_many_requests_a_second() -> None:
    account = Account(Config(rate_limit_per_s=3))

    statuses = [account.post("/v1/customers", key="k").status for _ in range(4)]
    account.now += 0.34
    later = account.post("/v1/customers", key="k").status

    assert statuses == [200, 200, 200, 429]
    assert later == 200


def test_endpoints_have_their_own_share() -> None:
    account = Account(Config(endpoint_rate_limit_per_s=1))
    first = account.customer()

    refusal = account.post("/v1/customers")
    other = account.get(f"/v1/customers/{first}")
    same_endpoint_other_id = account.get("/v1/customers/cus_x")

    assert (refusal.status, refusal.error["code"]) == (429, "rate_limit")
    assert refusal.error["type"] == "invalid_request_error"
    assert refusal.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert "Retry-After" not in refusal.headers
    assert other.status == 200
    assert same_endpoint_other_id.status == 429
    assert len(account.engine.events) == 1


def test_the_limiter_stands_before_the_parameters() -> None:
    account = Account(Config(rate_limit_per_s=1))
    account.customer()

    assert account.post("/v1/customers", {"nope": "x"}).status == 429


def test_an_object_in_use_is_locked() -> None:
    account = Account(Config(object_locks=True))
    made = account.made("/v1/payment_intents", {**INTENT, **NO_REDIRECT})
    path = f"/v1/payment_intents/{made}"
    confirm = request("POST", f"{path}/confirm", {"payment_method": "pm_card_visa"}, key="a")
    ticket = begun(account, confirm)

    loser = refused(account, request("POST", f"{path}/cancel", key="b"))
    reader = account.get(path)
    winner = reply(account.engine.finish(ticket, now=account.now))
    again = account.post(f"{path}/cancel", key="b")

    assert (loser.status, loser.error["code"]) == (429, "lock_timeout")
    assert loser.headers["Stripe-Should-Retry"] == "true"
    assert "Stripe-Rate-Limited-Reason" not in loser.headers
    assert reader.status == 200
    assert winner.body["status"] == "succeeded"
    assert (again.status, "Idempotent-Replayed" in again.headers) == (400, False)


def test_a_refund_locks_the_intent_of_its_charge() -> None:
    account = Account(Config(object_locks=True))
    intent = account.pay().body
    ticket = begun(account, request("POST", "/v1/refunds", {"charge": intent["latest_charge"]}))

    loser = refused(account, request("POST", "/v1/refunds", {"payment_intent": intent["id"]}))
    account.engine.finish(ticket, now=account.now)

    assert loser.status == 429
    assert len(account.books()["refunds"]) == 1


def test_without_locks_two_requests_run_side_by_side() -> None:
    account = Account()
    made = account.made("/v1/payment_intents", {**INTENT, **NO_REDIRECT})
    path = f"/v1/payment_intents/{made}"
    first = begun(account, request("POST", path, {"description": "one"}))
    second = begun(account, request("POST", path, {"description": "two"}))

    account.engine.finish(second, now=account.now)
    account.engine.finish(first, now=account.now)

    assert account.get(path).body["description"] == "one"


@pytest.mark.parametrize(("saved", "status"), [(False, 200), (True, 429)])
def test_whether_a_lock_timeout_is_saved_is_a_setting(*, saved: bool, status: int) -> None:
    account = Account(Config(lock_timeout_saved=saved))

    first = account.post("/v1/payment_intents", INTENT, key="k", fault=Fault("lock_timeout"))
    again = account.post("/v1/payment_intents", INTENT, key="k")

    assert first.status == 429
    assert again.status == status


def test_the_log_of_requests_is_bounded() -> None:
    account = Account(Config(requests_kept=3))
    made = [account.customer() for _ in range(5)]
    for customer in made:
        account.get(f"/v1/customers/{customer}")

    paths = [entry["path"] for entry in account.engine.ledger()["requests"]]

    assert paths == [f"/v1/customers/{customer}" for customer in made[-3:]]


def test_the_log_says_what_was_asked_and_answered() -> None:
    account = Account()
    account.post("/v1/customers", key="k")
    account.post("/v1/customers", key="k")
    account.get("/v1/customers/cus_x")
    account.post("/v1/customers", key="lost", fault=Fault("reset_after"))

    assert account.engine.ledger()["requests"] == [
        {
            "method": method,
            "path": path,
            "idempotency_key": key,
            "status": status,
            "replayed": replayed,
        }
        for method, path, key, status, replayed in (
            ("POST", "/v1/customers", "k", 200, False),
            ("POST", "/v1/customers", "k", 200, True),
            ("GET", "/v1/customers/cus_x", None, 404, False),
            ("POST", "/v1/customers", "lost", None, False),
        )
    ]


def test_the_ledger_says_what_each_intent_came_to() -> None:
    account = Account()
    customer = account.customer()
    intent = account.pay(5000, customer=customer, metadata={"order": "7"}).body
    refund = account.post("/v1/refunds", {"payment_intent": intent["id"], "amount": 1200}).body

    books = account.books()
    [found] = books["payment_intents"]
    [charge] = found["charges"]
    names = ("status", "amount", "amount_received", "amount_capturable", "amount_refunded")
    assert [found[name] for name in names] == ["succeeded", 5000, 5000, 0, 1200]
    assert (found["id"], found["customer"]) == (intent["id"], customer)
    assert found["metadata"] == {"order": "7"}
    told_of = ("id", "status", "amount", "amount_captured", "amount_refunded", "paid")
    told = [charge[name] for name in told_of]
    assert told == [intent["latest_charge"], "succeeded", 5000, 5000, 1200, True]
    assert books["refunds"] == [refund]


def test_reset_forgets_everything() -> None:
    account = Account(Config(rate_limit_per_s=1))
    first = account.post("/v1/customers", key="k")

    account.engine.reset()

    assert account.engine.ledger() == {
        "payment_intents": [],
        "refunds": [],
        "disputes": [],
        "early_fraud_warnings": [],
        "setup_intents": [],
        "customers": [],
        "requests": [],
    }
    assert account.engine.events == []
    again = account.post("/v1/customers", key="k")
    assert (again.status, "Idempotent-Replayed" in again.headers) == (200, False)
    assert again.body == first.body


def test_the_same_seed_makes_the_same_account() -> None:
    assert Account().pay().raw == Account().pay().raw
