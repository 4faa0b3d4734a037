"""The worker: a loop that walks whatever is due through the corridor. It knows no business."""

import asyncio
from time import monotonic

import structlog
from prometheus_client import Gauge

from payment_service.domain.call import spread
from payment_service.flows.pull_in import FarWaits, pull_in
from payment_service.flows.read_lists import open_cursors
from payment_service.flows.recover import recover
from payment_service.flows.rekey_customers import rekey_some
from payment_service.flows.world import World
from payment_service.ports import MAY_WAIT, Unavailable
from payment_service.storage.collections import COLLECTIONS

# An indexed look that usually finds nothing; a second is what a payer does not notice.
POLL_S = 1.0
# While there is more than one round can take, the next round comes at once.
POLL_BUSY_S = 0.05
# When the database is away there is no use in asking it every second.
POLL_AWAY_S = 5.0
# Idempotency keys of callers live a day, events a month; dropping them late harms nobody.
DROP_EXPIRED_EVERY_S = 60.0
# What a wrong clock let wait for long is found at the start, and then among what waits rightly.
PULL_IN_EVERY_S = 60.0
# Several times the longest wait between rounds: a worker that is later than this is stuck.
ROUND_IS_RECENT_S = 30.0
# While a new version is rolled out the one before may leave customers where it looks for them.
REKEY_EVERY_S = 3600.0
EXPIRING = tuple(collection for collection in COLLECTIONS if collection.expires_at is not None)

_log = structlog.get_logger("worker")

LAST_ROUND = Gauge(
    "payment_service_worker_last_round_timestamp_seconds", "When the worker last looked for work."
)
BUSY = Gauge("payment_service_worker_busy", "Documents that the worker has under work.")


class Worker:
    """Runs until told to stop; what it has begun is in the world's background."""

    def __init__(self, world: World, *, concurrency: int) -> None:
        self._world = world
        self._concurrency = concurrency
        self._busy: set[str] = set()
        self._stop = asyncio.Event()
        self._cursors_opened = False
        self._rekeyed_to: str | None = ""
        self._rekeyed_at = _loop_time()
        self._rekeying: asyncio.Task[None] | None = None
        self._dropped_at = monotonic()
        self._far_waits = FarWaits()
        self._pulled_in_at: float | None = None
        self._last_round_at = _loop_time()

    def is_recent(self) -> bool:
        """Whether it has looked for work lately, or has only just begun."""
        return _loop_time() - self._last_round_at < ROUND_IS_RECENT_S

    def stop(self) -> None:
        """Begin no new work."""
        self._stop.set()

    async def run(self) -> None:
        """Loop until stopped. An unavailable database is waited for, never a reason to end."""
        MAY_WAIT.set(True)
        while not self._stop.is_set():
            wait_s = await self._round()
            try:
                await asyncio.wait_for(self._stop.wait(), self._spread(wait_s))
            except TimeoutError:
                continue

    def _spread(self, wait_s: float) -> float:
        """Return a wait of half to all of it: workers that were started together part at once."""
        return wait_s * (0.5 + 0.5 * spread(self._world.ids.new("poll")))

    async def _open_cursors(self) -> None:
        """Once; after what is due, which a cursor that cannot be read must not hold up."""
        if not self._cursors_opened:
            await open_cursors(self._world)
            self._cursors_opened = True

    async def _round(self) -> float:
        try:
            await self._pull_in()
            started = await recover(self._world, self._busy, concurrency=self._concurrency)
            await self._drop_expired()
            await self._open_cursors()
            self._rekey()
        except Unavailable as error:
            _log.warning("worker.waits", reason=str(error))
            return POLL_AWAY_S
        except Exception:  # noqa: BLE001 - the loop's edge: one bad round must not end the worker
            _log.exception("worker.stumbled")
            return POLL_AWAY_S
        LAST_ROUND.set(self._world.clock.now().timestamp())
        self._last_round_at = _loop_time()
        BUSY.set(len(self._busy))
        return POLL_BUSY_S if started else POLL_S

    async def _pull_in(self) -> None:
        now = _loop_time()
        if self._pulled_in_at is not None and now - self._pulled_in_at < PULL_IN_EVERY_S:
            return
        pulled = await pull_in(self._world, self._far_waits)
        self._pulled_in_at = now
        if pulled:
            _log.warning("worker.pulled_in", documents=pulled)

    def _rekey(self) -> None:
        """Put some customers of an older release where they belong, beside the rounds.

        Each may take a call to Stripe, which must not hold up what is due.
        """
        if self._rekeyed_to is None and _loop_time() - self._rekeyed_at >= REKEY_EVERY_S:
            self._rekeyed_to = ""
        if self._rekeyed_to is not None and (self._rekeying is None or self._rekeying.done()):
            self._rekeyed_at = _loop_time()
            self._rekeying = self._world.background.spawn(self._rekey_some(self._rekeyed_to))

    async def _rekey_some(self, after: str) -> None:
        try:
            self._rekeyed_to = await rekey_some(self._world, after)
        except Unavailable:  # the next round tries it again
            return
        except Exception as error:  # noqa: BLE001 - the others are met when they are needed
            self._rekeyed_to = None
            self._world.witness.stumbled("customers", error)

    async def _drop_expired(self) -> None:
        if monotonic() - self._dropped_at < DROP_EXPIRED_EVERY_S:
            return
        self._dropped_at = monotonic()
        for collection in EXPIRING:
            await self._world.store.drop_expired(collection, self._world.clock.now())


def _loop_time() -> float:
    """Return seconds that no clock's being set can change."""
    return asyncio.get_running_loop().time()
