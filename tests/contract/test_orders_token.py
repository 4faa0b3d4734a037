"""How the OrderService's tokens are fetched, kept and dropped, over real HTTP."""

import asyncio
import base64
import gzip
import json
import socket
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from payment_service.adapters.order_service.client import HttpOrders
from payment_service.adapters.order_service.oauth import (
    ANSWER_BYTES_MAX,
    EARLY_S,
    FAILURE_HELD_S,
    LIFE_MAX_S,
    LIFE_UNTOLD_S,
    Client,
    ClientTokens,
)
from payment_service.domain.call import asked
from payment_service.domain.news import News, NoNews, NotExecuted, OrderTold
from payment_service.domain.notice import Notice, NoticeState, owe, told
from payment_service.domain.steps import TellOrders

STEP = TellOrders(key="pay_1-1-told", order_id="order-1", status="PAYMENT RECEIVED")
SECRET = "a secret: with/colon & 100%"
CALLERS_TOKEN = "callers-token"
PATIENCE_S = 5.0
IMPATIENCE_S = 0.2
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass
class Town:
    """A token endpoint and an OrderService that takes only the tokens in `good`.

    script: what the token endpoint answers next, instead of a new token: status and body.
    refusal: the status of an update whose token is not good. takes_s, update_takes_s: each.
    """

    script: deque[tuple[int, Any]] = field(default_factory=deque)
    good: set[str] = field(default_factory=set)
    asked: list[tuple[str | None, dict[str, Any]]] = field(default_factory=list)
    heard: list[str | None] = field(default_factory=list)
    life: Any = 3600
    takes_s: float = 0.0
    update_takes_s: float = 0.0
    refusal: int = 401

    async def token(self, request: web.Request) -> web.Response:
        form: dict[str, Any] = dict(await request.post())
        self.asked.append((request.headers.get("Authorization"), form))
        await asyncio.sleep(self.takes_s)
        if self.script:
            status, body = self.script.popleft()
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            return web.Response(status=status, body=raw, headers={"Location": "/elsewhere"})
        token = f"token-{len(self.asked)}"
        self.good.add(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.life}
        return web.json_response({k: v for k, v in answer.items() if v is not None})

    async def update(self, request: web.Request) -> web.Response:
        sent = request.headers.get("Authorization")
        self.heard.append(sent)
        await asyncio.sleep(self.update_takes_s)
        known = sent is not None and sent.removeprefix("Bearer ") in self.good
        return web.Response(status=200 if known else self.refusal)


