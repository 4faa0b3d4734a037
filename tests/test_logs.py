"""Log lines, exactly as they are written, and what never stands in one."""

import io
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import structlog

from payment_service.logs import configure_logs
from payment_service.redaction import Redact
from tests.parts.growth import processor_s

KEY = b"a key for tests"
ANN = "email:ca7e5f70c936c107"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Give the logging back, which is the whole process's."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quieted = {name: logging.getLogger(name).level for name in ("stripe", "pymongo")}
    yield
    root.handlers, root.level = handlers, level
    for name, its_level in quieted.items():
        logging.getLogger(name).setLevel(its_level)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def written_to(out: io.BytesIO) -> list[str]:
    return out.getvalue().decode().splitlines()


def json_lines(level: str = "info") -> io.BytesIO:
    out = io.BytesIO()
    configure_logs(level, "json", email_key=KEY, out=out, now=noon)
    return out


def noon() -> datetime:
    return datetime(2026, 1, 2, 12, 0, 0, 345_678, tzinfo=UTC)


def test_a_line_is_one_json_object_with_time_level_and_event_first() -> None:
    out = json_lines()
    structlog.contextvars.bind_contextvars(request_id="req-1")

    structlog.get_logger().info("payment.paid", order_id="o-1", amount_minor=6522, attempt=1)

    assert written_to(out) == [
        (
            '{"time":"2026-01-02T12:00:00.345Z","level":"info","event":"payment.paid",'
            '"order_id":"o-1","amount_minor":6522,"attempt":1,"request_id":"req-1"}'
        )
    ]


def test_the_console_shows_the_same_for_people() -> None:
    out = io.BytesIO()
    configure_logs("info", "console", email_key=KEY, out=out, now=noon)

    structlog.get_logger().warning("order.told", order_id="o-1", who="ann@example.com")

    assert written_to(out) == [
        f"2026-01-02T12:00:00Z [warning  ] order.told                     order_id=o-1 who={ANN}"
    ]


def test_lines_below_the_level_are_not_written() -> None:
    out = json_lines("warning")

    structlog.get_logger().info("payment.paid")
    logging.getLogger("uvicorn.error").info("Started")

    assert written_to(out) == []


def test_lines_of_libraries_walk_the_same_way() -> None:
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.addHandler(logging.StreamHandler())
    out = json_lines()
    structlog.contextvars.bind_contextvars(request_id="req-1")

    uvicorn.info("GET %s from %s", "/payment", "ann@example.com")
    uvicorn.log(25, "between two levels")

    assert written_to(out) == [
        (
            '{"time":"2026-01-02T12:00:00.345Z","level":"info","event":'
            f'"GET /payment from {ANN}","logger":"uvicorn.error","request_id":"req-1"}}'
        ),
        (
            '{"time":"2026-01-02T12:00:00.345Z","level":"info","event":'
            '"between two levels","logger":"uvicorn.error","request_id":"req-1"}'
        ),
    ]


def test_a_line_that_libraries_cannot_even_form_stops_nothing_and_shows_no_argument(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = json_lines()

    logging.getLogger("aiohttp").warning("%d", "sk_test_verysecret")

    assert written_to(out) == [
        (
            '{"time":"2026-01-02T12:00:00.345Z","level":"error","event":"line.unreadable",'
            '"logger":"aiohttp","error":"TypeError"}'
        )
    ]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["stripe", "pymongo.command", "aiohttp.client", "asyncio", "jwt"])
def test_libraries_stay_quiet_below_a_warning_even_at_debug(name: str) -> None:
    library = logging.getLogger(name)
    level = library.level
    library.setLevel(logging.DEBUG)  # as somebody may do who looks for a fault
    try:
        out = json_lines("debug")

        library.debug("find {'name': 'Ann'}")
        library.info("post body=card[number]")
        library.warning("slow")
    finally:
        library.setLevel(level)

    assert written_to(out) == [
        (
            '{"time":"2026-01-02T12:00:00.345Z","level":"warning","event":"slow",'
            f'"logger":"{name}"}}'
        )
    ]


def test_documents_are_not_even_formed_for_a_log_that_drops_them() -> None:
    json_lines("debug")

    assert not logging.getLogger("pymongo.command").isEnabledFor(logging.DEBUG)
    assert logging.getLogger("uvicorn.error").isEnabledFor(logging.INFO)


def test_an_exception_is_written_without_the_secrets_in_its_text() -> None:
    out = json_lines()

    try:
        raise ValueError("Invalid API Key provided: sk_test_verysecret")
    except ValueError:
        structlog.get_logger().exception("stripe.refused")

    (line,) = written_to(out)
    assert "verysecret" not in line
    assert line.endswith(r'ValueError: Invalid API Key provided: sk_test_[hidden]"}')
    assert r'"exception":"Traceback (most recent call last):\n' in line


