"""When the process stops, and how long that may take."""

import asyncio
import signal
from time import monotonic


class Stop:
    """Told once; from then on all that must end shares one grace.

    grace_s: how long what is under way may take to finish.
    """

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._told = asyncio.Event()
        self._over_at: float | None = None

    def heed_signals(self) -> None:
        """Be told by SIGTERM and SIGINT too."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.tell)

    def tell(self) -> None:
        """Begin the grace, unless it has begun."""
        if self._over_at is None:
            self._over_at = monotonic() + self._grace_s
            self._told.set()

    async def wait(self) -> None:
        """Return when it is told."""
        await self._told.wait()

    def left_s(self) -> float:
        """Return what is left of the grace, all of it while nobody has told; never less than 0."""
        if self._over_at is None:
            return self._grace_s
        return max(0.0, self._over_at - monotonic())
