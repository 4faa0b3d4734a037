"""What was allowed to leave is asked once more when all waiting is over; else it does not leave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
import stripe
from aiohttp import web
from structlog.testing import capture_logs

from payment_service.adapters.order_service.client import HttpOrders
from payment_service.adapters.stripe import Budget, StripeGateway, TimeLimits, open_stripe
from payment_service.adapters.stripe.dates import date_of
from payment_service.domain.call import LAPSED
from payment_service.domain.news import IntentSeen, NoNews, NotExecuted, OrderTold
from payment_service.domain.steps import ReadIntent, ReadTime, TellOrders
from tests.contract.test_stripe_gateway import (
    CREATE,
    INTENT,
    KEY,
    Recorder,
    opened,
    ordinary,
)
from tests.parts.virtual_time import run

UPDATE = TellOrders(key="pay_1-1-told", order_id="order-1", status="PAYMENT RECEIVED")
PATIENCE_S = 10.0
HELD_BACK = NotExecuted(LAPSED)


@dataclass
class Claim:
    """A claim that holds until the test says otherwise."""

    holds: bool = True
    asked: int = 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.holds


@dataclass
class Peer:
    """A server over a real socket that answers when it is told to."""

    url: str = ""
    heard: list[str] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        self.heard.append(f"{request.method} {request.path}")
        await self.answers.wait()
        headers = {"Request-Id": "req_1", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
        return web.json_response(INTENT, headers=headers)

    async def until_heard(self, number: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard) < number:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", peer.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    peer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield peer
    peer.answers.set()
    await runner.cleanup()


@asynccontextmanager
async def gateway_at(url: str, **how: Any) -> AsyncIterator[StripeGateway]:
    ours = open_stripe(
        api_key=KEY, api_base=url, service="payment-service", limits=TimeLimits(), **how
    )
    yield ours
    await ours.close()


async def test_a_charge_whose_claim_lapsed_while_it_waited_for_a_connection_stays_here(
    peer: Peer,
) -> None:
    claim = Claim()
    async with gateway_at(peer.url, connections_max=1) as ours:
        first = asyncio.create_task(ours.ask(ReadIntent("ord_1", "pi_1")))
        await peer.until_heard(1)
        second = asyncio.create_task(ours.ask(CREATE, leave_while=claim))
        await asyncio.sleep(0.05)
        claim.holds = False
        peer.answers.set()

        with capture_logs() as lines:
            news = await first, await second

    assert isinstance(news[0], IntentSeen)
    assert news[1] == HELD_BACK
    assert peer.heard == ["GET /v1/payment_intents/pi_1"]
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == [
        "stripe.held_back"
    ]


async def test_the_last_question_comes_when_the_connection_is_there(peer: Peer) -> None:
    """On a new connection and on one that is used again."""
    peer.answers.set()
    claim = Claim()
    async with gateway_at(peer.url) as ours:
        charged = await ours.ask(CREATE, leave_while=claim)
        asked_before = claim.asked
        claim.holds = False
        again = await ours.ask(CREATE, leave_while=claim)
        looked = await ours.ask(ReadIntent("ord_1", "pi_1"))

    assert isinstance(charged, IntentSeen)
    assert asked_before == 2
    assert again == HELD_BACK
    assert isinstance(looked, IntentSeen)
    assert peer.heard == ["POST /v1/payment_intents", "GET /v1/payment_intents/pi_1"]


async def test_an_update_of_an_order_whose_claim_is_over_stays_here(peer: Peer) -> None:
    peer.answers.set()
    claim = Claim()
    orders = HttpOrders(peer.url, token=None, timeout_s=PATIENCE_S)

    told = await orders.tell(UPDATE, bearer_token=None, leave_while=claim)
    claim.holds = False
    held_back = await orders.tell(UPDATE, bearer_token=None, leave_while=claim)
    anyway = await orders.tell(UPDATE, bearer_token=None)
    await orders.close()

    assert (told, held_back, anyway) == (OrderTold(), HELD_BACK, OrderTold())
    assert peer.heard == ["PUT /updateStatus"] * 2


def test_a_charge_whose_claim_lapsed_while_it_waited_for_its_turn_stays_here() -> None:
    async def main() -> None:
        http = Recorder(ordinary)
        ours = open_stripe(
            api_key=KEY,
            api_base="http://stripe.invalid",
            service="payment-service",
            limits=TimeLimits(),
            budget=Budget(per_s=1, per_endpoint_s=1),
            http=http,
        )
        claim = Claim()
        first = await ours.ask(CREATE)
        waiting = asyncio.create_task(ours.ask(replace(CREATE, key="key-2"), leave_while=claim))
        await asyncio.sleep(0.5)
        claim.holds = False

        assert isinstance(first, IntentSeen)
        assert await waiting == HELD_BACK
        assert len(http.sent) == 1

    run(main)


class Silent(Recorder):
    """A Stripe that answers the first requests and then nothing."""

    def __init__(self, answers: int) -> None:
        super().__init__(ordinary)
        self._answers = answers

    async def request_async(self, *args: Any, **how: Any) -> Any:
        if len(self.sent) >= self._answers:
            self._takes_s = 1_000
        return await super().request_async(*args, **how)


def test_the_time_limit_of_a_charge_holds_from_before_its_wait_for_a_turn() -> None:
    """Else it would outlive its lease: others would be at the same charge meanwhile."""

    async def main() -> None:
        http = Silent(answers=3)
        ours = open_stripe(
            api_key=KEY,
            api_base="http://stripe.invalid",
            service="payment-service",
            limits=TimeLimits(charge_s=25),
            budget=Budget(per_s=1, per_endpoint_s=1),
            http=http,
        )
        loop = asyncio.get_running_loop()
        charges = [replace(CREATE, key=f"key-{number}") for number in range(4)]
        *answered, silent = await asyncio.gather(*map(ours.ask, charges))

        assert [type(news) for news in answered] == [IntentSeen] * 3
        assert silent == NoNews("TimeoutError")
        assert len(http.sent) == 4
        assert loop.time() == pytest.approx(25.0)

    run(main)


# ---------------------------------------------------------------- dates


@dataclass
class Listener:
    """Whoever wants to hear what time it is at Stripe."""

    heard_of: list[tuple[datetime, int]] = field(default_factory=list)
    marks: int = 0

    def mark(self) -> int:
        self.marks += 1
        return self.marks

    def heard(self, date: datetime, sent: int) -> None:
        self.heard_of.append((date, sent))


AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DATE = format_datetime(AT, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "date"),
    [
        ({"Request-Id": "req_1", "Date": DATE}, AT),
        ({"Request-Id": "req_1", "Date": "Sun, 01 Mar 2026 12:00:00 -0000"}, AT),
        ({"Date": DATE}, None),
        ({"Request-Id": "", "Date": DATE}, None),
        ({"Request-Id": "req_1"}, None),
        ({"Request-Id": "req_1", "Date": "yesterday"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_only_a_date_of_stripes_own_is_one(
    headers: dict[str, str] | None, date: datetime | None
) -> None:
    assert date_of(headers) == date


async def test_an_answer_over_http_says_the_time(peer: Peer) -> None:
    peer.answers.set()
    listener = Listener()
    async with gateway_at(peer.url, time=listener) as ours:
        await ours.ask(ReadTime())

    assert listener.heard_of == [(AT, 1)]


@pytest.mark.parametrize("status", [200, 400, 401, 402, 403, 404, 409, 429, 500, 503])
def test_so_does_an_answer_of_any_status(status: int) -> None:
    class Dated(Recorder):
        async def request_async(self, *args: Any, **how: Any) -> Any:
            raw, code, _ = await super().request_async(*args, **how)
            return raw, code, {"Request-Id": "req_1", "Date": DATE}

    error = {"error": {"type": "api_error", "code": "x", "message": "x"}}
    http = Dated(lambda _: (status, INTENT if status == 200 else error))
    listener = Listener()

    async def main() -> None:
        ours = open_stripe(
            api_key=KEY,
            api_base="http://stripe.invalid",
            service="payment-service",
            limits=TimeLimits(),
            http=http,
            time=listener,
        )
        await ours.ask(ReadIntent("ord_1", "pi_1"))

    run(main)
    assert [date for date, _ in listener.heard_of] == [AT]


def test_a_lost_answer_says_nothing() -> None:
    listener = Listener()

    class Lost(Recorder):
        async def request_async(self, *args: Any, **how: Any) -> Any:
            raise stripe.APIConnectionError("lost")  # type: ignore[no-untyped-call]

    async def main() -> None:
        ours = opened(Lost(ordinary))
        assert isinstance(await ours.ask(ReadIntent("ord_1", "pi_1")), NoNews)

    run(main)
    assert listener.heard_of == []
