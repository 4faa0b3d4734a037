"""A stateful Stripe over HTTP, for developing and testing payment code without an account."""
