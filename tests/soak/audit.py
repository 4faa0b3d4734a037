"""What the soak's auditor judges besides what the simulation's does: field by field, word by word.

It knows what each buyer asked for and was told, what Stripe holds, and what the API shows.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.parts.http import Caller, Heard
from tests.simulation.auditor_of_later import PAID
from tests.simulation.inbox import Update
from tests.soak.buyers import Buyer, refund_ids
from tests.soak.wanted import WantedPayment, WantedRefund

Found = dict[str, Any]
PAGE = 100
KEY = {"Authorization": "Bearer sk_test_auditor"}
STRIPES_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})
# How long an update may have been under way to an OrderService on a busy machine.
UNDER_WAY_S = 1.0
# Where a reason goes that Stripe does not know.
OWN_REASON = "reason"
NO = "away"
REFUSED = 502


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything that can be seen. shown: the answer of the API about each order."""

    intents: list[Found]
    refunds: list[Found]
    disputes: list[Found]
    shown: dict[str, Heard]
    buyers: Sequence[Buyer]

    def intents_of(self, order_id: str) -> list[Found]:
        """Return the PaymentIntents of an order."""
        return [one for one in self.intents if one["metadata"].get("order_id") == order_id]


async def look(sandbox: Caller, service: Caller, buyers: Sequence[Buyer]) -> Outside:
    """Read all of it, when nothing moves any more."""
    orders = sorted({one.order_id for buyer in buyers for one in buyer.payments})
    return Outside(
        intents=await all_at_stripe(sandbox, "/v1/payment_intents"),
        refunds=await all_at_stripe(sandbox, "/v1/refunds"),
        disputes=await all_at_stripe(sandbox, "/v1/disputes"),
        shown={o: await service.ask("GET", f"/payment/payment-intent/{o}") for o in orders},
        buyers=buyers,
    )


async def all_at_stripe(sandbox: Caller, path: str) -> list[Found]:
    """Return all objects of a list."""
    found: list[Found] = []
    after = ""
    while True:
        page = (await sandbox.ask("GET", f"{path}?limit={PAGE}{after}", headers=KEY)).body
        found += page["data"]
        if not page["has_more"]:
            return found
        after = f"&starting_after={found[-1]['id']}"


def judge_outside(seen: Outside) -> list[str]:
    """Return every violation."""
    rules = (_as_asked, _refunds_as_asked, _no_means_no, _one_key_one_answer, _shown, _odd)
    return [violation for rule in rules for violation in rule(seen)]


def _as_asked(seen: Outside) -> Iterator[str]:
    """Every PaymentIntent is, in every field, one that its buyer asked for."""
    wanted: dict[str, list[WantedPayment]] = defaultdict(list)
    for buyer in seen.buyers:
        for one in buyer.payments:
            wanted[one.order_id].append(one)
    for intent in seen.intents:
        order_id = intent["metadata"].get("order_id")
        faults = [list(_differences(one, intent)) for one in wanted[order_id]]
        if not any(found == [] for found in faults):
            yield f"{intent['id']} of {order_id} is not as it was asked for: {faults}"


def _differences(wanted: WantedPayment, intent: Found) -> Iterator[str]:
    right = {
        "amount": wanted.amount_minor,
        "currency": wanted.currency,
        "customer": wanted.customer_id,
        "capture_method": wanted.capture_method,
        "description": wanted.description,
    }
    for name, value in right.items():
        if intent[name] != value:
            yield f"{name} is {intent[name]}, not {value}"
    if intent["metadata"].get("basket") != wanted.basket:
        yield f"the metadata are {intent['metadata']}, not those of {wanted.basket}"
    if wanted.card and intent["status"] == "succeeded" and intent["payment_method"] != wanted.card:
        yield f"the card is {intent['payment_method']}, not {wanted.card}"
    if wanted.capture_method != "manual" and intent["amount_received"] not in {
        0,
        wanted.amount_minor,
    }:
        yield f"{intent['amount_received']} was taken"


def _refunds_as_asked(seen: Outside) -> Iterator[str]:
    """Every refund is one that was asked for; by its key, of its order, amount and reason."""
    wanted: dict[str, WantedRefund] = {
        made: one for buyer in seen.buyers for one in buyer.refunds for made in refund_ids(one.key)
    }
    intents = {one["id"]: one for one in seen.intents}
    for refund in seen.refunds:
        intent, metadata = intents[refund["payment_intent"]], refund["metadata"]
        asked = next(
            (w for i, w in wanted.items() if metadata["idempotency_key"].endswith(i)), None
        )
        if asked is None:
            yield f"{refund['id']} of {refund['amount']} was not asked for"
            continue
        reason = refund["reason"] or metadata.get(OWN_REASON)
        if intent["metadata"]["order_id"] != asked.order_id:
            yield f"{refund['id']} was asked for {asked.order_id}"
        if asked.amount_minor not in {0, refund["amount"]}:
            yield f"{refund['id']} is {refund['amount']}, not {asked.amount_minor}"
        if refund["currency"] != intent["currency"]:
            yield f"{refund['id']} is in {refund['currency']}"
        if reason != asked.reason:
            yield f"{refund['id']} says {reason}, not {asked.reason}"


