"""Stripe's own parameters that say whom to charge, how or how much, and that are not taken here.

By Stripe's lists of parameters: PaymentIntent create, confirm, capture and cancel
(https://docs.stripe.com/api/payment_intents/create and the pages beside it), and Refund create
(https://docs.stripe.com/api/refunds/create); with them the names that a caller may expect, such as
`refund_amount`. What is a field of ours goes by our name; what moves no money is ignored.
"""

from typing import Final

# Real clients send it beside everything; what it asks for is so anyhow.
TOLERATED: Final = frozenset({"automaticpaymentmethods"})
# By Stripe's names; any case and any style of writing is meant.
_NAMES: Final = (
    "amount_details",
    "amount_to_capture",
    "amount_to_confirm",
    "application_fee",
    "application_fee_amount",
    "capture",
    "capture_amount",
    "charge",
    "confirmation_method",
    "confirmation_token",
    "customer",
    "error_on_declined",
    "error_on_requires_action",
    "excluded_payment_method_types",
    "final_capture",
    "mandate",
    "mandate_data",
    "on_behalf_of",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "payment_method_types",
    "refund_amount",
    "refund_application_fee",
    "reverse_transfer",
    "setup_future_usage",
    "source",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_data",
    "transfer_group",
)
STRIPES: Final = frozenset(name.replace("_", "") for name in _NAMES)
