"""Mistakes about *what* is done, put in on purpose: another sum, card, customer, currency, word.

Those of the requests are put in on the way to Stripe, where the form is written; those of what is
shown between Stripe's answer and the service. Nothing is patched.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from payment_service.domain.news import (
    CustomerSeen,
    DisputesSeen,
    IntentSeen,
    News,
    RefundSeen,
    RefundsSeen,
)
from payment_service.domain.payment import Payment
from payment_service.domain.steps import GatewayStep, ReadCustomer
from payment_service.ports import PAYMENTS, Collection, Gateway
from stripe_sandbox.engine import Request
from tests.simulation.planted import asking
from tests.simulation.town import Variant

Form = dict[str, str]
Change = Callable[[Form], None]
INTENTS: Final = "/v1/payment_intents"


def form(name: str, path: str, change: Change) -> Variant:
    """Return a service that writes its requests to paths with this end otherwise than asked."""

    def sent(request: Request) -> Request:
        if request.method != "POST" or not request.path.endswith(path):
            return request
        fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        change(fields)
        return replace(request, body=urlencode(fields).encode())

    return Variant(name, sent=sent)


def put(field: str, value: str) -> Change:
    """Return what writes another value into a field that is there."""

    def change(fields: Form) -> None:
        if field in fields:
            fields[field] = value

    return change


def drop(field: str) -> Change:
    """Return what loses a field, or all that begin so."""

    def change(fields: Form) -> None:
        for name in [name for name in fields if name.startswith(field)]:
            del fields[name]

    return change


def reckon(field: str, count: Callable[[int], int]) -> Change:
    """Return what reckons an amount wrongly."""

    def change(fields: Form) -> None:
        if field in fields:
            fields[field] = str(count(int(fields[field])))

    return change


def _always(field: str, value: str) -> Change:
    return lambda fields: fields.update({field: value})


def shown(name: str, change: Callable[[News], News]) -> Variant:
    """Return a service that reads Stripe's answers otherwise than they are."""

    async def ask(gateway: Gateway, step: GatewayStep) -> News:
        return change(await gateway.ask(step))

    return Variant(name, gateway=asking(ask))


def _dispute(**changes: Any) -> Callable[[News], News]:
    def change(news: News) -> News:
        if not isinstance(news, DisputesSeen):
            return news
        return replace(news, disputes=tuple(replace(one, **changes) for one in news.disputes))

    return change


def _received(news: News) -> News:
    if not isinstance(news, IntentSeen) or not news.intent.amount_received_minor:
        return news
    wrong = news.intent.amount_received_minor - 1
    return replace(news, intent=replace(news.intent, amount_received_minor=wrong))


def _refunded(news: News) -> News:
    if isinstance(news, RefundSeen):
        return replace(news, refund=replace(news.refund, amount_minor=1))
    if isinstance(news, RefundsSeen):
        return replace(news, refunds=tuple(replace(r, amount_minor=1) for r in news.refunds))
    return news


def _card(**changes: Any) -> Callable[[Gateway, GatewayStep], Any]:
    async def ask(gateway: Gateway, step: GatewayStep) -> News:
        news = await gateway.ask(step)
        if isinstance(news, CustomerSeen) and isinstance(step, ReadCustomer):
            cards = tuple(replace(card, **changes) for card in news.customer.cards)
            return replace(news, customer=replace(news.customer, cards=cards))
        return news

    return ask


class Renaming:
    """The Store port of a service that writes other terms down than it was asked for."""

    def __init__(self, store: Any, **terms: Any) -> None:
        self._store = store
        self._terms = terms

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def replace(
        self, collection: Collection[Any], doc: Any, *, expected_version: int
    ) -> None:
        """Write the payment with other terms than it was begun with."""
        if collection.name == PAYMENTS.name and isinstance(doc, Payment) and doc.attempt is None:
            doc = replace(doc, terms=replace(doc.terms, **self._terms))
        await self._store.replace(collection, doc, expected_version=expected_version)


def written(name: str, **terms: Any) -> Variant:
    """Return a service that writes other terms into its documents."""
    return Variant(name, store=lambda store: Renaming(store, **terms))
