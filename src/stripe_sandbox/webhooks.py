"""Posts what the engine has due to the receivers of webhooks, beside the server, until it stops.

It sleeps until something can be due, and nothing a receiver does ends it.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from stripe_sandbox.engine import Engine, WebhookAttempt

# assumed: Stripe does not say how long it waits for an answer; between 10 and 30 s is reported.
ANSWER_WITHIN_S: Final = 10.0
# Unless told otherwise, only this machine is posted to. The address of an endpoint may come from
# the settings of a real shop: a sandbox must not tell strangers of payments that never were.
_NOT_HERE: Final = "not sent: it is not on this machine, and --webhook-anywhere is not set"
# So many attempts at a time; receivers that hang can hold up the others for one time-out at most.
UNDER_WAY_MAX: Final = 32


class Deliverer:
    """Takes attempts from the engine, posts them, and tells the engine what was answered."""

    def __init__(
        self,
        engine: Engine,
        now: Callable[[], float],
        *,
        anywhere: bool,
        answer_within_s: float,
    ) -> None:
        self._engine = engine
        self._now = now
        self._anywhere = anywhere
        self._answer_within_s = answer_within_s
        self._woken = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then is dropped."""
        self._engine.webhooks.on_change = self._woken.set
        try:
            async with self._session() as session:
                while True:
                    self._woken.clear()
                    self._start(session)
                    await self._sleep()
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    def _start(self, session: aiohttp.ClientSession) -> None:
        """Begin as many of the due attempts as there is room for."""
        room = UNDER_WAY_MAX - len(self._under_way)
        for attempt in self._engine.due_webhooks(self._now(), limit=room):
            task = asyncio.create_task(self._deliver(session, attempt))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._woken.set()

    async def _sleep(self) -> None:
        """Wait until something is due and there is room for it, or something has changed."""
        full = len(self._under_way) >= UNDER_WAY_MAX
        next_at = None if full else self._engine.next_webhook_at()
        wait_s = None if next_at is None else max(0.0, next_at - self._now())
        # Not wait_for: before Python 3.12 it loses the cancelling of a task that is being woken.
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._woken.wait()

    async def _deliver(self, session: aiohttp.ClientSession, attempt: WebhookAttempt) -> None:
        """Make one attempt. Whatever goes wrong with it is an answer too."""
        status, why = None, None
        try:
            if self._anywhere or is_loopback(attempt.url):
                status = await self._post(session, attempt)
            else:
                why = _NOT_HERE
        except TimeoutError:
            why = f"no answer within {self._answer_within_s:g} s"
        # An address or an answer that makes no sense raises ValueError.
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = str(error) or type(error).__name__
        self._engine.webhook_answered(attempt, status, self._now(), why=why)

    async def _post(self, session: aiohttp.ClientSession, attempt: WebhookAttempt) -> int:
        """Post, and return the status; its headers are all that is read of an answer."""
        answer = await session.post(
            attempt.url, data=attempt.body, headers=attempt.headers, allow_redirects=False
        )
        answer.close()
        return answer.status

    def _session(self) -> aiohttp.ClientSession:
        # Each attempt has its own connection: one that was kept open may be closed by a receiver
        # just when it is used again, which would look like a failure that was none.
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, limit=UNDER_WAY_MAX),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._answer_within_s),
        )


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine. Names are not looked up: they can be anybody's."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
