"""Sample requests and answers for the OpenAPI document, rendered as real ones are."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from payment_service.api import answer_models as models
from payment_service.api import asked, problems
from payment_service.api.answers import pending, success
from payment_service.api.credentials import NEEDED
from payment_service.api.options import ApiOptions
from payment_service.api.presenting import Presenter, shown_notice
from payment_service.api.proving import DIFFERS, INVALID, NOT_PROVED
from payment_service.api.service_fields import ONLY_SERVICES
from payment_service.domain import errors
from payment_service.domain.call import begin_call
from payment_service.domain.currencies import find_currency
from payment_service.domain.customer import Card, CardState, Customer
from payment_service.domain.errors import FieldError, InvalidRequest, Refusal
from payment_service.domain.event import Event, EventState
from payment_service.domain.history import Entry
from payment_service.domain.hold import Hold
from payment_service.domain.moment import Door
from payment_service.domain.money import AmountUnit, parse_amount
from payment_service.domain.news import ChargeOutcome, Denial, Intent, SeenEvent, SeenSetup
from payment_service.domain.notice import PAYMENT_RECEIVED, Notice, NoticeState, owe
from payment_service.domain.payment import Payment, State, Terms
from payment_service.domain.refund import Refund, RefundStatus
from payment_service.domain.stripe_errors import (
    AUTHENTICATION_REQUIRED,
    Action,
    ErrorClass,
    RefusedByStripe,
)
from payment_service.ports import (
    GatewayUnavailable,
    OrdersUnavailable,
    StoreUnavailable,
    TokenKeysUnavailable,
    Unavailable,
)

REQUEST_ID: Final = "req_0000000000example"
_NOTICE_KEY: Final = "pay_0example-notice-1"
_NOW: Final = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
_ORDER: Final = "order-1001"
_INTENT: Final = "pi_3Example"
_CARD: Final = "pm_1Example"
_CUSTOMER: Final = "cus_Example"
_EMAIL: Final = "jane@example.com"
_AMOUNT_MINOR: Final = 6522

_REFUND: Final = Refund(
    id="rfd_0example",
    amount_minor=2000,
    status=RefundStatus.SUCCEEDED,
    created_at=_NOW,
    reason="requested_by_customer",
    stripe_refund_id="re_3Example",
)
_PAID: Final = Payment(
    id=_ORDER,
    uid="pay_0example",
    version=3,
    created_at=_NOW,
    updated_at=_NOW,
    terms=Terms(amount_minor=_AMOUNT_MINOR, currency="usd", customer_id=_CUSTOMER),
    status=State.SUCCEEDED,
    entered_at=_NOW,
    attempts_made=1,
    intent_id=_INTENT,
    payment_method_id=_CARD,
    received_minor=_AMOUNT_MINOR,
    refunds=(_REFUND,),
    notices=(
        Notice(
            status=PAYMENT_RECEIVED,
            state=NoticeState.TOLD,
            call=begin_call(_NOTICE_KEY, _NOW),
            told_at=_NOW,
        ),
    ),
    history=(
        Entry(_NOW, "create.begun", Door.REQUEST),
        Entry(_NOW, "payment.succeeded", Door.REQUEST, "req_Example"),
    ),
)
_WAITING: Final = replace(
    _PAID, status=State.REQUIRES_ACTION, received_minor=0, refunds=(), notices=()
)
_WAITING_INTENT: Final = Intent(
    id=_INTENT,
    status="requires_action",
    amount_minor=_AMOUNT_MINOR,
    amount_received_minor=0,
    client_secret=f"{_INTENT}_secret_Example",
    next_action={"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}},
)
_HELD: Final = replace(
    _WAITING,
    terms=replace(_PAID.terms, capture_method="manual"),
    status=State.REQUIRES_CAPTURE,
    capturable_minor=_AMOUNT_MINOR,
    hold=Hold(_NOW + timedelta(days=7)),
)
_CANCELED: Final = replace(
    _WAITING, status=State.CANCELED, cancellation_reason="requested_by_customer"
)
_SETUP: Final = SeenSetup(
    id="seti_1Example",
    status="requires_payment_method",
    client_secret="seti_1Example_secret_Example",  # noqa: S106 - made up
)
_EVENT: Final = Event(
    id="evt_3Example",
    version=2,
    created_at=_NOW,
    seen=SeenEvent(
        id="evt_3Example",
        type="payment_intent.succeeded",
        happened_at=_NOW,
        livemode=True,
        object_id=_INTENT,
        status="succeeded",
        order_id=_ORDER,
        intent_id=_INTENT,
    ),
    door=Door.WEBHOOK,
    state=EventState.APPLIED,
    due_at=None,
    tries=1,
    ended_at=_NOW,
)
_SAVED_CARD: Final = Card(
    payment_method_id=_CARD,
    brand="visa",
    last4="4242",
    exp_month=12,
    exp_year=2030,
    fingerprint="Xt5EWLLDS7FJjR1c",
    cardholder_name="Jane Doe",
    added_at=_NOW,
    state=CardState.KEPT,
)
_JANE: Final = Customer(
    id="cust_0example",
    uid="cust_0example",
    held_email=_EMAIL,
    version=1,
    created_at=_NOW,
    updated_at=_NOW,
    name="Jane Doe",
    customer_id=_CUSTOMER,
    default_payment_method_id=_CARD,
    cards=(_SAVED_CARD,),
)


def _refusals_of_stripe() -> Iterator[RefusedByStripe]:
    """One sample of every row of the table that is told with a code of its own."""
    declined = Denial(
        "card_declined",
        "Your card has insufficient funds.",
        "insufficient_funds",
        advice_code="try_again_later",
        network_decline_code="51",
        charge_outcome=ChargeOutcome(
            type="issuer_declined",
            risk_level="normal",
            reason="insufficient_funds",
            seller_message="The bank did not return any further details with this decline.",
            network_status="declined_by_network",
        ),
    )
    absent = Denial(
        AUTHENTICATION_REQUIRED,
        "Your card was declined. This transaction requires authentication.",
        decline_code=AUTHENTICATION_REQUIRED,
    )
    yield RefusedByStripe(Action.PAY, ErrorClass.DECLINED, declined, payment=_PAID)
    yield RefusedByStripe(Action.PAY, ErrorClass.AUTHENTICATION_REQUIRED, absent, payment=_PAID)
    email = Denial("email_invalid", "", param="email")
    yield RefusedByStripe(Action.CREATE_CUSTOMER, ErrorClass.FIELD_INVALID, email)
    for action, kind in (
        (Action.PAY, ErrorClass.CARD_DETACHED),
        (Action.CAPTURE, ErrorClass.DECLINED),
        (Action.REFUND, ErrorClass.BALANCE_INSUFFICIENT),
        (Action.REFUND, ErrorClass.REFUND_FAILED),
        (Action.REMOVE, ErrorClass.UNSPECIFIED),
    ):
        yield RefusedByStripe(action, kind, declined, payment=_HELD)


# One refusal for every code that the document names.
_CARD_TEXT: Final = "must not contain a card number; collect cards with Stripe.js and send the id"
_REFUSALS: Final[tuple[Refusal | Unavailable, ...]] = (
    errors.InvalidRequest(
        FieldError("orderId", "is required"), FieldError("amount", "is required")
    ),
    errors.InvalidRequest(
        FieldError("Idempotency-Key", "must have 1 to 255 printable ASCII characters"),
        code="invalid_idempotency_key",
    ),
    errors.InvalidRequest(
        FieldError("amount", "is null: leave it out for all that is there, or send a number"),
        code="amount_null",
    ),
    errors.InvalidRequest(
        FieldError("cursor", "is not one that this list gave"), code="invalid_cursor"
    ),
    problems.InvalidJson("The body must be a JSON object."),
    errors.RawCardDataRefused(
        FieldError("description", _CARD_TEXT),
        message="A card number was sent where none may be. It was not kept.",
    ),
    problems.AmbiguousCredentials("Two different credentials were sent; send one."),
    errors.CredentialsMissing(NEEDED),
    errors.CredentialsRefused(),
    errors.CredentialsExpired(),
    errors.InsufficientScope("This needs the scope payment.write.", scope="payment.write"),
    errors.EmailNotVerified("The identity provider has not verified this e-mail address."),
    errors.NeitherUserNorService(),
    errors.ServiceRequired(FieldError("offSession", ONLY_SERVICES)),
    errors.OrderProofRequired(NOT_PROVED),
    errors.OrderProofInvalid(INVALID),
    errors.OrderProofDiffers(FieldError("amount", DIFFERS)),
    errors.OrderTermsDiffer("The shop has said what this order costs.", payment=_PAID),
    errors.CardNotUsable("This card belongs to another customer."),
    *_refusals_of_stripe(),
    errors.NotFound("There is no such payment."),
    problems.UnknownPath("There is no such path."),
    errors.NotFound("There is no such customer.", code="customer_not_found"),
    errors.NotFound("There is no such card.", code="card_not_found"),
    errors.OrderAlreadyPaid("This order is paid, on other terms.", payment=_PAID),
    errors.PaymentInProgress("This order is being paid, on other terms.", payment=_PAID),
    errors.PaymentNotRefundable("Nothing was captured.", payment=_PAID),
    errors.RefundExceedsRemaining("", payment=_PAID),
    errors.RefundableDiffers("", payment=_PAID),
    errors.PaymentCanceled("This payment is canceled; pay the order again.", payment=_CANCELED),
    errors.PaymentNotCapturable("This payment was captured already.", payment=_PAID),
    errors.HoldExpired("The bank has let go of the money that was held.", payment=_CANCELED),
    errors.CaptureExceedsHold("", payment=_HELD),
    errors.NotificationNotRetryable(
        "This notification was delivered. The API sends it once more with `again: true`."
    ),
    errors.PaymentNotCancelable("This payment has succeeded; refund it instead.", payment=_PAID),
    errors.PaymentDisputed(
        "The payer disputes this payment (fraudulent, needs_response); a refund would give the "
        "money back twice.",
        payment=_PAID,
    ),
    errors.WebhookRefused("The signature does not fit the body and our secrets."),
    errors.InvalidEvent("The body is no event."),
    problems.WebhooksNotConfigured("STRIPE_WEBHOOK_SECRET is not set."),
    errors.TooManyCardRefusals(
        "Too many cards were refused; please try again later.", retry_after_s=3600
    ),
    problems.TooManyRequests("Too many requests of this caller.", retry_after_s=12),
    errors.IdempotencyKeyReused("This Idempotency-Key was used for another request."),
    errors.CustomerForgotten("This customer is being forgotten."),
    errors.EmailInUse("This e-mail belongs to another customer."),
    errors.CustomerChangeInProgress("Another change of this customer is under way."),
    errors.EmailNotYours("Only a service may change the e-mail of a customer."),
    errors.CustomerHasOpenPayments("These orders are not settled: order-7 (requires_action)."),
    errors.IdempotencyKeyInUse(
        "The first request with this Idempotency-Key is still running.", retry_after_s=1
    ),
    errors.StripeRefused(""),
    problems.MalformedRequest("This is not HTTP as we understand it."),
    problems.UrlTooLong("The URL is too long."),
    problems.HeadersTooLarge("The headers are too large."),
    problems.HeadersTooSlow("The headers did not arrive in time."),
    problems.BodyTooSlow("The body did not arrive in time."),
    problems.BodyTooLarge("The body must not be larger than 64 KiB."),
    problems.WrongContentType("The body must be sent as application/json, in UTF-8."),
    GatewayUnavailable(),
    StoreUnavailable(),
    TokenKeysUnavailable(),
    OrdersUnavailable(),
    problems.ShuttingDown(),
    problems.Overloaded(),
)


@lru_cache(maxsize=4)
def problem_examples(options: ApiOptions) -> dict[str, dict[str, Any]]:
    """Return one sample envelope for every code that a caller may get."""
    show = Presenter(options.amount_unit)
    refusals = [*_REFUSALS, *_refused_amounts(options.amount_unit)]
    answers = [problems.problem(error, REQUEST_ID, show) for error in refusals]
    answers.append(problems.internal_error(REQUEST_ID))
    examples = {answer.body["code"]: dict(answer.body) for answer in answers}
    examples[AUTHENTICATION_REQUIRED]["data"] = show.payment(_WAITING, _WAITING_INTENT)
    return examples


def _refused_amounts(unit: AmountUnit) -> Iterator[InvalidRequest]:
    bad: dict[AmountUnit, tuple[object, ...]] = {
        AmountUnit.MINOR: (Decimal("65.22"), 0, 1),
        AmountUnit.MAJOR: ("65.22", Decimal("65.222"), 0, Decimal("0.01")),
    }
    for amount in bad[unit]:
        try:
            parse_amount(amount, find_currency("usd"), unit)
        except InvalidRequest as refused:
            yield refused


def request_example(kind: type[BaseModel], options: ApiOptions) -> Mapping[str, Any]:
    """Return one sample of what may be asked."""
    show = Presenter(options.amount_unit)
    card = {"customerId": _CUSTOMER, "paymentMethodId": _CARD}
    samples: dict[type[BaseModel], dict[str, Any]] = {
        asked.AskedCustomer: {"email": _EMAIL, "name": "Jane Doe"},
        asked.AskedCustomerUpdate: {"email": _EMAIL, "name": "Jane Doe"},
        asked.AskedCard: card,
        asked.AskedCustomerId: {"customerId": _CUSTOMER},
        asked.AskedConfirmation: {"paymentMethodId": _CARD},
        asked.AskedCapture: {"amount": show.amount(5000, "usd")},
        asked.AskedRetry: {"again": False},
        asked.AskedCancellation: {"reason": "requested_by_customer"},
        asked.AskedDefaultCard: {**card, "isDefault": True},
        asked.AskedCardDetails: {
            **card,
            "cardholderName": "Jane Doe",
            "last4": "4242",
            "cardType": "visa",
            "expiryDate": "12/30",
            "isDefault": True,
        },
        asked.AskedPayment: {
            "amount": show.amount(_AMOUNT_MINOR, "usd"),
            "currency": "usd",
            "orderId": _ORDER,
            **card,
            "metadata": {"cart": "7"},
        },
        asked.AskedRefund: {
            "orderId": _ORDER,
            "amount": show.amount(2000, "usd"),
            "reason": "requested_by_customer",
        },
    }
    return MappingProxyType(samples[kind])


def answer_examples(kind: type[BaseModel], options: ApiOptions) -> dict[str, Mapping[str, Any]]:
    """Return samples of an answer by name."""
    show = Presenter(options.amount_unit)
    if kind is models.PaymentAnswer:
        return {
            "succeeded": success(show.payment(_PAID)).body,
            "requires_action": success(show.payment(_WAITING, _WAITING_INTENT)).body,
            "requires_capture": success(show.payment(_HELD)).body,
        }
    return {"example": _answer_example(kind, options, show)}


def _answer_example(
    kind: type[BaseModel], options: ApiOptions, show: Presenter
) -> Mapping[str, Any]:
    payment, customer = _PAID, _JANE
    ids: dict[str, Any] = {"customerId": _CUSTOMER}
    health = {"message": "I am healthy!", "status": "ok"}
    samples: dict[type[BaseModel], Mapping[str, Any]] = {
        models.FullPaymentAnswer: success(show.payment_in_full(payment)).body,
        models.PaymentsAnswer: success([show.payment(payment)], nextCursor=None).body,
        models.RefundAnswer: success(show.refund(payment, _REFUND)).body,
        models.NewCustomerAnswer: success(ids, **ids).body,
        models.CustomerAnswer: success(show.customer(customer), **ids).body,
        models.CardAnswer: success(show.card(customer, _SAVED_CARD)).body,
        models.SetupAnswer: success(show.setup(customer, _SETUP)).body,
        models.EventAnswer: success(show.event(_EVENT)).body,
        models.EventsAnswer: success([show.event(_EVENT)], nextCursor=None).body,
        models.TakenAnswer: {"success": True, "received": "kept"},
        models.NotificationAnswer: {
            "success": True,
            "pending": True,
            "message": "The notification is being sent; the payment shows when it is delivered.",
            "data": {"orderId": _ORDER, **shown_notice(owe(PAYMENT_RECEIVED, _NOTICE_KEY, _NOW))},
        },
        models.CardsAnswer: success(show.cards(customer)).body,
        models.DoneAnswer: {"success": True, "message": "The card was removed."},
        models.PendingAnswer: pending("The outcome is not known yet.", {"orderId": _ORDER}).body,
        models.HealthAnswer: {**health, "version": options.version, "mode": options.mode},
        models.LiveAnswer: {"status": "ok"},
        models.ReadyAnswer: {"status": "ok", "clock": {"status": "ok", "ahead_s": 0}},
    }
    return samples[kind]
