"""Clients that are slow, endless or mad, over real sockets: they are cut off, others are served."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from bounded_connections.room import HEAD_MAX, HEADERS_MAX, PIPELINED_MAX, URL_MAX
from tests.parts.site import GET, hear, is_closed, site


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run in real time, for sockets have no other."""
    asyncio.run(scenario())  # type: ignore[arg-type]  # a coroutine function is meant


def test_a_client_that_dribbles_its_headers_is_cut_off_and_others_are_served_meanwhile() -> None:
    async def scenario() -> None:
        async with site(head_read_s=0.5) as here:
            slow = [await here.connect() for _ in range(20)]

            async def dribble(writer: asyncio.StreamWriter) -> None:
                writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
                with contextlib.suppress(ConnectionError):
                    while not writer.is_closing():
                        writer.write(b"a")
                        await asyncio.sleep(0.05)

            dribbling = [asyncio.create_task(dribble(writer)) for _, writer in slow]
            others = [await here.ask() for _ in range(20)]
            heard = [await hear(reader) for reader, _ in slow]

            assert {one.status for one in others} == {200}
            assert {(one.status, one.code) for one in heard} == {(408, "headers_too_slow")}
            for (reader, writer), task in zip(slow, dribbling, strict=True):
                assert await is_closed(reader)
                writer.close()
                await task

    run(scenario)


def test_a_client_that_says_nothing_is_cut_off() -> None:
    async def scenario() -> None:
        async with site(head_read_s=0.1) as here:
            reader, writer = await here.connect()

            assert (await hear(reader)).status == 408
            assert await is_closed(reader)
            writer.close()
            await here.until_all_left()

    run(scenario)


def test_line_breaks_without_end_between_two_requests_do_not_hold_a_connection() -> None:
    async def scenario() -> None:
        async with site(head_read_s=0.2) as here:
            reader, writer = await here.connect()
            writer.write(GET)
            assert (await hear(reader)).status == 200

            writer.write(b"\r\n\r\n")

            assert (await hear(reader)).status == 408
            writer.close()

    run(scenario)


def test_a_header_without_end_is_refused_after_so_many_bytes() -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(
                b"GET / HTTP/1.1\r\nX-Request-Id: mine\r\nX-Long: " + b"a" * (HEAD_MAX + 1)
            )

            heard = await hear(reader)

            assert (heard.status, heard.code) == (431, "headers_too_large")
            assert await is_closed(reader)
            assert (await here.ask()).status == 200
            writer.close()

    run(scenario)


def test_large_or_many_headers_and_long_urls_are_refused_however_they_come() -> None:
    many = b"".join(b"X-%d: a\r\n" % number for number in range(HEADERS_MAX + 1))
    large = b"X-Long: " + b"a" * HEAD_MAX + b"\r\n"
    most = b"".join(b"X-%d: a\r\n" % number for number in range(HEADERS_MAX - 1))

    async def scenario() -> None:
        async with site() as here:
            heard = {
                name: await here.ask(b"GET /%s HTTP/1.1\r\nHost: x\r\n%s\r\n" % (path, headers))
                for name, path, headers in (
                    ("many", b"", many),
                    ("large", b"", large),
                    ("long", b"a" * URL_MAX, b""),
                    ("most", b"", most),
                    ("longest", b"a" * (URL_MAX - 1), b""),
                )
            }

            assert {name: one.status for name, one in heard.items()} == {
                "many": 431,
                "large": 431,
                "long": 414,
                "most": 200,
                "longest": 200,
            }
            assert heard["long"].code == "url_too_long"
            assert heard["long"].headers["x-request-id"].startswith("req_")

    run(scenario)


def test_garbage_is_answered_400_and_closed() -> None:
    async def scenario() -> None:
        async with site() as here:
            for garbage in (
                b"\x16\x03\x01\x02\x00\x01\x00",
                b"HELO there\r\n",
                b"GET\0/ HTTP/1.1\r\n\r\n",
            ):
                reader, writer = await here.connect()
                writer.write(garbage * 3)

                heard = await hear(reader)

                assert (heard.status, heard.code) == (400, "malformed_request")
                assert await is_closed(reader)
                writer.close()

    run(scenario)


def test_garbage_behind_a_request_does_not_harm_its_answer() -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + b"\x00garbage\r\n\r\n")
            await asyncio.sleep(0.05)
            here.opened.set()

            assert (await hear(reader)).status == 200
            assert await is_closed(reader)
            writer.close()

    run(scenario)


