"""How payments, refunds, customers and cards look on the wire: the one place that says so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from payment_service.domain import decline as declines
from payment_service.domain.card_expiry import is_expired
from payment_service.domain.customer import Card, Customer
from payment_service.domain.dispute import Dispute, FraudWarning
from payment_service.domain.event import Event
from payment_service.domain.history import Entry
from payment_service.domain.money import AmountUnit, Money, format_amount
from payment_service.domain.news import ChargeOutcome, Denial, Intent, SeenSetup
from payment_service.domain.notice import Notice, NoticeState, wire_state
from payment_service.domain.payment import (
    Attempt,
    Failure,
    FailureKind,
    PastAttempt,
    Payment,
    State,
)
from payment_service.domain.refund import Refund, RefundStatus

PROCESSING = "processing"


def wire_status(status: State | RefundStatus) -> str:
    """Return the word for the caller: that we have asked and wait is `processing` to them."""
    return PROCESSING if status.value == "asking" else status.value


def wire_time(moment: datetime) -> str:
    """Return the time as ISO 8601 in UTC."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _no_time() -> datetime:
    """Return a time at which no card has expired, for who shows none."""
    return datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Presenter:
    """Renders with the operator's unit of amounts.

    to_payer: whether an end user reads it, who is not told what is suspected of a card.
    now: what time it is, by which a card is expired.
    """

    unit: AmountUnit
    to_payer: bool = False
    now: Callable[[], datetime] = _no_time

    def for_payer(self) -> "Presenter":
        """Return one that shows what end users may see."""
        return replace(self, to_payer=True)

    def amount(self, amount_minor: int, currency: str) -> int | Decimal:
        """Return the amount in the operator's unit."""
        if self.unit is AmountUnit.MINOR:
            return amount_minor
        return format_amount(Money(amount_minor, currency), self.unit)

    def payment(self, payment: Payment, intent: Intent | None = None) -> dict[str, Any]:
        """Return a payment. `intent`: what Stripe shows, for the client secret in it."""
        currency = payment.terms.currency
        data: dict[str, Any] = {
            "payment_intent_id": payment.intent_id,
            "paymentIntentId": payment.intent_id,
            "status": wire_status(payment.state),
            "amount": self.amount(payment.terms.amount_minor, currency),
            "currency": currency,
            "orderId": payment.id,
            "customerId": payment.terms.customer_id,
            "payment_method": payment.payment_method_id,
            "amount_received": self.amount(payment.received_minor, currency),
            "amount_refunded": self.amount(payment.refunded_minor, currency),
            "amount_refundable": self.amount(payment.refundable_minor, currency),
            "amount_capturable": self.amount(payment.capturable_minor, currency),
            "capture_method": payment.terms.capture_method,
            "capture_before": _time_or_none(payment.hold.capture_before if payment.hold else None),
            "created": wire_time(payment.created_at),
        }
        if payment.late_intent_id is not None:
            data["late_payment_intent_id"] = payment.late_intent_id
        if payment.failure is not None:
            data["last_error"] = self._last_error(payment.failure)
        if intent is not None:
            data.update(secret_fields(intent))
        return data

    def payment_in_full(self, payment: Payment) -> dict[str, Any]:
        """Return all that may be shown of a payment."""
        return {
            **self.payment(payment),
            "description": payment.terms.description,
            "metadata": dict(payment.terms.metadata),
            "cancellation_reason": self._reason(payment.cancellation_reason),
            "generation": payment.generation,
            "attempts": {
                "made": payment.attempts_made,
                "under_way": _attempt(payment.attempt) if payment.attempt else None,
                "past": [self._past_attempt(one) for one in payment.past_attempts],
            },
            "refunds": [self.refund(payment, refund) for refund in payment.refunds],
            "amount_disputed": self.amount(payment.disputed_minor, payment.terms.currency),
            "disputes": [self.dispute(one) for one in payment.disputes],
            "fraud_warnings": [
                _fraud_warning(one) for one in payment.warnings if not self.to_payer
            ],
            "order_notification": shown_notice(payment.notices[-1]) if payment.notices else None,
            "order_notifications": [shown_notice(notice) for notice in payment.notices],
            "timeline": [_entry(entry) for entry in payment.history],
        }

    def refund(self, payment: Payment, refund: Refund) -> dict[str, Any]:
        """Return a refund. `reference` is ours, from the start; Stripe's id comes later."""
        currency = payment.terms.currency
        data: dict[str, Any] = {
            "refund_id": refund.stripe_refund_id or refund.id,
            "reference": refund.id,
            "status": wire_status(refund.status),
            "amount": self.amount(refund.amount_minor, currency),
            "currency": currency,
            "payment_intent": payment.intent_id,
            "orderId": payment.id,
            "amount_refunded": self.amount(payment.refunded_minor, currency),
            "amount_refundable": self.amount(payment.refundable_minor, currency),
            "reason": self._reason(refund.reason),
            "created": wire_time(refund.created_at),
        }
        if refund.failure is not None:
            hidden = self.to_payer and refund.failure not in declines.PAYER_SAFE_REFUND_FAILURES
            data["failure"] = declines.UNKNOWN if hidden else refund.failure
        return data

    def decline(self, denial: Denial) -> dict[str, Any]:
        """Return why a card was refused and what Stripe advises, as far as the reader may know."""
        told = declines.payer_safe(denial) if self.to_payer else denial
        fields: dict[str, Any] = {
            "code": told.code,
            "declineCode": told.decline_code,
            "message": told.message,
            "adviceCode": told.advice_code,
        }
        beside = {
            "networkDeclineCode": told.network_decline_code,
            "networkAdviceCode": told.network_advice_code,
            "outcome": _outcome(told.charge_outcome),
        }
        return fields | {name: value for name, value in beside.items() if value is not None}

    def told_again(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a kept answer for who reads it now.

        It may have been written down for a service, or by a release that told payers everything.
        """
        return _payer_safe(body) if self.to_payer else dict(body)

    def dispute(self, dispute: Dispute) -> dict[str, Any]:
        """Return a dispute or inquiry of a payment."""
        return {
            "dispute_id": dispute.id,
            "status": dispute.status,
            "reason": declines.DISPUTED if self.to_payer else dispute.reason,
            "amount": self.amount(dispute.amount_minor, dispute.currency),
            "currency": dispute.currency,
            "evidence_due_by": _time_or_none(dispute.evidence_due_at),
            "blocks_refunds": dispute.blocks_refunds,
            "created": wire_time(dispute.created_at),
        }

    def setup(self, customer: Customer, setup: SeenSetup) -> dict[str, Any]:
        """Return a SetupIntent, with its client secret, which is never stored."""
        return {
            "setup_intent_id": setup.id,
            "status": setup.status,
            "customerId": customer.customer_id,
            "client_secret": setup.client_secret,
        }

    def event(self, event: Event) -> dict[str, Any]:
        """Return an event of Stripe's and what became of it."""
        return {
            "event_id": event.id,
            "type": event.seen.type,
            "state": str(event.state),
            "by": str(event.door),
            "happened_at": wire_time(event.seen.happened_at),
            "received_at": wire_time(event.created_at),
            "ended_at": _time_or_none(event.ended_at),
            "next_try_at": _time_or_none(event.due_at),
            "tries": event.tries,
            "failure": event.failure,
            "object_id": event.seen.object_id,
            "payment_intent": event.seen.intent_id,
            "orderId": event.seen.order_id,
        }

    def card(self, customer: Customer, card: Card) -> dict[str, Any]:
        """Return a card of a customer."""
        data = {
            "payment_method_id": card.payment_method_id,
            "card_brand": card.brand,
            "card_last4": card.last4,
            "cardholder_name": card.cardholder_name,
            "expiry_date": f"{card.exp_month:02d}/{card.exp_year % 100:02d}",
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "is_default": card.payment_method_id == customer.default_payment_method_id,
            "expired": is_expired(customer, card, self.now()),
        }
        if card.display_brand is not None:
            data["display_brand"] = card.display_brand
        if card.fingerprint is not None:
            data["fingerprint"] = card.fingerprint
        return data

    def cards(self, customer: Customer) -> list[dict[str, Any]]:
        """Return the usable cards of a customer, the default first."""
        return [self.card(customer, card) for card in customer.kept_cards]

    def _last_error(self, failure: Failure) -> dict[str, Any]:
        if failure.kind is not FailureKind.DECLINED:
            # Only what Stripe says of a card is meant for the payer.
            message = "Stripe did not carry out the payment; nothing was charged."
            return {"code": str(failure.kind), "message": message}
        return self.decline(failure.denial)

    def _past_attempt(self, attempt: PastAttempt) -> dict[str, Any]:
        told = attempt.denial
        if self.to_payer and attempt.outcome == FailureKind.DECLINED:
            told = declines.payer_safe(told)
        return {
            "number": attempt.number,
            "operation": str(attempt.operation),
            "payment_method": attempt.payment_method_id,
            "begun_at": wire_time(attempt.begun_at),
            "ended_at": wire_time(attempt.ended_at),
            "tries": attempt.tries,
            "outcome": attempt.outcome,
            "code": told.code or None,
            "decline_code": told.decline_code,
            "advice_code": told.advice_code,
            "network_decline_code": told.network_decline_code,
            "network_advice_code": told.network_advice_code,
            "charge_outcome": _outcome(told.charge_outcome),
            "request_id": attempt.request_id,
            "stripe_request_id": attempt.stripe_request_id,
        }

    def _reason(self, reason: str | None) -> str | None:
        """Return why something was done, unless that is a suspicion and a payer reads it."""
        return reason if not self.to_payer or reason in declines.PAYER_SAFE_REASONS else None

    def customer(self, customer: Customer) -> dict[str, Any]:
        """Return a customer."""
        return {
            "customerId": customer.customer_id,
            "email": customer.email,
            "name": customer.name,
            "defaultPaymentMethodId": customer.default_payment_method_id,
        }


# What `secret_fields` gives, so that it can be taken out again before an answer is stored.
SECRET_FIELDS = ("client_secret", "clientSecret", "next_action")


def secret_fields(intent: Intent) -> dict[str, Any]:
    """Return what only the payer's client may know; the next action may hold the secret too."""
    fields: dict[str, Any] = {}
    if intent.client_secret is not None:
        fields["client_secret"] = fields["clientSecret"] = intent.client_secret
    if intent.next_action is not None:
        fields["next_action"] = intent.next_action
    return fields


def _outcome(outcome: ChargeOutcome | None) -> dict[str, str] | None:
    """Return what Stripe said of how the charge ended, in its own names."""
    if outcome is None:
        return None
    names = ("type", "risk_level", "reason", "seller_message", "network_status", "rule")
    return {name: value for name in names if (value := getattr(outcome, name)) is not None}


def _payer_safe(body: Mapping[str, Any]) -> dict[str, Any]:
    safe: dict[str, Any] = {
        name: _payer_safe(value) if isinstance(value, Mapping) else value
        for name, value in body.items()
    }
    if "declineCode" not in safe:
        return safe
    denial = Denial(safe["code"], safe["message"], safe["declineCode"])
    for name in ("networkDeclineCode", "networkAdviceCode", "outcome"):
        safe.pop(name, None)
    told = declines.payer_safe(denial)
    return safe | {
        "code": told.code,
        "declineCode": told.decline_code,
        "message": told.message,
    }


def _time_or_none(moment: datetime | None) -> str | None:
    return wire_time(moment) if moment else None


def _fraud_warning(warning: FraudWarning) -> dict[str, Any]:
    return {
        "fraud_warning_id": warning.id,
        "fraud_type": warning.fraud_type,
        "actionable": warning.actionable,
        "created": wire_time(warning.created_at),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "operation": str(attempt.operation),
        "since": wire_time(attempt.call.begun_at),
        "tries": attempt.call.tries,
        "next_look_at": wire_time(attempt.call.due_at),
    }


def shown_notice(notice: Notice) -> dict[str, Any]:
    """Return what a caller sees of a notification of the OrderService."""
    owed = notice.state is NoticeState.OWED
    return {
        "status": notice.status,
        "key": notice.call.key,
        "state": wire_state(notice),
        "tries": notice.call.tries,
        "told_at": _time_or_none(notice.told_at),
        "next_try_at": wire_time(notice.call.due_at) if owed else None,
        "failure": notice.failure,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "at": wire_time(entry.at),
        "what": entry.what,
        "by": str(entry.door),
        "stripe_request_id": entry.stripe_request_id,
    }
