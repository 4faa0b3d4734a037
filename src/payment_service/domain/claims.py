"""Whose word an order's terms are: the shop's, or only that of an end user who claims the order.

A service, or an end user with a proof that the shop made, speaks for the shop. All others may claim
an order that nobody has, and hold it for a while as long as they do not pay it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from payment_service.domain.errors import OrderTermsDiffer
from payment_service.domain.moment import Moment
from payment_service.domain.order_proof import Claim
from payment_service.domain.payment import OPEN, Order, Payment, State, noted

# Where a payment is claimed and not paid: no money is taken, held, on its way or in doubt.
_UNPAID = OPEN | {State.REQUIRES_ACTION}


@dataclass(frozen=True, slots=True)
class Claimant:
    """An end user who asks for an order.

    customer_ids: by what ids their customer is known. is_proved: whether the shop says that the
    order is theirs.
    """

    customer_ids: frozenset[str]
    is_proved: bool


def claimed(payment: Payment, order: Order, moment: Moment, *, same: bool) -> Payment:
    """Return the payment on the terms of an order, with whose word they are.

    same: whether both are the same deal, for which the shop's word stands, and the time of an
    earlier claim that has not ended.
    """
    stands = is_the_shops(payment) or (is_unproved(payment) and payment.status in OPEN)
    if same and stands and not order.is_proved:
        return replace(payment, terms=order.terms)
    claim = Claim(order.is_proved, moment.now, payment.generation)
    return replace(payment, terms=order.terms, claim=claim)


def proved(payment: Payment, moment: Moment) -> Payment:
    """Return the payment with its terms confirmed by the shop, which an end user had claimed."""
    claim = Claim(is_proved=True, at=moment.now, generation=payment.generation)
    return noted(replace(payment, claim=claim), "claim.proved", moment)


def is_unproved(payment: Payment) -> bool:
    """Whether its terms are known to be only an end user's word."""
    claim = _current(payment)
    return claim is not None and not claim.is_proved


def is_the_shops(payment: Payment) -> bool:
    """Whether its terms are known to be the shop's word."""
    claim = _current(payment)
    return claim is not None and claim.is_proved


def _current(payment: Payment) -> Claim | None:
    """Return whose word the terms are, None when that is not known.

    An older release that replaced them kept a claim that it does not know; that one means nothing.
    """
    claim = payment.claim
    return claim if claim is not None and claim.generation == payment.generation else None


def is_unpaid_claim(payment: Payment) -> bool:
    """Whether an end user's word is all that there is: nothing was ever taken or held."""
    return is_unproved(payment) and payment.status in _UNPAID and not payment.was_paid_late


def lapses_at(payment: Payment, moment: Moment) -> datetime | None:
    """Return when an unpaid claim without proof ends, None when the payment is none.

    The bank that asks its holder is given as long anew. What is under way, held or in doubt never
    lapses.
    """
    claim = payment.claim
    if claim is None or payment.attempt is not None or not is_unpaid_claim(payment):
        return None
    asks_payer = payment.status is State.REQUIRES_ACTION
    since = payment.entered_at if asks_payer else claim.at
    return since + timedelta(seconds=moment.policy.unproved_claim_expires_s)


def has_lapsed(payment: Payment, moment: Moment) -> bool:
    """Whether it was claimed without proof, and not paid in time."""
    ends_at = lapses_at(payment, moment)
    return ends_at is not None and ends_at <= moment.now


def gives_way(payment: Payment, order: Order, moment: Moment) -> bool:
    """Whether a claim must make room for other terms although the payer is being asked."""
    is_asked = payment.state is State.REQUIRES_ACTION and is_unproved(payment)
    return is_asked and (order.is_proved or has_lapsed(payment, moment))


def is_open_to(payment: Payment, claimant: Claimant, moment: Moment) -> bool:
    """Whether an end user may ask for this order: it is theirs, or nobody holds it any more.

    With the shop's word for it also what another end user holds without: whether there is still
    something to be taken over is then found out at Stripe.
    """
    if payment.terms.customer_id in claimant.customer_ids:
        return True
    unproved = is_unproved(payment)
    if payment.state is State.CANCELED and not payment.was_paid_late:
        return unproved or claimant.is_proved
    return unproved and (claimant.is_proved or has_lapsed(payment, moment))


def check_terms(payment: Payment, order: Order) -> None:
    """Refuse to change the shop's terms by an end user's word. Raises OrderTermsDiffer."""
    if is_the_shops(payment) and not order.is_proved:
        raise OrderTermsDiffer(
            "The shop has said what this order costs, and how it is paid.", payment=payment
        )