def test_a_body_that_breaks_off_into_garbage_ends_its_request() -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            await asyncio.sleep(0.05)
            writer.write(b"no chunk\r\n")

            assert await is_closed(reader)
            writer.close()
            await here.until_all_left()

    run(scenario)


def test_a_client_is_only_so_far_ahead_of_its_answers() -> None:
    async def scenario() -> None:
        async with site() as here:
            reader, writer = await here.connect()
            writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + GET * 1000)
            await asyncio.sleep(0.05)
            here.opened.set()

            assert (await hear(reader)).status == 200
            assert await is_closed(reader)
            writer.close()

            reader, writer = await here.connect()
            writer.write(GET * PIPELINED_MAX)
            assert [(await hear(reader)).status for _ in range(PIPELINED_MAX)] == [
                200
            ] * PIPELINED_MAX
            writer.close()

    run(scenario)


def test_a_client_that_does_not_read_its_answer_is_cut_off() -> None:
    async def scenario() -> None:
        async with site(answer_read_s=0.3) as here:
            for ask in (b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /big HTTP/1.0\r\n\r\n"):
                _, writer = await here.connect()
                writer.write(ask)
                assert (await here.ask()).status == 200

                await here.until_all_left()
                writer.close()

    run(scenario)


def test_a_client_that_reads_slowly_is_served() -> None:
    async def scenario() -> None:
        async with site(answer_read_s=2.0) as here:
            reader, writer = await here.connect()
            writer.write(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(0.3)

            assert len((await hear(reader)).body) == 8_000_000
            writer.close()

    run(scenario)


def test_an_idle_connection_is_closed_after_a_while() -> None:
    async def scenario() -> None:
        async with site(keep_alive_s=1) as here:
            reader, writer = await here.connect()
            writer.write(GET)
            assert (await hear(reader)).status == 200

            assert await is_closed(reader)
            writer.close()

    run(scenario)


def test_the_longest_waiting_connection_makes_room_for_a_new_one() -> None:
    async def scenario() -> None:
        async with site(connections_max=3) as here:
            clients = [await here.connect() for _ in range(3)]
            for reader, writer in clients:
                writer.write(GET)
                assert (await hear(reader)).status == 200

            fourth = await here.ask()

            assert fourth.status == 200
            assert await is_closed(clients[0][0])
            for _, writer in clients:
                writer.close()

    run(scenario)


def test_one_connection_too_many_is_told_so_while_all_others_have_requests_under_way() -> None:
    async def scenario() -> None:
        async with site(connections_max=3) as here:
            clients = [await here.connect() for _ in range(3)]
            for _, writer in clients:
                writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            await asyncio.sleep(0.05)

            fourth = await here.ask()
            here.opened.set()

            assert (fourth.status, fourth.code) == (503, "overloaded")
            for reader, writer in clients:
                assert (await hear(reader)).status == 200
                writer.close()
            await here.until_all_left()
            assert (await here.ask()).status == 200

    run(scenario)


def test_what_is_too_much_is_refused_at_once_but_never_a_probe() -> None:
    async def scenario() -> None:
        async with site(in_flight_max=1) as here:
            waiting = asyncio.create_task(here.ask(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"))
            await asyncio.sleep(0.05)
            reader, writer = await here.connect()
            body = b"POST /payment HTTP/1.1\r\nX-Request-Id: mine\r\nContent-Length: 9000\r\n\r\n"
            writer.write(body + b"x" * 9000)
            shed = await hear(reader)
            writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            probe = await here.ask(b"GET /livez?a=b HTTP/1.1\r\nHost: x\r\n\r\n")
            hook = await here.ask(b"POST /payment/webhook HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            last = await here.ask(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            here.opened.set()
            assert (await waiting).status == 200
            writer.write(GET)

            assert (shed.status, shed.code) == (503, "overloaded")
            assert shed.headers["x-request-id"] == "mine"
            assert 1 <= int(shed.headers["retry-after"]) <= 4
            assert head.startswith(b"HTTP/1.1 503")
            assert (probe.status, hook.status) == (200, 503)
            assert last.headers["connection"] == "close"
            assert (await hear(reader)).status == 200, "the connection lives on"
            writer.close()

    run(scenario)
