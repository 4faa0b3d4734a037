"""Stripe, behind the Gateway port: steps become requests, answers become news."""

from payment_service.adapters.stripe.budget import Budget
from payment_service.adapters.stripe.gateway import StripeGateway, TimeLimits, open_stripe
from payment_service.adapters.stripe.webhooks import SignedEvents

__all__ = ["Budget", "SignedEvents", "StripeGateway", "TimeLimits", "open_stripe"]
