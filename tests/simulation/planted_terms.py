"""Mistakes about *what* is done, put in on purpose: another sum, card, customer, currency, word.

Those of the requests are put in on the way to Stripe, where the form is written; those of what is
shown between Stripe's answer and the service. Nothing is patched.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from payment_service.domain.news import (
    CardSeen,
    CustomerSeen,
    Declined,
    DisputesSeen,
    IntentSeen,
    News,
    RefundSeen,
    RefundsSeen,
)
from payment_service.domain.payment import Payment
from payment_service.domain.steps import (
    AttachCard,
    CreateIntent,
    CreateRefund,
    CreateSetup,
    GatewayStep,
    SetDefaultCard,
)
from payment_service.ports import Collection, Gateway, LeaveWhile
from payment_service.storage.collections import PAYMENTS
from stripe_sandbox.engine import Request
from tests.simulation.planted import asking
from tests.simulation.town import Variant

Form = dict[str, str]
Change = Callable[[Form], None]
INTENTS: Final = "/v1/payment_intents"
CONFIRM, CAPTURE, CANCEL = (f"{INTENTS}/[^/]+/{verb}" for verb in ("confirm", "capture", "cancel"))
REFUNDS, CUSTOMERS = "/v1/refunds", "/v1/customers"
CARD: Final = "/v1/payment_methods/[^/]+"


def form(name: str, path: str, change: Change) -> Variant:
    """Return a service that writes its requests to such paths otherwise than asked."""

    def sent(request: Request) -> Request:
        if request.method != "POST" or not re.fullmatch(path, request.path):
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


def both(*changes: Change) -> Change:
    """Return what makes one change after the other."""

    def change(fields: Form) -> None:
        for one in changes:
            one(fields)

    return change


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


def _warning(news: News) -> News:
    if not isinstance(news, DisputesSeen):
        return news
    return replace(news, warnings=tuple(replace(w, fraud_type="x") for w in news.warnings))


def _refused(news: News) -> News:
    if isinstance(news, Declined):
        return replace(news, error=replace(news.error, code="expired_card"))
    return news


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


def _card(**changes: Any) -> Callable[[News], News]:
    def change(news: News) -> News:
        match news:
            case CardSeen():
                return replace(news, card=replace(news.card, **changes))
            case CustomerSeen():
                cards = tuple(replace(card, **changes) for card in news.customer.cards)
                return replace(news, customer=replace(news.customer, cards=cards))
            case _:
                return news

    return change


class Mixing:
    """The Gateway port of a service that takes the first of a kind for every later one."""

    def __init__(self, gateway: Gateway, kind: type[Any], field: str) -> None:
        self._gateway = gateway
        self._kind = kind
        self._field = field
        self._first: str | None = None

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step, on the first payment or customer that was seen."""
        if isinstance(step, self._kind) and self._first:
            step = replace(step, **{self._field: self._first})
        news = await self._gateway.ask(step, leave_while=leave_while)
        match news:
            case IntentSeen() if self._field == "intent_id":
                self._first = self._first or news.intent.id
            case CustomerSeen() if self._field == "customer_id":
                self._first = self._first or news.customer.id
            case CardSeen() if self._field == "payment_method_id":
                self._first = self._first or news.card.payment_method_id
        return news


def mixing(name: str, kind: type[Any], field: str) -> Variant:
    """Return a service that asks this step of Stripe about the first that it saw."""
    return Variant(name, gateway=lambda gateway: Mixing(gateway, kind, field))


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


