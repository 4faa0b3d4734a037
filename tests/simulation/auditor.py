"""The auditor: sees only the outside, and judges what must always hold.

The ten invariants are those of the architecture. The ninth speaks of events, for which the service
has no door yet; it joins when there is one.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.simulation.clients import FAILED, Conversation, Heard
from tests.simulation.evidence import CustomerAtStripe, Evidence

Intent = dict[str, Any]

PAID = "PAYMENT RECEIVED"
# What may stand nowhere: client secrets, API keys, webhook secrets, card numbers.
_SECRETS = re.compile(rb"_secret_|sk_test_|sk_live_|rk_test_|whsec_|\b[0-9]{13,19}\b|\bcvc\b")


def judge(seen: Evidence) -> list[str]:
    """Return every violation, each with the number of its invariant."""
    rules = (
        _asked_money_only,
        _success_is_true,
        _failure_is_true,
        _all_is_settled,
        _refunds_are_stripes,
        _orders_are_told,
        _one_key_one_effect,
        _one_customer,
        _no_secrets,
    )
    return [violation for rule in rules for violation in rule(seen)]


def _asked_money_only(seen: Evidence) -> Iterator[str]:
    for order, intents in _by_order(seen).items():
        paid = [intent for intent in intents if intent["amount_received"]]
        asked = {talk.amount_minor for talk in _talks(seen, "pay", order)}
        if len(paid) > 1:
            yield f"1 {order} was paid {len(paid)} times"
        if any(intent["amount_received"] not in asked for intent in paid):
            yield f"1 {order} was charged what nobody asked for"
        charges = [c for i in intents for c in i["charges"] if c["status"] == "succeeded"]
        if len(charges) > 1:
            yield f"1 {order} has {len(charges)} charges that succeeded"


def _success_is_true(seen: Evidence) -> Iterator[str]:
    for talk in _talks(seen, "pay"):
        for heard in talk.answers:
            if heard.word == "succeeded" and heard.money != talk.amount_minor:
                yield f"2 {talk.order_id} was told succeeded with {heard.money} at Stripe"
        if "succeeded" in talk.words and _shown_state(seen, talk.order_id) != "succeeded":
            yield f"2 {talk.order_id} was told succeeded and is shown as something else"
    for talk in _talks(seen, "refund"):
        if "succeeded" in talk.words and not _refunds_of(seen, talk):
            yield f"2 {talk.refund_id} was told succeeded and is not at Stripe"


def _failure_is_true(seen: Evidence) -> Iterator[str]:
    for talk in _talks(seen, "pay"):
        others = _talks(seen, "pay", talk.order_id)
        for heard in talk.answers:
            if heard.money and _says_no(heard, others):
                yield f"3 {talk.order_id} was told {heard.word} with {heard.money} taken"
    for order, intents in _by_order(seen).items():
        talks = _talks(seen, "pay", order)
        for amount in {i["amount_received"] for i in intents} - {0}:
            asked = [talk for talk in talks if talk.amount_minor == amount]
            if asked and all(_says_no(talk.answers[-1], asked) for talk in asked):
                words = sorted({talk.last for talk in asked})
                yield f"3 {order}: the last words were {words}, and {amount} was taken"
    for talk in _talks(seen, "refund"):
        if _says_no(talk.answers[-1], [talk]) and _refunds_of(seen, talk):
            yield f"3 {talk.refund_id} was told {talk.last} and money was given back"


def _says_no(heard: Heard, talks: list[Conversation]) -> bool:
    """Whether this answer says that no money moved.

    A 503 says so of its own request. It does for the payment when no other request about it was
    under way or had been left in doubt.
    """
    if heard.word != "away":
        return heard.word in FAILED
    before = [a for talk in talks for a in talk.answers if a.asked_at < heard.heard_at]
    return all(answer.word in FAILED | {"away"} for answer in before)


def _all_is_settled(seen: Evidence) -> Iterator[str]:
    if not seen.at_rest:
        yield "4 there was still something to do after a day"
    intents = {intent["id"]: intent for intent in seen.ledger["payment_intents"]}
    for intent in intents.values():
        if intent["status"] not in {"succeeded", "canceled"}:
            yield f"4 {intent['id']} is left {intent['status']} at Stripe"
        order = intent["metadata"].get("order_id")
        if intent["status"] == "succeeded" and _shown_state(seen, order) != "succeeded":
            yield f"4 {order} succeeded at Stripe and is shown as {_shown_state(seen, order)}"
    for order, payment in seen.shown.items():
        if payment is None:
            continue
        if payment.intent_id is None:
            if payment.state not in {"canceled", "requires_payment_method"}:
                yield f"4 {order} is shown as {payment.state}, with nothing at Stripe"
        elif intents.get(payment.intent_id, {}).get("status") != payment.state:
            yield f"4 {order} is shown as {payment.state}, which Stripe does not say"


def _refunds_are_stripes(seen: Evidence) -> Iterator[str]:
    refunds = [r for r in seen.ledger["refunds"] if r["status"] in {"succeeded", "pending"}]
    for order, intents in _by_order(seen).items():
        ids = {intent["id"] for intent in intents}
        given = sum(r["amount"] for r in refunds if r["payment_intent"] in ids)
        if given > sum(intent["amount_received"] for intent in intents):
            yield f"5 {order}: more was refunded than captured"
        payment = seen.shown.get(order)
        shown = payment.refunded_minor if payment else 0
        if shown != given:
            yield f"5 {order}: {shown} is shown as refunded, Stripe refunded {given}"


def _orders_are_told(seen: Evidence) -> Iterator[str]:
    told = {update.order_id for update in seen.inbox if update.status == PAID}
    for order, intents in _by_order(seen).items():
        if any(intent["status"] == "succeeded" for intent in intents) and order not in told:
            yield f"6 {order} is paid and the OrderService does not know"
    for update in seen.inbox:
        if update.status != PAID:
            yield f"6 the OrderService was told {update.status}"
        if not update.paid_minor:
            yield f"6 {update.order_id} was told paid before it was"


def _one_key_one_effect(seen: Evidence) -> Iterator[str]:
    for kind in ("payment_intents", "refunds"):
        keys = Counter(one["metadata"].get("idempotency_key") for one in seen.ledger[kind])
        for key, count in keys.items():
            if key is None:
                yield f"7 one of the {kind} does not say whose it is"
            elif count > 1:
                yield f"7 the key {key} made {count} {kind}"


def _one_customer(seen: Evidence) -> Iterator[str]:
    emails = Counter(customer.email for customer in seen.customers)
    for email, count in emails.items():
        if count > 1:
            yield f"8 {email} has {count} customers at Stripe"
    for customer in seen.customers:
        yield from _of_customer(seen, customer)


def _of_customer(seen: Evidence, customer: CustomerAtStripe) -> Iterator[str]:
    shown = seen.shown_customers[customer.email]
    if shown is None:
        yield f"8 {customer.email} is at Stripe and not shown"
        return
    if (customer.default_card in customer.cards) != bool(customer.cards):
        yield f"8 {customer.email} has cards at Stripe and no default among them, or the reverse"
    if shown.default_payment_method_id != customer.default_card:
        yield f"8 {customer.email} has another default here than at Stripe"
    if {card.payment_method_id for card in shown.kept_cards} != customer.cards:
        yield f"8 {customer.email} has other cards here than at Stripe"


def _no_secrets(seen: Evidence) -> Iterator[str]:
    for document in seen.documents:
        if found := _SECRETS.search(document):
            yield f"10 a document holds {found[0]!r}"


def _by_order(seen: Evidence) -> dict[str, list[Intent]]:
    orders: dict[str, list[Intent]] = {}
    for intent in seen.ledger["payment_intents"]:
        orders.setdefault(intent["metadata"].get("order_id"), []).append(intent)
    return orders


def _talks(seen: Evidence, wish: str, order: str | None = None) -> list[Conversation]:
    return [t for t in seen.told if t.wish == wish and order in {None, t.order_id}]


def _shown_state(seen: Evidence, order: str) -> str:
    payment = seen.shown.get(order)
    return "nothing" if payment is None else str(payment.state)


def _refunds_of(seen: Evidence, talk: Conversation) -> list[dict[str, Any]]:
    """Return what Stripe gave back for this wish. Its id ends the key that Stripe was shown."""
    return [
        refund
        for refund in seen.ledger["refunds"]
        if refund["status"] in {"succeeded", "pending"}
        and refund["metadata"].get("idempotency_key", "").endswith(f"-{talk.refund_id}")
    ]
