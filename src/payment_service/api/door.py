"""The outer door, around everything else: request ids, limits, one log line a request, no leaks.

Pure ASGI, for every layer between a caller and an endpoint is paid for on every payment.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from payment_service.api.answers import Answer, encode
from payment_service.api.browsers import ALWAYS, DEFAULTS, Browsers, Headers
from payment_service.api.caller import ANYBODY
from payment_service.api.callers import Callers
from payment_service.api.meters import Meters
from payment_service.api.options import ALWAYS_OPEN, ApiOptions
from payment_service.api.presenting import Presenter
from payment_service.api.problems import (
    BodyTooLarge,
    BodyTooSlow,
    ShuttingDown,
    TooManyRequests,
    internal_error,
    problem,
)
from payment_service.api.rate_limits import RateLimits
from payment_service.api.request_ids import sane_request_id
from payment_service.api.shares import Shares
from payment_service.api.visit import SCOPE_KEY, Visit
from payment_service.domain.errors import Refusal
from payment_service.ports import ASKED_BY, Ids, Unavailable

_log = structlog.get_logger("door")

_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# How long a refusal for too many requests is kept back.
REFUSAL_HELD_S = 1.0
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Gate:
    """Whether new requests are let in; closed once, when the process is told to stop.

    inside: how many requests are there whole and not answered yet. resting: how many of them wait
    for Stripe, and are no load.
    """

    is_open: bool = field(default=True)
    inside: int = 0
    resting: Callable[[], int] = lambda: 0

    def close(self) -> None:
        """Let nobody in any more; who is in may finish."""
        self.is_open = False


class _CallerLeft(Exception):
    """The connection broke before the request was there."""


class Door:
    """Wraps the application; the only middleware there is.

    callers: finds out who calls; without it anybody may. open_paths: where nobody is asked.
    open_below: how the paths begin where nobody is asked either.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        ids: Ids,
        gate: Gate,
        meters: Meters,
        options: ApiOptions,
        callers: Callers | None = None,
        open_paths: frozenset[str] = frozenset(),
        open_below: tuple[str, ...] = (),
    ) -> None:
        self._app = app
        self._ids = ids
        self._gate = gate
        self._meters = meters
        self._options = options
        self._show = Presenter(options.amount_unit)
        self._callers = callers
        self._browsers = Browsers(options.cors_origins)
        self._open_paths = open_paths
        self._open_below = open_below
        self._unshared = ALWAYS_OPEN | {options.webhook_path}
        self._rates = RateLimits(options)
        self._shares = Shares(
            under_way_max=options.requests_under_way_max,
            alone_max=options.requests_waiting_max,
            waiting_max=options.requests_waiting_max,
        )
        gate.resting = lambda: self._shares.resting
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        given, length, origin = _headers(scope)
        visit = Visit(
            given or self._ids.new("req"),
            self._rates.address_of(scope),
            self._rates.payer_of(scope),
        )
        scope[SCOPE_KEY] = visit
        tokens = structlog.contextvars.bind_contextvars(request_id=visit.request_id)
        outgoing = _Outgoing(
            send,
            visit.request_id,
            method=scope["method"],
            headers=self._browsers.headers_for(origin),
        )
        if scope["method"] == "HEAD":  # is a GET whose body is kept back
            scope = {**scope, "method": "GET"}  # the server's own must still say HEAD
        try:
            if self._browsers.is_preflight(scope, origin):
                visit.route = "preflight"
                await outgoing.empty(self._browsers.preflight_headers(origin))
            else:
                await self._let_in(scope, receive, outgoing, visit, length)
        except _CallerLeft:
            visit.code = "caller_left"
        finally:
            self._note(outgoing, visit, perf_counter() - began)
            structlog.contextvars.reset_contextvars(**tokens)

    async def _let_in(
        self, scope: Scope, receive: Receive, outgoing: "_Outgoing", visit: Visit, length: int
    ) -> None:
        try:
            self._pass_gate(scope["path"])
            self._rates.before_auth(scope["path"], visit.address)
            if self._callers is not None and not self._is_open(scope["path"]):
                visit.caller = await self._callers.find(scope["headers"])
            self._rates.after_auth(scope["path"], visit.caller)
            limit = self._options.body_max_at(scope["path"])
            visit.body = await self._body(receive, length, limit)
            if scope["path"] in self._unshared:
                await self._pass_on(scope, receive, outgoing)
            else:
                await self._share(scope, receive, outgoing, visit)
        except (Refusal, Unavailable) as error:
            if isinstance(error, TooManyRequests):
                await self._hold()
            answer = problem(error, visit.request_id, self._show)
            visit.code = answer.body["code"]
            await outgoing.answer(answer)
        except _CallerLeft:
            raise
        except Exception:  # the last edge before the server: what is not foreseen ends here
            _log.exception("request.failed", route=visit.route)
            if outgoing.status:
                raise
            visit.code = "internal_error"
            await outgoing.answer(internal_error(visit.request_id))

    async def _share(
        self, scope: Scope, receive: Receive, outgoing: "_Outgoing", visit: Visit
    ) -> None:
        """Pass the request on when its caller has a place for it."""
        place = await self._shares.enter(
            visit.payer if visit.caller is ANYBODY else visit.caller.name
        )
        token = ASKED_BY.set(place)
        try:
            await self._pass_on(scope, receive, outgoing)
        finally:
            ASKED_BY.reset(token)
            place.leave()

    async def _pass_on(self, scope: Scope, receive: Receive, outgoing: "_Outgoing") -> None:
        self._gate.inside += 1
        try:
            await self._app(scope, receive, outgoing.send)
        finally:
            self._gate.inside -= 1

    async def _hold(self) -> None:
        """Keep back a refusal: who asks again as soon as it is refused would cost the others."""
        if self._held < self._options.requests_waiting_max // 2:  # the others need room as well
            self._held += 1
            try:
                await asyncio.sleep(REFUSAL_HELD_S)
            finally:
                self._held -= 1

    def _pass_gate(self, path: str) -> None:
        if not self._gate.is_open and path not in ALWAYS_OPEN:
            raise ShuttingDown

    def _is_open(self, path: str) -> bool:
        return path in self._open_paths or path.startswith(self._open_below)

    async def _body(self, receive: Receive, length: int, limit: int) -> bytes:
        """Read the whole body, within bounds; most arrive in one piece with the headers."""
        if length == 0:
            return b""
        if length > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._options.body_read_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _CallerLeft
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > limit:
                        raise _too_large(limit)
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise BodyTooSlow("The body did not arrive in time.") from None

    def _note(self, outgoing: "_Outgoing", visit: Visit, seconds: float) -> None:
        method = outgoing.method if outgoing.method in _KNOWN_METHODS else "OTHER"
        self._meters.count(method, visit.route, outgoing.status, seconds)
        fields = {"code": visit.code} if visit.code else {}
        if self._callers is not None:
            fields["caller"] = visit.caller.name
        # Probes come every few seconds; only those that fail are news.
        probed = visit.route in ALWAYS_OPEN and outgoing.status == 200
        write = _log.debug if probed else _log.info
        write(
            "request.answered",
            method=method,
            route=visit.route,
            status=outgoing.status,
            duration_ms=round(seconds * 1000, 1),
            **fields,
        )


