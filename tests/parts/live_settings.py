"""Settings with which production starts, and warns of nothing."""

LIVE = {
    "ENVIRONMENT": "production",
    "STRIPE_SECRET_KEY": "rk_live_abcdef123456",
    "ORDER_SERVICE_URL": "https://orders/order",
    "ORDER_SERVICE_TOKEN": "abc",
    "STRIPE_WEBHOOK_SECRET": "whsec_abc",
    "TRUSTED_PROXIES": "1",
    "ORDER_PROOF": "signed",
    "ORDER_PROOF_SECRET": "of-the-shop-and-of-us-alone-4711-and-more",
}
