"""Deliveries in virtual time: who is told what and when, signed how, and what an answer changes."""

from __future__ import annotations

import hashlib
import hmac
from itertools import pairwise

import pytest
import stripe

from stripe_sandbox.engine import Config, WebhookAttempt
from stripe_sandbox.engine.config import DAY_S, LIVE_RETRIES_S, TEST_RETRIES_S
from tests.sandbox.account import START, Account
from tests.sandbox.telling import SECRET, URL, answer, body, due, listening, told, verified


def one_due(account: Account, wait_s: float = 0) -> WebhookAttempt:
    [attempt] = due(account, wait_s)
    return attempt


def test_an_event_is_posted_as_the_list_of_events_shows_it() -> None:
    account = Account()
    endpoint = listening(account)
    account.customer(name="Ann")

    attempt = one_due(account)

    [event] = account.get("/v1/events").body["data"]
    assert body(attempt) == event
    assert event["pending_webhooks"] == 1
    assert (attempt.endpoint_id, attempt.event_id, attempt.url) == (endpoint, event["id"], URL)
    assert attempt.number == 1
    assert attempt.headers["Content-Type"] == "application/json; charset=utf-8"
    assert attempt.headers["User-Agent"] == "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


def test_the_signature_satisfies_the_official_sdk() -> None:
    account = Account()
    listening(account)
    account.customer(name="Änne")

    attempt = one_due(account)

    event = verified(attempt)
    assert (event.type, event.data.object["name"]) == ("customer.created", "Änne")
    signed = f"{int(START)}.".encode() + attempt.body
    made = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert attempt.headers["Stripe-Signature"] == f"t={int(START)},v1={made}"
    with pytest.raises(stripe.SignatureVerificationError):
        verified(attempt, "whsec_other")


def test_an_attempt_is_taken_once_until_it_is_answered() -> None:
    account = Account()
    listening(account)
    account.customer()

    attempt = one_due(account)

    assert due(account, DAY_S) == []
    answer(account, attempt, 500)
    assert one_due(account, 5).number == 2


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    account = Account()
    listening(account)
    account.customer()

    answer(account, one_due(account), status)

    assert due(account, 4 * DAY_S) == []
    assert account.engine.events[0]["pending_webhooks"] == 0
    assert account.engine.next_webhook_at() is None


@pytest.mark.parametrize("status", [None, 199, 301, 302, 307, 400, 404, 410, 500, 503])
def test_all_else_is_failure_and_is_tried_again(status: int | None) -> None:
    account = Account()
    listening(account)
    account.customer()

    answer(account, one_due(account), status)

    assert due(account, 4.9) == []
    again = one_due(account, 0.2)
    assert (again.number, again.event_id) == (2, body(again)["id"])


def test_each_attempt_has_its_own_time_and_signature() -> None:
    account = Account()
    listening(account)
    account.customer()
    first = one_due(account)
    answer(account, first, 500)

    again = one_due(account, 60)

    assert again.body == first.body
    assert again.headers["Stripe-Signature"].startswith(f"t={int(START) + 60},v1=")
    assert verified(again).id == verified(first).id


@pytest.mark.parametrize("retries_s", [LIVE_RETRIES_S, TEST_RETRIES_S, ()])
def test_retries_follow_the_schedule_and_end(retries_s: tuple[float, ...]) -> None:
    account = Account(Config(webhook_retries_s=retries_s))
    listening(account)
    account.customer()
    tried_at = []

    while (at := account.engine.next_webhook_at()) is not None:
        account.now = at
        attempt = one_due(account)
        tried_at.append(at)
        answer(account, attempt, None)

    assert tried_at[0] == START
    assert [later - earlier for earlier, later in pairwise(tried_at)] == list(retries_s)
    [delivery] = account.engine.webhooks.deliveries()
    assert (delivery.state, len(delivery.answers)) == ("failed", len(retries_s) + 1)


def test_the_schedules_are_what_stripe_promises() -> None:
    assert 2 * DAY_S < sum(LIVE_RETRIES_S) <= 3 * DAY_S
    assert all(later >= 2 * earlier for earlier, later in pairwise(LIVE_RETRIES_S))
    assert len(TEST_RETRIES_S) == 3
    assert sum(TEST_RETRIES_S) < DAY_S / 4


