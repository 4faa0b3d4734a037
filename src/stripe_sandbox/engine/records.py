"""What the sandbox keeps of each object: the parts that differ. `shapes` writes the rest.

All are frozen: a change makes a new one, so an event can hold on to the object as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Wire = dict[str, Any]
Metadata = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who pays. A deleted one stays, as a stub."""

    id: str
    created: int
    invoice_prefix: str
    metadata: Metadata
    address: Wire | None = None
    balance: int = 0
    business_name: str | None = None
    default_payment_method: str | None = None
    description: str | None = None
    email: str | None = None
    footer: str | None = None
    custom_fields: list[Wire] | None = None
    name: str | None = None
    next_invoice_sequence: int = 1
    phone: str | None = None
    preferred_locales: tuple[str, ...] = ()
    shipping: Wire | None = None
    tax_exempt: str = "none"
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A card, or another way to pay that can only be created and read.

    `number` names the test card; `spent` ones may not be used again, `set_up` ones need no
    authentication off session.
    """

    id: str
    created: int
    type: str
    billing_details: Wire
    metadata: Metadata
    number: str = ""
    exp_month: int = 0
    exp_year: int = 0
    allow_redisplay: str = "unspecified"
    cvc_check: str = "unchecked"
    customer: str | None = None
    spent: bool = False
    set_up: bool = False


@dataclass(frozen=True, slots=True)
class PaymentIntent:
    """An amount somebody means to pay, and how far that has come."""

    id: str
    created: int
    amount: int
    currency: str
    client_secret: str
    status: str
    payment_method_types: tuple[str, ...]
    capture_method: str
    confirmation_method: str
    metadata: Metadata
    # None for an intent made with payment_method_types, as old versions allow.
    allow_redirects: str | None
    allowed_payment_method_types: tuple[str, ...] | None = None
    excluded_payment_method_types: tuple[str, ...] | None = None
    amount_capturable: int = 0
    amount_received: int = 0
    authenticated: bool = False
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    customer: str | None = None
    description: str | None = None
    last_payment_error: Wire | None = None
    latest_charge: str | None = None
    next_action: Wire | None = None
    payment_method: str | None = None
    receipt_email: str | None = None
    request_three_d_secure: str = "automatic"
    # Where the holder of the card comes back to; next_action forgets it once it is over.
    return_url: str | None = None
    setup_future_usage: str | None = None
    shipping: Wire | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None


@dataclass(frozen=True, slots=True)
class SetupIntent:
    """A card somebody means to keep for later, and how far that has come."""

    id: str
    created: int
    client_secret: str
    status: str
    payment_method_types: tuple[str, ...]
    metadata: Metadata
    # None for an intent made with payment_method_types, as old versions allow.
    allow_redirects: str | None
    allowed_payment_method_types: tuple[str, ...] | None = None
    excluded_payment_method_types: tuple[str, ...] | None = None
    cancellation_reason: str | None = None
    customer: str | None = None
    description: str | None = None
    last_setup_error: Wire | None = None
    latest_attempt: str | None = None
    next_action: Wire | None = None
    payment_method: str | None = None
    request_three_d_secure: str = "automatic"
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One try to move the money of an intent; `method` is the card as it was then."""

    id: str
    created: int
    amount: int
    currency: str
    payment_intent: str
    method: PaymentMethod
    status: str
    paid: bool
    captured: bool
    risk_score: int
    authorization_code: str
    outcome: Wire
    metadata: Metadata
    amount_captured: int = 0
    amount_refunded: int = 0
    balance_transaction: str | None = None
    capture_before: int | None = None
    customer: str | None = None
    description: str | None = None
    dispute: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    receipt_email: str | None = None
    shipping: Wire | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None

    @property
    def refunded(self) -> bool:
        """Whether all that was taken has gone back."""
        return 0 < self.amount_captured == self.amount_refunded


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back."""

    id: str
    created: int
    amount: int
    currency: str
    charge: str
    payment_intent: str
    payment_method: str
    status: str
    metadata: Metadata
    balance_transaction: str | None = None
    customer: str | None = None
    failure_balance_transaction: str | None = None
    failure_reason: str | None = None
    next_action: Wire | None = None
    pending_reason: str | None = None
    reason: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class BalanceTransaction:
    """A line in the books of the account."""

    id: str
    created: int
    amount: int
    currency: str
    fee: int
    source: str
    type: str
    description: str | None
    available_on: int
    fee_description: str = "Stripe processing fees"
    # None where it is the type.
    reporting_category: str | None = None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment its payer went back on with the bank; as an inquiry only a question so far."""

    id: str
    created: int
    amount: int
    currency: str
    charge: str
    payment_intent: str
    brand: str
    reason: str
    status: str
    due_by: int
    evidence: Wire
    metadata: Metadata
    case_type: str = "chargeback"
    network_reason_code: str | None = None
    balance_transactions: tuple[BalanceTransaction, ...] = ()
    has_evidence: bool = False
    is_charge_refundable: bool = False
    past_due: bool = False
    submission_count: int = 0


@dataclass(frozen=True, slots=True)
class EarlyFraudWarning:
    """What an issuer says of a charge it thinks is fraud, before anybody disputes it."""

    id: str
    created: int
    charge: str
    payment_intent: str
    fraud_type: str
    actionable: bool = True


# What an event can be about.
Subject = (
    Customer
    | PaymentMethod
    | PaymentIntent
    | SetupIntent
    | Charge
    | Refund
    | Dispute
    | EarlyFraudWarning
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `subject` is the object as it was just after."""

    id: str
    created: int
    type: str
    subject: Subject
    previous: Wire | None
    request_id: str | None
    idempotency_key: str | None


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """What deliveries are signed with; a secret that was rolled away lives on `until` then."""

    text: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where events are sent. A deleted one stays, so that nothing is sent to it any more."""

    id: str
    created: int
    url: str
    enabled_events: tuple[str, ...]
    secrets: tuple[SigningSecret, ...]
    metadata: Metadata
    api_version: str | None = None
    description: str | None = None
    disabled: bool = False
    deleted: bool = False

    @property
    def enabled(self) -> bool:
        """Whether anything may be sent to it."""
        return not self.disabled and not self.deleted

    def wants(self, event_type: str) -> bool:
        """Whether it is to be told of events of this type."""
        return "*" in self.enabled_events or event_type in self.enabled_events

    def secrets_at(self, now: float) -> list[str]:
        """Return the secrets that are alive, the newest first."""
        return [one.text for one in self.secrets if one.until is None or one.until > now]


Record = Subject | BalanceTransaction | Event
