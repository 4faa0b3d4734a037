"""Stripe's events as the operator sees them: listed, looked at, and applied once more."""

from dataclasses import replace
from datetime import timedelta

from payment_service.domain.event import Event, EventState, put_off, taken
from payment_service.domain.moment import Door
from payment_service.domain.news import SeenEvent
from payment_service.storage.collections import EVENTS
from tests.api.conftest import Api


async def dead(api: Api, id: str, order_id: str, intent_id: str) -> Event:
    """Put an event in the store that nobody could apply for three days."""
    moment = api.shop.world.moment(Door.WEBHOOK)
    seen = SeenEvent(
        id=id,
        type="payment_intent.succeeded",
        happened_at=moment.now,
        livemode=False,
        object_id=intent_id,
        status="succeeded",
        service="payment-service",
        order_id=order_id,
        intent_id=intent_id,
    )
    event = replace(taken(seen, moment), tries=30)
    event = put_off(event, "no such payment", replace(moment, now=moment.now + timedelta(days=4)))
    assert event.state is EventState.DEAD
    await api.shop.world.store.insert(EVENTS, event)
    return event


async def test_a_dead_event_is_listed_with_why_and_applied_once_more_by_hand(api: Api) -> None:
    intent_id = (await api.pay("order-1")).data["payment_intent_id"]
    await dead(api, "evt_dead", "order-1", intent_id)

    listed = await api.get("/payment/events?state=dead")
    applied = await api.post("/payment/events/evt_dead/apply", {})

    (shown,) = listed.data
    assert (shown["event_id"], shown["failure"], shown["tries"]) == (
        "evt_dead",
        "no such payment",
        31,
    )
    assert (applied.status, applied.data["state"], applied.data["by"]) == (
        200,
        "applied",
        "operator",
    )
    assert (await api.get("/payment/events?state=dead")).data == []


async def test_one_that_still_cannot_be_applied_is_put_off_and_says_why(api: Api) -> None:
    await dead(api, "evt_lost", "order-unknown", "pi_unknown")

    tried = await api.post("/payment/events/evt_lost/apply", {})

    assert (tried.status, tried.data["state"]) == (200, "kept")
    assert (tried.data["failure"], tried.data["tries"]) == ("no such payment", 1)
    assert tried.data["next_try_at"] is not None
    assert [seen.id for seen in api.shop.witness.unknown] == ["evt_lost"]


async def test_an_unknown_event_is_not_found(api: Api) -> None:
    assert (await api.get("/payment/events/evt_nothing")).status == 404
    assert (await api.post("/payment/events/evt_nothing/apply", {})).status == 404


async def test_events_are_paged_newest_first(api: Api) -> None:
    intent_id = (await api.pay("order-1")).data["payment_intent_id"]
    for number in range(3):
        await dead(api, f"evt_{number}", "order-1", intent_id)
        await api.shop.world.clock.sleep(1)

    first = await api.get("/payment/events?limit=2")
    second = await api.get(f"/payment/events?limit=2&cursor={first.body['nextCursor']}")
    bad = await api.get("/payment/events?cursor=nonsense&state=asleep")

    assert [event["event_id"] for event in first.data] == ["evt_2", "evt_1"]
    assert [event["event_id"] for event in second.data] == ["evt_0"]
    assert second.body["nextCursor"] is None
    assert (bad.status, bad.bad_fields) == (400, ["state"])
    assert (await api.get("/payment/events?cursor=nonsense")).code == "invalid_cursor"
