"""Looking at payments at the HTTP door: one, or many. Stripe is only looked at when told to."""

from datetime import UTC, datetime

from payment_service.api.answer_models import FullPaymentAnswer, PaymentsAnswer
from payment_service.api.answers import Answer, success
from payment_service.api.asked import AskedLook, AskedPage
from payment_service.api.belonging import own_payment, own_payments
from payment_service.api.caller import Scope
from payment_service.api.endpoint import Api, Endpoint, read
from payment_service.api.incoming import Incoming
from payment_service.api.paging import read_page
from payment_service.api.presenting import wire_status
from payment_service.api.problems import RefreshUnavailable
from payment_service.api.validation import Findings, checked
from payment_service.domain.currencies import find_currency
from payment_service.domain.errors import FieldError, InvalidRequest
from payment_service.domain.notice import state_of_all
from payment_service.domain.payment import Payment
from payment_service.flows.find_payment import find_payment
from payment_service.flows.look_again import refresh_payment
from payment_service.ports import ColumnValue, GatewayLost
from payment_service.storage.collections import PAYMENTS


async def get(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedLook, call.query)
    payment = await find_payment(api.world, call.path["id"])
    if asked.refresh == "true":
        try:
            payment = await refresh_payment(api.world, payment)
        except GatewayLost as unseen:
            raise RefreshUnavailable(str(unseen)) from unseen
    return success(api.show.payment_in_full(payment))


async def list_page(api: Api, call: Incoming) -> Answer:
    asked, since, until = read(api, call, filters_in)
    if asked.order_id is not None:
        payment = await api.world.store.get(PAYMENTS, asked.order_id)
        found = [payment] if payment and _matches(payment, asked, since, until) else []
        return success([api.show.payment(one) for one in found], nextCursor=None)
    page = await read_page(
        api,
        PAYMENTS,
        equal=_equal(asked),
        created_from=since,
        created_to=until,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    return success([api.show.payment(one) for one in page.items], nextCursor=page.next_cursor)


def filters_in(
    _api: Api, call: Incoming, findings: Findings
) -> tuple[AskedPage, datetime | None, datetime | None] | None:
    """Return which payments are asked for, and since when and until when they were made."""
    asked = findings.fields(AskedPage, call.query)
    since = findings.value(lambda: _moment("createdFrom", call.query.get("createdFrom")))
    until = findings.value(lambda: _moment("createdTo", call.query.get("createdTo")))
    if "currency" in call.query:
        findings.value(lambda: find_currency(call.query["currency"]))
    return (asked, since, until) if asked is not None else None


def _moment(field: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        # A + of a time zone comes as a space from clients that do not encode it.
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
    except ValueError:
        words = "must be a date or time of ISO 8601, such as 2026-01-31T12:00:00Z"
        raise InvalidRequest(FieldError(field, words)) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _equal(asked: AskedPage) -> dict[str, ColumnValue]:
    return {
        "customer_id": asked.customer_id,
        "notification": asked.notification,
        "status": asked.status,
        "currency": asked.currency.lower() if asked.currency else None,
    }


def _matches(
    payment: Payment, asked: AskedPage, since: datetime | None, until: datetime | None
) -> bool:
    return (
        asked.customer_id in {None, payment.terms.customer_id}
        and asked.notification in {None, state_of_all(payment.notices)}
        and asked.status in {None, wire_status(payment.state)}
        and (asked.currency is None or asked.currency.lower() == payment.terms.currency)
        and (since is None or payment.created_at >= since)
        and (until is None or payment.created_at <= until)
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/payment-intent/{id:path}",
        handle=get,
        scope=Scope.READ,
        guard=own_payment,
        name="get_payment",
        tag="payments",
        summary="Get a payment by its PaymentIntent id or order id",
        description=(
            "State, amounts, attempts, refunds, what the OrderService was told, and the time line. "
            "Answered from our own record, which follows Stripe by itself; `refresh=true` looks at "
            "Stripe first, and is 503 when Stripe does not answer."
        ),
        asks=AskedLook,
        answers={200: FullPaymentAnswer},
        refusals={404: ("not_found",)},
    ),
    Endpoint(
        method="GET",
        path="/payments",
        handle=list_page,
        scope=Scope.READ,
        guard=own_payments,
        name="list_payments",
        tag="payments",
        summary="List payments, newest first",
        asks=AskedPage,
        reads=filters_in,
        answers={200: PaymentsAnswer},
        refusals={400: ("invalid_cursor",)},
    ),
)
