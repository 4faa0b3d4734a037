"""Idempotency keys: what is saved, replayed and refused, and when a key is forgotten."""

from __future__ import annotations

import pytest

from stripe_sandbox.engine import Config, Fault
from stripe_sandbox.engine.config import DAY_S
from tests.sandbox.account import KEY, NO_REDIRECT, Account, begun, refused, reply, request

INTENT = {"amount": 1000, "currency": "usd"}
PAID = {**INTENT, "payment_method": "pm_card_visa", "confirm": True, **NO_REDIRECT}


def test_a_saved_answer_is_replayed_byte_for_byte() -> None:
    account = Account()
    first = account.post("/v1/payment_intents", PAID, key="k")

    again = account.post("/v1/payment_intents", PAID, key="k")

    assert (again.status, again.raw) == (200, first.raw)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"]
    assert again.headers["Request-Id"] != first.headers["Request-Id"]
    assert again.headers["Idempotency-Key"] == "k"
    assert len(account.books()["payment_intents"]) == 1


def test_the_first_answer_names_itself_as_the_original() -> None:
    first = Account().post("/v1/payment_intents", INTENT, key="k")

    assert first.headers["Original-Request"] == first.headers["Request-Id"]
    assert "Idempotent-Replayed" not in first.headers


def test_a_replay_is_the_snapshot_of_then() -> None:
    account = Account()
    made = account.post("/v1/payment_intents", INTENT, key="k").body["id"]
    account.post(f"/v1/payment_intents/{made}/cancel")

    again = account.post("/v1/payment_intents", INTENT, key="k")

    assert again.body["status"] == "requires_payment_method"
    assert account.get(f"/v1/payment_intents/{made}").body["status"] == "canceled"


def test_the_way_a_list_is_written_does_not_make_another_request() -> None:
    account = Account()
    with_index = request("POST", "/v1/payment_intents", {**INTENT, "expand": ["customer"]}, key="k")
    account.engine.handle(with_index, now=account.now)
    without = request("POST", "/v1/payment_intents", key="k")
    form = b"currency=usd&amount=1000&expand[]=customer"
    unindexed = type(without)("POST", without.path, "", without.headers, form)

    again = account.engine.handle(unindexed, now=account.now)

    assert again.headers["Idempotent-Replayed"] == "true"


def test_other_parameters_under_the_key_are_refused() -> None:
    account = Account()
    account.post("/v1/payment_intents", INTENT, key="k")
    before = account.books()

    other = account.post("/v1/payment_intents", {**INTENT, "amount": 2000}, key="k")

    assert other.status == 400
    assert other.error["type"] == "idempotency_error"
    assert "code" not in other.error
    assert other.error["message"] == (
        "Keys for idempotent requests can only be used with the same parameters they were first "
        "used with. Try using a key other than 'k' if you meant to execute a different request."
    )
    assert account.books() == before


def test_another_endpoint_under_the_key_is_refused() -> None:
    account = Account()
    made = account.post("/v1/payment_intents", INTENT, key="k").body["id"]
    before = account.books()

    other = account.post(f"/v1/payment_intents/{made}/cancel", key="k")

    assert (other.status, other.error["type"]) == (400, "idempotency_error")
    assert (
        f"('/v1/payment_intents/{made}/cancel' vs '/v1/payment_intents')" in other.error["message"]
    )
    assert account.books() == before


def test_a_key_in_flight_is_refused_and_nothing_is_done_twice() -> None:
    account = Account()
    sent = request("POST", "/v1/payment_intents", PAID, key="k")
    ticket = begun(account, sent)

    second = refused(account, sent)

    assert (second.status, second.error["code"]) == (409, "idempotency_key_in_use")
    assert second.error["type"] == "invalid_request_error"
    assert second.error["message"].endswith("going through): k. Please try again later.")
    first = reply(account.engine.finish(ticket, now=account.now))
    assert first.status == 200
    assert account.engine.handle(sent, now=account.now).body == first.raw
    assert len(account.books()["payment_intents"]) == 1


def test_the_type_of_a_key_in_flight_is_a_setting() -> None:
    account = Account(Config(in_use_type="idempotency_error"))
    sent = request("POST", "/v1/payment_intents", INTENT, key="k")
    begun(account, sent)

    assert refused(account, sent).error["type"] == "idempotency_error"


def test_a_key_is_kept_for_a_day_and_then_forgotten() -> None:
    account = Account()
    first = account.post("/v1/payment_intents", PAID, key="k")

    account.now += DAY_S - 0.001
    last_replay = account.post("/v1/payment_intents", PAID, key="k")
    account.now += 0.001
    executed = account.post("/v1/payment_intents", PAID, key="k")

    assert last_replay.raw == first.raw
    assert "Idempotent-Replayed" not in executed.headers
    assert executed.body["id"] != first.body["id"]
    assert [intent["amount_received"] for intent in account.books()["payment_intents"]] == [
        1000,
        1000,
    ]


