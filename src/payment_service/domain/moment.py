"""When something is decided, through which door and under which policy: all that rules know."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Door(StrEnum):
    """How news came in. Three doors, one corridor."""

    REQUEST = "request"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Policy:
    """How long things may take. All in seconds; set by the operator (see settings).

    payer_expects_charge_s: how long after the request a charge in doubt may be asked for again.
    action_expires_s: a 3-D Secure step left alone is cancelled after this.
    payment_expires_s: an unpaid PaymentIntent left alone is cancelled after this.
    lease_s: how long a try may take before others take it for dead; longer than every time-out.
    tell_orders: whether there is an OrderService to tell.
    """

    payer_expects_charge_s: float = 900
    action_expires_s: float = 3600
    payment_expires_s: float = 86_400
    lease_s: float = 30
    tell_orders: bool = True


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, here, under these rules."""

    now: datetime
    door: Door
    policy: Policy
