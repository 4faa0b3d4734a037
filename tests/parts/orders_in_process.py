"""An OrderService in the same process: it remembers what it was told."""

from collections import deque
from dataclasses import dataclass, field

from payment_service.domain.news import News, OrderTold
from payment_service.domain.steps import TellOrders
from payment_service.ports import LeaveWhile


@dataclass
class InProcessOrders:
    """The Orders port over a list. `script`: what to answer next instead of accepting.

    accepted: every update that was accepted, repeats included. heard: every try.
    """

    accepted: list[TellOrders] = field(default_factory=list)
    heard: list[tuple[TellOrders, str | None]] = field(default_factory=list)
    script: deque[News] = field(default_factory=deque)
    needs_callers_token: bool = True

    async def tell(
        self,
        step: TellOrders,
        *,
        bearer_token: str | None,
        leave_while: LeaveWhile | None = None,
    ) -> News:
        """Take one update, or answer the next line of the script."""
        self.heard.append((step, bearer_token))
        if self.script:
            return self.script.popleft()
        self.accepted.append(step)
        return OrderTold()

    def statuses_of(self, order_id: str) -> list[str]:
        """What was accepted for this order, in order."""
        return [step.status for step in self.accepted if step.order_id == order_id]
