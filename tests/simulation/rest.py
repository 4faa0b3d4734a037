"""What is still to be done about a document, and what is only a watch that goes on for long."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from payment_service.domain.cursor import Cursor
from payment_service.domain.payment import Payment, State


def owed_at(doc: Any) -> datetime | None:
    """Return when work on a document is due that must come to an end; None when there is none.

    Stripe's lists are read for ever, an open dispute is looked at for weeks and a hold until it
    lapses: whoever waits for the end of these waits for others.
    """
    match doc:
        case Cursor():
            return None
        case Payment():
            return _of_payment(doc)
        case _:
            wake_at: datetime | None = doc.wake_at
            return wake_at


def _of_payment(payment: Payment) -> datetime | None:
    if payment.disputes_look_at is not None and any(one.is_open for one in payment.disputes):
        payment = replace(payment, disputes_look_at=None)
    if payment.attempt is None and payment.status is State.REQUIRES_CAPTURE:
        payment = replace(payment, look_at=None)
    return payment.wake_at
