"""How log lines are made: one JSON object each, or coloured text for people, and never a secret.

Every line, ours or a library's, walks the same processors; the last one that is handed anybody's
words hides whatever must not be written down (`redaction.py`). This room knows no settings; `cli`
tells it what it wants.
"""

import asyncio
import atexit
import json
import logging
import secrets
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from threading import Lock
from types import TracebackType
from typing import BinaryIO, Literal

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from payment_service.redaction import Redact

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)

# At debug and info libraries tell of bodies: the Stripe library of client secrets, pymongo of whole
# documents with names in them, which no shape gives away. So nothing below a warning is taken from
# any of them, whatever LOG_LEVEL says and however they are set up. uvicorn tells of starts only.
_LIBRARY_LEVEL = logging.WARNING
_SERVER, _SERVER_LEVEL = "uvicorn", logging.INFO
# Which server of the process speaks, "" for none. Whoever runs one says so, and uvicorn's lines
# bear it: they are the same for each.
SERVER_NAME: ContextVar[str] = ContextVar("server_name", default="")


def configure_logs(
    level: str,
    fmt: Literal["json", "console"],
    *,
    email_key: bytes | None = None,
    known_secrets: Iterable[str] = (),
    out: BinaryIO | None = None,
    now: Callable[[], datetime] | None = None,
    colours: bool = False,
    remember: bool = False,
) -> None:
    """Set up logging for the whole process; called once, by a door, before anything runs.

    Without an `email_key` one is made up, and hashes of addresses compare within this process only.
    known_secrets: hidden wherever they stand, though they have no shape.
    remember: bind each logger once and for all; a later call then no longer reaches it.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    stream = out or sys.stdout.buffer
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        Redact(email_key or secrets.token_bytes(16), known_secrets),
        # These two are ours and need no second look.
        structlog.processors.add_log_level,
        _Stamp(now or _utc_now, "milliseconds" if fmt == "json" else "seconds"),
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


def catch_strays() -> None:
    """Let whatever Python would print by itself become a line too; for a whole process, once.

    Exceptions that nobody caught, in any thread or destructor, and warnings. What asyncio finds
    lost goes through its logger already. faulthandler prints names of functions and no value.
    """
    log = structlog.get_logger("process")

    def crashed(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.critical("process.crashed", exc_info=(kind, error, trace))

    def thread_crashed(crash: threading.ExceptHookArgs) -> None:
        if crash.exc_value is not None and crash.exc_type is not SystemExit:
            found = (crash.exc_type, crash.exc_value, crash.exc_traceback)
            log.error("thread.crashed", thread=getattr(crash.thread, "name", None), exc_info=found)

    def lost(unraisable: "sys.UnraisableHookArgs") -> None:
        error = unraisable.exc_value
        log.error("exception.lost", why=unraisable.err_msg, exc_info=error)

    sys.excepthook, threading.excepthook, sys.unraisablehook = crashed, thread_crashed, lost
    logging.captureWarnings(capture=True)


def _catch_libraries(least: int) -> None:
    """Let the standard library's loggers end in ours, those that uvicorn set up included."""
    root = logging.getLogger()
    root.handlers = [_FromLibraries()]
    root.setLevel(max(least, _LIBRARY_LEVEL))
    for name in (_SERVER, "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    logging.getLogger(_SERVER).setLevel(max(least, _SERVER_LEVEL))


class _FromLibraries(logging.Handler):
    """Let a line of the standard library's loggers walk the same way as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record as a line of ours, if it is loud enough to be harmless."""
        of_server = record.name.split(".")[0] == _SERVER
        least = _SERVER_LEVEL if of_server else _LIBRARY_LEVEL
        if record.levelno < least:
            return
        log = structlog.get_logger()
        server = SERVER_NAME.get() if of_server else ""
        try:
            log.log(
                max((known for known in _LEVELS if known <= record.levelno), default=logging.DEBUG),
                record.getMessage(),
                logger=record.name,
                exc_info=record.exc_info,
                **({"server": server} if server else {}),
            )
        except Exception as error:  # noqa: BLE001 - a line that cannot be formed must not stop work
            # The arguments, which the standard library would print as they are, stay out of it.
            reason = type(error).__name__
            log.error("line.unreadable", logger=record.name, error=reason)  # noqa: TRY400
