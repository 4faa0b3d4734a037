"""What of a refused card a payer may see: an allow-list, so that a new code is hidden by default.

Stripe says (docs.stripe.com/declines/codes) that `fraudulent`, `lost_card`, `merchant_blacklist`,
`pickup_card` and `stolen_card` must not be told to the customer but be presented as a
`generic_decline`: who holds a stolen card would learn that it is known to be one. The card
network's codes say the same in digits, and Radar's outcome names the shop's rules.
"""

from dataclasses import replace

from payment_service.domain.news import Denial

GENERIC_CODE = "card_declined"
GENERIC_DECLINE_CODE = "generic_decline"
GENERIC_MESSAGE = "Your card was declined."
# What a payer can do something about, and what says nothing of the card's or the payer's record.
PAYER_SAFE_CODES = frozenset(
    {
        "amount_too_large",
        "amount_too_small",
        "approve_with_id",
        "authentication_not_handled",
        "authentication_required",
        "call_issuer",
        "card_declined",
        "card_not_supported",
        "card_velocity_exceeded",
        "currency_not_supported",
        "do_not_honor",
        "duplicate_transaction",
        "expired_card",
        "generic_decline",
        "incorrect_address",
        "incorrect_cvc",
        "incorrect_number",
        "incorrect_pin",
        "incorrect_zip",
        "insufficient_funds",
        "invalid_account",
        "invalid_amount",
        "invalid_cvc",
        "invalid_expiry_month",
        "invalid_expiry_year",
        "invalid_number",
        "invalid_pin",
        "issuer_not_available",
        "new_account_information_available",
        "offline_pin_required",
        "online_or_offline_pin_required",
        "payment_intent_authentication_failure",
        "pin_try_exceeded",
        "processing_error",
        "reenter_transaction",
        "setup_intent_authentication_failure",
        "testmode_decline",
        "transaction_not_allowed",
        "try_again_later",
        "withdrawal_count_limit_exceeded",
    }
)
# Stripe's three: what to do next, which says nothing of why.
PAYER_SAFE_ADVICE = frozenset({"confirm_card_data", "do_not_try_again", "try_again_later"})
# Reasons of a refund or cancellation that are no suspicion against anybody.
PAYER_SAFE_REASONS = frozenset(
    {"abandoned", "automatic", "duplicate", "expired", "requested_by_customer", "void_invoice"}
)
# Why a refund failed, as far as that is the payer's to mend.
PAYER_SAFE_REFUND_FAILURES = frozenset(
    {"abandoned", "declined", "expired_or_canceled_card", "unavailable", "unknown"}
)
UNKNOWN = "unknown"
# A message is Stripe's or an issuer's prose: one with any of these is not passed on, whatever its
# code.
SUSPICIOUS_WORDS = (
    "stolen",
    "lost",
    "fraud",
    "pick up",
    "pickup",
    "block",
    "black",
    "risk",
    "radar",
)
# Whoever reads of a dispute may be another than the cardholder who began it.
DISPUTED = "general"


def payer_safe(denial: Denial) -> Denial:
    """Return what a payer may see of a refused card: a harmless reason, or none but `declined`."""
    codes = {denial.code, denial.decline_code} - {None}
    is_named = bool(codes - {GENERIC_CODE, GENERIC_DECLINE_CODE})
    advice = denial.advice_code if denial.advice_code in PAYER_SAFE_ADVICE else None
    told = replace(
        denial,
        advice_code=advice,
        network_advice_code=None,
        network_decline_code=None,
        charge_outcome=None,
        charge_id=None,
        message=denial.message if is_named and _is_harmless(denial.message) else GENERIC_MESSAGE,
    )
    if codes <= PAYER_SAFE_CODES:
        return told
    return replace(
        told,
        code=denial.code if denial.code in PAYER_SAFE_CODES else GENERIC_CODE,
        decline_code=GENERIC_DECLINE_CODE,
        message=GENERIC_MESSAGE,
        param=None,
    )


def _is_harmless(message: str) -> bool:
    lowered = message.lower()
    return not any(word in lowered for word in SUSPICIOUS_WORDS)
