"""Thin events name their object and say nothing else; those of connected accounts are foreign."""

from typing import Any

import pytest

from payment_service.adapters.stripe.looks import NAMED_AT
from payment_service.domain.event import NAMED_KINDS
from payment_service.storage.collections import EVENTS
from tests.api.conftest import Api
from tests.api.test_strange_events import KEY, kept, post, snapshot, with_webhook
from tests.parts.shop import Shop
from tests.parts.strange_events import thin

SUCCEEDED = "payment_intent.succeeded"


@pytest.fixture
def api(shop: Shop) -> Api:
    return with_webhook(shop)


async def paid_by_the_client(api: Api) -> str:
    """Leave a payment that its payer's client has confirmed, and nobody has told us so."""
    await api.pay("order-1", confirm=False)
    intent: str = api.shop.engine.ledger()["payment_intents"][0]["id"]
    path = f"https://x/v1/payment_intents/{intent}/confirm"
    api.shop.stripe.deliver("post", path, KEY, "payment_method=pm_card_visa")
    return intent


async def status_of(api: Api) -> str:
    status: str = (await api.get("/payment/payment-intent/order-1")).data["status"]
    return status


@pytest.mark.parametrize("event_type", [f"v1.{SUCCEEDED}", SUCCEEDED])
async def test_a_thin_event_makes_us_look_at_the_payment_that_it_names(
    api: Api, event_type: str
) -> None:
    intent = await paid_by_the_client(api)
    event = thin(event_type, "payment_intent", intent)

    heard = await post(api, event)

    assert (heard.status, heard.body["received"]) == (200, "kept")
    assert await status_of(api) == "succeeded"
    assert (await kept(api, event))["state"] == "applied"


async def test_a_thin_event_of_a_charge_is_followed_to_its_payment(api: Api) -> None:
    await paid_by_the_client(api)
    (charge,) = api.shop.engine.ledger()["payment_intents"][0]["charges"]

    await post(api, thin("v1.charge.succeeded", "charge", charge["id"]))

    assert await status_of(api) == "succeeded"


async def test_a_thin_event_of_a_refund_or_a_customer_is_applied(api: Api) -> None:
    customer_id = await api.new_payer()
    await api.pay(customerId=customer_id)
    refund = await api.post("/payment/refund", {"orderId": "order-1", "amount": 100})
    events = [
        thin("v1.refund.updated", "refund", refund.data["refund_id"]),
        thin("v1.customer.updated", "customer", customer_id),
    ]

    for event in events:
        await post(api, event)
        assert (await kept(api, event))["state"] == "applied"


@pytest.mark.parametrize(
    "event",
    [
        thin("v1.payment_intent.succeeded"),
        thin("v1.payment_intent.succeeded", "payment_intent", ""),
        thin("v1.payment_intent.succeeded", "v2.core.account", "acct_1"),
        thin("v2.core.account.updated", "v2.core.account", "acct_1"),
        thin("v1.payout.paid", "payout", "po_1"),
    ],
)
async def test_a_thin_event_that_names_nothing_of_ours_is_ignored(api: Api, event: Any) -> None:
    heard = await post(api, event)

    assert (heard.status, heard.body["received"]) == (200, "ignored")
    assert (await kept(api, event))["state"] == "ignored"


async def test_a_thin_event_of_an_object_that_is_not_there_is_ignored(api: Api) -> None:
    event = thin("v1.payment_intent.succeeded", "payment_intent", "pi_nope")

    heard = await post(api, event)

    assert heard.status == 200
    assert (await kept(api, event))["state"] == "ignored"


async def test_a_thin_event_of_another_systems_object_is_foreign(api: Api) -> None:
    form = "amount=500&currency=usd&metadata[service]=another&metadata[order_id]=order-1"
    api.shop.stripe.deliver("post", "https://x/v1/payment_intents", KEY, form)
    theirs = api.shop.engine.ledger()["payment_intents"][-1]["id"]
    event = thin("v1.payment_intent.succeeded", "payment_intent", theirs)

    await post(api, event)

    assert (await kept(api, event))["state"] == "foreign"


async def test_a_thin_event_is_put_off_while_stripe_does_not_answer(api: Api) -> None:
    intent = await paid_by_the_client(api)
    event = thin("v1.payment_intent.succeeded", "payment_intent", intent)
    api.shop.stripe.pick = api.only_reads_fail()
    await post(api, event)
    assert (await kept(api, event))["state"] == "kept"
    api.hear()

    await api.shop.work(60)

    assert (await kept(api, event))["state"] == "applied"


def test_every_kind_of_object_that_a_thin_event_may_name_can_be_fetched() -> None:
    assert set(NAMED_AT) == NAMED_KINDS


# Connected accounts


async def test_an_event_of_a_connected_account_is_foreign_even_with_our_mark(api: Api) -> None:
    intent = await paid_by_the_client(api)
    events = [
        snapshot(api) | {"account": "acct_other"},
        thin("v1.payment_intent.succeeded", "payment_intent", intent, context="acct_other"),
        thin("v1.payment_intent.succeeded", "payment_intent", intent, context="org_1/acct_2"),
    ]

    for event in events:
        heard = await post(api, event)
        assert (heard.status, heard.body["received"]) == (200, "foreign")
        assert await api.shop.world.store.get(EVENTS, event["id"]) is None
    assert await status_of(api) == "requires_payment_method"


@pytest.mark.parametrize("account", [None, ""])
async def test_an_event_of_no_other_account_is_ours(api: Api, account: Any) -> None:
    await paid_by_the_client(api)

    heard = await post(api, snapshot(api) | {"account": account})

    assert heard.body["received"] == "kept"
    assert await status_of(api) == "succeeded"
