"""Refusals: what a caller asked for and cannot have, each with a stable code.

    Refusal
    ├── InvalidRequest          the request itself is wrong; names every bad field
    │   ├── RawCardDataRefused  a card number was sent where none may be
    │   ├── ServiceRequired     an end user sent a field that only a service may send
    │   └── OrderProofDiffers   the request says something else than the proof of its order
    ├── NotFound                no such customer, card, payment or refund
    ├── OrderAlreadyPaid        the order has a payment that took the money
    ├── OrderTermsDiffer        an end user asks for other terms than the shop's
    ├── OrderProofRequired      an end user shows nothing that says the order is theirs
    ├── OrderProofInvalid       what an end user shows for an order proves nothing
    ├── PaymentInProgress       something else is being done to the payment, or on other terms
    ├── PaymentCanceled         the payment can never be paid any more; the order can
    ├── PaymentNotCapturable    nothing is held, or it was captured on other terms
    │   └── HoldExpired         the bank let go of what was held before it was captured
    ├── CaptureExceedsHold      more than is held
    ├── PaymentNotCancelable    it has succeeded, or a bank works on it
    ├── PaymentNotRefundable    nothing was captured, or Stripe will not give it back
    │   └── PaymentDisputed     the payer's bank has taken the money back, or may
    ├── RefundExceedsRemaining  more than is left to refund
    ├── RefundableDiffers       the caller believed that another amount is left to refund
    ├── NotificationNotRetryable  it was delivered, or is not true any more
    ├── CustomerForgotten       the customer is being forgotten
    ├── EmailInUse              the e-mail has another customer
    ├── CustomerChangeInProgress  another change of the customer is under way
    ├── EmailNotYours           an end user may not change the e-mail of a customer
    ├── CustomerHasOpenPayments it cannot be forgotten before they are settled
    ├── TooManyCardRefusals     so many cards were refused that this looks like trying them out
    ├── CardNotUsable           the card cannot be attached, used or made the default
    ├── IdempotencyKeyReused    same key, other request
    ├── IdempotencyKeyInUse     same key, first request still running
    ├── WebhookRefused          what was posted to the webhook is not from Stripe, or not for us
    ├── InvalidEvent            it is from Stripe, and no event
    ├── RefusedByStripe         Stripe refused the operation (stripe_errors.py)
    ├── StripeRefused           Stripe refused our request in a way the caller cannot mend
    ├── CredentialsRefused      who calls is not known: what was shown proves nothing
    │   ├── CredentialsMissing  nothing was shown
    │   └── CredentialsExpired  it was good once
    ├── InsufficientScope       who calls is known, and may not do this
    ├── EmailNotVerified        the token's e-mail may be somebody else's
    └── NeitherUserNorService   the token has no e-mail, and nothing marks it as a service's

They know nothing of HTTP; `api/problems.py` is the one table that gives each its status.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad field of a request. Never carries the value that was sent."""

    field: str
    message: str


