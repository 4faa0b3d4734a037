"""The disputes and early fraud warnings of a payment: only ever looked at, never asked for."""

from dataclasses import replace
from datetime import timedelta

from payment_service.domain import call as calls
from payment_service.domain import dispute as disputes
from payment_service.domain.moment import Moment
from payment_service.domain.news import DisputesSeen, News
from payment_service.domain.payment import Payment, noted
from payment_service.domain.steps import FindDisputes

# After a look without an answer.
LOOK_AGAIN_S = 300


def next_step(payment: Payment, moment: Moment) -> FindDisputes | None:
    """Say whether a look at the disputes is due."""
    if payment.disputes_look_at is None or payment.disputes_look_at > moment.now:
        return None
    assert payment.intent_id is not None
    return FindDisputes(payment.id, payment.intent_id)


def asking(payment: Payment, moment: Moment) -> Payment:
    """Return the payment with the look claimed."""
    lapses = moment.now + timedelta(seconds=moment.policy.lease_s)
    return replace(payment, disputes_look_at=lapses)


def decide(payment: Payment, news: News, moment: Moment) -> Payment:
    """Return the payment with its disputes as Stripe shows them; while one is open look on."""
    if not isinstance(news, DisputesSeen):
        later = moment.now + timedelta(seconds=LOOK_AGAIN_S)
        return replace(payment, disputes_look_at=later if payment.disputes_look_at else None)
    before = payment
    payment = replace(
        payment,
        disputes=disputes.merged(payment.disputes, news.disputes),
        warnings=disputes.merged_warnings(payment.warnings, news.warnings),
    )
    look_at = None
    if any(dispute.is_open for dispute in payment.disputes):
        spread = 0.5 + 0.5 * calls.spread(f"{payment.uid}:{moment.now.timestamp():.0f}")
        look_at = moment.now + timedelta(seconds=disputes.OPEN_LOOK_S * spread)
    payment = replace(payment, disputes_look_at=look_at)
    return _noted(before, payment, moment, news.request_id)


def _noted(before: Payment, after: Payment, moment: Moment, request_id: str | None) -> Payment:
    stood = {dispute.id: dispute.status for dispute in before.disputes}
    for dispute in after.disputes:
        if stood.get(dispute.id) != dispute.status:
            after = noted(after, f"dispute.{dispute.status}", moment, request_id)
    known = {warning.id for warning in before.warnings}
    for warning in after.warnings:
        if warning.id not in known:
            after = noted(after, "fraud_warning.received", moment, request_id)
    return after