# Each mistake, a story in which it can show (with its usual card, or the one named), and how what
# the auditor says of it begins.
WRONGS: Final = (
    # about payments
    (form("eur for any currency", INTENTS, put("currency", "eur")), "pay_once", "1 "),
    (form("usd for any currency", INTENTS, put("currency", "usd")), "pay_once", "1 "),
    (form("a currency more", INTENTS, put("currency", "sek")), "everything_asked", "1 "),
    (form("major units", INTENTS, reckon("amount", lambda n: n * 100)), "pay_once", "1 "),
    (
        form("an amount is rounded", INTENTS, reckon("amount", lambda n: n // 1000 * 1000)),
        "pay_once",
        "1 ",
    ),
    (form("whose payment", INTENTS, put("metadata[service]", "x")), "pay_once", "1 order-1"),
    (form("another order", INTENTS, put("metadata[order_id]", "order-9")), "pay_once", "1 order-9"),
    (form("one more", INTENTS, reckon("amount", lambda n: n + 10)), "two_orders", "1 "),
    (form("nobody's", INTENTS, drop("customer")), "everything_asked", "1 "),
    (mixing("another customer", CreateIntent, "customer_id"), "everything_asked", "1 "),
    (
        form("another card", INTENTS, put("payment_method", "pm_card_jcb")),
        "pay_once",
        "1 order-1: card",
    ),
    (
        form("another card later", CONFIRM, put("payment_method", "pm_card_jcb")),
        "decline_then_pay",
        "1 order-1: card",
    ),
    (mixing("the first card", CreateIntent, "payment_method_id"), "everything_asked", "1 "),
    (form("the holder is there", INTENTS, drop("off_session")), "off_session", "1 order-1: off"),
    (
        form("the holder is away", CONFIRM, lambda fields: fields.update(off_session="true")),
        "everything_confirmed",
        "1 order-1: off",
    ),
    (form("no description", INTENTS, drop("description")), "pay_once", "1 order-1: description"),
    (form("no metadata", INTENTS, drop("metadata[basket]")), "pay_once", "1 order-1: metadata"),
    (form("whose request", INTENTS, drop("metadata[request_id]")), "pay_once", "1 order-1: nob"),
    (
        form("captured at once", INTENTS, drop("capture_method")),
        "hold_and_capture",
        "1 order-1: capture_method",
    ),
    (
        form(
            "no way back",
            INTENTS,
            both(drop("return_url"), put("automatic_payment_methods[allow_redirects]", "never")),
        ),
        "everything_asked",
        "1 order-1: comes_back",
    ),
    (
        form("another way back", CONFIRM, put("return_url", "https://elsewhere.example")),
        "everything_confirmed",
        "1 order-1: return_url",
    ),
    (form("all is captured", CAPTURE, drop("amount_to_capture")), "capture_part", "1 order-1: "),
    (
        form("captured by one less", CAPTURE, reckon("amount_to_capture", lambda n: n - 10)),
        "everything_held",
        "1 order-1: ",
    ),
    (
        form("why canceled", CANCEL, put("cancellation_reason", "abandoned")),
        "hold_and_cancel",
        "3 order-1 was canceled",
    ),
    (
        form("nobody says why canceled", CANCEL, drop("cancellation_reason")),
        "everything_held",
        "3 order-2 was canceled",
    ),
    # about refunds and disputes
    (
        form("299 for 300", REFUNDS, reckon("amount", lambda n: n - 10)),
        "refund_parts",
        "5 order-1 rfd_1 amount",
    ),
    (form("refunded whole", REFUNDS, drop("amount")), "refund_parts", "5 order-1 rfd_1 amount"),
    (
        form("why refunded", REFUNDS, put("reason", "fraudulent")),
        "refund_all",
        "5 order-1 rfd_1 reason",
    ),
    (
        form("why refunded, in words", REFUNDS, drop("metadata[reason]")),
        "everything_asked",
        "5 order-2 rfd_2 reason",
    ),
    (mixing("another payment is refunded", CreateRefund, "intent_id"), "everything_asked", "5 "),
    (shown("another refund is shown", _refunded), "refund_parts", "2 order-1 rfd_1 was answered"),
    (
        shown("another amount is disputed", _dispute(amount_minor=1)),
        "dispute_won",
        "5 order-1: the dispute's amount",
    ),
    (
        shown("disputed in another currency", _dispute(currency="sek")),
        "dispute_won",
        "5 order-1: the dispute's currency",
    ),
    (
        shown("disputed for another reason", _dispute(reason="duplicate")),
        "dispute_won",
        "5 order-1: the dispute's reason",
    ),
    (
        form("another order's refund", REFUNDS, put("metadata[order_id]", "order-9")),
        "refund_all",
        "5 order-1 rfd_1 named_order",
    ),
    (
        form("nobody's refund", REFUNDS, drop("metadata[request_id]")),
        "refund_all",
        "5 order-1 rfd_1 request_id",
    ),
    (
        shown("refused for no reason", _refused),
        "pay_once/no_funds",
        "1 order-1 is shown as refused",
    ),
    (
        shown("another warning", _warning),
        "fraud_warning",
        "5 order-1: the fraud warning's fraud_type",
    ),
    # about what is shown and told
    (shown("another amount is told", _received), "pay_once", "2 order-1 was answered"),
    (
        written("the document names another customer", customer_id="cus_of_nobody"),
        "everything_asked",
        "1 order-",
    ),
    (written("another currency is shown", currency="sek"), "pay_once", "1 order-1: currency"),
    (written("another amount is shown", amount_minor=1), "pay_once", "1 order-1: amount"),
    (written("other words are shown", description="x"), "pay_once", "1 order-1: description"),
    (written("other metadata are shown", metadata={}), "pay_once", "1 order-1: metadata"),
    # about customers and cards
    (form("another name", CUSTOMERS, put("name", "Nobody")), "keep_cards", "8 a@example.com: name"),
    (
        form("another e-mail", CUSTOMERS, put("email", "c@example.com")),
        "keep_cards",
        "8 a@example.com",
    ),
    (form("whose customer", CUSTOMERS, drop("metadata[service]")), "keep_cards", "8 a@example.com"),
    (mixing("saved for another", AttachCard, "customer_id"), "everything_kept", "8 "),
    (form("no name", CUSTOMERS, drop("name")), "keep_cards", "8 a@example.com: name"),
    (
        form("no cardholder", CARD, drop("billing_details[name]")),
        "keep_cards",
        "8 a@example.com: a card's name",
    ),
    (shown("another last4", _card(last4="0000")), "keep_cards", "8 a@example.com: a card's card"),
    (shown("another year", _card(exp_year=2001)), "keep_cards", "8 a@example.com: a card's exp"),
    (
        mixing("another default card", SetDefaultCard, "payment_method_id"),
        "everything_asked",
        "8 a@example.com",
    ),
    (mixing("set up for another", CreateSetup, "customer_id"), "everything_saved", "8 "),
)
