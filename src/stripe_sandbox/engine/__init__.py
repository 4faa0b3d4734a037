"""Stripe as a pure state machine: a request and a time go in, an answer comes out.

It reads no clock, opens no file or socket, and takes all chance from one seeded generator.
"""

from stripe_sandbox.engine.config import Config
from stripe_sandbox.engine.exchange import Delivery, Request
from stripe_sandbox.engine.pipeline import Engine, Ticket
from stripe_sandbox.engine.webhooks import WebhookAttempt
from stripe_sandbox.faults import Fault
from stripe_sandbox.webhook_faults import WebhookFault, WebhookFaultRule

__all__ = [
    "Config",
    "Delivery",
    "Engine",
    "Fault",
    "Request",
    "Ticket",
    "WebhookAttempt",
    "WebhookFault",
    "WebhookFaultRule",
]
