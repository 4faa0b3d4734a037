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


PRODUCTION = {
    "ENVIRONMENT": "production",
    "AUTH": "api-key",
    "STRIPE_SECRET_KEY": "rk_live_abcdef123456",
}


@pytest.mark.parametrize(
    ("environ", "asked_at"),
    [
        ({"PORT": "{port}"}, "127.0.0.1"),
        ({"PORT": "{port}", "METRICS_PORT": "0", **PRODUCTION}, "127.0.0.1"),
        ({"PORT": "1", "METRICS_PORT": "{port}", **PRODUCTION}, "127.0.0.1"),
        ({"PORT": "{port}", "HOST": "127.0.0.2"}, "127.0.0.2"),
        ({"PORT": "{port}", "HOST": "::1"}, "[::1]"),
        ({"PORT": "{port}", "HOST": "::"}, "[::1]"),
    ],
)
def test_without_an_address_it_asks_where_the_settings_let_a_process_answer(
    environ: dict[str, str], asked_at: str
) -> None:
    port = str(free_port())
    given = {name: text.format(port=port) for name, text in environ.items()}

    asked = CliRunner().invoke(app, ["healthy"], env=given)

    assert asked.exit_code == 1
    assert asked.stderr.startswith(f"http://{asked_at}:{port}/livez: ")


def test_it_says_why_it_cannot_find_a_worker_without_a_port() -> None:
    hint = "METRICS_PORT is 0: only `serve` answers there; set it, and a `worker` answers too.\n"

    without = CliRunner().invoke(app, ["healthy"], env={"PORT": str(free_port())})
    with_one = CliRunner().invoke(app, ["healthy"], env={"METRICS_PORT": str(free_port())})

    assert without.stderr.endswith(f"\n{hint}")
    assert hint not in with_one.stderr
