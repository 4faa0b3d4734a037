"""Webhooks in virtual time: a receiver that is spoken to by hand, and what it was told."""

from __future__ import annotations

import json
from typing import Any

import stripe

from stripe_sandbox.engine import WebhookAttempt, WebhookFaultRule
from stripe_sandbox.webhook_faults import read_rule
from tests.sandbox.account import Account

URL = "http://shop.example/webhooks"
SECRET = "whsec_shop"
# Ends up behind everything that one payment sets off, with the default switches.
SETTLED_S = 20


def listening(account: Account, *types: str) -> str:
    """Make an endpoint that outlives a reset, and return its id."""
    wanted = types or ("*",)
    return account.engine.webhooks.listen(URL, now=account.now, secret=SECRET, types=wanted).id


def due(account: Account, wait_s: float = 0) -> list[WebhookAttempt]:
    """Let time go by, and take what is due."""
    account.now += wait_s
    return account.engine.due_webhooks(account.now)


def answer(account: Account, attempt: WebhookAttempt, status: int | None = 200) -> None:
    account.engine.webhook_answered(attempt, status, account.now)


def told(account: Account, wait_s: float = SETTLED_S) -> list[str]:
    """Take all attempts for a while, each when it is due, and return the types in that order."""
    until = account.now + wait_s
    types = []
    while (at := account.engine.next_webhook_at()) is not None and at <= until:
        account.now = max(account.now, at)
        for attempt in due(account):
            answer(account, attempt)
            types.append(body(attempt)["type"])
    account.now = until
    return types


def body(attempt: WebhookAttempt) -> Any:
    return json.loads(attempt.body)


def verified(attempt: WebhookAttempt, secret: str = SECRET) -> stripe.Event:
    """Check the signature with the official SDK; raises where it does not fit."""
    event: stripe.Event = stripe.Webhook.construct_event(
        attempt.body, attempt.headers["Stripe-Signature"], secret, tolerance=0
    )
    return event


def hit(account: Account, fault: str, event_type: str = "*", **more: Any) -> None:
    """Have something go wrong with the next events of a type."""
    rule = read_rule({"fault": fault, "type": event_type, **more})
    assert isinstance(rule, WebhookFaultRule), rule
    account.engine.webhooks.faults.add(rule)
