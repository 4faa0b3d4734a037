"""All that one Stripe account holds, and the few things done to it from everywhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush
from random import Random

from stripe_sandbox.engine import shapes
from stripe_sandbox.engine.config import Config
from stripe_sandbox.engine.idempotency import Keys
from stripe_sandbox.engine.ids import Ids
from stripe_sandbox.engine.records import (
    BalanceTransaction,
    Charge,
    Customer,
    Dispute,
    EarlyFraudWarning,
    Event,
    PaymentIntent,
    PaymentMethod,
    Record,
    Refund,
    SetupIntent,
    Subject,
    Wire,
)
from stripe_sandbox.engine.tables import Table
from stripe_sandbox.engine.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Cause:
    """When something happens and which request did it; none when Stripe acts by itself."""

    now: int
    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass(slots=True)
class Entry:
    """A line of the request log. `status` stays None while, or if never, answered."""

    method: str
    path: str
    idempotency_key: str | None
    status: int | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One request that confirmed an intent with a payment method that may be used for it."""

    payment_method: str
    off_session: bool
    return_url: str | None
    by_payer: bool


Transition = Callable[["State", Cause, str], None]


class State:
    """The tables of the account, its keys, its log and what is to happen later."""

    __slots__ = (
        "_later",
        "_later_count",
        "balance_transactions",
        "base_url",
        "charges",
        "charges_of",
        "config",
        "confirmations_of",
        "customers",
        "disputes",
        "disputes_of",
        "entries",
        "events",
        "fraud_warnings",
        "fraud_warnings_of",
        "ids",
        "keys",
        "locked",
        "methods_of",
        "now",
        "payment_intents",
        "payment_methods",
        "random",
        "refunds",
        "refunds_of",
        "setup_intents",
        "webhooks",
    )

    def __init__(
        self, config: Config, random: Random, webhooks: Webhooks, base_url: str = ""
    ) -> None:
        self.config = config
        # The exact time of what is happening; causes know the second only.
        self.now = 0.0
        self.webhooks = webhooks
        # Where the sandbox itself is found, for the pages it has people sent to.
        self.base_url = base_url
        self.random = random
        self.ids = Ids(random)
        self.customers: Table[Customer] = Table()
        self.payment_methods: Table[PaymentMethod] = Table()
        self.payment_intents: Table[PaymentIntent] = Table()
        self.setup_intents: Table[SetupIntent] = Table()
        self.charges: Table[Charge] = Table()
        self.refunds: Table[Refund] = Table()
        self.balance_transactions: Table[BalanceTransaction] = Table()
        self.disputes: Table[Dispute] = Table()
        self.fraud_warnings: Table[EarlyFraudWarning] = Table()
        self.events: Table[Event] = Table(config.events_kept)
        # By intent, oldest first.
        self.confirmations_of: dict[str, list[Confirmation]] = {}
        # Ids by owner: charges of an intent, payment methods of a customer, the rest of a charge.
        self.charges_of: dict[str, list[str]] = {}
        self.refunds_of: dict[str, list[str]] = {}
        self.methods_of: dict[str, list[str]] = {}
        self.disputes_of: dict[str, list[str]] = {}
        self.fraud_warnings_of: dict[str, list[str]] = {}
        self.keys = Keys(config.idempotency_retention_s)
        self.locked: set[str] = set()
        self.entries: deque[Entry] = deque(maxlen=config.requests_kept)
        self._later: list[tuple[float, int, Transition, str]] = []
        self._later_count = 0

    def emit(
        self,
        cause: Cause,
        event_type: str,
        subject: Subject,
        before: Record | None = None,
    ) -> None:
        """Note an event; with `before` it says which attributes were different."""
        kind = "3" if isinstance(subject, PaymentIntent | Charge | Refund) else "1"
        previous = None if before is None else self._differences(before, subject)
        faults = self.webhooks.faults
        fault = faults.take(event_type) if faults.rules else None
        for _ in range(1 if fault is None else fault.events):
            event = self.events.put(
                Event(
                    id=self.ids.dated("evt_" + kind, cause.now),
                    created=cause.now,
                    type=event_type,
                    subject=subject,
                    previous=previous,
                    request_id=cause.request_id,
                    idempotency_key=cause.idempotency_key,
                )
            )
            if self.webhooks.listening:
                self.webhooks.take(event, fault, self.now)

    def later(self, at: float, transition: Transition, object_id: str) -> None:
        """Have something happen once the time given to the engine has reached `at`."""
        self._later_count += 1
        heappush(self._later, (at, self._later_count, transition, object_id))

    def catch_up(self, now: float) -> None:
        """Let happen what is due, each at its own time."""
        while self._later and self._later[0][0] <= now:
            at, _, transition, object_id = heappop(self._later)
            self.now = at
            transition(self, Cause(int(at)), object_id)
        self.now = now

    def next_later_at(self) -> float | None:
        """Return when the next thing is to happen by itself."""
        return self._later[0][0] if self._later else None

    def wire(self, record: Record) -> Wire:
        """Write an object in the version of the account."""
        return shapes.wire(record, self.config.api_version)

    def _differences(self, before: Record, after: Record) -> Wire:
        old, new = self.wire(before), self.wire(after)
        return _previous(old, new)


def _previous(old: Wire, new: Wire) -> Wire:
    """Return the old values of what changed; inside maps only the keys that changed."""
    changed: Wire = {}
    for name in old.keys() | new.keys():
        was, is_now = old.get(name), new.get(name)
        if was == is_now:
            continue
        if isinstance(was, dict) and isinstance(is_now, dict):
            changed[name] = _previous(was, is_now)
        else:
            changed[name] = was
    return dict(sorted(changed.items()))
