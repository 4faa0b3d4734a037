"""Events that Stripe signed and that are not what its documents say: thin, foreign, misshapen."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payment_service.adapters.stripe import SignedEvents
from payment_service.domain.event import EventState, taken
from payment_service.domain.moment import Door
from payment_service.domain.news import SeenEvent
from payment_service.flows.take_event import take_event
from payment_service.storage.collections import EVENTS
from tests.api.asgi import Heard
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop, open_shop
from tests.parts.strange_events import JSON, SNAPSHOT, THIN, WRONG, places, put, thin
from tests.parts.virtual_time import epoch_s, run

SECRET = "whsec_new"
PATH = "/payment/webhook"
KEY = {"Authorization": "Bearer sk_test_sandbox"}


@pytest.fixture
def api(shop: Shop) -> Api:
    return with_webhook(shop)


def with_webhook(shop: Shop) -> Api:
    shop.world = replace(shop.world, event_reader=SignedEvents([SECRET], tolerance_s=300))
    return open_api(shop)


async def post(api: Api, event: Any) -> Heard:
    raw = json.dumps(event).encode()
    at = int(epoch_s())
    header = stripe.WebhookSignature.generate_signature_header(raw.decode(), SECRET, at)
    heard = await api.ask("POST", PATH, raw=raw, headers={"stripe-signature": header})
    await api.shop.world.background.drain(5.0)
    return heard


async def kept(api: Api, event: Any) -> Any:
    return (await api.get(f"/payment/events/{event['id']}")).data


def snapshot(api: Api, event_type: str = "payment_intent.succeeded") -> dict[str, Any]:
    return deepcopy(next(e for e in reversed(api.shop.engine.events) if e["type"] == event_type))


# Fields of wrong types


async def everybody_can_still_list(api: Api) -> None:
    listed = await api.get("/payment/events?limit=100")
    assert listed.status == 200
    for one in listed.data:
        assert (await api.get(f"/payment/events?type={one['type']}")).status in {200, 400}


async def test_a_field_of_a_wrong_type_is_refused_or_passed_over_and_never_kept_unreadable(
    api: Api,
) -> None:
    await api.pay()
    tried = 0
    thin_one = thin("v1.payment_intent.succeeded", "payment_intent", "pi_1")
    for event in (snapshot(api), snapshot(api, "charge.succeeded"), thin_one):
        top = [p for p in places(event) if len(p) < 4 or p[-1] in {"service", "order_id"}]
        for number, path in enumerate(top):
            for value in WRONG:
                sent = put(event | {"id": f"evt_{number}_{tried}"}, path, value)
                raw = json.dumps(sent)
                at = int(epoch_s())
                header = stripe.WebhookSignature.generate_signature_header(raw, SECRET, at)
                named = {"stripe-signature": header}
                heard = await api.ask("POST", PATH, raw=raw.encode(), headers=named)
                assert heard.status in {200, 400}, (path, value)
                assert heard.status == 200 or heard.code == "invalid_event"
                tried += 1
    await api.shop.world.background.drain(60.0)

    assert tried > 500
    assert api.shop.witness.stumbles == []
    await everybody_can_still_list(api)


PLACES = [(event, path) for event in (SNAPSHOT, THIN) for path in places(event)]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.sampled_from(PLACES), value=JSON, kind=st.sampled_from(["payment_intent", "x"]))
def test_any_json_at_any_field_is_answered_and_leaves_the_list_readable(
    place: tuple[Any, tuple[str | int, ...]], value: Any, kind: str
) -> None:
    async def scenario() -> None:
        shop = await open_shop()
        api = with_webhook(shop)
        event, path = place
        if event is SNAPSHOT:
            event = put(event, ("data", "object", "object"), kind)
        heard = await post(api, put(event, path, value))

        assert heard.status in {200, 400}
        assert heard.status == 200 or heard.code == "invalid_event"
        assert shop.witness.stumbles == []
        await everybody_can_still_list(api)
        await shop.world.store.close()

    run(scenario)


async def test_many_signed_posts_that_are_no_events_hold_back_nobody(api: Api) -> None:
    for number in range(100):
        heard = await post(api, snapshot_of_nothing(number))
        assert (heard.status, heard.code) == (400, "invalid_event")


def snapshot_of_nothing(number: int) -> Any:
    return {"id": number, "object": "event"}


# Documents that a release before this one has kept


def unreadable(shop: Shop, id: Any = 1) -> Any:
    """Return an event as it was kept before types were looked at."""
    seen = SeenEvent(
        id=id,
        type="payment_intent.succeeded",
        happened_at=shop.world.clock.now(),
        livemode=False,
        object_id="pi_1",
        service="payment-service",
        order_id="order-1",
    )
    return replace(taken(seen, shop.world.moment(Door.WEBHOOK)), id=id, state=EventState.KEPT)


async def test_an_event_that_cannot_be_read_is_passed_over_and_told_once(
    api: Api, lines: Any
) -> None:
    shop = api.shop
    await shop.world.store.insert(EVENTS, unreadable(shop))
    await shop.world.clock.sleep(120)
    await api.pay()
    await take_event(shop.world, replace(unreadable(shop).seen, id="evt_good"), Door.WEBHOOK)

    await shop.work(60)
    listed = await api.get("/payment/events")

    assert [one["event_id"] for one in listed.data] == ["evt_good"]
    assert lines.getvalue().count(b"document.unreadable") == 1


async def test_pages_go_on_behind_events_that_cannot_be_read(api: Api) -> None:
    shop = api.shop
    good = replace(unreadable(shop).seen, id="evt_good", type="payout.paid")
    await take_event(shop.world, good, Door.WEBHOOK)
    for number in range(5):
        await shop.world.clock.sleep(1)
        await shop.world.store.insert(EVENTS, unreadable(shop, number))

    found, cursor = [], ""
    for _ in range(10):
        page = (await api.get(f"/payment/events?limit=2{cursor}")).body
        found += [one["event_id"] for one in page["data"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"

    assert found == ["evt_good"]


def test_times_of_thin_events_bear_their_zone() -> None:
    body = json.dumps(thin("v1.x", created="2026-11-23T10:00:00+01:00"))
    at = 1_795_424_400
    header = stripe.WebhookSignature.generate_signature_header(body, SECRET, at)
    now = datetime.fromtimestamp(at, UTC)

    seen = SignedEvents([SECRET], 300).read(body.encode(), header, now)

    assert now - seen.happened_at < timedelta(hours=1)
