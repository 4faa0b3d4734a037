"""The commands about webhooks: faults set and taken back, secrets rolled, events sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stripe_sandbox.engine.records import WebhookEndpoint
from stripe_sandbox.engine.webhook_endpoints import shape
from stripe_sandbox.engine.webhook_secrets import OLD_KEPT_MAX_S
from stripe_sandbox.engine.webhooks import WebhookDelivery
from stripe_sandbox.faults import is_seconds
from stripe_sandbox.webhook_faults import WebhookFaultRule, read_rule
from stripe_sandbox.wishes import BadFields, read_object, refuse

if TYPE_CHECKING:
    from stripe_sandbox.http import Sandbox


def show(sandbox: Sandbox, _wish: Any) -> dict[str, Any]:
    """Show endpoints with their living secrets, faults in force, and deliveries, oldest first."""
    webhooks, now = sandbox.engine.webhooks, sandbox.now()
    return {
        "endpoints": [_endpoint(one, now) for one in webhooks.endpoints if not one.deleted],
        "faults": [_rule(rule) for rule in webhooks.faults.rules],
        "hits": dict(webhooks.faults.hits),
        "deliveries": [_delivery(one) for one in webhooks.deliveries()],
    }


def add_fault(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Have something go wrong with the next events of a type."""
    rule = read_rule(wish)
    if not isinstance(rule, WebhookFaultRule):
        raise BadFields(rule)
    sandbox.engine.webhooks.faults.add(rule)
    return {"faults": len(sandbox.engine.webhooks.faults.rules)}


def clear_faults(sandbox: Sandbox, _wish: Any) -> dict[str, Any]:
    """Take back all faults; what they have done stays."""
    sandbox.engine.webhooks.faults.clear()
    return {"faults": 0}


def roll(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Do what the Dashboard alone can: give an endpoint a new secret."""
    wish, problems = read_object(wish, "endpoint", "keep_old_s")
    keep_old_s = wish.get("keep_old_s", 0)
    if not is_seconds(keep_old_s) or keep_old_s > OLD_KEPT_MAX_S:
        problems["keep_old_s"] = f"must be a number of seconds from 0 to {OLD_KEPT_MAX_S}"
    if not isinstance(wish.get("endpoint"), str):
        problems["endpoint"] = "must be the id of a webhook endpoint"
    refuse(problems)
    secret = sandbox.engine.webhooks.roll(
        wish["endpoint"], keep_old_s=keep_old_s, now=sandbox.now()
    )
    if secret is None:
        raise BadFields({"endpoint": "there is no such webhook endpoint"})
    return {"endpoint": wish["endpoint"], "secret": secret}


def resend(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Deliver an event once more, to one endpoint or to all that want its type."""
    wish, problems = read_object(wish, "event", "endpoint")
    if not isinstance(wish.get("event"), str):
        problems["event"] = "must be the id of an event"
    endpoint_id = wish.get("endpoint")
    if not isinstance(endpoint_id, str | None):
        problems["endpoint"] = "must be the id of a webhook endpoint"
    refuse(problems)
    sent = sandbox.engine.resend_webhook(wish["event"], endpoint_id, sandbox.now())
    if sent is None:
        raise BadFields({"event": "there is no such event"})
    if endpoint_id is not None and not sent:
        raise BadFields({"endpoint": "there is no such webhook endpoint that is enabled"})
    return {"deliveries": sent}


def _endpoint(endpoint: WebhookEndpoint, now: float) -> dict[str, Any]:
    return {**shape(endpoint), "secrets": endpoint.secrets_at(now)}


def _rule(rule: WebhookFaultRule) -> dict[str, Any]:
    fault = rule.fault
    return {
        "type": rule.type,
        "fault": fault.kind,
        "times": rule.times,
        "skip": rule.skip,
        "hits": rule.hits,
    }


def _delivery(delivery: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "endpoint": delivery.endpoint_id,
        "event": delivery.event.id,
        "type": delivery.event.type,
        "state": delivery.state,
        "automatic": delivery.automatic,
        "due_at": delivery.due_at,
        "attempts": [
            {"answered_at": answer.at, "status": answer.status, "why": answer.why}
            for answer in delivery.answers
        ],
    }
