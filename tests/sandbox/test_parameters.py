"""What is refused of parameters alone, and of callers: wording, codes, and that nothing moves."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from stripe_sandbox.engine import Config, Request
from stripe_sandbox.engine.currencies import MINIMUM
from tests.sandbox.account import Account, reply, request

INTENT = {"amount": 1000, "currency": "usd"}


@pytest.mark.parametrize(
    ("parameters", "code", "param", "message"),
    [
        ({"amount": 1000}, "parameter_missing", "currency", "Missing required param: currency."),
        ({"currency": "usd"}, "parameter_missing", "amount", "Missing required param: amount."),
        (
            {**INTENT, "amount": "abc"},
            "parameter_invalid_integer",
            "amount",
            "Invalid integer: abc",
        ),
        (
            {**INTENT, "amount": "10.5"},
            "parameter_invalid_integer",
            "amount",
            "Invalid integer: 10.5",
        ),
        (
            {**INTENT, "nope": "x"},
            "parameter_unknown",
            "nope",
            "Received unknown parameter: nope",
        ),
        (
            {**INTENT, "one": "x", "two": "y"},
            "parameter_unknown",
            "one",
            "Received unknown parameters: one, two",
        ),
        (
            {**INTENT, "shipping": {"address": {"planet": "x"}}},
            "parameter_unknown",
            "shipping[address][planet]",
            "Received unknown parameter: shipping[address][planet]",
        ),
        ({**INTENT, "confirm": "yes"}, None, "confirm", "Invalid boolean: yes"),
        ({**INTENT, "expand": "x"}, None, "expand", "Invalid array"),
        ({**INTENT, "shipping": "x"}, None, "shipping", "Invalid object"),
        (
            {**INTENT, "capture_method": "later"},
            None,
            "capture_method",
            "Invalid capture_method: must be one of automatic, automatic_async, or manual",
        ),
        (
            {**INTENT, "automatic_payment_methods": {"allow_redirects": "never"}},
            "parameter_missing",
            "automatic_payment_methods[enabled]",
            "Missing required param: automatic_payment_methods[enabled].",
        ),
    ],
)
def test_bad_parameters_are_refused_in_stripes_words(
    parameters: dict[str, Any], code: str | None, param: str, message: str
) -> None:
    account = Account()

    answer = account.post("/v1/payment_intents", parameters)

    assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
    assert (answer.error.get("code"), answer.error["param"]) == (code, param)
    assert answer.error["message"] == message
    assert account.books()["payment_intents"] == []


def test_an_empty_amount_cannot_unset_it() -> None:
    answer = Account().post("/v1/payment_intents", {**INTENT, "amount": ""})

    assert (answer.error["code"], answer.error["param"]) == ("parameter_invalid_empty", "amount")


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"k": "v" * 501}, "Metadata values can have up to 500 characters, but you passed in a"),
        ({"k" * 41: "v"}, "Metadata keys can have up to 40 characters, but you passed in a key"),
        ({f"k{number}": "v" for number in range(51)}, "You can have up to 50 metadata keys"),
    ],
)
def test_metadata_has_limits(metadata: dict[str, str], words: str) -> None:
    account = Account()

    answer = account.post("/v1/payment_intents", {**INTENT, "metadata": metadata})

    assert (answer.status, answer.error["param"]) == (400, "metadata")
    assert answer.error["message"].startswith(words)
    assert account.books()["payment_intents"] == []


def test_metadata_at_its_limits_is_kept() -> None:
    metadata = {f"{number:040d}": "v" * 500 for number in range(50)}

    answer = Account().post("/v1/payment_intents", {**INTENT, "metadata": metadata})

    assert answer.body["metadata"] == metadata


def test_metadata_with_numbers_for_keys_is_no_list() -> None:
    answer = Account().post("/v1/payment_intents", {**INTENT, "metadata": {"0": "a", "1": "b"}})

    assert answer.body["metadata"] == {"0": "a", "1": "b"}


@pytest.mark.parametrize("currency", sorted(MINIMUM))
def test_each_currency_has_its_least_amount(currency: str) -> None:
    account = Account()
    least = MINIMUM[currency]

    below = account.post("/v1/payment_intents", {"amount": least - 1, "currency": currency})
    enough = account.post("/v1/payment_intents", {"amount": least, "currency": currency})

    assert (below.status, below.error["code"]) == (400, "amount_too_small")
    assert enough.status == 200
    assert len(account.books()["payment_intents"]) == 1


@pytest.mark.parametrize(
    ("currency", "message"),
    [
        ("usd", "Amount must be at least $0.50 usd"),
        ("eur", "Amount must be at least €0.50 eur"),
        ("jpy", "Amount must be at least ¥50 jpy"),
        ("sek", "Amount must be at least 3.00 sek"),
    ],
)
def test_the_least_amount_is_told(currency: str, message: str) -> None:
    answer = Account().post("/v1/payment_intents", {"amount": 1, "currency": currency})

    assert answer.error["message"] == message


def test_the_least_amount_can_be_switched_off() -> None:
    account = Account(Config(minimum_amounts=False))

    assert account.post("/v1/payment_intents", {"amount": 1, "currency": "usd"}).status == 200


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (0, "usd", "parameter_invalid_integer"),
        (-1, "usd", "parameter_invalid_integer"),
        (100_000_000, "usd", "amount_too_large"),
        (1234, "kwd", None),
        (1000, "zzz", None),
    ],
)
def test_impossible_amounts_are_refused(amount: int, currency: str, code: str | None) -> None:
    account = Account()

    answer = account.post("/v1/payment_intents", {"amount": amount, "currency": currency})

    assert (answer.status, answer.error.get("code")) == (400, code)
    assert account.books()["payment_intents"] == []


@pytest.mark.parametrize("amount", [99_999_999, 50])
def test_the_edges_of_amounts_are_accepted(amount: int) -> None:
    answer = Account().post("/v1/payment_intents", {"amount": amount, "currency": "usd"})

    assert answer.body["amount"] == amount


def test_unknown_urls_are_named() -> None:
    account = Account()

    for method, path in (("GET", "/v1/nope"), ("PUT", "/v1/customers"), ("GET", "/v1/customers/")):
        answer = reply(account.engine.handle(request(method, path), now=account.now))
        assert answer.status == 404
        assert answer.error["message"].startswith(f"Unrecognized request URL ({method}: {path}).")


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "You did not provide an API key."),
        ("Bearer ", "You did not provide an API key."),
        ("Basic !", "You did not provide an API key."),
        ("Bearer sk_live_abcdefgh", "Invalid API Key provided: sk_live_****efgh"),
        ("Bearer nonsense", "Invalid API Key provided: ****ense"),
    ],
)
def test_strangers_are_refused(authorization: str | None, message: str) -> None:
    account = Account()
    headers = {} if authorization is None else {"authorization": authorization}

    answer = reply(
        account.engine.handle(Request("POST", "/v1/customers", "", headers, b""), now=account.now)
    )

    assert (answer.status, answer.error["type"]) == (401, "invalid_request_error")
    assert answer.error["message"].startswith(message)
    assert "code" not in answer.error
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Stripe"'
    assert account.engine.events == []


@pytest.mark.parametrize("key", ["sk_test_anything", "rk_test_anything"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic"])
def test_test_keys_open_the_door(key: str, scheme: str) -> None:
    account = Account()
    basic = base64.b64encode(f"{key}:".encode()).decode()
    headers = {"authorization": f"{scheme} {basic if scheme == 'Basic' else key}"}
    asked = Request("GET", "/v1/customers", "", headers, b"")

    assert account.engine.handle(asked, now=account.now).status == 200


def test_the_door_can_be_narrowed() -> None:
    account = Account(Config(accepted_keys=frozenset({"sk_test_other"})))

    assert account.get("/v1/customers").status == 401


@pytest.mark.parametrize("status", [401, 403])
def test_publishable_keys_are_refused_with_a_status_of_choice(status: Any) -> None:
    account = Account(Config(secret_key_required_status=status))
    headers = {"authorization": "Bearer pk_test_x"}

    answer = reply(
        account.engine.handle(Request("GET", "/v1/customers", "", headers, b""), now=account.now)
    )

    assert (answer.status, answer.error["code"]) == (status, "secret_key_required")


@pytest.mark.parametrize("version", ["not-a-version", "2026-13-01", "2026-08-26.", "2026-8-26", ""])
def test_malformed_versions_are_refused(version: str) -> None:
    account = Account()

    answer = account.post("/v1/customers", version=version)

    assert answer.status == 400
    assert answer.error == {
        "message": f"Invalid Stripe API version: {version}",
        "type": "invalid_request_error",
    }
    assert account.engine.events == []


def test_the_version_is_echoed() -> None:
    account = Account()

    assert account.post("/v1/customers").headers["Stripe-Version"] == "2026-10-28.endive"
    asked = account.post("/v1/customers", version="2026-08-26.dahlia")
    assert asked.headers["Stripe-Version"] == "2026-08-26.dahlia"
