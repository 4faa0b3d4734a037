"""What must hold at every commit and at every call to Stripe, not only at the end.

S1 a final state never regresses            S2 a PaymentIntent's id never changes in a generation
S3 a refund leaves its end only to fail     S5 no POST without a document that holds its key
S7 one request at a time under one key      S9 no more than one PaymentIntent of an order succeeds
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from payment_service.domain.customer import Customer
from payment_service.domain.payment import FINAL, Payment, State
from payment_service.domain.refund import RELEASED, Refund, RefundStatus
from payment_service.ports import Document
from stripe_sandbox.engine import Engine, Request
from tests.simulation.process import Process


@dataclass
class Watch:
    """Notes what it sees going wrong.

    awake: False when the auditor must find it alone. leases_hold: False when clocks differ so much
    that two may be at the same work.
    """

    engine: Engine
    awake: bool = True
    leases_hold: bool = True
    complaints: list[str] = field(default_factory=list)
    in_flight: dict[str, Process] = field(default_factory=dict)

    def committed(self, before: Document | None, after: Document) -> None:
        """A document was written."""
        if not self.awake:
            return
        if isinstance(after, Payment):
            assert before is None or isinstance(before, Payment)
            self.complaints += _of_payment(before, after)
        if before is not None and after.version != before.version + 1:
            self.complaints.append(f"version {before.version} was followed by {after.version}")

    def sent(self, request: Request, process: Process, documents: Mapping[Any, Any]) -> None:
        """A POST leaves the process."""
        if request.method != "POST" or not self.awake:
            return
        key = request.headers.get("idempotency-key")
        if key is None or not any(key in _keys(doc) for doc in documents.values()):
            self.complaints.append(f"S5 no document holds the key {key} of {request.path}")
        elif self.leases_hold and key in self.in_flight and self.in_flight[key].alive:
            self.complaints.append(f"S7 two requests at once under the key {key}")
        if key is not None:
            self.in_flight[key] = process

    def given_up(self, request: Request) -> None:
        """Nobody waits for the answer to this request any more."""
        self.in_flight.pop(request.headers.get("idempotency-key", ""), None)

    def answered(self, request: Request, body: bytes) -> None:
        """Stripe has handled a request."""
        if not self.awake or request.method != "POST":
            return
        if b'"idempotency_error"' in body and json.loads(body)["error"]["type"] == (
            "idempotency_error"
        ):
            self.complaints.append(f"S4 one key for two things: {request.path}")
        paid = [
            i["metadata"].get("order_id")
            for i in self.engine.ledger()["payment_intents"]
            if i["status"] == "succeeded"
        ]
        if len(paid) != len(set(paid)):
            self.complaints.append("S9 two PaymentIntents of one order have succeeded")


def _keys(doc: Any) -> set[str]:
    if isinstance(doc, Customer):
        return {doc.call.key} if doc.call else set()
    if not isinstance(doc, Payment):
        return set()
    keys = {refund.call.key for refund in doc.refunds if refund.call}
    return keys | ({doc.attempt.call.key} if doc.attempt else set())


def _of_payment(before: Payment | None, after: Payment) -> Iterator[str]:
    held = sum(r.amount_minor for r in after.refunds if r.holds_money)
    if held > after.received_minor:
        yield f"{held} is refunded or being refunded of {after.received_minor}"
    if after.status is State.SUCCEEDED and not after.notices:
        yield "a payment succeeded and no notice was written with it"
    if before is None:
        return
    if before.status is State.SUCCEEDED and after.status is not State.SUCCEEDED:
        yield f"S1 a succeeded payment became {after.status}"
    if before.generation == after.generation:
        yield from _of_generation(before, after)
    elif before.status is not State.CANCELED or after.generation != before.generation + 1:
        yield f"S1 a {before.status} payment began anew"
    yield from _of_parts(before, after)


def _of_generation(before: Payment, after: Payment) -> Iterator[str]:
    if before.status in FINAL and after.status is not before.status:
        yield f"S1 a {before.status} payment became {after.status}"
    if before.intent_id not in {None, after.intent_id}:
        yield f"S2 {before.intent_id} became {after.intent_id}"
    if before.intent_id and before.terms.amount_minor != after.terms.amount_minor:
        yield "the amount of a PaymentIntent changed"


def _of_parts(before: Payment, after: Payment) -> Iterator[str]:
    refunds = {refund.id: refund for refund in after.refunds}
    for old in before.refunds:
        new = refunds.get(old.id)
        if new is None or not _may_follow(old, new):
            yield f"S3 a {old.status} refund became {new.status if new else 'nothing'}"
    if len(after.notices) < len(before.notices):
        yield "a notice is gone"


def _may_follow(old: Refund, new: Refund) -> bool:
    if old.stripe_refund_id not in {None, new.stripe_refund_id}:
        return False
    if old.status is RefundStatus.SUCCEEDED:
        return new.status in {RefundStatus.SUCCEEDED, RefundStatus.FAILED}
    return old.status not in RELEASED or new.status is old.status
