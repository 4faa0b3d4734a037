"""How log lines are made: one JSON object each, or coloured text for people, and never a secret.

Every line, ours or a library's, walks the same processors; the last one before rendering hides by
shape whatever must not be written down. This room knows no settings; `main` tells it what it wants.
"""

import asyncio
import atexit
import hashlib
import json
import logging
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from threading import Lock
from typing import Any, BinaryIO, Literal

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)

# At debug the Stripe library prints the bodies it sends and gets, client secrets included, and
# MongoDB's driver whole documents.
_QUIETED = {"stripe": logging.WARNING, "pymongo": logging.WARNING}

# Shorter text cannot hold a secret, an address or a card number, and most fields are shorter.
_LENGTH_MIN = 6

# One look that nearly always says "nothing here"; only what it finds is searched in earnest.
# Plain searches for a word are several times faster than one pattern of alternatives.
_SUSPECT_WORDS = ("@", "k_", "whsec_", "_secret_", "eyj", "bearer", "cvc", "cvv")
_SUSPECT_DIGITS = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){12}", re.ASCII)
# Every repetition that could start anywhere has an upper limit, so that hostile text stays cheap.
_CLIENT_SECRET = re.compile(r"(?<![A-Za-z0-9])([a-z]{2,10}_\w{1,80}?)_secret_\w+", re.ASCII)
_STRIPE_KEY = re.compile(r"(?<![A-Za-z0-9])([eprs]k_(?:test_|live_)?|whsec_)[\w*]{3,}", re.ASCII)
_BEARER = re.compile(r"\b(bearer)\s{1,8}(?!\[)[\w.~+/=-]{6,}", re.ASCII | re.IGNORECASE)
_JSON_WEB_TOKEN = re.compile(r"\beyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?", re.ASCII)
_CVC = re.compile(r"(cv[cv]\d?\W{0,6})\b[0-9]{3,4}\b", re.ASCII | re.IGNORECASE)
_URL_USER = re.compile(r"(://)[^\s/@]{1,512}@")
# RFC 5321 allows 64 characters before the @ and 63 between dots.
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_DIGITS = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9]\.)[0-9](?:[ -]?[0-9]){12,}(?![0-9A-Za-z])", re.ASCII
)
_CARD_LENGTHS = range(13, 20)
_CARD_MIN = 10**12  # the smallest number of 13 digits
_INT_MAX = 2**63 - 1  # what a reader of JSON may count on

# What no shape gives away.
_NEVER_SHOWN = frozenset({"authorization", "client_secret", "cvc", "cvv", "password"})

_HIDDEN = "[hidden]"


def configure_logs(
    level: str,
    fmt: Literal["json", "console"],
    *,
    email_key: bytes | None = None,
    out: BinaryIO | None = None,
    now: Callable[[], datetime] | None = None,
    colours: bool = False,
    remember: bool = False,
) -> None:
    """Set up logging for the whole process; called once, by a door, before anything runs.

    Without an `email_key` one is made up, and hashes of addresses compare within this process only.
    remember: bind each logger once and for all; a later call then no longer reaches it.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    stream = out or sys.stdout.buffer
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _Stamp(now or _utc_now, "milliseconds" if fmt == "json" else "seconds"),
        structlog.processors.format_exc_info,
        Redact(email_key or secrets.token_bytes(16)),
        _json_line if fmt == "json" else _Console(colours=colours),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=Lines(stream),
        cache_logger_on_first_use=remember,
    )
    _catch_libraries(least)


class Lines:
    """Writes lines to a stream: all of one turn of the event loop at once, since a write is dear.

    A process that is killed loses the lines of its last turn, and nothing but lines. It is its own
    factory, and may be called from any thread.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: list[bytes] = []
        self._lock = Lock()
        atexit.register(self.flush)

    def __call__(self, *_arguments: object) -> "Lines":
        return self

    def msg(self, line: bytes) -> None:
        """Take one line; it is out by the end of the loop's turn, or at once without a loop."""
        with self._lock:
            self._waiting.append(line)
            scheduled = len(self._waiting) > 1
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            if not scheduled:
                loop.call_soon(self.flush)

    debug = info = warning = error = critical = msg

    def flush(self) -> None:
        """Write what waits. A stream that nobody reads any more must not stop the work."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        if waiting:
            with suppress(OSError, ValueError):
                self._stream.write(b"\n".join([*waiting, b""]))
                self._stream.flush()


class _Stamp:
    def __init__(self, now: Callable[[], datetime], precision: str) -> None:
        self._now = now
        self._precision = precision

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        moment = self._now().isoformat(timespec=self._precision)
        event["time"] = moment.removesuffix("+00:00") + "Z"
        return event


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _json_line(_logger: WrappedLogger, _method: str, event: EventDict) -> bytes:
    line = {"time": event.pop("time"), "level": event.pop("level"), "event": event.pop("event")}
    line.update(event)
    try:
        return msgspec.json.encode(line)
    except UnicodeEncodeError:  # half of a surrogate pair, as a broken header may bring
        return json.dumps(line).encode()


class _Console:
    def __init__(self, *, colours: bool) -> None:
        self._render = structlog.dev.ConsoleRenderer(
            colors=colours,
            timestamp_key="time",
            exception_formatter=structlog.dev.plain_traceback,
        )

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> bytes:
        return self._render(logger, method, event).encode(errors="replace")


def _catch_libraries(least: int) -> None:
    """Let the standard library's loggers end in ours, those that uvicorn set up included."""
    root = logging.getLogger()
    root.handlers = [_FromLibraries()]
    root.setLevel(least)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    for name, quiet in _QUIETED.items():
        logging.getLogger(name).setLevel(max(least, quiet))