def test_keys_can_be_made_to_live_longer() -> None:
    account = Account(Config(idempotency_retention_s=2 * DAY_S))
    account.post("/v1/payment_intents", PAID, key="k")
    account.now += DAY_S

    assert (
        account.post("/v1/payment_intents", PAID, key="k").headers["Idempotent-Replayed"] == "true"
    )


def test_a_decline_is_saved() -> None:
    account = Account()
    declined = {**PAID, "payment_method": "pm_card_chargeDeclined"}
    first = account.post("/v1/payment_intents", declined, key="k")

    again = account.post("/v1/payment_intents", declined, key="k")

    assert (first.status, again.status, again.raw) == (402, 402, first.raw)
    assert len(account.books()["payment_intents"][0]["charges"]) == 1


def test_a_refusal_for_the_state_is_saved() -> None:
    account = Account()
    made = account.made("/v1/payment_intents", INTENT)
    first = account.post(f"/v1/payment_intents/{made}/capture", key="k")
    account.post(f"/v1/payment_intents/{made}/cancel")

    again = account.post(f"/v1/payment_intents/{made}/capture", key="k")

    assert first.error["code"] == "payment_intent_unexpected_state"
    assert (again.status, again.raw) == (400, first.raw)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_refusal_for_the_parameters_is_not_saved() -> None:
    account = Account()
    bad = account.post("/v1/payment_intents", {**INTENT, "nope": "x"}, key="k")

    good = account.post("/v1/payment_intents", INTENT, key="k")

    assert (bad.status, good.status) == (400, 200)
    assert "Idempotent-Replayed" not in good.headers


def test_a_refused_caller_saves_nothing() -> None:
    account = Account()
    stranger = request("POST", "/v1/payment_intents", INTENT, key="k")
    headers = {**stranger.headers, "authorization": "Bearer nonsense"}
    unknown = type(stranger)("POST", stranger.path, "", headers, stranger.body)

    assert account.engine.handle(unknown, now=account.now).status == 401
    assert account.engine.handle(stranger, now=account.now).status == 200


@pytest.mark.parametrize("saved", [True, False])
def test_whether_a_missing_object_is_saved_is_a_setting(*, saved: bool) -> None:
    account = Account(Config(missing_object_saved=saved))
    answers = [account.post("/v1/customers/cus_x", {"name": "x"}, key="k") for _ in range(2)]

    assert [answer.status for answer in answers] == [404, 404]
    assert answers[1].headers.get("Idempotent-Replayed") == ("true" if saved else None)


def test_an_error_of_stripe_is_saved_with_and_without_its_effect() -> None:
    account = Account()

    with_effect = account.post("/v1/payment_intents", PAID, key="a", fault=Fault("error_500_after"))
    without = account.post("/v1/payment_intents", PAID, key="b", fault=Fault("error_500_before"))

    assert (with_effect.status, without.status) == (500, 500)
    for key, first in (("a", with_effect), ("b", without)):
        again = account.post("/v1/payment_intents", PAID, key=key)
        assert (again.status, again.raw) == (500, first.raw)
        assert again.headers["Idempotent-Replayed"] == "true"
    assert [intent["status"] for intent in account.books()["payment_intents"]] == ["succeeded"]


def test_keys_mean_nothing_on_get_and_delete() -> None:
    account = Account()
    customer = account.customer(name="One")
    sent = request("GET", f"/v1/customers/{customer}", key="k")
    account.engine.handle(sent, now=account.now)
    account.post(f"/v1/customers/{customer}", {"name": "Two"})

    read = reply(account.engine.handle(sent, now=account.now))

    assert read.body["name"] == "Two"
    assert "Idempotency-Key" not in read.headers
    assert account.engine.ledger()["requests"][-1]["idempotency_key"] is None


def test_a_key_that_is_too_long_is_refused() -> None:
    account = Account()

    assert account.post("/v1/customers", key="k" * 255).status == 200
    assert account.post("/v1/customers", key="k" * 256).status == 400
    assert len(account.get("/v1/customers").body["data"]) == 1


def test_two_keys_of_the_account_share_the_memory() -> None:
    """The scope of a key is the account, not the API key it came with."""
    account = Account()
    first = account.post("/v1/payment_intents", INTENT, key="k")
    sent = request("POST", "/v1/payment_intents", INTENT, key="k")
    other = type(sent)(
        "POST", sent.path, "", {**sent.headers, "authorization": KEY + "2"}, sent.body
    )

    assert account.engine.handle(other, now=account.now).body == first.raw
