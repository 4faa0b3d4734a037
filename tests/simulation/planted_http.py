"""Mistakes about the keys of HTTP callers, put in on purpose between them and the application."""

from collections.abc import MutableMapping
from itertools import count
from typing import Any, Final

from tests.simulation.town import Variant

KEY: Final = b"idempotency-key"
REFUSED: Final = frozenset({400, 402, 409, 502})
WRITES: Final = frozenset({"POST", "DELETE"})


class KeyIgnored:
    """Takes each request for another one: its key never comes again."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._numbers = count(1)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Pass it on under a key of its own."""
        fresh = f"never-{next(self._numbers)}".encode()
        await self._app(_with_key(scope, lambda _: fresh), receive, send)


class KeyTaken:
    """Keeps what was said by method and path alone: another request is answered with it."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._said: dict[tuple[str, str], list[Any]] = {}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Say again what was said, or pass it on and keep what is said."""
        place = scope["method"], scope["path"]
        said = self._said.get(place) if scope["method"] in WRITES else None
        if said is not None:
            for message in said:
                await send(message)
            return
        heard: list[Any] = []

        async def keep(message: Any) -> None:
            heard.append(message)
            await send(message)

        await self._app(scope, receive, keep)
        if heard and heard[0].get("status") in {200, 201}:
            self._said[place] = heard


class BodyNotCompared:
    """Gives a replay to whoever shows the key, whatever it asks for."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._said: dict[bytes, list[Any]] = {}

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Say again what was said under the key, or pass it on and keep what is said."""
        key = dict(scope["headers"]).get(KEY, b"")
        if key in self._said:
            for message in self._said[key]:
                await send(_as_replay(message))
            return
        heard: list[Any] = []

        async def keep(message: Any) -> None:
            heard.append(message)
            await send(message)

        await self._app(scope, receive, keep)
        if heard and heard[0].get("status") in {200, 201}:
            self._said[key] = heard


class RefusedIsDone:
    """Answers 200 with the payment as it stands, although what was asked for was refused."""

    def __init__(self, app: Any, operation: str) -> None:
        self._app = app
        self._operation = operation

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Pass it on, and look at the payment when it was refused."""
        heard: list[Any] = []

        async def keep(message: Any) -> None:
            heard.append(message)

        await self._app(scope, receive, keep)
        path = scope.get("path", "")
        is_refused = bool(heard) and heard[0].get("status") in REFUSED
        if is_refused and path.endswith(f"/{self._operation}"):
            look = {**scope, "method": "GET", "path": path.removesuffix(f"/{self._operation}")}
            heard.clear()
            await self._app({**look, "raw_path": look["path"].encode()}, _nothing, keep)
        for message in heard:
            await send(message)


class RefusedIsPending:
    """Answers 202 as if it went on by itself, although what was asked for was refused."""

    def __init__(self, app: Any, *places: str) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Pass it on, and say of a refusal that it is pending."""
        heard: list[Any] = []

        async def keep(message: Any) -> None:
            heard.append(message)

        await self._app(scope, receive, keep)
        is_refused = bool(heard) and heard[0].get("status") in REFUSED
        if is_refused and scope.get("path", "").endswith(self._places):
            body = b'{"success": true, "pending": true, "data": {}}'
            length = (b"content-length", str(len(body)).encode())
            others = [one for one in heard[0]["headers"] if one[0] != length[0]]
            heard = [
                {**heard[0], "status": 202, "headers": [*others, length]},
                {"type": "http.response.body", "body": body, "more_body": False},
            ]
        for message in heard:
            await send(message)


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def _with_key(scope: MutableMapping[str, Any], change: Any) -> MutableMapping[str, Any]:
    headers = [(k, change(v) if k == KEY else v) for k, v in scope["headers"]]
    return {**scope, "headers": headers}


def _as_replay(message: Any) -> Any:
    if "headers" not in message:
        return message
    return {**message, "headers": [*message["headers"], (b"idempotent-replayed", b"true")]}


CAPTURE_REFUSED: Final = Variant(
    "capture refused told as success", app=lambda app: RefusedIsDone(app, "capture")
)
CANCEL_REFUSED: Final = Variant(
    "cancel refused told as success", app=lambda app: RefusedIsDone(app, "cancel")
)
CONFIRM_REFUSED: Final = Variant(
    "another card refused told as success", app=lambda app: RefusedIsDone(app, "confirm")
)
REFUSED_AS_PENDING: Final = Variant(
    "refused told as 202",
    app=lambda app: RefusedIsPending(app, "/capture", "/cancel", "/confirm", "/refund", "-details"),
)
IGNORED: Final = Variant("a key is ignored", app=KeyIgnored)
TAKEN: Final = Variant("a request is answered with another one's answer", app=KeyTaken)
NOT_COMPARED: Final = Variant("a key is replayed for another body", app=BodyNotCompared)
