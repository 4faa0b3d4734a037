"""The OrderService as a process sees it: the inbox that outlives it, under the faults of a plan."""

import asyncio
from dataclasses import dataclass, field

from payment_service.domain.call import LAPSED
from payment_service.domain.news import News, NoNews, NotExecuted, OrderRefused, OrderTold
from payment_service.domain.steps import TellOrders
from payment_service.ports import LeaveWhile
from stripe_sandbox.engine import Engine
from tests.simulation.plan import FaultCounter, Latency
from tests.simulation.process import TELLING, Process

ORDERS_FAULTS = (
    "no_answer_after",
    "http_503",
    "http_401",
    "http_404",
    "http_410",
    "http_400",
    "http_429",
    "success_false",
    "hang",
)
# Refusals that a person may have to mend, after which the notice must still arrive.
_LASTING = frozenset({"http_400", "http_401", "http_404", "http_410", "success_false"})
# These speak of the moment, and how long to wait.
_PASSING = {"http_503": None, "http_429": 45.0}
HANG_S = 10.0


@dataclass(frozen=True, slots=True)
class Update:
    """One accepted update. paid_minor: what Stripe had taken for the order when it was sent."""

    order_id: str
    status: str
    key: str
    paid_minor: int


@dataclass
class Inbox:
    """What the OrderService has accepted, repeats included."""

    engine: Engine
    faults: FaultCounter
    latency: Latency
    accepted: list[Update] = field(default_factory=list)

    def accept(self, step: TellOrders, paid_minor: int) -> None:
        """Take one update in."""
        self.accepted.append(Update(step.order_id, step.status, step.key, paid_minor))


class GatedOrders:
    """The Orders port of one process."""

    @property
    def needs_callers_token(self) -> bool:
        """It takes any."""
        return False

    def __init__(self, process: Process, inbox: Inbox) -> None:
        self._process = process
        self._inbox = inbox

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> News:
        """Deliver one update, between its gates."""

        async def act() -> News:
            if leave_while is not None and not leave_while():
                return NotExecuted(LAPSED)
            return await self._tell(step)

        return await self._process.call(f"{TELLING} {step.status}", act)

    async def _tell(self, step: TellOrders) -> News:
        paid_minor = taken_minor(self._inbox.engine, step.order_id)
        await asyncio.sleep(self._inbox.latency.orders_s())
        match self._inbox.faults.next():
            case reason if reason in _LASTING:
                return OrderRefused(reason, lasting=True)
            case reason if reason in _PASSING:
                return OrderRefused(reason, retry_after_s=_PASSING[reason])
            case "hang":
                await asyncio.sleep(HANG_S)
                return NoNews("timeout")
            case "no_answer_after":
                self._inbox.accept(step, paid_minor)
                return NoNews("connection_lost")
        self._inbox.accept(step, paid_minor)
        return OrderTold()


def taken_minor(engine: Engine, order_id: str) -> int:
    """Return how much money Stripe has taken for an order."""
    return sum(
        intent["amount_received"]
        for intent in engine.ledger()["payment_intents"]
        if intent["metadata"].get("order_id") == order_id
    )