@dataclass
class Watch:
    """Seconds that pass when the test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Street:
    """The adapters, and what they talk to."""

    town: Town
    tokens: ClientTokens
    orders: HttpOrders
    watch: Watch

    async def tell(self, bearer_token: str | None = None) -> News:
        return await self.orders.tell(STEP, bearer_token=bearer_token)


@asynccontextmanager
async def street(
    *, timeout_s: float = PATIENCE_S, scope: str = "", token_url: str | None = None
) -> AsyncIterator[Street]:
    town = Town()
    app = web.Application()
    app.router.add_post("/token", town.token)
    app.router.add_put("/order/updateStatus", town.update)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    client = Client(token_url or f"{base}/token", "us & them", SECRET, scope)
    watch = Watch()
    tokens = ClientTokens(client, timeout_s=timeout_s, now=watch)
    orders = HttpOrders(f"{base}/order", token="static", timeout_s=timeout_s, tokens=tokens)
    yield Street(town, tokens, orders, watch)
    await orders.close()
    await runner.cleanup()


# ---------------------------------------------------------------- what is sent


@pytest.mark.parametrize(
    ("scope", "form"),
    [
        ("", {"grant_type": "client_credentials"}),
        ("a b", {"grant_type": "client_credentials", "scope": "a b"}),
    ],
)
async def test_a_token_is_asked_for_with_an_encoded_basic_header_and_a_form(
    scope: str, form: dict[str, str]
) -> None:
    async with street(scope=scope) as here:
        assert await here.tell(CALLERS_TOKEN) == OrderTold()

        ((header, sent),) = here.town.asked

    assert header is not None
    assert base64.b64decode(header.removeprefix("Basic ")).decode() == (
        "us+%26+them:a+secret%3A+with%2Fcolon+%26+100%25"
    )
    assert sent == form
    assert here.town.heard == ["Bearer token-1"]  # neither the static one nor the caller's


def test_a_client_does_not_show_its_secret() -> None:
    assert SECRET not in repr(Client("https://login/token", "us", SECRET))


# ---------------------------------------------------------------- how long it is kept


async def test_one_token_serves_until_shortly_before_its_end() -> None:
    async with street() as here:
        await here.tell()
        here.watch.now += 3600 - EARLY_S - 1
        await here.tell()
        here.watch.now += 1
        await here.tell()

    assert here.town.heard == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize(
    ("told_life", "kept_s"),
    [
        (None, LIFE_UNTOLD_S - EARLY_S),
        ("soon", LIFE_UNTOLD_S - EARLY_S),
        ("600", 600 - EARLY_S),
        (10, 5),
        (10**12, LIFE_MAX_S - EARLY_S),
    ],
)
async def test_a_life_that_is_untold_or_strange_is_bounded(told_life: Any, kept_s: float) -> None:
    async with street() as here:
        here.town.life = told_life
        await here.tell()
        here.watch.now += kept_s - 0.5
        await here.tell()
        assert len(here.town.asked) == 1
        here.watch.now += 1
        await here.tell()

    assert len(here.town.asked) == 2


@pytest.mark.parametrize("told_life", [0, -5, "nan"])
async def test_a_token_without_a_life_serves_once(told_life: Any) -> None:
    async with street() as here:
        here.town.life = told_life
        assert [await here.tell(), await here.tell()] == [OrderTold(), OrderTold()]

    assert here.town.heard == ["Bearer token-1", "Bearer token-2"]


async def test_many_at_once_fetch_one_token() -> None:
    async with street() as here:
        here.town.takes_s = 0.05
        news = await asyncio.gather(*(here.tell() for _ in range(20)))

    assert news == [OrderTold()] * 20
    assert len(here.town.asked) == 1


async def test_one_who_gives_up_waiting_does_not_spoil_it_for_the_others() -> None:
    async with street() as here:
        here.town.takes_s = 0.05
        first, second = (asyncio.create_task(here.tell()) for _ in range(2))
        await asyncio.sleep(0.01)
        first.cancel()

        assert await second == OrderTold()

    assert len(here.town.asked) == 1


# ---------------------------------------------------------------- when it is refused


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_token_is_dropped_and_a_fresh_one_settles_it(status: int) -> None:
    async with street() as here:
        here.town.refusal = status
        await here.tell()
        here.town.good.clear()  # revoked, long before its end

        news = await here.tell()

    assert news == OrderTold()
    assert here.town.heard == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


async def test_a_late_refusal_does_not_drop_the_fresh_token() -> None:
    async with street() as here:
        await here.tell()
        here.tokens.drop("token-0")
        await here.tell()

    assert len(here.town.asked) == 1


async def test_a_fresh_token_that_is_refused_too_is_no_third_try_at_once() -> None:
    async with street() as here:
        await here.tell()
        here.town.good.clear()
        here.town.script.append((200, {"access_token": "unknown-there"}))

        notice = await tried(here, owe("PAYMENT RECEIVED", "key", NOW))

        assert (notice.state, notice.failure) == (NoticeState.OWED, "http_401")
        assert here.town.heard[-2:] == ["Bearer token-1", "Bearer unknown-there"]
        assert (await tried(here, notice)).state is NoticeState.TOLD


async def test_a_token_endpoint_that_refuses_leaves_the_notice_owed() -> None:
    async with street() as here:
        notice = owe("PAYMENT RECEIVED", "key", NOW)
        for _ in range(30):
            here.town.script.append((401, {"error": "invalid_client"}))
            notice = await tried(here, notice)
            here.watch.now += FAILURE_HELD_S

        assert (notice.state, notice.failure) == (NoticeState.OWED, "token_http_401")
        here.town.script.clear()
        assert (await tried(here, notice)).state is NoticeState.TOLD
    assert len(here.town.heard) == 1


async def tried(here: Street, notice: Notice) -> Notice:
    notice_asked = asked(notice.call, NOW, lease_s=30)
    notice = Notice(notice.status, notice.state, notice_asked, failure=notice.failure)
    return told(notice, await here.tell(), NOW + timedelta(seconds=1))


# ---------------------------------------------------------------- when there is none


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": "invalid_scope"}, "token_http_400"),
        (401, b"no", "token_http_401"),
        (500, {}, "token_http_500"),
        (307, b"", "token_http_307"),
        (200, b"", "token_unreadable"),
        (200, b"\xff\xfe", "token_unreadable"),
        (200, [], "token_unreadable"),
        (200, {"access_token": ""}, "token_unreadable"),
        (200, {"access_token": "in two\r\nlines"}, "token_unreadable"),
        (200, {"access_token": "a" * ANSWER_BYTES_MAX}, "token_unreadable"),
        (200, gzip.compress(b'{"access_token": "abc"}', mtime=0), "token_unreadable"),
        (200, b'{"access_token":"abc","x":' + b"[" * 60_000, "token_unreadable"),
        (200, {"access_token": "abc", "token_type": "DPoP"}, "token_not_bearer"),
    ],
)
async def test_without_a_token_nothing_is_told_and_no_other_token_is_sent(
    status: int, body: Any, reason: str
) -> None:
    async with street() as here:
        here.town.script.append((status, body))

        assert await here.tell(CALLERS_TOKEN) == NotExecuted(reason)

    assert here.town.heard == []


async def test_a_token_endpoint_that_is_silent_or_away_is_no_news() -> None:
    async with street(timeout_s=IMPATIENCE_S) as here:
        here.town.takes_s = PATIENCE_S
        assert await here.tell() == NotExecuted("token_timeout")
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can begin to
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}/token"
        async with street(token_url=url) as here:
            assert await here.tell() == NotExecuted("token_ClientConnectorError")


async def test_the_time_of_a_try_covers_its_token_and_its_update_together() -> None:
    async with street(timeout_s=3 * IMPATIENCE_S) as here:
        here.town.takes_s = here.town.update_takes_s = 2 * IMPATIENCE_S

        assert await here.tell() == NoNews("timeout")


async def test_a_failing_token_endpoint_is_not_asked_by_every_notice() -> None:
    async with street() as here:
        here.town.script.append((503, {}))
        assert [await here.tell() for _ in range(5)] == [NotExecuted("token_http_503")] * 5
        assert len(here.town.asked) == 1

        here.watch.now += FAILURE_HELD_S
        assert await here.tell() == OrderTold()


async def test_closing_ends_a_fetch_under_way() -> None:
    async with street() as here:
        here.town.takes_s = PATIENCE_S
        waiting = asyncio.create_task(here.tell())
        await asyncio.sleep(0.05)
        await here.orders.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting


# ---------------------------------------------------------------- what is written down


async def test_no_line_has_a_token_or_the_secret() -> None:
    async with street() as here:
        with capture_logs() as lines:
            here.town.script.append((400, {"error": "invalid_client", "x": SECRET}))
            await here.tell(CALLERS_TOKEN)
            here.watch.now += FAILURE_HELD_S
            here.town.script.append((400, {"error": f"no {SECRET}"}))
            await here.tell(CALLERS_TOKEN)
            here.watch.now += FAILURE_HELD_S
            await here.tell(CALLERS_TOKEN)

    assert [(line["event"], line.get("code")) for line in lines] == [
        ("token.refused", "invalid_client"),
        ("orders.unanswered", None),
        ("token.refused", None),
        ("orders.unanswered", None),
        ("token.fetched", None),
        ("orders.answered", None),
    ]
    text = str(lines)
    assert not [word for word in (SECRET, CALLERS_TOKEN, "token-3") if word in text]
