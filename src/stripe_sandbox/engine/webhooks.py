"""Telling receivers what has happened: which attempt is due when, how it is signed, what follows.

Nothing is sent here. Whoever drives the engine takes the attempts that are due, posts them, and
says what was answered; nothing is done for an event while no endpoint is enabled.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import Final, Literal

from stripe_sandbox.engine import shapes
from stripe_sandbox.engine.config import Config
from stripe_sandbox.engine.ids import Ids
from stripe_sandbox.engine.records import Event, SigningSecret, WebhookEndpoint
from stripe_sandbox.engine.tables import Table
from stripe_sandbox.engine.webhook_secrets import new_secret, rolled, signature
from stripe_sandbox.webhook_faults import WebhookFault, WebhookFaultPlan

USER_AGENT: Final = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
# Seen in the wild: the news that an intent was made arrives after the news of what became of it,
# all within one second.
LATE_TYPES: Final = frozenset({"payment_intent.created"})
LATE_BY_S: Final = 0.5
# Between deliveries that are to arrive one after the other: more than a request on loopback takes.
GAP_S: Final = 0.05
# A batch that does not fill goes out after this long, so that no event is held for ever.
BATCH_WAITS_S: Final = 10.0
# Deliveries that are over are kept for the report; about 1 kB each.
FINISHED_KEPT: Final = 10_000

# waiting: an attempt is due, or will be; taken: it is under way; lost: a fault ate it.
DeliveryState = Literal["waiting", "taken", "delivered", "failed", "lost"]


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One request to a receiver, signed. `number` counts the attempts of the delivery from 1."""

    id: str
    endpoint_id: str
    event_id: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    number: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt. No status means no answer; `why` says what happened instead."""

    at: float
    status: int | None
    why: str | None


@dataclass(slots=True)
class WebhookDelivery:
    """The news of one event on its way to one endpoint.

    Only the automatic one of each event and endpoint is retried and counted as pending; those sent
    by hand and the copies a fault makes come on top.
    """

    id: str
    endpoint_id: str
    event: Event
    automatic: bool
    state: DeliveryState = "waiting"
    due_at: float | None = None
    answers: list[Answer] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    """Deliveries held back to go out in another order, by event; all at `opened_at` + wait."""

    opened_at: float
    events: list[list[WebhookDelivery]] = field(default_factory=list)


class Webhooks:
    """The endpoints of the account and all that is on its way to them."""

    __slots__ = (
        "_batches",
        "_config",
        "_count",
        "_deliveries",
        "_enabled",
        "_finished",
        "_ids",
        "_listeners",
        "_queue",
        "_random",
        "_seed",
        "_undelivered",
        "endpoints",
        "faults",
        "on_change",
    )

    def __init__(self, seed: int) -> None:
        self._seed = seed
        # Never begun again: what outlives a reset must not meet its id a second time.
        self._count = 0
        self._ids = Ids(Random(f"webhooks {seed}"))  # noqa: S311 - reproducible, not secret
        self._listeners: list[WebhookEndpoint] = []
        self.faults = WebhookFaultPlan()
        # Called when something new may be due, so that nobody need look again and again.
        self.on_change: Callable[[], None] = _nothing

    def begin(self, config: Config) -> None:
        """Begin again: no deliveries, no faults, and of the endpoints only the listeners."""
        self._random = Random(self._seed)  # noqa: S311 - reproducible, not secret
        self.endpoints: Table[WebhookEndpoint] = Table()
        self._enabled: tuple[WebhookEndpoint, ...] = ()
        self._deliveries: dict[str, WebhookDelivery] = {}
        self._finished: deque[str] = deque()
        self._queue: list[tuple[float, int, WebhookDelivery]] = []
        # How many endpoints have not taken an event yet, for events of which there are any.
        self._undelivered: dict[str, int] = {}
        self._batches: dict[WebhookFault, _Batch] = {}
        self.faults.clear()
        self.faults.hits.clear()
        self.use(config)
        for endpoint in self._listeners:
            self.put(endpoint)
        self.on_change()

    def use(self, config: Config) -> None:
        """Follow other switches from now on."""
        self._config = config

    @property
    def listening(self) -> bool:
        """Whether anybody is to be told of an event."""
        return bool(self._enabled)

    @property
    def idle(self) -> bool:
        """Whether nothing is or can become due."""
        return not self._enabled and not self._queue

    def listen(
        self, url: str, *, now: float, secret: str | None = None, types: tuple[str, ...] = ("*",)
    ) -> WebhookEndpoint:
        """Make an endpoint that outlives a reset, for whoever runs the engine."""
        endpoint = WebhookEndpoint(
            id=self._ids.dated("we_1", int(now)),
            created=int(now),
            url=url,
            enabled_events=types,
            secrets=(SigningSecret(secret or new_secret(self._ids)),),
            metadata={},
        )
        self._listeners.append(endpoint)
        return self.put(endpoint)

    def roll(self, endpoint_id: str, *, keep_old_s: float, now: float) -> str | None:
        """Give an endpoint a new secret and return it; None if there is no such endpoint."""
        endpoint = self.endpoints.get(endpoint_id)
        if endpoint is None or endpoint.deleted:
            return None
        secret = new_secret(self._ids)
        self.put(rolled(endpoint, secret, keep_old_s=keep_old_s, now=now))
        return secret

    def put(self, endpoint: WebhookEndpoint) -> WebhookEndpoint:
        """Add an endpoint, or take the place of the one with its id."""
        self.endpoints.put(endpoint)
        self._enabled = tuple(one for one in self.endpoints if one.enabled)
        return endpoint

    def pending(self, event_id: str) -> int:
        """Return how many endpoints have not taken the event yet."""
        return self._undelivered.get(event_id, 0)

    def take(self, event: Event, fault: WebhookFault | None, now: float) -> None:
        """Have an event delivered to each enabled endpoint that wants its type."""
        made = [
            self._make(endpoint, event, automatic=True)
            for endpoint in self._enabled
            if endpoint.wants(event.type)
        ]
        if made:
            self._undelivered[event.id] = len(made)
            self._send(made, fault, now)
        # Even without a delivery: what is to follow later may be one.
        self.on_change()

    def resend(self, event: Event, endpoint_id: str | None, now: float) -> int:
        """Deliver an event again by hand; return to how many endpoints. Others stay as they are."""
        made = [
            self._make(endpoint, event, automatic=False)
            for endpoint in self._enabled
            if endpoint.id == endpoint_id or (endpoint_id is None and endpoint.wants(event.type))
        ]
        for delivery in made:
            self._schedule(delivery, now)
        self.on_change()
        return len(made)

    def due(self, now: float, limit: int | None = None) -> list[WebhookAttempt]:
        """Return the attempts that are due, in order; each is taken until it is answered."""
        found: list[WebhookAttempt] = []
        while limit is None or len(found) < limit:
            due_at = self.next_at()
            if due_at is None or due_at > now:
                break
            _, _, delivery = heappop(self._queue)
            delivery.due_at = None
            endpoint = self.endpoints.get(delivery.endpoint_id)
            if endpoint is None or not endpoint.enabled:
                self._finish(delivery, "failed")
                continue
            delivery.state = "taken"
            found.append(self._attempt(delivery, endpoint, now))
        return found

    def next_at(self) -> float | None:
        """Return when the next attempt is due."""
        while self._queue and self._queue[0][0] != self._queue[0][2].due_at:
            # Its delivery has been given another time since.
            heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def answered(
        self, attempt: WebhookAttempt, status: int | None, now: float, why: str | None
    ) -> None:
        """Note what came of an attempt, and decide when the next one is. Late answers are no news.

        Only 2xx is success: a redirect is a failure.
        """
        delivery = self._deliveries.get(attempt.id)
        if delivery is None or delivery.state != "taken":
            return
        if attempt.number != len(delivery.answers) + 1:
            return
        delivery.answers.append(Answer(now, status, why))
        retries_s = self._config.webhook_retries_s
        if status is not None and 200 <= status < 300:
            self._finish(delivery, "delivered")
        elif delivery.automatic and attempt.number <= len(retries_s):
            delivery.state = "waiting"
            self._schedule(delivery, now + retries_s[attempt.number - 1])
        else:
            self._finish(delivery, "failed")
        self.on_change()

    def deliveries(self) -> Iterator[WebhookDelivery]:
        """Walk the deliveries that are kept, oldest first."""
        return iter(self._deliveries.values())

    def _make(self, endpoint: WebhookEndpoint, event: Event, *, automatic: bool) -> WebhookDelivery:
        self._count += 1
        delivery = WebhookDelivery(f"whd_{self._count}", endpoint.id, event, automatic)
        self._deliveries[delivery.id] = delivery
        return delivery

    def _send(self, made: list[WebhookDelivery], fault: WebhookFault | None, now: float) -> None:
        """Say when the deliveries of an event are due, under the fault that hits it."""
        due_at = now + self._config.webhook_first_after_s
        if self._config.webhook_created_last and made[0].event.type in LATE_TYPES:
            due_at += LATE_BY_S
        match None if fault is None else fault.kind:
            case "drop":
                for delivery in made:
                    self._finish(delivery, "lost")
                return
            case "reorder" if fault is not None:
                self._hold(made, fault, now)
                return
            case "delay" if fault is not None:
                due_at += fault.delay_s
            case "duplicate" if fault is not None:
                for copy in range(1, fault.count):
                    for delivery in list(made):
                        self._copy(delivery, due_at + copy * GAP_S)
        for delivery in made:
            self._schedule(delivery, due_at)

    def _copy(self, delivery: WebhookDelivery, due_at: float) -> None:
        endpoint = self.endpoints.get(delivery.endpoint_id)
        assert endpoint is not None
        self._schedule(self._make(endpoint, delivery.event, automatic=False), due_at)

    def _hold(self, made: list[WebhookDelivery], fault: WebhookFault, now: float) -> None:
        """Hold an event back until its batch is full, then let all go in another order."""
        batch = self._batches.get(fault)
        if batch is None or now >= batch.opened_at + BATCH_WAITS_S:
            batch = self._batches[fault] = _Batch(now)
        batch.events.append(made)
        order = batch.events[::-1]
        if fault.order == "shuffled":
            self._random.shuffle(order)
        full = len(batch.events) >= fault.count
        due_at = now if full else batch.opened_at + BATCH_WAITS_S
        for place, deliveries in enumerate(order):
            for delivery in deliveries:
                self._schedule(delivery, due_at + place * GAP_S)
        if full:
            del self._batches[fault]

    def _schedule(self, delivery: WebhookDelivery, due_at: float) -> None:
        self._count += 1
        delivery.due_at = due_at
        heappush(self._queue, (due_at, self._count, delivery))

    def _finish(self, delivery: WebhookDelivery, state: DeliveryState) -> None:
        """End a delivery; what is not delivered stays pending, for the list of events to tell."""
        delivery.state = state
        if state == "delivered" and delivery.automatic:
            left = self._undelivered.pop(delivery.event.id) - 1
            if left:
                self._undelivered[delivery.event.id] = left
        self._finished.append(delivery.id)
        if len(self._finished) > FINISHED_KEPT:
            del self._deliveries[self._finished.popleft()]

    def _attempt(
        self, delivery: WebhookDelivery, endpoint: WebhookEndpoint, now: float
    ) -> WebhookAttempt:
        written = shapes.event(delivery.event, endpoint.api_version or self._config.api_version)
        written["pending_webhooks"] = self.pending(delivery.event.id)
        body = json.dumps(written, indent=2, ensure_ascii=False).encode()
        return WebhookAttempt(
            id=delivery.id,
            endpoint_id=endpoint.id,
            event_id=delivery.event.id,
            url=endpoint.url,
            headers={
                "Content-Type": "application/json; charset=utf-8",
                "Stripe-Signature": signature(body, endpoint.secrets_at(now), int(now)),
                "User-Agent": USER_AGENT,
            },
            body=body,
            number=len(delivery.answers) + 1,
        )


def _nothing() -> None:
    """Do nothing: nobody waits for news."""
