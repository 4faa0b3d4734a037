"""When something is decided, through which door and under which policy: all that rules know."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# A bank returns a refund within weeks, and Stripe then says so by an event that may be lost.
REFUND_LOOKS_S = (3600.0, 86_400.0, 7 * 86_400.0, 30 * 86_400.0)

# A machine that sets its clock by NTP is right to a second; from here on somebody should look.
CLOCK_WRONG_BEYOND_S = 60.0


class Door(StrEnum):
    """How news came in. Many doors, one corridor.

    webhook: an event that Stripe sent. back_fill: one that we fetched. sweep: an object that we
    came by. operator: a person asked for it.
    """

    REQUEST = "request"
    WORKER = "worker"
    WEBHOOK = "webhook"
    BACK_FILL = "back_fill"
    SWEEP = "sweep"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long things may take. All in seconds; set by the operator (see settings).

    payer_expects_charge_s: how long after the request a charge in doubt may be asked for again.
    action_expires_s: a 3-D Secure step left alone is cancelled after this.
    payment_expires_s: an unpaid PaymentIntent left alone is cancelled after this.
    unproved_claim_expires_s: an unpaid order that an end user claims without proof is free after
    this.
    lease_s: how long a try may take before others take it for dead; longer than every time-out.
    notice_lease_s: the same for telling the OrderService. A try whose owner died may be at work
    still, so it is no shorter than the wait after one that was not answered.
    tell_orders: whether there is an OrderService to tell.
    hold_warning_s: how long before a hold lapses that is said.
    hold_auto_capture_s: how long before it lapses it is captured by itself; 0 never.
    order_status_…: what the OrderService is told besides; empty says nothing.
    order_statuses_before_payment: what an order shows that was told nothing.
    back_fill_every_s, sweep_every_s: how often Stripe's lists of events and of objects are read; 0
    never.
    card_refusals_…: so many refused cards within the window begin a pause; 0 is no guard.
    refund_looks_s: when to look again at a refund that succeeded, since its bank may return it.
    """

    payer_expects_charge_s: float = 900
    action_expires_s: float = 3600
    payment_expires_s: float = 86_400
    unproved_claim_expires_s: float = 1800
    lease_s: float = 30
    notice_lease_s: float = 60
    tell_orders: bool = True
    hold_warning_s: float = 86_400
    hold_auto_capture_s: float = 0
    back_fill_every_s: float = 60
    sweep_every_s: float = 3600
    order_status_canceled: str = ""
    order_status_refunded: str = ""
    order_status_refund_failed: str = ""
    order_statuses_before_payment: frozenset[str] = frozenset({"ORDER PLACED"})
    card_refusals_max: int = 0
    card_refusals_window_s: float = 3600
    card_refusals_pause_s: float = 3600
    refund_looks_s: tuple[float, ...] = REFUND_LOOKS_S


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, here, under these rules."""

    now: datetime
    door: Door
    policy: Policy