class _FromLibraries(logging.Handler):
    """Let a line of the standard library's loggers walk the same way as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            structlog.get_logger().log(
                max((known for known in _LEVELS if known <= record.levelno), default=logging.DEBUG),
                record.getMessage(),
                logger=record.name,
                exc_info=record.exc_info,
            )
        except Exception:  # noqa: BLE001 - a line that cannot be written must not stop the work
            self.handleError(record)


class Redact:
    """Hides secrets, card numbers and addresses in every value of an event, however deep.

    An address becomes a keyed hash, so that lines about one person can be found together by whoever
    holds the key, and by nobody else.
    """

    def __init__(self, email_key: bytes) -> None:
        self._email_key = email_key

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        for name, value in event.items():
            event[name] = _HIDDEN if name in _NEVER_SHOWN else self.value(value)
        return event

    def value(self, value: object) -> Any:
        """Give back what may be shown, as strings, numbers, lists and objects only."""
        match value:
            case str():
                return self.text(value)
            case None | bool() | float():
                return value
            case int():
                return value if abs(value) < _CARD_MIN else self._number(value)
            case Mapping():
                return {
                    self.text(str(name)): _HIDDEN if name in _NEVER_SHOWN else self.value(item)
                    for name, item in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in value]
            case bytes():
                return self.text(value.decode(errors="replace"))
            case BaseException():
                return self.text(f"{type(value).__name__}: {value}")
            case _:
                return self.text(str(value))

    def text(self, text: str) -> str:
        if not _is_suspect(text):
            return text
        text = _CLIENT_SECRET.sub(rf"\1_secret_{_HIDDEN}", text)
        text = _STRIPE_KEY.sub(rf"\1{_HIDDEN}", text)
        text = _BEARER.sub(rf"\1 {_HIDDEN}", text)
        text = _JSON_WEB_TOKEN.sub(_HIDDEN, text)
        text = _CVC.sub(rf"\1{_HIDDEN}", text)
        text = _DIGITS.sub(_without_cards, text)
        if "@" in text:
            text = _URL_USER.sub(rf"\1{_HIDDEN}@", text)
            text = _EMAIL.sub(self._email, text)
        return text

    def _number(self, number: int) -> int | str:
        text = str(number)
        shown = self.text(text)
        return number if shown == text and abs(number) <= _INT_MAX else shown

    def _email(self, found: re.Match[str]) -> str:
        address = found[0].lower().encode(errors="replace")
        return "email:" + hashlib.blake2b(address, key=self._email_key, digest_size=4).hexdigest()


def _is_suspect(text: str) -> bool:
    if len(text) < _LENGTH_MIN:
        return False
    lower = text.lower()
    for word in _SUSPECT_WORDS:
        if word in lower:
            return True
    return len(text) >= _CARD_LENGTHS.start and _SUSPECT_DIGITS.search(text) is not None


def _without_cards(found: re.Match[str]) -> str:
    """Hide the card numbers among digits that spaces and dashes may part.

    A number may be written in groups and stand beside an expiry date or a CVC, so every row of
    neighbouring groups is tried, the longest first.
    """
    parts = re.split("([ -])", found[0])  # groups at even places, what parts them at odd ones
    shown = []
    at = 0
    while at < len(parts):
        for end in range(min(len(parts), at + 2 * _CARD_LENGTHS.stop + 1), at, -2):
            number = "".join(parts[at:end:2])
            if len(number) in _CARD_LENGTHS and _is_card(number):
                shown.append(f"card:{number[-4:]}")
                at = end
                break
        else:
            shown.append(parts[at])
            at += 1
        if at < len(parts):
            shown.append(parts[at])
            at += 1
    return "".join(shown)


def _is_card(number: str) -> bool:
    # No issuer's numbers begin with 0 or 1; times in milliseconds begin with 1.
    if number[0] in "01":
        return False
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0
