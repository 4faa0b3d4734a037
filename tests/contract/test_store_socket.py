"""The connection to the process that has the file: what it tells when it breaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from payment_service.adapters.store_socket import connect
from payment_service.adapters.store_socket.client import OtherRelease
from payment_service.adapters.store_socket.protocol import Request, release
from payment_service.ports import StoreInDoubt, StoreUnavailable
from tests.parts.operator_relay import frame_of

# More than the kernel holds for a socket that nobody reads.
MANY_BYTES = 4 * 2**20
Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(path: Path, handle: Handle) -> AsyncIterator[str]:
    async with await asyncio.start_unix_server(handle, str(path)):
        yield str(path)


async def test_a_service_of_another_release_is_not_asked(tmp_path: Path) -> None:
    async def of_another_release(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame_of({"release": "0.0.0"}))
        writer.close()

    async with listening(tmp_path / "s", of_another_release) as path:
        with pytest.raises(OtherRelease, match=r"release 0\.0\.0 .* use the command of the same"):
            await connect(path)


@pytest.mark.parametrize("method", ["insert", "replace", "remove", "drop_expired", "forget"])
async def test_a_change_whose_answer_is_lost_is_in_doubt(tmp_path: Path, method: str) -> None:
    with pytest.raises(StoreInDoubt):
        await ask_whom_goes_away(tmp_path, method)


@pytest.mark.parametrize("method", ["ping", "get", "find_one", "due", "page", "walk"])
async def test_a_read_whose_answer_is_lost_is_not_in_doubt(tmp_path: Path, method: str) -> None:
    with pytest.raises(StoreUnavailable) as told:
        await ask_whom_goes_away(tmp_path, method)
    assert not isinstance(told.value, StoreInDoubt)


async def ask_whom_goes_away(folder: Path, method: str) -> None:
    async def going_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame_of({"release": release()}))
        await reader.readexactly(5)
        writer.close()

    async with listening(folder / "s", going_away) as path:
        service = await connect(path)
        assert service is not None
        await service.call(Request(method))


async def test_what_was_told_as_not_done_never_arrives_whole(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    arrived: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame_of({"release": release()}))
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await goes_on.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        read = await reader.read(-1)
        arrived.set_result(len(read) > MANY_BYTES)
        writer.close()

    async with listening(tmp_path / "s", slow) as path:
        service = await connect(path)
        assert service is not None
        large = Request("forget", arguments={"text": "x" * MANY_BYTES})
        with pytest.raises(StoreUnavailable) as told:
            await service.call(large, limit_s=0.5)
        goes_on.set()
        assert not isinstance(told.value, StoreInDoubt)
        assert not await asyncio.wait_for(arrived, 10)
        await service.close()
