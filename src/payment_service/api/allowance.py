"""How often a second something large is answered where nobody is asked who he is."""

from collections.abc import Callable
from time import monotonic

from payment_service.api.problems import Overloaded


class Allowance:
    """So many answers in each second, of all callers together."""

    def __init__(self, per_s: int, clock: Callable[[], float] = monotonic) -> None:
        self._per_s = per_s
        self._clock = clock
        self._second = -1
        self._taken = 0

    def take(self) -> None:
        """Take one. Raises Overloaded when there is none left in this second."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._taken = second, 0
        self._taken += 1
        if self._taken > self._per_s:
            raise Overloaded("This is asked for too often.")