class Refusal(Exception):
    """The caller asked for what cannot be. `code` is for programs and never changes meaning."""

    code: ClassVar[str] = "refused"

    def __init__(self, message: str, *, code: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.reason_code = code or self.code
        self.details = details
        self.log_fields: dict[str, str] = {}

    def noting(self, **fields: str) -> Self:
        """Return it with fields that are for the log alone, and never for the caller."""
        self.log_fields.update(fields)
        return self


class InvalidRequest(Refusal):
    """The request is wrong; every bad field is named at once."""

    code = "invalid_request"

    def __init__(self, *fields: FieldError, message: str = "", code: str | None = None) -> None:
        text = message or "; ".join(f"{bad.field}: {bad.message}" for bad in fields)
        super().__init__(text, code=code)
        self.fields = fields


class RawCardDataRefused(InvalidRequest):
    """A card number was found in a text field. It is not repeated, logged or kept."""

    code = "raw_card_data_refused"


class ServiceRequired(InvalidRequest):
    """An end user sent a field that only a service may send."""

    code = "service_required"


class OrderProofDiffers(InvalidRequest):
    """The request says something else than the proof of its order; the proof's is what counts."""

    code = "order_proof_differs"


class OrderProofRequired(Refusal):
    """Nothing says that this order is this end user's: no proof, or one for somebody else."""

    code = "order_proof_required"


class OrderProofInvalid(Refusal):
    """What was sent as proof of an order is not valid any more, or never was."""

    code = "order_proof_invalid"


class OrderTermsDiffer(Refusal):
    """The shop has set the order's terms, and an end user cannot change them; the payment comes."""

    code = "order_terms_differ"


class NotFound(Refusal):
    """No such thing, or not the caller's."""

    code = "not_found"


class OrderAlreadyPaid(Refusal):
    """The order has a payment that took the money, on other terms or late; it comes along."""

    code = "order_already_paid"


class PaymentInProgress(Refusal):
    """Something else is being done to this payment at this moment; it comes along."""

    code = "payment_in_progress"


class PaymentCanceled(Refusal):
    """The payment is canceled, so it cannot be confirmed; the order may be paid again."""

    code = "payment_canceled"


class PaymentNotCapturable(Refusal):
    """There is no hold to capture, or it was captured on other terms; the payment comes along."""

    code = "payment_not_capturable"


class HoldExpired(PaymentNotCapturable):
    """The hold has lapsed: the bank let go of the money before it was captured. Pay anew."""

    code = "hold_expired"


class CaptureExceedsHold(Refusal):
    """More than what is held for this payment."""

    code = "capture_exceeds_hold"


class PaymentNotCancelable(Refusal):
    """The payment has succeeded, or a bank is working on it; it comes along."""

    code = "payment_not_cancelable"


class PaymentNotRefundable(Refusal):
    """There is no captured money to give back."""

    code = "payment_not_refundable"


class PaymentDisputed(PaymentNotRefundable):
    """The payer disputes the payment: a refund would give the money back twice."""

    code = "payment_disputed"


class RefundExceedsRemaining(Refusal):
    """More than what is captured and not yet refunded or being refunded."""

    code = "refund_exceeds_remaining"


class RefundableDiffers(Refusal):
    """`expectedRefundable` is not what is left to refund: somebody refunded meanwhile."""

    code = "refundable_differs"


class NotificationNotRetryable(Refusal):
    """A notification or a later one was delivered or is on its way, or it is not true any more."""

    code = "notification_not_retryable"


class CustomerForgotten(Refusal):
    """The customer is being forgotten: nothing can be changed or charged any more."""

    code = "customer_forgotten"


class EmailNotYours(Refusal):
    """An end user's e-mail is their identity provider's to change."""

    code = "email_not_changeable"


class EmailInUse(Refusal):
    """This e-mail has another customer."""

    code = "email_taken"


class CustomerChangeInProgress(Refusal):
    """Another change of this customer is under way; nothing was changed by this one."""

    code = "customer_change_in_progress"


class CustomerHasOpenPayments(Refusal):
    """A customer cannot be forgotten before its payments are settled; the message names them."""

    code = "customer_has_open_payments"


class TooManyCardRefusals(Refusal):
    """Too many cards were refused to this customer, from this address, or this card too often."""

    code = "too_many_card_refusals"


class CardNotUsable(Refusal):
    """The card belongs to somebody else, was removed, or cannot be attached."""

    code = "card_not_usable"


class IdempotencyKeyReused(Refusal):
    """The same idempotency key came with another request."""

    code = "idempotency_key_reused"


class IdempotencyKeyInUse(Refusal):
    """The first request with this idempotency key is still running."""

    code = "idempotency_key_in_use"


class WebhookRefused(Refusal):
    """A post to the webhook that Stripe did not sign for us, or not now; nothing of it is kept."""

    code = "webhook_signature_invalid"


class InvalidEvent(Refusal):
    """A post that Stripe signed and that is no event: a field is missing or of a wrong type."""

    code = "invalid_event"


class StripeRefused(Refusal):
    """Stripe refused our request for a reason that the caller cannot mend (a bad key, say)."""

    code = "stripe_refused"


class CredentialsRefused(Refusal):
    """The API key or token is not valid; why is not said, for that would help to forge one."""

    code = "credentials_invalid"

    def __init__(self, message: str = "These credentials are not valid.") -> None:
        super().__init__(message)


class CredentialsMissing(CredentialsRefused):
    """No credentials were sent, and this needs them."""

    code = "credentials_missing"


class CredentialsExpired(CredentialsRefused):
    """The API key or token was valid, and its time is over; get a new one."""

    code = "credentials_expired"

    def __init__(self) -> None:
        super().__init__("These credentials have expired.")


class InsufficientScope(Refusal):
    """The caller is known and lacks the scope that this needs; the message names it."""

    code = "insufficient_scope"


class EmailNotVerified(Refusal):
    """The identity provider has not checked that the token's e-mail is the caller's."""

    code = "email_not_verified"


class NeitherUserNorService(Refusal):
    """The token is valid; it has no e-mail of an end user, nor the mark of a service."""

    code = "neither_user_nor_service"

    def __init__(self) -> None:
        super().__init__("This token is neither an end user's, who has an e-mail, nor a service's.")
