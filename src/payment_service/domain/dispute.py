"""Disputes and early fraud warnings: what the payer's bank says, as part of the payment."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from payment_service.domain.news import SeenDispute, SeenFraudWarning

# Stripe's words. An inquiry (warning_…) has moved no money yet; a refund is the usual answer to it.
INQUIRIES = frozenset({"warning_needs_response", "warning_under_review", "warning_closed"})
# The bank has decided, or there is nothing to decide. Anything that Stripe invents later is open.
CLOSED = frozenset({"won", "lost", "warning_closed", "prevented"})
# The money is with the merchant, whatever was said before.
HARMLESS = frozenset({"won", "prevented"})
# A dispute takes weeks: while one is open this often is enough, and events come besides.
OPEN_LOOK_S = 6 * 3600


@dataclass(frozen=True, slots=True)
class Dispute:
    """One dispute, or inquiry, about a payment. status, reason: Stripe's words.

    evidence_due_at: until when evidence counts. refundable: whether Stripe takes refunds meanwhile.
    """

    id: str
    amount_minor: int
    currency: str
    reason: str
    status: str
    created_at: datetime
    evidence_due_at: datetime | None = None
    refundable: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its end is not known yet."""
        return self.status not in CLOSED

    @property
    def blocks_refunds(self) -> bool:
        """Whether a refund now would give the money back twice."""
        return self.status not in HARMLESS | INQUIRIES and not self.refundable


@dataclass(frozen=True, slots=True)
class FraudWarning:
    """An early fraud warning: the card's network expects a dispute.

    actionable: whether a refund would still prevent it.
    """

    id: str
    fraud_type: str
    actionable: bool
    created_at: datetime


def withdrawn_minor(disputes: Iterable[Dispute]) -> int:
    """Return what was taken back for disputes that are open or lost; inquiries move no money."""
    return sum(d.amount_minor for d in disputes if d.status not in HARMLESS | INQUIRIES)


def shown(seen: SeenDispute) -> Dispute:
    """Return the record of a dispute as Stripe shows it."""
    return Dispute(
        id=seen.id,
        amount_minor=seen.amount_minor,
        currency=seen.currency,
        reason=seen.reason,
        status=seen.status,
        created_at=seen.created_at,
        evidence_due_at=seen.evidence_due_at,
        refundable=seen.refundable,
    )


def warned(seen: SeenFraudWarning) -> FraudWarning:
    """Return the record of an early fraud warning as Stripe shows it."""
    return FraudWarning(seen.id, seen.fraud_type, seen.actionable, seen.created_at)


def merged(known: tuple[Dispute, ...], seen: Iterable[SeenDispute]) -> tuple[Dispute, ...]:
    """Return all disputes that were ever seen, oldest first, as they stand now."""
    stands = {one.id: one for one in known} | {one.id: shown(one) for one in seen}
    return tuple(sorted(stands.values(), key=lambda one: (one.created_at, one.id)))


def merged_warnings(
    known: tuple[FraudWarning, ...], seen: Iterable[SeenFraudWarning]
) -> tuple[FraudWarning, ...]:
    """Return all warnings that were ever seen, oldest first; what is gone is not actionable."""
    stands = {one.id: replace(one, actionable=False) for one in known}
    stands |= {one.id: warned(one) for one in seen}
    return tuple(sorted(stands.values(), key=lambda one: (one.created_at, one.id)))
