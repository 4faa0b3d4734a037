"""Stripe's events as the operator sees them: what came, what became of it, and once more."""

from payment_service.api.answer_models import EventAnswer, EventsAnswer
from payment_service.api.answers import Answer, success
from payment_service.api.asked import AskedEvents
from payment_service.api.caller import Scope
from payment_service.api.endpoint import Api, Endpoint, services_only
from payment_service.api.incoming import Incoming
from payment_service.api.paging import read_page
from payment_service.api.validation import checked
from payment_service.flows.revive_event import find_event, revive_event
from payment_service.storage.collections import EVENTS


async def list_page(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedEvents, call.query)
    page = await read_page(
        api,
        EVENTS,
        equal={"state": asked.state, "type": asked.type},
        cursor=asked.cursor,
        limit=asked.limit,
    )
    return success([api.show.event(event) for event in page.items], nextCursor=page.next_cursor)


async def get(api: Api, call: Incoming) -> Answer:
    return success(api.show.event(await find_event(api.world, call.path["eventId"])))


async def apply(api: Api, call: Incoming) -> Answer:
    return success(api.show.event(await revive_event(api.world, call.path["eventId"])))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/events",
        handle=list_page,
        scope=Scope.ADMIN,
        guard=services_only,
        name="list_events",
        tag="events",
        summary="List Stripe's events, newest first",
        description="`state=dead` lists those that could not be applied in three days.",
        asks=AskedEvents,
        answers={200: EventsAnswer},
        refusals={400: ("invalid_cursor",)},
    ),
    Endpoint(
        method="GET",
        path="/events/{eventId}",
        handle=get,
        scope=Scope.ADMIN,
        guard=services_only,
        name="get_event",
        tag="events",
        summary="Get one of Stripe's events",
        answers={200: EventAnswer},
        refusals={404: ("not_found",)},
    ),
    Endpoint(
        method="POST",
        path="/events/{eventId}/apply",
        handle=apply,
        scope=Scope.ADMIN,
        guard=services_only,
        name="apply_event",
        tag="events",
        summary="Apply an event once more",
        description=(
            "For one that is dead, or any other: it makes us look at Stripe again, which is always "
            "safe. The answer is the event after the try."
        ),
        answers={200: EventAnswer},
        refusals={404: ("not_found",)},
    ),
)
