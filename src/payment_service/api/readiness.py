"""Whether the process may take traffic, known before anybody asks: a probe never waits.

While `watch` runs, the database is asked every second and probes are told what was found; without
it (in tests, say) each look asks for itself.
"""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from payment_service.api.allowance import Allowance
from payment_service.api.answers import encode
from payment_service.api.browsers import ALWAYS, DEFAULTS
from payment_service.api.problems import Overloaded
from payment_service.domain.moment import CLOCK_WRONG_BEYOND_S
from payment_service.ports import Clock, Store, StoreUnavailable

# Kubernetes gives a probe one second by default; a database that is slower than that is not ready.
PING_S = 0.9
# As often as the most impatient would ask; SQLite's proof that it takes writes is kept longer.
PING_EVERY_S = 1.0
# What was found longer ago is not known any more: the loop itself may be stuck.
KNOWN_FOR_S = 5.0
# To write the metrics down takes milliseconds of the only thread: so much of each second at most.
RENDERING_S = 0.05
# Each is some 50 KB to send; the busiest Prometheus asks once a second.
METRICS_ANSWERS_PER_S = 100

_SILENT = "the database does not answer in time"


class Readiness:
    """What is known of the database."""

    def __init__(self, store: Store, clock: Callable[[], float] = monotonic) -> None:
        self._store = store
        self._clock = clock
        self._watched = False
        self._asking: asyncio.Task[None] | None = None
        # Whoever makes this has just opened the database.
        self._trouble = ""
        self._known_at = clock()

    async def watch(self) -> None:
        """Keep what is known fresh, until cancelled."""
        self._watched = True
        try:
            while True:
                await self._look()
                await asyncio.sleep(PING_EVERY_S)
        finally:
            self._watched = False
            if self._asking is not None:
                self._asking.cancel()

    def known_trouble(self) -> str:
        """Return why the database is not ready, empty when it is, by what is known."""
        if self._clock() - self._known_at > KNOWN_FOR_S:
            return _SILENT
        return self._trouble

    async def check(self) -> None:
        """Return when the database is ready. Raises StoreUnavailable."""
        if not self._watched:
            await self._look()
        trouble = self.known_trouble()
        if trouble:
            raise StoreUnavailable(trouble)

    async def _look(self) -> None:
        """Ask once. One that gives no answer is not asked again until it does."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._store.ping())
        await asyncio.wait({self._asking}, timeout=PING_S)
        if not self._asking.done():
            self._trouble = _SILENT
        else:
            error = self._asking.exception()
            self._asking = None
            # Whatever it is, the database is not ready; only its kind is said of what is a bug.
            known = isinstance(error, StoreUnavailable)
            self._trouble = "" if error is None else str(error) if known else repr(type(error))
        self._known_at = self._clock()


class MetricsText:
    """The metrics as Prometheus reads them, at most a second old."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], float] = monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._text = b""
        self._second = -1
        self._spent_s = 0.0
        self._allowance = Allowance(METRICS_ANSWERS_PER_S, clock)

    content_type = CONTENT_TYPE_LATEST

    def now(self) -> bytes:
        """Return them, written down anew unless that took too much of this second already.

        Raises Overloaded: they were asked for too often in this second.
        """
        began = self._clock()
        if int(began) != self._second:
            self._second, self._spent_s = int(began), 0.0
        self._allowance.take()
        if self._spent_s < RENDERING_S:
            self._text = generate_latest(self._registry)
            self._spent_s += self._clock() - began
        return self._text


class ReadyAnswers:
    """Whole answers to probes, for a connection to write without more ado; good news only.

    What fails is answered, counted and logged like any other request.
    is_working: whether the process does its work. metrics: told at `/metrics`, if given.
    """

    def __init__(
        self,
        readiness: Readiness,
        clock: Clock,
        is_working: Callable[[], bool],
        metrics: MetricsText | None = None,
    ) -> None:
        self._readiness = readiness
        self._clock = clock
        self._is_working = is_working
        self._metrics = metrics

    def of(self, path: bytes) -> tuple[bytes, bytes] | None:
        """Return the head, which lacks its end, and the body; None: nothing is ready here."""
        if path == b"/livez":
            return _answer(encode({"status": "ok"}))
        if path == b"/readyz" and self._is_working() and not self._readiness.known_trouble():
            return _answer(encode({"status": "ok", "clock": clock_of(self._clock)}))
        if path == b"/metrics" and self._metrics is not None:
            try:
                return _answer(self._metrics.now(), self._metrics.content_type.encode())
            except Overloaded:
                return _TOO_OFTEN
        return None


def clock_of(clock: Clock) -> dict[str, Any]:
    """Return how the machine's clock is. A wrong one is no reason to take no traffic."""
    ahead_s = clock.ahead_s()
    status = "wrong" if abs(ahead_s) > CLOCK_WRONG_BEYOND_S else "ok"
    return {
        "status": status if clock.is_known() else "unknown",
        "ahead_s": round(ahead_s),
    }


_HEADERS = b"".join(b"%s: %s\r\n" % header for header in (*ALWAYS, *DEFAULTS))
_TOO_OFTEN = (
    b"HTTP/1.1 503 Service Unavailable\r\n%sretry-after: 1\r\ncontent-length: 0\r\n" % _HEADERS,
    b"",
)


def _answer(body: bytes, content_type: bytes = b"application/json") -> tuple[bytes, bytes]:
    return (
        b"HTTP/1.1 200 OK\r\n%scontent-type: %s\r\ncontent-length: %d\r\n"
        % (_HEADERS, content_type, len(body)),
        body,
    )