def test_a_late_or_second_answer_changes_nothing() -> None:
    account = Account()
    listening(account)
    account.customer()
    first = one_due(account)
    answer(account, first, 500)

    answer(account, first, 200)

    second = one_due(account, 5)
    answer(account, first, 200)
    answer(account, second, 200)
    [delivery] = account.engine.webhooks.deliveries()
    assert [given.status for given in delivery.answers] == [500, 200]


def test_an_answer_to_what_a_reset_has_forgotten_changes_nothing() -> None:
    account = Account()
    listening(account)
    account.customer()
    forgotten = one_due(account)

    account.engine.reset()
    account.customer()
    fresh = one_due(account)
    answer(account, forgotten, 200)

    assert fresh.id != forgotten.id
    [delivery] = account.engine.webhooks.deliveries()
    assert (delivery.state, delivery.answers) == ("taken", [])


def test_a_reset_keeps_who_listens_and_forgets_what_is_on_its_way() -> None:
    account = Account()
    endpoint = listening(account)
    by_request = account.made("/v1/webhook_endpoints", {"url": URL, "enabled_events": ["*"]})
    account.customer()

    account.engine.reset()

    assert due(account, DAY_S) == []
    found = account.get("/v1/webhook_endpoints").body["data"]
    assert [row["id"] for row in found] == [endpoint]
    assert endpoint != by_request
    account.customer()
    assert verified(one_due(account)).type == "customer.created"


def test_what_stripe_does_by_itself_is_told_without_a_request() -> None:
    account = Account()
    listening(account, "charge.updated", "payment_intent.canceled")
    account.pay(capture_method="manual")
    account.pay()

    assert told(account, 10) == ["charge.updated"]
    assert told(account, 8 * DAY_S) == ["payment_intent.canceled"]


def test_the_news_that_an_intent_was_made_comes_last() -> None:
    """As seen in the wild; the events themselves are generated in the other order."""
    account = Account()
    listening(account)
    account.pay()

    assert told(account) == [
        "charge.succeeded",
        "payment_intent.succeeded",
        "payment_intent.created",
        "charge.updated",
    ]
    assert account.event_types()[0] == "payment_intent.created"


def test_or_first_where_it_is_switched_so() -> None:
    account = Account(Config(webhook_created_last=False, webhook_first_after_s=1.5))
    listening(account)
    account.pay()

    assert due(account, 1.4) == []
    assert told(account)[:3] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]


def test_each_endpoint_is_told_what_it_wants_with_its_own_secret() -> None:
    account = Account()
    first = listening(account, "customer.created")
    second = account.engine.webhooks.listen(URL + "/2", now=START, secret="whsec_second").id
    customer = account.customer()
    account.post(f"/v1/customers/{customer}", {"name": "Ann"})

    attempts = due(account)

    by = {
        endpoint: [body(one)["type"] for one in attempts if one.endpoint_id == endpoint]
        for endpoint in (first, second)
    }
    assert by == {first: ["customer.created"], second: ["customer.created", "customer.updated"]}
    assert [body(one)["pending_webhooks"] for one in attempts] == [2, 2, 1]
    for one in attempts:
        verified(one, SECRET if one.endpoint_id == first else "whsec_second")


def test_pending_webhooks_counts_down_and_keeps_what_failed_for_good() -> None:
    account = Account(Config(webhook_retries_s=()))
    listening(account)
    listening(account)
    account.customer()
    first, second = due(account)

    answer(account, first, 200)
    pending = [account.engine.events[0]["pending_webhooks"]]
    answer(account, second, 500)
    pending.append(account.engine.events[0]["pending_webhooks"])

    assert pending == [1, 1]
    assert due(account, DAY_S) == []


def test_a_limit_leaves_the_rest_due() -> None:
    account = Account()
    listening(account)
    for _ in range(3):
        account.customer()

    counts = [len(account.engine.due_webhooks(account.now, limit=2)) for _ in range(3)]

    assert counts == [2, 1, 0]


def test_nothing_is_done_while_nobody_listens() -> None:
    account = Account()
    account.pay()

    assert account.engine.next_webhook_at() is None
    assert due(account, DAY_S) == []
    assert list(account.engine.webhooks.deliveries()) == []
    assert {event["pending_webhooks"] for event in account.engine.events} == {0}


def test_the_same_seed_tells_the_same_story() -> None:
    stories = []
    for _ in range(2):
        account = Account()
        listening(account)
        account.pay()
        account.pay(card="chargeDeclined")
        stories.append([(one.id, one.headers, one.body) for one in due(account, 30)])

    assert stories[0] == stories[1]
    assert len(stories[0]) == 7
