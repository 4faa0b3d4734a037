"""The control plane under /_sandbox: order faults, go on in time, read the books, begin again.

It is for scripts and tests; nothing of it exists at Stripe.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web

from stripe_sandbox import challenge_page, payment_commands, switches, webhook_commands
from stripe_sandbox.faults import FaultRule, is_seconds, read_rule
from stripe_sandbox.wishes import BadFields, read_object, refuse

if TYPE_CHECKING:
    from stripe_sandbox.http import Sandbox

PREFIX = "/_sandbox"


async def answer(sandbox: Sandbox, request: web.BaseRequest) -> web.Response:
    """Answer a request to the control plane."""
    if request.path.startswith(challenge_page.PREFIX):
        return await challenge_page.answer(sandbox, request)
    command = _COMMANDS.get((request.method, request.path.removeprefix(PREFIX)))
    if command is None:
        wanted = f"{request.method} {request.path}"
        return web.json_response({"error": f"there is no {wanted}"}, status=404)
    try:
        return web.json_response(command(sandbox, await _json(request)))
    except BadFields as bad:
        return web.json_response({"error": str(bad), "fields": bad.problems}, status=400)


def _health(_sandbox: Sandbox, _wish: Any) -> dict[str, Any]:
    return {"status": "ok"}


def _ledger(sandbox: Sandbox, _wish: Any) -> dict[str, Any]:
    return sandbox.engine.ledger()


def _reset(sandbox: Sandbox, _wish: Any) -> dict[str, Any]:
    sandbox.reset()
    return {"status": "reset"}


def _show_faults(sandbox: Sandbox, _wish: Any) -> dict[str, Any]:
    """Show the faults in force, oldest first, and how many requests each kind has hit."""
    rules = [
        {
            "method": rule.method,
            "path": rule.path,
            "fault": rule.fault.kind,
            "times": rule.times,
            "skip": rule.skip,
        }
        for rule in sandbox.faults.rules
    ]
    return {"faults": rules, "hits": dict(sandbox.faults.hits)}


def _add_fault(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    rule = read_rule(wish)
    if not isinstance(rule, FaultRule):
        raise BadFields(rule)
    sandbox.faults.add(rule)
    return {"faults": len(sandbox.faults.rules)}


def _clear_faults(sandbox: Sandbox, _wish: Any) -> dict[str, Any]:
    sandbox.faults.clear()
    return {"faults": 0}


def _set_latency(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    wish, problems = read_object(wish, "ms")
    if not is_seconds(wish.get("ms")):
        problems["ms"] = "must be a number of milliseconds, 0 or more"
    refuse(problems)
    sandbox.latency_ms = float(wish["ms"])
    return {"ms": sandbox.latency_ms}


async def _json(request: web.BaseRequest) -> Any:
    """Return the decoded body; None, which no command takes, for anything that is no JSON."""
    try:
        return json.loads(await request.read())
    except ValueError:
        return None


# A command gets the sandbox and what it asks for, and returns what is answered.
_Command = Callable[["Sandbox", Any], dict[str, Any]]
_COMMANDS: Final[dict[tuple[str, str], _Command]] = {
    ("GET", "/health"): _health,
    ("GET", "/ledger"): _ledger,
    ("POST", "/reset"): _reset,
    ("GET", "/faults"): _show_faults,
    ("POST", "/faults"): _add_fault,
    ("DELETE", "/faults"): _clear_faults,
    ("POST", "/latency"): _set_latency,
    ("POST", "/authenticate"): payment_commands.authenticate,
    ("POST", "/card-updated"): payment_commands.card_updated,
    ("POST", "/dispute"): payment_commands.dispute,
    ("POST", "/fraud-warning"): payment_commands.fraud_warning,
    ("POST", "/payment-intent"): payment_commands.payment_intent,
    ("POST", "/refund"): payment_commands.refund,
    ("GET", "/webhooks"): webhook_commands.show,
    ("POST", "/webhooks"): webhook_commands.add_fault,
    ("DELETE", "/webhooks"): webhook_commands.clear_faults,
    ("POST", "/webhooks/roll"): webhook_commands.roll,
    ("POST", "/webhooks/resend"): webhook_commands.resend,
    ("GET", "/clock"): switches.show_clock,
    ("POST", "/clock"): switches.set_clock,
    ("GET", "/switches"): switches.show_switches,
    ("POST", "/switches"): switches.set_switches,
}