def test_a_line_of_broken_text_and_strange_values_is_still_written() -> None:
    out = json_lines()

    structlog.get_logger().info("a.b", text="\ud800", big=2**70, amount=Decimal("1.50"))

    assert written_to(out) == [
        (
            '{"time": "2026-01-02T12:00:00.345Z", "level": "info", "event": "a.b", '
            '"text": "\\ud800", "big": "1180591620717411303424", "amount": "1.50"}'
        )
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk_test_51Habc, done", "key sk_test_[hidden], done"),
        ("rk_live_abcDEF123", "rk_live_[hidden]"),
        ("pk_live_abcDEF123", "pk_live_[hidden]"),
        ("sk_test_****wxyz", "sk_test_[hidden]"),
        ("whsec_abc123", "whsec_[hidden]"),
        ("ek_test_abc123", "ek_test_[hidden]"),
        ("pi_3ABC_secret_xyz", "pi_3ABC_secret_[hidden]"),
        ('{"client_secret":"seti_1_secret_xyz"}', '{"client_secret":"seti_1_secret_[hidden]"}'),
        ("Authorization: Bearer abc.DEF-123", "Authorization: Bearer [hidden]"),
        ("BEARER  abcdef123", "BEARER [hidden]"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln", "token [hidden]"),
        ("mongodb://user:word@db.example/x", "mongodb://[hidden]@db.example/x"),
        ("to ann@example.com.", f"to {ANN}."),
        ("To <Ann@Example.com>", f"To <{ANN}>"),
        ("4242424242424242", "card:4242"),
        ("paid with 4242 4242 4242 4242!", "paid with card:4242!"),
        ("4000-0566-5566-5556", "card:5556"),
        ("378282246310005", "card:0005"),
        ("6205500000000000004", "card:0004"),
        ("4242 4242 4242 4242 12 30 123", "card:4242 12 30 123"),
        ("30 4242424242424242", "30 card:4242"),
        (
            "card[number]=4242424242424242&card[cvc]=123",
            "card[number]=card:4242&card[cvc]=[hidden]",
        ),
        ('"cvc": "1234"', '"cvc": "[hidden]"'),
    ],
)
def test_what_has_the_shape_of_a_secret_is_hidden(text: str, shown: str) -> None:
    assert Redact(KEY).text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241",  # no card: the check digit is wrong
        "1764000000000",  # a time in milliseconds
        "0.4242424242424242",
        "a4242424242424242f",  # within an identifier
        "42424242424242424242",  # too long
        "550e8400-e29b-41d4-a716-446655440000",
        "pi_3ABCDEFGHIJKLMNOPQRSTUVW",
        "POST /v1/payment_intents",
        "task_id week_day",
        "user@localhost",
        "2026-01-02T12:00:00.345Z",
    ],
)
def test_what_only_resembles_a_secret_is_left_alone(text: str) -> None:
    assert Redact(KEY).text(text) == text


def test_hiding_reaches_into_every_corner_of_a_line() -> None:
    out = json_lines()

    structlog.get_logger().info(
        "a.b",
        body={"card": [{"number": 4242424242424242}, ("sk_test_abcd",)], "ann@example.com": 1},
        cvc="12",
        nested={"password": "x", "cvc": 1},
        raw=b"whsec_abcd",
        problem=ValueError("pi_1_secret_abc"),
        at_ms=1764000000000,
        nothing=None,
        share=0.5,
        done=True,
    )

    assert written_to(out) == [
        (
            '{"time":"2026-01-02T12:00:00.345Z","level":"info","event":"a.b",'
            f'"body":{{"card":[{{"number":"card:4242"}},["sk_test_[hidden]"]],"{ANN}":1}},'
            '"cvc":"[hidden]","nested":{"password":"[hidden]","cvc":"[hidden]"},'
            '"raw":"whsec_[hidden]","problem":"ValueError: pi_1_secret_[hidden]",'
            '"at_ms":1764000000000,"nothing":null,"share":0.5,"done":true}'
        )
    ]


def test_an_address_has_one_hash_for_a_key_and_another_for_another() -> None:
    mine, other = Redact(KEY), Redact(b"another key")

    assert mine.text("ann@example.com") == mine.text("ANN@example.com") == ANN
    assert other.text("ann@example.com") not in {ANN, "ann@example.com"}
    assert mine.text("bob@example.com") != ANN


@pytest.mark.parametrize(
    "text",
    [
        "a" * 65_536 + "@",
        "a_" * 32_768 + "_secret_",
        "4 " * 32_768,
        "1234 " * 13_000,
        "a@" * 32_768,
        "%40" * 20_000,
        "1" + " - " * 20_000,
        "authorization" * 5_000,
        "mongodb://" * 6_000,
        "-----BEGIN PRIVATE KEY-----" * 2_000,
        "eyJaaaa." * 8_000,
        "client_secret=" * 5_000,
        "client_secret" + " " * 60_000,
        "1111 2222" * 7_000,
        "a" * 65_536 + "@" + "b." * 32_768,
    ],
)
def test_hostile_text_is_no_more_than_slow(text: str) -> None:
    # Some 20 to 70 ms of the processor; what grows with the square of the length takes minutes.
    assert processor_s(lambda: Redact(KEY).text(text)) < 5


def test_of_a_key_of_ours_only_its_name_is_shown() -> None:
    name, secret = "a2" * 8, "b3" * 26
    redact = Redact(b"key")

    shown = redact.text(f"Bearer psk_{name}_{secret}, psk_{name}_{secret}, psk_{secret}")

    assert secret not in shown
    assert f"psk_{name}_[hidden]" in shown
