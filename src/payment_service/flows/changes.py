"""Tell whoever waits for a document in this process of each write to it, with what was written."""

import asyncio
from typing import Any

Task = asyncio.Task[Any]
Waiter = asyncio.Future[Any]


class Changes:
    """Who waits for which document. Only what is written by this process is heard of."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[Waiter, Task]] = {}

    def written(self, place: str, doc: object) -> None:
        """Wake everybody who waits for the document at this place, but for whoever writes it."""
        writer = asyncio.current_task()
        for waiter, own in self._waiting.get(place, {}).items():
            if own is not writer and not waiter.done():
                waiter.set_result(doc)

    async def next(self, place: str, *, own: Task, within_s: float | None) -> Any:
        """Return the document as another task than `own` writes it next; None after this long."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(place, {})[waiter] = own
        try:
            async with asyncio.timeout(within_s):
                return await waiter
        except TimeoutError:
            return None
        finally:
            del self._waiting[place][waiter]
            if not self._waiting[place]:
                del self._waiting[place]