class _Outgoing:
    """The answer on its way: it carries the request id, and its status is remembered.

    headers: what else it carries.
    """

    def __init__(self, send: Send, request_id: str, *, method: str, headers: Headers) -> None:
        self._send = send
        self._headers = ((b"x-request-id", request_id.encode()), *ALWAYS, *headers)
        self.method = method
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            said = message.get("headers", ())
            names = {name for name, _ in said}
            unsaid = [header for header in DEFAULTS if header[0] not in names]
            message["headers"] = [*said, *unsaid, *self._headers]
        elif self.method == "HEAD":
            message["body"] = b""
        await self._send(message)

    async def empty(self, headers: Headers) -> None:
        """Answer with nothing but headers."""
        await self.send({"type": "http.response.start", "status": 204, "headers": [*headers]})
        await self.send({"type": "http.response.body", "body": b""})

    async def answer(self, answer: Answer) -> None:
        body = encode(answer.body)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *((name.encode(), value.encode()) for name, value in answer.headers.items()),
        ]
        await self.send(
            {"type": "http.response.start", "status": answer.status, "headers": headers}
        )
        await self.send({"type": "http.response.body", "body": body})


def _headers(scope: Scope) -> tuple[str, int, bytes]:
    """Return the request id that was sent, if it is sane, the body's length, and the origin.

    A length of -1 is untold; the origin is that of the web page that asks, empty without one.
    """
    request_id, chunked, origin = "", False, b""
    length = 0 if scope["method"] in _BODILESS else -1
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            request_id = sane_request_id(value) or request_id
        elif name == b"content-length":
            length = int(value) if value.isdigit() else -1
        elif name == b"transfer-encoding":
            chunked = True
        elif name == b"origin":
            origin = value
    return request_id, -1 if chunked else length, origin


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body must not be larger than {limit // 1024} KiB.")
