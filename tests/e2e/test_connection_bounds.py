"""What frames a body, trailers, and bodies of refused requests, over real sockets."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import pytest

from bounded_connections.room import CHUNKS_MAX, FRAMING_MAX, HEAD_MAX, LINGER_S, UNFINISHED_MAX
from tests.parts.site import GET, hear, is_closed, site

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run in real time, for sockets have no other."""
    asyncio.run(scenario())  # type: ignore[arg-type]  # a coroutine function is meant


@pytest.mark.parametrize(
    "body",
    [
        b"1\r\na\r\n" * 5000,
        b"00000001;a=b\r\na\r\n" * 500,
        b"10\r\n" + b"a" * 16 + b"\r\n",
        b"ffff\r\n" + b"a" * 65535 + b"\r\n",
    ],
    ids=["of one byte", "with extensions", "one", "large"],
)
def test_honest_chunks_pass_however_small(body: bytes) -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            for _ in range(2):
                writer.write(CHUNKED + body + b"0\r\nX-Checked: yes\r\n\r\n")
                assert (await hear(reader)).status == 200
            writer.close()

    run(scenario)


@pytest.mark.parametrize(
    "rest",
    [
        b"0\r\nX-A: " + b"a" * (HEAD_MAX + FRAMING_MAX),
        b"0\r\n" + b"X-A: b\r\n" * 102,
        b"1;" + b"x" * (HEAD_MAX + FRAMING_MAX + 20) + b"\r\n",
        b"1\r\na\r\n" * (CHUNKS_MAX + 1),
    ],
    ids=["a trailer", "trailers", "an extension", "chunks"],
)
def test_too_much_around_a_body_ends_its_connection(rest: bytes) -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            began = time.monotonic()
            with contextlib.suppress(ConnectionError):
                writer.write(CHUNKED + rest)
                await writer.drain()

            assert await is_closed(reader)
            assert time.monotonic() - began < LINGER_S
            writer.close()
            await here.until_all_left()

    run(scenario)


def test_a_trailer_is_never_a_header_not_even_of_the_next_request() -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(b"POST /headers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(b"1\r\na\r\n0\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n")
            first = await hear(reader)
            writer.write(b"GET /headers HTTP/1.1\r\nHost: x\r\n\r\n")
            second = await hear(reader)
            writer.close()

            assert first.body == b"host,transfer-encoding"
            assert second.body == b"host"

    run(scenario)


def test_a_refused_request_whose_body_trickles_is_ended_within_the_linger_time() -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            assert (await hear(reader)).status == 200
            began = time.monotonic()
            closed = asyncio.create_task(is_closed(reader))
            with contextlib.suppress(ConnectionError):
                while not closed.done():
                    writer.write(b"a")
                    await asyncio.sleep(0.1)

            assert await closed
            assert time.monotonic() - began < LINGER_S + 1
            writer.close()

    run(scenario)


def test_a_refused_request_whose_body_arrives_keeps_its_connection() -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(b"POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n")
            assert (await hear(reader)).status == 200
            writer.write(b"body" + GET)

            assert (await hear(reader)).status == 200
            await asyncio.sleep(LINGER_S + 0.5)
            writer.write(GET)
            assert (await hear(reader)).status == 200
            writer.close()

    run(scenario)


def test_slow_bodies_take_no_places_of_others() -> None:
    slow = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na"

    async def scenario() -> None:
        async with site(in_flight_max=3, connections_max=1000) as here:
            clients = [await here.connect() for _ in range(UNFINISHED_MAX + 10)]
            for _, writer in clients:
                writer.write(slow)

            assert await is_closed(clients[0][0]), "the longest-waiting made room"
            assert (await here.ask(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")).status == 200
            for _, writer in clients:
                writer.close()
            await here.until_all_left()

    run(scenario)


def test_an_upgrade_is_answered_and_ends_the_connection() -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(
                b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
            )

            assert (await hear(reader)).status == 200
            assert await is_closed(reader)
            writer.close()

    run(scenario)
