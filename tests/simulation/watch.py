"""What must hold at every commit and at every call to Stripe, not only at the end.

S1 a final state never regresses, and what is shown takes only the roads of the table
S2 a PaymentIntent's id never changes in a generation
S3 a refund leaves its end only to fail     S5 no POST without a document that holds its key
S7 one request at a time under one key, and none under a claim that has lapsed
S8 what became of an event stays so
S9 no more than one PaymentIntent of an order holds or has taken its money
S10 nothing is written as failed while a request for it is under way or has had its effect
S13 no capture and no cancellation of what is known to be at its end
S14 no refund of what is known to be disputed
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from payment_service.domain.call import Call
from payment_service.domain.customer import Customer
from payment_service.domain.event import Event, EventState
from payment_service.domain.payment import FINAL, FailureKind, Payment, State
from payment_service.domain.refund import RELEASED, Refund, RefundStatus
from payment_service.domain.transitions import ROADS
from payment_service.ports import Document
from stripe_sandbox.engine import Engine, Request
from tests.simulation.coverage import Coverage
from tests.simulation.process import Process

# How wrong a process's idea of Stripe's time may be: the way to Stripe and back, and a second.
CLOCK_ERROR_S = 6.0
# Where a PaymentIntent or a refund stands when its effect is there.
HAPPENED = frozenset({"succeeded", "processing", "requires_capture", "pending"})
_ROADS = frozenset((road.origin, road.target) for road in ROADS)


@dataclass
class Watch:
    """Notes what it sees going wrong.

    awake: False when the auditor must find it alone.
    """

    engine: Engine
    awake: bool = True
    coverage: Coverage = field(default_factory=Coverage)
    complaints: list[str] = field(default_factory=list)
    in_flight: dict[str, Process] = field(default_factory=dict)
    # Keys of requests that Stripe is not done with, and those that it holds an answer for.
    under_way: Counter[str] = field(default_factory=Counter)
    known: set[str] = field(default_factory=set)

    def committed(self, before: Document | None, after: Document) -> None:
        """A document was written."""
        self.coverage.committed(before, after)
        if not self.awake:
            return
        if isinstance(after, Payment):
            assert before is None or isinstance(before, Payment)
            self.complaints += _of_payment(before, after)
            self.complaints += self._failed_too_early(before, after)
        if isinstance(before, Event) and isinstance(after, Event):
            self.complaints += _of_event(before, after)
        if before is not None and after.version != before.version + 1:
            self.complaints.append(f"version {before.version} was followed by {after.version}")

    def sent(
        self, request: Request, process: Process, now_s: float, documents: Mapping[Any, Any]
    ) -> None:
        """A request leaves its process. now_s: the true time, whatever that one's clock says."""
        if request.method != "POST" or not self.awake:
            return
        key = request.headers.get("idempotency-key")
        holder = next((doc for doc in documents.values() if key in _calls(doc)), None)
        if key is None or holder is None:
            self.complaints.append(f"S5 no document holds the key {key} of {request.path}")
            return
        self.complaints += _of_request(request, key, holder, now_s)
        owner = self.in_flight.get(key)
        # One that stands still may have been taken over: its last look at the clock is what counts.
        if owner and owner.alive and not owner.stands:
            self.complaints.append(f"S7 two requests at once under the key {key}")
        self.in_flight[key] = process

    def left(self, request: Request) -> None:
        """A request has left its process."""
        self.under_way[request.headers.get("idempotency-key", "")] += 1

    def done(self, request: Request, *, is_kept: bool) -> None:
        """Stripe is done with a request. is_kept: whether another one would only be its replay."""
        key = request.headers.get("idempotency-key", "")
        self.under_way[key] -= 1
        if is_kept and key:
            self.known.add(key)

    def holds_an_answer(self, request: Request) -> bool:
        """Whether Stripe has answered under this key, and kept what it said."""
        return request.headers.get("idempotency-key") in self.known

    def given_up(self, request: Request, process: Process) -> None:
        """This process waits for the answer to its request no more."""
        key = request.headers.get("idempotency-key", "")
        if self.in_flight.get(key) is process:
            del self.in_flight[key]

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
            if i["status"] in {"succeeded", "requires_capture"}
        ]
        if len(paid) != len(set(paid)):
            self.complaints.append("S9 two PaymentIntents of one order hold or took its money")

    def _failed_too_early(self, before: Payment | None, after: Payment) -> Iterator[str]:
        for key in _failed_keys(before, after) if before else ():
            if self.under_way[key] and key not in self.known:
                yield f"S10 {key} was written as failed with a request under way"
            books = self.engine.ledger()
            for one in (*books["payment_intents"], *books["refunds"]):
                if one["metadata"].get("idempotency_key") == key and one["status"] in HAPPENED:
                    yield f"S10 {key} was written as failed, and {one['id']} is {one['status']}"


def _failed_keys(before: Payment, after: Payment) -> Iterator[str]:
    """Return the keys of what this write ends as not having happened."""
    attempt, newest = before.attempt, after.past_attempts[-1:]
    is_over = attempt and newest != before.past_attempts[-1:]
    if attempt and is_over and newest[0].outcome in set(FailureKind):
        yield attempt.call.key
    ended = {refund.id: refund for refund in after.refunds if refund.call is None}
    for old in before.refunds:
        new = ended.get(old.id)
        if old.call and new and new.status is RefundStatus.FAILED and not new.stripe_refund_id:
            yield old.call.key


def _calls(doc: Any) -> dict[str, Call]:
    """Return the calls that a document owes, by their keys."""
    if isinstance(doc, Customer):
        return {doc.call.key: doc.call} if doc.call else {}
    if not isinstance(doc, Payment):
        return {}
    calls = [refund.call for refund in doc.refunds if refund.call]
    calls += [doc.attempt.call] if doc.attempt else []
    return {call.key: call for call in calls}


def _of_request(request: Request, key: str, holder: Any, now_s: float) -> Iterator[str]:
    call = _calls(holder)[key]
    if call.due_at.timestamp() + CLOCK_ERROR_S <= now_s:
        yield f"S7 {request.path} was sent under a claim that had lapsed"
    if not isinstance(holder, Payment):
        return
    moves = request.path.endswith(("/capture", "/cancel"))
    if moves and holder.status in FINAL:
        yield f"S13 {request.path} was sent for what is known to be {holder.status}"
    if request.path == "/v1/refunds" and call.tries <= 1 and holder.blocking_dispute:
        yield "S14 a refund was sent for what is known to be disputed"


def _of_event(before: Event, after: Event) -> Iterator[str]:
    if before.state is not after.state and before.state is not EventState.KEPT:
        yield f"S8 an event that was {before.state} became {after.state}"


def _of_payment(before: Payment | None, after: Payment) -> Iterator[str]:
    held = sum(r.amount_minor for r in after.refunds if r.holds_money)
    if held > after.received_minor:
        yield f"{held} is refunded or being refunded of {after.received_minor}"
    if after.status is State.SUCCEEDED and not after.notices:
        yield "a payment succeeded and no notice was written with it"
    road = (before.state if before else None, after.state)
    if road not in _ROADS and road[0] is not road[1]:
        yield f"S1 there is no road from {road[0]} to {road[1]}"
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
