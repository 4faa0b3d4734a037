"""Looks that take more than one request: lists, and what belongs together."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, assert_never
from urllib.parse import quote

import stripe
import structlog

from payment_service.adapters.stripe.calls import CHARGE, customer_path, setup_path
from payment_service.adapters.stripe.events import event_of
from payment_service.adapters.stripe.objects import (
    customer_of,
    dispute_of,
    fraud_warning_of,
    intent_of,
    named_by,
    refund_of,
    setup_of,
    time_of,
)
from payment_service.domain.news import (
    CustomerSeen,
    DisputesSeen,
    EventsSeen,
    Intent,
    IntentSeen,
    NothingFound,
    RefundsSeen,
    SeenEvent,
)
from payment_service.domain.restoring import foremost
from payment_service.domain.steps import (
    FindCustomer,
    FindDisputes,
    FindIntent,
    FindRefunds,
    ListEvents,
    ListMade,
    ReadCustomer,
    ReadNamed,
    ReadRefund,
)

# A look reads at most this many pages of 100: what a busy account makes in the minutes around an
# attempt. If there are more we have not seen all, which is doubt, not absence.
PAGES_MAX = 50
PAGE_LIMIT = 100
# Of all payments of an account only a window can be read. It is in Stripe's time, which we know to
# some seconds; a request may be under way for minutes.
WINDOW_MARGIN = timedelta(minutes=10)
# A customer's payments are all read, so that no clock can hide one. Of a customer with more than a
# thousand of them a window is read too, so wide that a document of an older release, whose times
# were its machine's, is wrong by less.
CUSTOMER_PAGES_MAX = 10
CUSTOMER_WINDOW_MARGIN = timedelta(days=3)
# Stripe takes up to twenty types at once, each by its full name.
EVENT_TYPES = (
    (
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "payment_intent.requires_action",
        "payment_intent.amount_capturable_updated",
        "payment_intent.processing",
        "charge.expired",
        "charge.refunded",
        "charge.refund.updated",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "radar.early_fraud_warning.created",
        "radar.early_fraud_warning.updated",
    ),
    (
        "payment_method.attached",
        "payment_method.detached",
        "payment_method.updated",
        "payment_method.automatically_updated",
        "customer.updated",
        "customer.deleted",
        "setup_intent.succeeded",
        "setup_intent.setup_failed",
        "setup_intent.canceled",
    ),
)
# What a sweep comes by, and as which event each is taken.
MADE = (
    ("/v1/payment_intents", "payment_intent.swept"),
    ("/v1/refunds", "refund.swept"),
    ("/v1/disputes", "charge.dispute.swept"),
    ("/v1/radar/early_fraud_warnings", "radar.early_fraud_warning.swept"),
)

# Where Stripe has the objects that a thin event may name, by their kind.
NAMED_AT = {
    "payment_intent": "/v1/payment_intents",
    "charge": "/v1/charges",
    "refund": "/v1/refunds",
    "dispute": "/v1/disputes",
    "radar.early_fraud_warning": "/v1/radar/early_fraud_warnings",
    "customer": "/v1/customers",
    "payment_method": "/v1/payment_methods",
    "setup_intent": "/v1/setup_intents",
}

_log = structlog.get_logger("stripe_gateway")

LookNews = IntentSeen | NothingFound | RefundsSeen | DisputesSeen | CustomerSeen | EventsSeen
Read = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
LookStep = (
    FindIntent
    | FindRefunds
    | ReadRefund
    | ReadNamed
    | FindDisputes
    | FindCustomer
    | ReadCustomer
    | ListEvents
    | ListMade
)


class TooLong(ValueError):
    """A list has more pages than a look may read, so what was not found may be there."""


class Looks:
    """Looks at Stripe through `read`, which fetches one path. service: our mark in metadata."""

    def __init__(self, read: Read, service: str) -> None:
        self._read = read
        self._service = service

    async def look(self, step: LookStep) -> LookNews:
        """Carry out one look. Raises what `read` raises, ValueError when there is too much."""
        match step:
            case FindIntent():
                return await self._find_intent(step)
            case FindRefunds():
                params = {"payment_intent": step.intent_id}
                return RefundsSeen(
                    tuple([refund_of(r) async for r in self._all("/v1/refunds", params)])
                )
            case ReadRefund() | ReadNamed():
                return await self._read_one(step)
            case FindDisputes():
                return await self._find_disputes(step)
            case FindCustomer():
                return await self._find_customer(step)
            case ReadCustomer():
                return await self._read_customer(step)
            case ListEvents():
                return await self._list_events(step)
            case ListMade():
                return await self._list_made(step)
            case _:  # pragma: no cover - the union is closed
                assert_never(step)

    async def _find_intent(self, step: FindIntent) -> LookNews:
        if step.customer_id:
            whose: dict[str, Any] = {"customer": step.customer_id}
            with suppress(stripe.InvalidRequestError):  # the customer is gone; its payments are not
                try:
                    return await self._match_intent(step, whose, pages_max=CUSTOMER_PAGES_MAX)
                except TooLong:
                    whose |= _window(step, CUSTOMER_WINDOW_MARGIN)
                    return await self._match_intent(step, whose)
        return await self._match_intent(step, _window(step, WINDOW_MARGIN))

    async def _match_intent(
        self, step: FindIntent, where: Mapping[str, Any], *, pages_max: int = PAGES_MAX
    ) -> LookNews:
        params = {"expand": [f"data.{CHARGE}"], **where}
        found: list[Intent] = []
        begin = (step.since - CUSTOMER_WINDOW_MARGIN).timestamp()
        try:
            async for body in self._all("/v1/payment_intents", params, pages_max):
                if (body.get("metadata") or {}).get("idempotency_key") == step.key:
                    found.append(intent_of(body))
                if found and body.get("created", 0) < begin:
                    break  # the one that was copied, if one was, is not older than that
        except TooLong:
            if not found:
                raise
        if len(found) > 1:
            ids = [one.id for one in found]
            _log.error("intent.copied", order_id=step.order_id, intent_ids=ids)
        return IntentSeen(foremost(found)) if found else NothingFound()

    async def _read_one(self, step: ReadRefund | ReadNamed) -> LookNews:
        """Fetch one object, and return it as if an event were about it."""
        if isinstance(step, ReadRefund):
            body = await self._read(f"/v1/refunds/{quote(step.refund_id, safe='')}", {})
            return EventsSeen((named_by(body, type="refund.read"),))
        body = await self._read(f"{NAMED_AT[step.kind]}/{quote(step.id, safe='')}", {})
        made_at = time_of(body.get("created") or 0)  # of a deleted object it is not told
        return EventsSeen((named_by(body, type=step.event_type, happened_at=made_at),))

    async def _find_disputes(self, step: FindDisputes) -> LookNews:
        params = {"payment_intent": step.intent_id}
        disputes = [dispute_of(d) async for d in self._all("/v1/disputes", params)]
        path = "/v1/radar/early_fraud_warnings"
        warnings = [fraud_warning_of(w) async for w in self._all(path, params)]
        return DisputesSeen(tuple(disputes), tuple(warnings))

    async def _find_customer(self, step: FindCustomer) -> LookNews:
        """Several customers may share an e-mail: ours comes first, then the oldest."""
        found: list[Mapping[str, Any]] = []
        for email in dict.fromkeys((step.email, step.spelling or step.email)):
            found += [c async for c in self._all("/v1/customers", {"email": email})]
        found.sort(key=lambda c: c.get("created") or 0, reverse=True)
        if not found:
            return NothingFound()
        ours = [c for c in found if (c.get("metadata") or {}).get("service") == self._service]
        return await self._with_cards((ours or found)[-1])

    async def _read_customer(self, step: ReadCustomer) -> LookNews:
        setup = None
        if step.setup_id:
            setup = setup_of(await self._read(setup_path(step.setup_id), {}))
        news = await self._with_cards(await self._read(customer_path(step.customer_id), {}))
        return CustomerSeen(news.customer, setup=setup) if isinstance(news, CustomerSeen) else news

    async def _with_cards(self, customer: Mapping[str, Any]) -> CustomerSeen | NothingFound:
        if customer.get("deleted"):
            return NothingFound()
        params = {"customer": customer["id"], "type": "card"}
        cards = [card async for card in self._all("/v1/payment_methods", params)]
        return CustomerSeen(customer_of(customer, cards))

    async def _list_events(self, step: ListEvents) -> LookNews:
        found: list[SeenEvent] = []
        for types in EVENT_TYPES:
            params = {"created": _between(step), "types": list(types)}
            found += [event_of(body) async for body in self._all("/v1/events", params)]
        return _oldest_first(found)

    async def _list_made(self, step: ListMade) -> LookNews:
        found: list[SeenEvent] = []
        for path, event_type in MADE:
            made = self._all(path, {"created": _between(step)})
            found += [named_by(body, type=event_type) async for body in made]
        return _oldest_first(found)

    async def _all(
        self, path: str, params: Mapping[str, Any], pages_max: int = PAGES_MAX
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield a list's elements, newest first. Raises TooLong."""
        query: dict[str, Any] = {**params, "limit": PAGE_LIMIT}
        for _ in range(pages_max):
            body = await self._read(path, query)
            page = body["data"]
            for element in page:
                yield element
            if not body["has_more"]:
                return
            query = {**query, "starting_after": page[-1]["id"]}
        raise TooLong("the list is longer than a look may read")


def _window(step: FindIntent, margin: timedelta) -> dict[str, Any]:
    since = int((step.since - margin).timestamp())
    until = int((step.until + margin).timestamp())
    return {"created": {"gte": since, "lte": until}}


def _between(step: ListEvents | ListMade) -> dict[str, int]:
    return {"gte": int(step.since.timestamp()), "lt": int(step.until.timestamp())}


def _oldest_first(events: list[SeenEvent]) -> EventsSeen:
    events.reverse()  # lists are newest first, and within one second their order is all there is
    return EventsSeen(tuple(sorted(events, key=lambda seen: seen.happened_at)))
