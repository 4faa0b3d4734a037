"""What every test may count on: no network but loopback, and no settings of the machine."""

import asyncio
import os
import socket

import pytest

from payment_service.settings import Settings

ELSEWHERE = "192.0.2.1"  # set aside for documentation (RFC 5737): nobody answers there


def test_a_test_cannot_leave_this_machine() -> None:
    with socket.socket() as one, pytest.raises(AssertionError, match=r"may not reach 192\.0\.2\.1"):
        one.connect((ELSEWHERE, 443))
    with socket.socket() as one, pytest.raises(AssertionError, match=r"may not reach 192\.0\.2\.1"):
        one.connect_ex((ELSEWHERE, 443))
    with pytest.raises(AssertionError, match=r"may not reach api\.stripe\.com"):
        socket.getaddrinfo("api.stripe.com", 443)


async def test_neither_can_a_test_that_awaits() -> None:
    with pytest.raises(AssertionError, match=r"may not reach 192\.0\.2\.1"):
        await asyncio.open_connection(ELSEWHERE, 443)


async def test_loopback_is_open() -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "localhost", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port)

        assert await reader.read() == b"here"

        writer.close()
        await writer.wait_closed()


def test_no_setting_of_the_machine_reaches_a_test() -> None:
    names = {name.upper() for name in Settings.model_fields} | {"NODE_ENV", "HTTPS_PROXY"}

    assert names.isdisjoint(os.environ)
