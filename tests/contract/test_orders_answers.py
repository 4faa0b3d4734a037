"""What the Orders port takes for a yes, and how it reads an order back, over real HTTP."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web

from payment_service.adapters.order_service.client import JSON_BYTES_MAX, HttpOrders, ReadBack
from payment_service.domain.news import News, NoNews, NotExecuted, OrderRefused, OrderTold
from payment_service.domain.steps import TellOrders

STEP = TellOrders(key="pay_1-1-told", order_id="order 1/ä", status="PAYMENT RECEIVED")
IMPATIENCE_S = 0.3

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Shop:
    """An OrderService that answers as a test wants, and remembers what it was asked."""

    puts: Answer
    gets: Answer | None = None
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.raw_path}")
        answer = self.puts if request.method == "PUT" else self.gets
        assert answer is not None
        return await answer(request)


@asynccontextmanager
async def shop(puts: Answer, gets: Answer | None = None) -> AsyncIterator[Shop]:
    here = Shop(puts, gets)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", here.answer)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here.url = f"http://127.0.0.1:{runner.addresses[0][1]}/order"
    try:
        yield here
    finally:
        await runner.cleanup()


def says(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers=named)

    return answer


async def told(answer: Answer, step: TellOrders = STEP) -> News:
    async with shop(answer) as here:
        return await tell(here, step)


async def tell(
    here: Shop, step: TellOrders = STEP, *, timeout_s: float = 5, read_back: ReadBack | None = None
) -> News:
    orders = HttpOrders(here.url, token=None, timeout_s=timeout_s, read_back=read_back)
    try:
        return await orders.tell(step, bearer_token=None)
    finally:
        await orders.close()


JSON, HTML, PLAIN = "application/json", "text/html; charset=utf-8", "text/plain"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b""),
        (JSON, b'{"success": true}'),
        (JSON, b'{"success":"true","data":{"success":false}}'),
        (JSON, b'{"orderId":"order-1","status":"PAYMENT RECEIVED"}'),
        (JSON, b'[{"success":false}]'),
        (JSON, b'"updated"'),
        ("application/vnd.api+json", b'\xef\xbb\xbf{"success":true}'),
        (HTML, b""),
        (HTML, b"OK"),  # the type that Express and Flask give to plain words
        (HTML, b'{"success":true}'),  # and PHP to JSON
        (PLAIN, b"OK"),
        (PLAIN, b"{ok}"),
        (PLAIN, b"a < b"),
        ("text/xml", b"<?xml version='1.0'?><ok/>"),
        ("application/octet-stream", b"\x00\x01"),
    ],
)
async def test_a_2xx_that_does_not_say_no_is_a_yes(kind: str, body: bytes) -> None:
    assert await told(says(200, body, Content_Type=kind)) == OrderTold()


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        (JSON, b'{"success": false}', "success_false"),
        (JSON, b'{"message":"no such order","success":"False"}', "success_false"),
        (JSON, b'{"success": 0}', "success_false"),
        (JSON, b'{"Success": false, "Message": "no such order"}', "success_false"),
        (JSON, b'{"SUCCESS": "no"}', "success_false"),
        (PLAIN, b' \n{"success": false}', "success_false"),
        (HTML, b'{"success": false}', "success_false"),
        ("application/problem+json", b'\xef\xbb\xbf{"success":false}', "success_false"),
        (JSON, b'{"success": fal', "answer_unreadable"),
        (JSON, '{"success":false}'.encode("utf-16"), "answer_unreadable"),
        (JSON, b'{"success": NaN}', "answer_unreadable"),
        (JSON, b"[" * 100_000, "answer_unreadable"),
        (JSON, b'{"a":"' + b"x" * 2 * JSON_BYTES_MAX + b'","success":true}', "answer_unreadable"),
        (HTML, b"<!DOCTYPE html><p>Please log in", "answered_html"),
        (HTML, b"Please <a href='/login'>log in</a>", "answered_html"),
        (PLAIN, b"\n<HTML><body>Maintenance", "answered_html"),
        ("application/xhtml+xml", b"<html/>", "answered_html"),
    ],
)
@pytest.mark.parametrize("status", [200, 202])
async def test_a_2xx_with_success_false_or_a_page_is_no_yes(
    kind: str, body: bytes, reason: str, status: int
) -> None:
    news = await told(says(status, body, Content_Type=kind))

    in_doubt = reason != "success_false"  # the update may have been taken before that was answered
    assert news == OrderRefused(reason, lasting=True, may_have_arrived=in_doubt)


async def test_what_was_compressed_all_the_same_is_read() -> None:
    body = gzip.compress(b'{"success": false}')

    news = await told(says(200, body, Content_Type=JSON, Content_Encoding="gzip"))

    assert news == OrderRefused("success_false", lasting=True)


async def test_a_2xx_whose_json_breaks_off_was_not_answered() -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": JSON})
        await answer.prepare(request)
        await answer.write(b'{"success": ')
        await asyncio.sleep(5)
        return answer

    async with shop(begin) as here:
        assert await tell(here, timeout_s=IMPATIENCE_S) == NoNews("timeout")


async def test_a_gateway_that_gave_up_waiting_is_no_answer() -> None:
    assert await told(says(504)) == NoNews("http_504")
    assert await told(says(504, Retry_After="600")) == NoNews("http_504", retry_after_s=600)


@pytest.mark.parametrize(
    ("after", "least_s", "most_s"),
    [
        ("4", 4, 4),
        (" 120 ", 120, 120),
        ("999999999", 86_400, 86_400),
        ("9" * 4000, 86_400, 86_400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)
@pytest.mark.parametrize("status", [503, 429, 404, 301, 200])
async def test_a_retry_after_is_heard_with_whatever_is_no_yes(
    after: str, least_s: float, most_s: float, status: int
) -> None:
    news = await told(says(status, b"<html>", Content_Type=HTML, Retry_After=after))

    assert isinstance(news, OrderRefused)
    assert news.retry_after_s is not None
    assert least_s <= news.retry_after_s <= most_s


async def test_a_retry_after_may_be_a_date_by_the_clock_of_the_order_service() -> None:
    here = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    date, after = (format_datetime(at, usegmt=True) for at in (here, here + timedelta(seconds=90)))

    assert await told(says(503, Date=date, Retry_After=after)) == OrderRefused(
        "http_503", retry_after_s=90
    )


@pytest.mark.parametrize(
    "after",
    ["", "soon", "-1", "1.5", "Wed, 21 Oct 2015 07:28:00 +99999999999", "1e9", "²"],
)
async def test_a_retry_after_that_says_nothing_is_passed_over(after: str) -> None:
    assert await told(says(503, Retry_After=after)) == OrderRefused("http_503")


# ---------------------------------------------------------------- the order is read back

BEFORE = frozenset({"ORDER PLACED", "AWAITING PAYMENT"})
AGAIN = replace(STEP, read_back=True, before=BEFORE)
REFUNDED = replace(AGAIN, status="REFUNDED", opens_order=False)
HOW = ReadBack("/{orderId}")


def shows(status: object) -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"orderId": "order-1", "status": status})

    return answer


async def read_back(
    gets: Answer, step: TellOrders = AGAIN, how: ReadBack = HOW
) -> tuple[News, list[str]]:
    async with shop(says(200), gets) as here:
        return await tell(here, step, read_back=how), [line.split()[0] for line in here.asked]


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        (AGAIN, "PAYMENT RECEIVED"),
        (AGAIN, "Payment Received"),
        (AGAIN, "OUT FOR DELIVERY"),
        (REFUNDED, "REFUNDED"),
    ],
)
async def test_an_order_that_shows_the_status_or_a_later_one_is_not_told_again(
    step: TellOrders, shown: str
) -> None:
    assert await read_back(shows(shown), step) == (OrderTold(was_shown=True), ["GET"])


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        (AGAIN, "ORDER PLACED"),
        (AGAIN, " awaiting payment "),
        (REFUNDED, "PAYMENT RECEIVED"),
        (REFUNDED, "OUT FOR DELIVERY"),  # what follows a refund nobody knows
    ],
)
async def test_an_order_that_shows_an_earlier_status_is_told(step: TellOrders, shown: str) -> None:
    assert await read_back(shows(shown), step) == (OrderTold(), ["GET", "PUT"])


@pytest.mark.parametrize(
    "gets",
    [says(404), says(403), shows(None), shows(7), says(200, b"<html>"), says(200, b"{}")],
)
async def test_an_order_that_cannot_be_read_is_told(gets: Answer) -> None:
    assert await read_back(gets) == (OrderTold(), ["GET", "PUT"])


@pytest.mark.parametrize(
    ("gets", "news"),
    [
        (says(503, Retry_After="9"), NotExecuted("read_http_503", retry_after_s=9)),
        (says(429), NotExecuted("read_http_429")),
        (says(504), NotExecuted("read_http_504")),
        (says(504, Retry_After="600"), NotExecuted("read_http_504", retry_after_s=600)),
    ],
)
async def test_an_order_service_in_trouble_is_read_again_before_it_is_told(
    gets: Answer, news: News
) -> None:
    assert await read_back(gets) == (news, ["GET"])


async def test_reading_and_telling_share_one_time_out_and_what_was_not_sent_is_known() -> None:
    async def slow(_request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with shop(slow, shows("ORDER PLACED")) as here:
        lost = await tell(here, AGAIN, timeout_s=IMPATIENCE_S, read_back=HOW)
    async with shop(slow, slow) as here:
        unread = await tell(here, AGAIN, timeout_s=IMPATIENCE_S, read_back=HOW)

    assert (lost, unread) == (NoNews("timeout"), NotExecuted("timeout"))


async def test_the_path_has_the_order_id_encoded_and_the_status_may_lie_deep() -> None:
    async def deep(_request: web.Request) -> web.Response:
        return web.json_response({"data": {"order": {"state": "OUT FOR DELIVERY"}}})

    how = ReadBack("/by-id/{orderId}?fields=state", "data.order.state")
    async with shop(says(200), deep) as here:
        news = await tell(here, AGAIN, read_back=how)

        assert here.asked == ["GET /order/by-id/order%201%2F%C3%A4?fields=state"]
    assert news == OrderTold(was_shown=True)


@pytest.mark.parametrize(("step", "how"), [(STEP, HOW), (AGAIN, None)])
async def test_an_order_is_only_read_after_a_try_that_may_have_arrived_and_where_it_can_be(
    step: TellOrders, how: ReadBack | None
) -> None:
    async with shop(says(200)) as here:
        assert await tell(here, step, read_back=how) == OrderTold()

        assert [line.split()[0] for line in here.asked] == ["PUT"]


@pytest.mark.parametrize("step", [STEP, AGAIN])
@pytest.mark.parametrize("token", ["a\x01b", "a\r\nX-Evil: 1", "\x00", "a\x0b", "\x7f", "a\x1f"])
async def test_a_callers_token_that_no_header_can_hold_is_not_sent(
    token: str, step: TellOrders
) -> None:
    async with shop(says(200), shows("ORDER PLACED")) as here:
        orders = HttpOrders(here.url, token=None, timeout_s=5, read_back=HOW)
        news = await orders.tell(step, bearer_token=token)
        await orders.close()

        assert (news, here.asked) == (NotExecuted("token_unusable"), [])


@pytest.mark.parametrize("token", ["a b", "a\tb", "ü", "~" * 8000])
async def test_any_other_token_of_a_caller_is_passed_on(token: str) -> None:
    async with shop(says(200)) as here:
        orders = HttpOrders(here.url, token=None, timeout_s=5)
        assert await orders.tell(STEP, bearer_token=token) == OrderTold()
        await orders.close()


@asynccontextmanager
async def hanging_up(answers: int) -> AsyncIterator[tuple[str, list[bytes]]]:
    """An OrderService that ends a connection after so many answers; yield what it was sent."""
    asked: list[bytes] = []
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.update(filter(None, [asyncio.current_task()]))
        for _ in range(answers if not asked else 0):
            asked.append(await reader.readuntil(b"}"))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        with suppress(asyncio.IncompleteReadError):  # a connection on which nothing is sent
            asked.append(await reader.readuntil(b"}"))
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/order", asked
        await asyncio.gather(*serving)


@pytest.mark.parametrize("answers", [0, 1])
async def test_an_update_whose_connection_ends_without_an_answer_is_sent_once(
    answers: int,
) -> None:
    """A client that repeats what it takes for harmless would throw a later status back."""
    async with hanging_up(answers) as (url, asked):
        orders = HttpOrders(url, token=None, timeout_s=5)
        news = [await orders.tell(STEP, bearer_token=None) for _ in range(answers + 1)]
        await orders.close()

    assert news == [*[OrderTold()] * answers, NoNews("connection_lost")]
    assert len(asked) == answers + 1


@pytest.mark.parametrize(
    "body", [b"[" * 50_000, b'{"a":' * 5000, b'{"status": ', b"\xff\xfe{", b'"SHIPPED"']
)
async def test_an_order_whose_json_cannot_be_read_is_told(body: bytes) -> None:
    assert await read_back(says(200, body, Content_Type=JSON)) == (OrderTold(), ["GET", "PUT"])


@pytest.mark.parametrize("text", ['\ufeff{"status":"SHIPPED"}', ' {"status":"SHIPPED"} '])
async def test_a_later_status_is_seen_however_its_json_begins(text: str) -> None:
    gets = says(200, text.encode(), Content_Type=JSON)

    assert await read_back(gets) == (OrderTold(was_shown=True), ["GET"])


@pytest.mark.parametrize(
    "body", [b'{"success":false,"status":"SHIPPED"}', b'{"success":"false","status":"error"}']
)
async def test_a_reading_that_failed_shows_no_status(body: bytes) -> None:
    assert await read_back(says(200, body, Content_Type=JSON)) == (OrderTold(), ["GET", "PUT"])
