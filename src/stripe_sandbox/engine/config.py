"""The switches of the sandbox: what an account may do, and what nobody outside Stripe knows.

The fields under `unknown` are answers that no public source settles. Correct client code works
under every value of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

DAY_S = 86_400
_MINUTE_S = 60
_HOUR_S = 3_600
# assumed: Stripe says "up to three days with exponential back off" and no more. The first ones come
# soon, so that a receiver that was just restarted is not waited for.
LIVE_RETRIES_S: Final = (
    5.0,
    30.0,
    2.0 * _MINUTE_S,
    10.0 * _MINUTE_S,
    30.0 * _MINUTE_S,
    1.0 * _HOUR_S,
    2.0 * _HOUR_S,
    4.0 * _HOUR_S,
    8.0 * _HOUR_S,
    16.0 * _HOUR_S,
    32.0 * _HOUR_S,
)
# assumed: "three times over the course of a few hours", as Stripe says of test mode.
TEST_RETRIES_S: Final = (1.0 * _MINUTE_S, 30.0 * _MINUTE_S, 2.0 * _HOUR_S)


@dataclass(frozen=True, slots=True)
class Config:
    """How this Stripe is set up. Every field has a default that suits development."""

    # The newest version we imitate; the version of the account, so that of its events.
    api_version: str = "2026-10-28.endive"
    account: str = "acct_1SandboxHIBYZYye"
    # The name that people are shown whom they pay.
    merchant: str = "Sandbox Shop"
    # Where people find the sandbox; None leaves it to whoever opens the port.
    public_url: str | None = None
    # None takes every key that begins with sk_test_ or rk_test_.
    accepted_keys: frozenset[str] | None = None
    # Ordinary accounts may not send card numbers; test tokens are the normal way.
    raw_card_numbers: bool = False
    # A second request for a locked object gets 429 lock_timeout.
    object_locks: bool = False
    # Requests a second for the account and for each endpoint; None is no limit. Stripe's own are
    # 25 and 25 in test mode.
    rate_limit_per_s: int | None = None
    endpoint_rate_limit_per_s: int | None = None
    minimum_amounts: bool = True
    # Stripe promises to keep keys for at least 24 h. Larger values prune late.
    idempotency_retention_s: float = DAY_S
    # With capture_method=automatic_async the balance transaction follows some seconds later.
    settle_after_s: float = 2.0
    # How long a bank works on what was confirmed, as on a bank debit: the intent is `processing`
    # meanwhile. 0 has every card answer at once.
    processing_s: float = 0.0
    # When a refund learns its reference number, and when those of the two slow cards move on.
    refund_reference_after_s: float = 5.0
    refund_settles_after_s: float = 10.0
    # From evidence, or its magic words, to the decision of the bank.
    dispute_decided_after_s: float = 5.0
    # Card holds lapse after seven days.
    hold_expires_after_s: float = 7 * DAY_S
    # When the first attempt to deliver an event is made, and how long after each failed one the
    # next. `webhook_created_last` delivers payment_intent.created after what followed it.
    webhook_first_after_s: float = 0.0
    webhook_retries_s: tuple[float, ...] = LIVE_RETRIES_S
    webhook_created_last: bool = True
    # Bounds on memory; the oldest go first. A request in the log is about 200 bytes, an event
    # about 1 kB.
    requests_kept: int = 200_000
    events_kept: int = 200_000

    # unknown: the status of a publishable key on a secret endpoint.
    secret_key_required_status: Literal[401, 403] = 401
    # unknown: the error type of 409 idempotency_key_in_use.
    in_use_type: Literal["invalid_request_error", "idempotency_error"] = "invalid_request_error"
    # unknown: where the object lock sits in the pipeline, so whether its refusal is saved.
    lock_timeout_saved: bool = False
    # unknown: whether a missing object is found before or after execution begins.
    missing_object_saved: bool = True
    # unknown: status and code of the refusal of raw card numbers.
    raw_card_refusal_status: Literal[400, 402] = 402
    raw_card_refusal_code: str | None = None
    # unknown: whether Stripe-Should-Retry is sent at all on ordinary answers.
    should_retry_header: bool = True
    # unknown: how young a refund must be for a chargeback to stop it. One made seconds before was
    # seen to fail, one made five minutes before to stand.
    refund_stopped_within_s: float = 60.0
    # unknown: whether cancelling a hold by hand is told as charge.expired too.
    cancel_expires_charge: bool = False
    # unknown: whether allowed_payment_method_types=[card] lifts the demand for a return_url.
    card_only_needs_return_url: bool = False
