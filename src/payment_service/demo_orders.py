"""A small OrderService to run beside the payment service in development, demos and tests.

It remembers what it was told, in memory, and can be told to misbehave. It stands for somebody
else's program, so it knows nothing of ours but the wire.
"""

import asyncio
import errno
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TextIO

import msgspec
from aiohttp import web

from bounded_connections.in_front import BACKLOG, BoundedAppRunner, counting
from bounded_connections.room import LINGER_S

# Some 20 MB of memory; past it the order that was heard of first is forgotten.
ORDERS_MAX = 20_000
# An order goes through a handful of statuses; past this the oldest update is forgotten.
UPDATES_MAX = 100
# An update has two short fields.
BODY_BYTES_MAX = 16 * 1024
# Whoever still waits for an answer at the end has had time enough to be cut off.
SHUTDOWN_GRACE_S = 1.0

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class StatusUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """What the payment service says. Further fields are ignored."""

    order_id: _Text
    status: _Text


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to take updates.

    fail: 5xx, nothing recorded. refuse: 4xx, nothing recorded. hang: silent for `delay_s`, then
    504, nothing recorded. accept_then_500: recorded, then 500.
    times: for so many updates, then ok again; None: until told otherwise.
    status: the status to fail (503) or refuse (400) with.
    """

    mode: Literal["ok", "fail", "hang", "accept_then_500", "refuse"]
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] | None = None
    delay_s: Annotated[float, msgspec.Meta(ge=0, le=600)] = 30.0


_OK = Behaviour(mode="ok")


@dataclass(slots=True)
class HeardOrder:
    """All that was heard of one order. `told` counts repeats once, `received` counts them all."""

    order_id: str
    told: int = 0
    received: int = 0
    keys: OrderedDict[str, None] = field(default_factory=OrderedDict)
    updates: list[dict[str, str | None]] = field(default_factory=list)

    def hear(self, status: str, key: str | None) -> None:
        """Record one accepted update; one without a key cannot be known for a repeat."""
        self.received += 1
        if key is not None:
            if key in self.keys:
                return
            self.keys[key] = None
        self.told += 1
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.updates.append({"status": status, "at": at, "idempotencyKey": key})
        del self.updates[:-UPDATES_MAX]
        while len(self.keys) > UPDATES_MAX:
            self.keys.popitem(last=False)

    def shown(self) -> dict[str, Any]:
        """Return the answer to a look."""
        return {
            "orderId": self.order_id,
            "status": self.updates[-1]["status"],
            "updates": self.updates,
            "told": self.told,
            "received": self.received,
        }


class DemoOrders:
    """The doors of the demo OrderService, and what it remembers."""

    def __init__(self) -> None:
        self._orders: OrderedDict[str, HeardOrder] = OrderedDict()
        self._behaviour = _OK
        self._times_left: int | None = None

    def app(self) -> web.Application:
        """Return the web application."""
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[counting])
        app.add_routes(
            [
                web.put("/order/updateStatus", self._update),
                web.get("/order/{id}", self._show),
                web.get("/orders", self._show_all),
                web.get("/health", self._health),
                web.post("/_demo/behaviour", self._behave),
                web.delete("/_demo/behaviour", self._behave_well),
                web.post("/_demo/reset", self._reset),
            ]
        )
        return app

    async def _update(self, request: web.Request) -> web.Response:
        try:
            update = msgspec.json.decode(await request.read(), type=StatusUpdate)
        except msgspec.DecodeError as error:
            return _answer(400, {"message": f"The update cannot be read: {error}"})
        key = request.headers.get("Idempotency-Key")
        behaviour = self._next_behaviour()
        match behaviour.mode:
            case "fail":
                return _answer(behaviour.status or 503, {"message": "Failing, as told."})
            case "refuse":
                return _answer(behaviour.status or 400, {"message": "Refusing, as told."})
            case "hang":
                await asyncio.sleep(behaviour.delay_s)
                return _answer(504, {"message": "Hung, as told."})
            case "accept_then_500":
                self._hear(update, key)
                return _answer(500, {"message": "Accepted, but failing to say so, as told."})
            case "ok":
                return _answer(200, self._hear(update, key).shown())

    def _next_behaviour(self) -> Behaviour:
        behaviour = self._behaviour
        if self._times_left is not None:
            self._times_left -= 1
            if self._times_left == 0:
                self._set_behaviour(_OK)
        return behaviour

    def _hear(self, update: StatusUpdate, key: str | None) -> HeardOrder:
        order = self._orders.setdefault(update.order_id, HeardOrder(update.order_id))
        order.hear(update.status, key)
        if len(self._orders) > ORDERS_MAX:
            self._orders.popitem(last=False)
        return order

    async def _show(self, request: web.Request) -> web.Response:
        order = self._orders.get(request.match_info["id"])
        if order is None:
            return _answer(404, {"message": "Nothing was heard of this order."})
        return _answer(200, order.shown())

    async def _show_all(self, _request: web.Request) -> web.Response:
        return _answer(200, [order.shown() for order in self._orders.values()])

    async def _health(self, _request: web.Request) -> web.Response:
        return _answer(200, {"status": "ok"})

    async def _behave(self, request: web.Request) -> web.Response:
        try:
            behaviour = msgspec.json.decode(await request.read(), type=Behaviour)
            _check_status(behaviour)
        except (msgspec.DecodeError, ValueError) as error:
            return _answer(400, {"message": f"The behaviour cannot be read: {error}"})
        self._set_behaviour(behaviour)
        return _answer(200, behaviour)

    async def _behave_well(self, _request: web.Request) -> web.Response:
        self._set_behaviour(_OK)
        return _answer(200, _OK)

    async def _reset(self, _request: web.Request) -> web.Response:
        self._orders.clear()
        self._set_behaviour(_OK)
        return _answer(200, {"status": "ok"})

    def _set_behaviour(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._times_left = behaviour.times


def _check_status(behaviour: Behaviour) -> None:
    match behaviour:
        case Behaviour(mode="fail", status=int(status)) if status < 500:
            raise ValueError("to fail takes a status from 500 to 599 - at `$.status`")
        case Behaviour(mode="refuse", status=int(status)) if status >= 500:
            raise ValueError("to refuse takes a status from 400 to 499 - at `$.status`")


def _answer(status: int, content: object) -> web.Response:
    # The line's end keeps a terminal readable.
    body = msgspec.json.encode(content) + b"\n"
    return web.Response(status=status, body=body, content_type="application/json")


def run_demo_orders(host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT; return the process's exit code. Port 0: any free one."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(host, port))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the loop that reads into one buffer for all, where there is one."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not made for Windows, so not importable there

    return uvloop.new_event_loop


async def _serve(host: str, port: int) -> int:
    runner = BoundedAppRunner(
        DemoOrders().app(),
        access_log=None,
        lingering_time=LINGER_S,
        handler_cancellation=True,
        shutdown_timeout=SHUTDOWN_GRACE_S,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
    except OSError as error:
        # asyncio's own words repeat the address.
        why = "the port is taken" if error.errno == errno.EADDRINUSE else error.strerror
        _say(sys.stderr, f"The demo OrderService cannot listen on {host}:{port}: {why}")
        await runner.cleanup()
        return 1
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    bound = runner.addresses[0]
    url = f"http://{host}:{bound[1]}"
    _say(sys.stdout, f"The demo OrderService listens on {url}; ORDER_SERVICE_URL={url}/order")
    await stop.wait()
    await runner.cleanup()
    return 0


def _say(stream: TextIO, line: str) -> None:
    stream.write(f"{line}\n")
    stream.flush()
