"""The control plane under /_sandbox: set faults and latency, read the books, begin again.

It is for scripts and tests; nothing of it exists at Stripe.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from stripe_sandbox.engine.errors import ApiError
from stripe_sandbox.faults import FaultRule, is_seconds, read_rule

if TYPE_CHECKING:
    from stripe_sandbox.http import Sandbox

PREFIX = "/_sandbox"


async def answer(sandbox: Sandbox, request: web.BaseRequest) -> web.Response:
    """Answer a request to the control plane."""
    path = request.path.removeprefix(PREFIX)
    match request.method, path:
        case "GET", "/health":
            return web.json_response({"status": "ok"})
        case "GET", "/ledger":
            return web.json_response(sandbox.engine.ledger())
        case "POST", "/reset":
            return _reset(sandbox)
        case "POST", "/faults":
            return _add_fault(sandbox, await _json(request))
        case "DELETE", "/faults":
            sandbox.faults.clear()
            return web.json_response({"faults": 0})
        case "POST", "/latency":
            return _set_latency(sandbox, await _json(request))
        case "POST", "/authenticate":
            return _authenticate(sandbox, await _json(request))
    return web.json_response({"error": f"there is no {request.method} {request.path}"}, status=404)


def _reset(sandbox: Sandbox) -> web.Response:
    """Forget objects, keys, faults and latency."""
    sandbox.engine.reset()
    sandbox.faults.clear()
    sandbox.latency_ms = 0.0
    return web.json_response({"status": "reset"})


def _add_fault(sandbox: Sandbox, wish: Any) -> web.Response:
    rule = read_rule(wish)
    if not isinstance(rule, FaultRule):
        return _bad(rule)
    sandbox.faults.add(rule)
    return web.json_response({"faults": len(sandbox.faults.rules)})


def _set_latency(sandbox: Sandbox, wish: Any) -> web.Response:
    if not isinstance(wish, dict):
        return _bad({"": "must be a JSON object"})
    problems = {str(name): "is not known" for name in wish if name != "ms"}
    if not is_seconds(wish.get("ms")):
        problems["ms"] = "must be a number of milliseconds, 0 or more"
    if problems:
        return _bad(problems)
    sandbox.latency_ms = float(wish["ms"])
    return web.json_response({"ms": sandbox.latency_ms})


def _authenticate(sandbox: Sandbox, wish: Any) -> web.Response:
    """Play the holder of the card, for an intent that waits for 3D Secure."""
    if not isinstance(wish, dict):
        return _bad({"": "must be a JSON object"})
    names = ("payment_intent", "passed")
    problems = {str(name): "is not known" for name in wish if name not in names}
    if not isinstance(wish.get("payment_intent"), str):
        problems["payment_intent"] = "must be the id of a PaymentIntent"
    if not isinstance(wish.get("passed", True), bool):
        problems["passed"] = "must be true or false"
    if problems:
        return _bad(problems)
    try:
        intent = sandbox.engine.authenticate(
            wish["payment_intent"], passed=wish.get("passed", True), now=time.time()
        )
    except ApiError as error:
        return _bad({"payment_intent": str(error)})
    return web.json_response(intent)


async def _json(request: web.BaseRequest) -> Any:
    """Return the decoded body; None, which no command takes, for anything that is no JSON."""
    try:
        return json.loads(await request.read())
    except ValueError:
        return None


def _bad(problems: dict[str, str]) -> web.Response:
    return web.json_response({"error": "bad fields", "fields": problems}, status=400)
