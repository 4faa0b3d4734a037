"""`payment-service healthy`, which containers are asked for their health with."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typer.testing import CliRunner

from payment_service.cli import app
from tests.parts.processes import free_port


@contextmanager
def answering(status: int) -> Iterator[str]:
    """Yield the address of a program that answers everything so."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/livez"
        server.shutdown()
        thread.join()


def test_what_answers_200_is_healthy() -> None:
    with answering(200) as url:
        asked = CliRunner().invoke(app, ["healthy", "--url", url])

    assert (asked.exit_code, asked.output) == (0, "")


@pytest.mark.parametrize("status", [404, 503])
def test_another_answer_is_not(status: int) -> None:
    with answering(status) as url:
        asked = CliRunner().invoke(app, ["healthy", "--url", url])

    assert asked.exit_code == 1
    assert asked.stderr == f"{url}: /livez answered {status}\n"


def test_without_an_address_the_port_of_the_settings_is_asked() -> None:
    port = str(free_port())

    asked = CliRunner().invoke(app, ["healthy"], env={"PORT": port})

    assert asked.exit_code == 1
    assert asked.stderr.startswith(f"http://127.0.0.1:{port}/livez: ")


@pytest.mark.parametrize(
    ("host", "asked_at"),
    [("127.0.0.2", "127.0.0.2"), ("::1", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1")],
)
def test_it_is_asked_where_the_settings_say_that_it_listens(host: str, asked_at: str) -> None:
    port = str(free_port())

    asked = CliRunner().invoke(app, ["healthy"], env={"PORT": port, "HOST": host})

    assert asked.stderr.startswith(f"http://{asked_at}:{port}/livez: ")
