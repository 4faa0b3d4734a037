"""Stripe, behind the Gateway port: steps become requests, answers become news."""

from payment_service.adapters.stripe.gateway import StripeGateway, TimeLimits, open_stripe

__all__ = ["StripeGateway", "TimeLimits", "open_stripe"]
