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
    setup_future_usage: str | None = None
    shipping: Wire | None = None
    statement_descriptor: str | None = None
    statement_descriptor_suffix: str | None = None
    transfer_group: str | None = None


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


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `subject` is the object as it was just after."""

    id: str
    created: int
    type: str
    subject: Customer | PaymentMethod | PaymentIntent | Charge | Refund
    previous: Wire | None
    request_id: str | None
    idempotency_key: str | None


Record = Customer | PaymentMethod | PaymentIntent | Charge | Refund | BalanceTransaction | Event
