"""Documents to keep: small ones made for the tests, and real ones with something in every field."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from payment_service.domain.customer import Card, CardState, Customer
from payment_service.domain.moment import Door, Moment, Policy
from payment_service.domain.payment import Failure, FailureKind, Order, Payment, State, Terms, noted
from payment_service.domain.schema import SCHEMA, Schema
from payment_service.domain.stored_request import StoredRequest
from payment_service.domain.wishes import begin_refund, open_payment
from payment_service.ports import Collection, epoch_ms
from payment_service.storage import collections

# Far ahead: a real MongoDB (TEST_MONGODB_URI) drops by itself what is over by its own clock.
NOON = datetime(2126, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)
MOMENT = Moment(NOON, Door.REQUEST, Policy())


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Thing:
    id: str
    version: int = 0
    created_at: datetime = NOON
    wake_at: datetime | None = None
    expires_at: datetime | None = None
    colour: str | None = None
    size: int | None = None
    serial: str | None = None
    parts: tuple[Part, ...] = ()
    schema: Schema = SCHEMA


THINGS: Collection[Thing] = Collection(
    name="things",
    kind=Thing,
    columns={
        "serial": lambda t: t.serial,
        "colour": lambda t: t.colour,
        "size": lambda t: t.size,
        "created_at": lambda t: epoch_ms(t.created_at),
    },
    unique=frozenset({"serial"}),
    expires_at=lambda t: t.expires_at,
)


@dataclass(frozen=True, slots=True)
class LaterPart(Part):
    """A part as a later release writes it."""

    tint: str = ""


@dataclass(frozen=True, slots=True)
class LaterThing(Thing):
    """A thing as a later release writes it, with fields that this one does not know.

    Here the later release is told by its number; what is read by this one has it in `schema` too.
    """

    parts: tuple[LaterPart, ...] = ()
    weight: Mapping[str, int] | None = None
    schema: Schema = SCHEMA + 1


LATER_THINGS: Collection[LaterThing] = Collection(
    name="things", kind=LaterThing, columns=THINGS.columns, unique=THINGS.unique
)
COLLECTIONS = (*collections.COLLECTIONS, THINGS)


def after(milliseconds: int) -> datetime:
    return NOON + timedelta(milliseconds=milliseconds)


def paid() -> Payment:
    terms = Terms(
        amount_minor=2**53 + 1,
        currency="eur",
        customer_id="cus_1",
        description="Grüße – 支付 💳 \"quoted\" \\ \x00 'x'",
        metadata={"Schlüssel": "Wert", "": "empty"},
    )
    order = Order("order/1 ü?", terms, "pm_1", "req_1", retry_key="key-1")
    opened = open_payment(order, "uid_1", MOMENT)
    done = replace(
        opened,
        attempt=None,
        status=State.SUCCEEDED,
        received_minor=2**53 + 1,
        intent_id="pi_1",
        failure=Failure(FailureKind.DECLINED, "card_declined", "Non.", "insufficient_funds"),
    )
    refunded = begin_refund(done, "re_1", 250, "défectueux", MOMENT)
    return noted(refunded, "refund.asked", replace(MOMENT, now=after(1)), "req_2")


def customer() -> Customer:
    card = Card("pm_1", "visa", "4242", 12, 2030, None, "Zoë", NOON, CardState.KEPT)
    return Customer(
        id="zoë@example.org",
        uid="uid_2",
        version=0,
        created_at=NOON,
        updated_at=after(7),
        name=None,
        customer_id="cus_1",
        default_payment_method_id="pm_1",
        cards=(card, replace(card, payment_method_id="pm_2", state=CardState.REMOVING)),
    )


def stored_request() -> StoredRequest:
    return StoredRequest(
        id="hash_1",
        version=0,
        fingerprint="f",
        created_at=NOON,
        claimed_until=after(30_000),
        expires_at=after(86_400_000),
        status_code=201,
        body={"amount": 1, "list": [None, True, {"ü": "💳"}], "nothing": None},
        secret_of="pi_1",
    )
