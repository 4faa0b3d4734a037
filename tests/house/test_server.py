"""What our connections rely on inside the server and the parser; a new version must have it still.

The decision is docs/decisions/0027. Each part fails by its own name.
"""

import inspect
from typing import Any

import httptools
import pytest
from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

# Name and parameters of every method that `api/connections.py` overrides or calls.
METHODS = {
    "connection_made": ["self", "transport"],
    "connection_lost": ["self", "exc"],
    "data_received": ["self", "data"],
    "on_message_begin": ["self"],
    "on_header": ["self", "name", "value"],
    "on_headers_complete": ["self"],
    "on_body": ["self", "body"],
    "on_message_complete": ["self"],
    "on_response_complete": ["self"],
    "pause_writing": ["self"],
    "resume_writing": ["self"],
    "timeout_keep_alive_handler": ["self"],
    "shutdown": ["self"],
    "_start_asgi_task": ["self", "cycle", "app"],
    "_unset_keepalive_if_required": ["self"],
}
ATTRIBUTES = (
    *("connections", "cycle", "flow", "headers", "loop", "parser", "pipeline", "scope", "tasks"),
    *("timeout_keep_alive", "timeout_keep_alive_task", "transport"),
)
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Heard:
    """What a parser calls back with."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_message_begin(self) -> None:
        self.calls.append("begin")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.calls.append(f"header {name.decode()}")

    def on_headers_complete(self) -> None:
        self.calls.append("headers")

    def on_body(self, body: bytes) -> None:
        self.calls.append(f"body {len(body)}")

    def on_message_complete(self) -> None:
        self.calls.append("complete")


@pytest.mark.parametrize("name", METHODS)
def test_the_servers_protocol_has_the_method_that_we_stand_on(name: str) -> None:
    assert list(inspect.signature(getattr(HttpToolsProtocol, name)).parameters) == METHODS[name]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_the_servers_protocol_has_the_attribute_that_we_use(name: str) -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        return None

    config = Config(app, lifespan="off", log_config=None, loop="asyncio", ws="none")
    nobody: Any = None
    loop: Any = object()
    made = HttpToolsProtocol(config, ServerState(), nobody, loop)

    assert hasattr(made, name)


@pytest.mark.parametrize("name", ["pause_reading", "resume_reading", "drain", "pause_writing"])
def test_the_servers_flow_control_has_the_method_that_we_use(name: str) -> None:
    assert callable(getattr(FlowControl, name))


@pytest.mark.parametrize("name", ["response_complete", "keep_alive"])
def test_an_answer_tells_whether_it_is_complete_and_may_be_made_the_last(name: str) -> None:
    given: dict[str, Any] = dict.fromkeys(inspect.signature(RequestResponseCycle).parameters)

    assert hasattr(RequestResponseCycle(**given), name)


def test_the_parser_calls_back_for_trailers_before_the_message_is_complete() -> None:
    heard = Heard()

    httptools.HttpRequestParser(heard).feed_data(HEAD + b"2\r\nab\r\n0\r\nX-T: 1\r\n\r\n")

    assert heard.calls[3:] == ["headers", "body 2", "header X-T", "complete"]


def test_a_trailer_is_never_taken_for_a_header_of_the_next_request() -> None:
    heard = Heard()

    httptools.HttpRequestParser(heard).feed_data(
        HEAD + b"0\r\nX-T: 1\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: y\r\n\r\n"
    )

    after = heard.calls[heard.calls.index("complete") + 1 :]
    assert after == ["begin", "header Host", "headers", "complete"]


def test_an_exception_in_a_call_back_ends_the_parsing_and_is_told() -> None:
    class Stops(Heard):
        def on_headers_complete(self) -> None:
            super().on_headers_complete()
            raise LookupError

    heard = Stops()
    with pytest.raises(httptools.HttpParserError) as caught:
        httptools.HttpRequestParser(heard).feed_data(HEAD + b"2\r\nab\r\n0\r\n\r\n")

    assert isinstance(caught.value.__context__, LookupError)
    assert heard.calls[-1] == "headers"


def test_an_upgrade_is_told_after_its_message() -> None:
    heard = Heard()
    upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nmore"

    with pytest.raises(httptools.HttpParserUpgrade):
        httptools.HttpRequestParser(heard).feed_data(upgrade)

    assert heard.calls[-1] == "complete"
