"""Several servers in one process: what uvicorn tells of them says which one it is."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from starlette.applications import Starlette

from payment_service.listening import PlainServer, listen, plain_config
from payment_service.logs import configure_logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


async def test_every_line_of_a_server_says_which_of_the_process_it_is() -> None:
    out = io.BytesIO()
    configure_logs("info", "json", out=out)
    names = ("api", "metrics")
    servers = [PlainServer(plain_config(Starlette(), grace_s=0), name) for name in names]
    listeners = [listen("127.0.0.1", 0, setting="PORT") for _ in names]

    running = [
        asyncio.create_task(server.serve(sockets=[listener]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    for listener in listeners:
        listener.listen()  # then a client is let in before the server is there
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        writer.write(b"nonsense\r\n\r\n")
        await reader.read()
        writer.close()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)
    logging.getLogger("uvicorn.error").info("of nobody")
    await asyncio.sleep(0)  # lines are written at the end of the loop's turn

    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    told = {name: [line["event"] for line in lines if line.get("server") == name] for name in names}
    assert told["api"] == told["metrics"]
    assert len(told["api"]) >= 3, "started, refused a request, finished"
    assert [line["event"] for line in lines if "server" not in line] == ["of nobody"]