def _no_means_no(seen: Outside) -> Iterator[str]:
    """Where all answers were "nothing was charged or changed", nothing was, nor is it later."""
    for buyer in seen.buyers:
        asked = Counter((talk.order_id, talk.wish) for talk in buyer.told)
        for talk in buyer.told:
            if set(talk.words) != {NO} or asked[talk.order_id, talk.wish] > 1:
                continue
            intents, shown = seen.intents_of(talk.order_id), seen.shown[talk.order_id]
            captured = any(one["amount_received"] for one in intents)
            canceled = shown.status == 200 and shown.data["status"] == "canceled"
            if (talk.wish == "capture" and captured) or (talk.wish == "cancel" and canceled):
                yield f"{talk.order_id}: its {talk.wish} was told 503 and happened"
        yield from _no_refund(seen, buyer)


def _no_refund(seen: Outside, buyer: Buyer) -> Iterator[str]:
    made = {one["metadata"]["idempotency_key"]: one["id"] for one in seen.refunds}
    for wanted in buyer.refunds:
        statuses = [one.status for one in buyer.said if one.key == wanted.key]
        ids = tuple(refund_ids(wanted.key))
        found = [refund for key, refund in made.items() if key.endswith(ids)]
        if found and statuses and (set(statuses) <= {429, 503} or statuses[-1] == REFUSED):
            yield f"{wanted.order_id}: its refund was told {statuses[-1]} and is there: {found}"


def _one_key_one_answer(seen: Outside) -> Iterator[str]:
    """Whoever asks again under the same key is told of the same thing."""
    for buyer in seen.buyers:
        told: dict[tuple[str, str], set[tuple[Any, ...]]] = defaultdict(set)
        for one in buyer.said:
            if one.key is not None and one.status in {200, 201}:
                data = one.body["data"]
                names = ("payment_intent_id", "reference", "amount", "currency", "orderId")
                told[one.path, one.key].add(tuple(data.get(name) for name in names))
        for (path, key), answers in told.items():
            if len(answers) > 1:
                yield f"{path} under {key} was answered {sorted(map(str, answers))}"


def _shown(seen: Outside) -> Iterator[str]:
    """What the API shows of an order is what Stripe holds."""
    intents = {one["id"]: one for one in seen.intents}
    for order_id, heard in seen.shown.items():
        if heard.status == 404 and not seen.intents_of(order_id):
            continue
        if heard.status != 200:
            yield f"{order_id} is shown as {heard.status} {heard.body}"
            continue
        intent = intents.get(heard.data["payment_intent_id"])
        if intent is None:
            if heard.data["status"] not in {"canceled", "requires_payment_method"}:
                yield f"{order_id} is shown as {heard.data['status']}, with nothing at Stripe"
            continue
        right = _right(seen, intent)
        shown = {
            **heard.data,
            "is_hold": heard.data["capture_method"] == "manual",
            "disputes": _statuses(heard.data["disputes"], "dispute_id"),
        }
        wrong = {name: (shown[name], v) for name, v in right.items() if shown[name] != v}
        if wrong:
            yield f"{order_id} is shown otherwise than Stripe has it (shown, there): {wrong}"


def _right(seen: Outside, intent: Found) -> Found:
    """Return what should be shown of a PaymentIntent."""
    refunds = [one for one in seen.refunds if one["payment_intent"] == intent["id"]]
    disputes = [one for one in seen.disputes if one["payment_intent"] == intent["id"]]
    return {
        "status": intent["status"],
        "amount": intent["amount"],
        "currency": intent["currency"],
        "customerId": intent["customer"],
        "is_hold": intent["capture_method"] == "manual",
        "description": intent["description"],
        "amount_received": intent["amount_received"],
        "amount_refunded": sum(r["amount"] for r in refunds if r["status"] == "succeeded"),
        "cancellation_reason": intent["cancellation_reason"],
        "disputes": _statuses(disputes, "id"),
    }


def _statuses(disputes: list[Found], name: str) -> dict[str, str]:
    return {one[name]: one["status"] for one in disputes}


def _odd(seen: Outside) -> Iterator[str]:
    for buyer in seen.buyers:
        yield from (f"an answer that nobody should get: {one}" for one in buyer.odd)


def updates(
    told: dict[str, list[dict[str, Any]]], intents: list[Found], events: list[Found]
) -> list[Update]:
    """Return what the OrderService took in, each with what was surely paid when it came.

    Stripe's times are whole seconds. For what no event tells of it is when it was made.
    """
    paid_at: dict[str, float] = {
        one["data"]["object"]["id"]: one["created"]
        for one in events
        if one["type"] == "payment_intent.succeeded"
    }
    taken: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for one in intents:
        sure_at = float(paid_at.get(one["id"]) or one["created"]) + 1.0
        taken[one["metadata"].get("order_id")].append((sure_at, one["amount_received"]))
    return [
        Update(
            order_id,
            line["status"],
            line["idempotencyKey"],
            _paid(line["status"], taken[order_id], line["at"]),
        )
        for order_id, lines in told.items()
        for line in lines
    ]


def _paid(status: str, taken: list[tuple[float, int]], at: float) -> int:
    """Return what was surely taken when it was sent; for "paid" what may have been by then."""
    margin_s = -1.0 if status == PAID else UNDER_WAY_S
    return sum(received for sure_at, received in taken if sure_at + margin_s <= at)


def events_logged(text: str) -> Counter[str]:
    """Return how often each event stands in a JSON log at warning or above, by its level."""
    counted: Counter[str] = Counter()
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            counted[f"{entry['level']} {entry['event']}"] += 1
        except (ValueError, KeyError, TypeError):
            counted["(no JSON)"] += 1
    return counted
