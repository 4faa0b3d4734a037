"""Mistakes about time, put in on purpose."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from payment_service.adapters.disciplined_clock import DisciplinedClock
from payment_service.domain.news import News
from payment_service.domain.steps import FindIntent, GatewayStep
from payment_service.ports import Gateway, LeaveWhile
from tests.simulation.planted import asking
from tests.simulation.town import Variant


class WallClock:
    """The Clock port over the machine's own clock, as if that were right."""

    def __init__(self, clock: DisciplinedClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        """What the machine says."""
        return datetime.fromtimestamp(int(self._clock.mark().wall_s * 1000) / 1000, UTC)

    def latest(self) -> datetime:
        """The same."""
        return self.now()

    def is_known(self) -> bool:
        """It never doubts."""
        return True

    def ahead_s(self) -> float:
        """It knows of nothing to be ahead of."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._clock.sleep(seconds)


class Unheld:
    """The Gateway port, which does not ask again whether a request may leave."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step, whenever that comes to be."""
        return await self._gateway.ask(step)


async def look_by_own_clock(gateway: Gateway, step: GatewayStep) -> News:
    """Filter Stripe's list by the time of a clock that is a day ahead."""
    if isinstance(step, FindIntent):
        ahead = timedelta(hours=25)
        step = replace(step, customer_id=None, since=step.since + ahead, until=step.until + ahead)
    return await gateway.ask(step)


WALL_CLOCK: Final = Variant("the machine's clock is believed", clock=WallClock)
UNHELD: Final = Variant("a claim is checked only when deciding", gateway=Unheld)
OWN_WINDOW: Final = Variant("looks are by our own clock", gateway=asking(look_by_own_clock))
