"""A payment service over Stripe that never charges an order twice and never loses a payment."""
