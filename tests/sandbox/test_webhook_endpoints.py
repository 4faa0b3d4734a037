"""Webhook endpoints: made, changed, listed, deleted, and their secrets rolled."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.account import START, Account, Reply
from tests.sandbox.telling import SECRET, URL, answer, body, due, listening, verified

PATH = "/v1/webhook_endpoints"


def create(account: Account, **more: Any) -> Reply:
    return account.post(PATH, {"url": URL, "enabled_events": ["*"], **more})


def test_an_endpoint_shows_its_secret_when_it_is_made_and_never_again() -> None:
    account = Account()

    made = create(account, description="the shop", metadata={"a": "b"})

    assert made.status == 200
    secret = made.body["secret"]
    assert secret.startswith("whsec_")
    assert len(secret) == 38
    assert made.body == {
        "id": made.body["id"],
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": int(START),
        "description": "the shop",
        "enabled_events": ["*"],
        "livemode": False,
        "metadata": {"a": "b"},
        "secret": secret,
        "status": "enabled",
        "url": URL,
    }
    assert list(made.body)[-4:] == ["metadata", "secret", "status", "url"]
    assert made.body["id"].startswith("we_1")
    without = {name: value for name, value in made.body.items() if name != "secret"}
    path = f"{PATH}/{made.body['id']}"
    assert account.get(path).body == without
    assert account.get(PATH).body["data"] == [without]
    assert account.post(path, {"description": "the shop"}).body == without


def test_what_it_is_told_is_signed_with_that_secret() -> None:
    account = Account()
    secret = create(account, api_version="2026-09-30.endive").body["secret"]
    account.customer()

    [attempt] = due(account)

    assert verified(attempt, secret).api_version == "2026-09-30.endive"


def test_an_update_changes_what_is_told_from_then_on() -> None:
    account = Account()
    path = f"{PATH}/{create(account).body['id']}"

    changed = account.post(
        path, {"url": "https://new.example/", "enabled_events": ["charge.failed"], "metadata": ""}
    ).body

    assert (changed["url"], changed["enabled_events"]) == (
        "https://new.example/",
        ["charge.failed"],
    )
    account.pay(card="chargeDeclined")
    told = [(attempt.url, body(attempt)["type"]) for attempt in due(account)]
    assert told == [("https://new.example/", "charge.failed")]


def test_a_disabled_endpoint_is_told_nothing_until_it_is_enabled() -> None:
    account = Account()
    path = f"{PATH}/{create(account).body['id']}"

    status = account.post(path, {"disabled": True}).body["status"]
    account.customer()

    assert status == "disabled"
    assert due(account, 10) == []
    assert account.post(path, {"disabled": False}).body["status"] == "enabled"
    account.customer()
    assert len(due(account)) == 1


def test_being_disabled_when_a_retry_is_due_ends_the_delivery() -> None:
    account = Account()
    path = f"{PATH}/{create(account).body['id']}"
    account.customer()
    answer(account, due(account)[0], 500)

    account.post(path, {"disabled": True})
    while_disabled = due(account, 10)
    account.post(path, {"disabled": False})

    assert while_disabled == []
    assert due(account, 86_400) == []
    assert account.engine.events[0]["pending_webhooks"] == 1


def test_being_enabled_again_in_time_keeps_the_retry() -> None:
    account = Account()
    path = f"{PATH}/{create(account).body['id']}"
    account.customer()
    answer(account, due(account)[0], 500)

    account.post(path, {"disabled": True})
    account.post(path, {"disabled": False})

    assert [attempt.number for attempt in due(account, 10)] == [2]


def test_a_deleted_endpoint_is_gone() -> None:
    account = Account()
    endpoint = create(account).body["id"]
    account.customer()
    path = f"{PATH}/{endpoint}"

    stub = account.delete(path)

    assert (stub.status, stub.body) == (
        200,
        {"id": endpoint, "object": "webhook_endpoint", "deleted": True},
    )
    assert due(account, 10) == []
    for gone in (account.get(path), account.post(path, {"disabled": True}), account.delete(path)):
        assert (gone.status, gone.error["code"]) == (404, "resource_missing")
        assert gone.error["message"] == f"No such webhook endpoint: '{endpoint}'"
    assert account.get(PATH).body["data"] == []


def test_endpoints_are_listed_newest_first_in_pages() -> None:
    account = Account()
    made = [create(account).body["id"] for _ in range(3)]

    first = account.get(PATH, {"limit": 2}).body
    rest = account.get(PATH, {"limit": 2, "starting_after": made[1]}).body

    assert ([row["id"] for row in first["data"]], first["has_more"]) == (made[:0:-1], True)
    assert ([row["id"] for row in rest["data"]], rest["has_more"]) == ([made[0]], False)


@pytest.mark.parametrize(
    ("parameters", "param", "code"),
    [
        ({"enabled_events": ["*"]}, "url", "parameter_missing"),
        ({"url": URL}, "enabled_events", "parameter_missing"),
        ({"url": "", "enabled_events": ["*"]}, "url", "parameter_invalid_empty"),
        ({"url": "shop.example", "enabled_events": ["*"]}, "url", "url_invalid"),
        ({"url": "ftp://shop.example", "enabled_events": ["*"]}, "url", "url_invalid"),
        ({"url": "http://", "enabled_events": ["*"]}, "url", "url_invalid"),
        ({"url": "http://a:b", "enabled_events": ["*"]}, "url", "url_invalid"),
        ({"url": "http://[", "enabled_events": ["*"]}, "url", "url_invalid"),
        ({"url": URL, "enabled_events": ["charge.*"]}, "enabled_events", None),
        ({"url": URL, "enabled_events": ["charge"]}, "enabled_events", None),
        ({"url": URL, "enabled_events": ["*"], "secret": "x"}, "secret", "parameter_unknown"),
        ({"url": URL, "enabled_events": ["*"], "disabled": True}, "disabled", "parameter_unknown"),
        ({"url": URL, "enabled_events": ["*"], "api_version": "new"}, None, None),
    ],
)
def test_a_bad_endpoint_is_refused(
    parameters: dict[str, Any], param: str | None, code: str | None
) -> None:
    account = Account()

    refused = account.post(PATH, parameters)

    assert refused.status == 400
    assert (refused.error.get("param"), refused.error.get("code")) == (param, code)
    assert account.get(PATH).body["data"] == []


def test_after_a_roll_the_old_secret_signs_too_until_it_ends() -> None:
    account = Account()
    endpoint = listening(account)

    fresh = account.engine.webhooks.roll(endpoint, keep_old_s=3600, now=account.now)
    assert fresh is not None
    account.customer()
    [attempt] = due(account)

    assert attempt.headers["Stripe-Signature"].count(",v1=") == 2
    assert verified(attempt, fresh).id == verified(attempt, SECRET).id
    answer(account, attempt, 500)
    [later] = due(account, 3600)
    assert later.headers["Stripe-Signature"].count(",v1=") == 1
    verified(later, fresh)
    with pytest.raises(stripe.SignatureVerificationError):
        verified(later, SECRET)


def test_a_roll_can_end_the_old_secret_at_once() -> None:
    account = Account()
    endpoint = listening(account)

    fresh = account.engine.webhooks.roll(endpoint, keep_old_s=0, now=account.now)
    assert fresh is not None
    account.customer()
    [attempt] = due(account)

    verified(attempt, fresh)
    with pytest.raises(stripe.SignatureVerificationError):
        verified(attempt, SECRET)


def test_a_second_roll_lets_no_secret_live_longer_than_it_was_to() -> None:
    account = Account()
    endpoint = listening(account)
    roll = account.engine.webhooks.roll

    roll(endpoint, keep_old_s=100, now=account.now)
    roll(endpoint, keep_old_s=1000, now=account.now + 50)

    [kept] = account.engine.webhooks.endpoints
    counts = [len(kept.secrets_at(START + after_s)) for after_s in (50, 99, 100, 1049, 1050)]
    assert counts == [3, 3, 2, 2, 1]
    assert account.engine.webhooks.roll("we_x", keep_old_s=0, now=START) is None


def test_a_retried_create_shows_the_same_secret() -> None:
    account = Account()
    wish = {"url": URL, "enabled_events": ["*"]}

    first, again = (account.post(PATH, wish, key="k") for _ in range(2))

    assert first.raw == again.raw
    assert len(account.get(PATH).body["data"]) == 1
