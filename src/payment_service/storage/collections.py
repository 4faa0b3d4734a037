"""The collections: every kind of document, and what it can be looked up or filtered by.

They belong to the flows and are declared here once, for every adapter of the store.
"""

from typing import Any

from payment_service.domain.api_key import ApiKey
from payment_service.domain.audit import AuditEntry
from payment_service.domain.card_refusals import CardTally
from payment_service.domain.cursor import Cursor
from payment_service.domain.customer import Customer
from payment_service.domain.email_place import EmailPlace
from payment_service.domain.event import Event
from payment_service.domain.notice import state_of_all
from payment_service.domain.payment import Payment, State
from payment_service.domain.refund_place import RefundPlace
from payment_service.domain.stored_request import StoredRequest
from payment_service.ports import Collection, epoch_ms

PAYMENTS: Collection[Payment] = Collection(
    name="payments",
    kind=Payment,
    columns={
        "intent_id": lambda p: p.intent_id,
        "customer_id": lambda p: p.terms.customer_id,
        "notification": lambda p: state_of_all(p.notices),
        # As callers know it: to them a payment in doubt is one that is being processed.
        "status": lambda p: str(State.PROCESSING if p.state is State.ASKING else p.state),
        "currency": lambda p: p.terms.currency,
        "created_at": lambda p: epoch_ms(p.created_at),
    },
)
CUSTOMERS: Collection[Customer] = Collection(
    name="customers",
    kind=Customer,
    columns={
        "customer_id": lambda c: c.customer_id,
        "former_customer_id": lambda c: c.former_customer_id,
        # No two documents have one customer of Stripe's. Those of schema 2 may, so they do not
        # count until they lie under our own id.
        "stripe_id": lambda c: None if c.is_old else c.customer_id,
    },
    unique=frozenset({"stripe_id"}),
)
# To which customer an e-mail leads.
EMAILS: Collection[EmailPlace] = Collection(name="emails", kind=EmailPlace)
EVENTS: Collection[Event] = Collection(
    name="events",
    kind=Event,
    columns={
        "state": lambda e: str(e.state),
        "type": lambda e: e.seen.type,
        "created_at": lambda e: epoch_ms(e.created_at),
    },
    expires_at=lambda e: e.expires_at,
)
# One document for each of Stripe's lists that we read from time to time.
CURSORS: Collection[Cursor] = Collection(name="cursors", kind=Cursor)
REFUND_PLACES: Collection[RefundPlace] = Collection(name="refund_places", kind=RefundPlace)
REQUESTS: Collection[StoredRequest] = Collection(
    "requests", StoredRequest, {"subject": lambda r: r.subject}, expires_at=lambda r: r.expires_at
)
AUDIT: Collection[AuditEntry] = Collection(
    name="audit",
    kind=AuditEntry,
    columns={"subject": lambda a: a.subject, "created_at": lambda a: epoch_ms(a.created_at)},
)
API_KEYS: Collection[ApiKey] = Collection(
    "api_keys", ApiKey, {"created_at": lambda k: epoch_ms(k.created_at)}
)
# To whom cards were refused, so that nobody tries out stolen ones.
CARD_TALLIES: Collection[CardTally] = Collection(
    "refusals", CardTally, expires_at=lambda t: t.expires_at
)
COLLECTIONS: tuple[Collection[Any], ...] = (
    PAYMENTS,
    CUSTOMERS,
    EMAILS,
    EVENTS,
    CURSORS,
    REFUND_PLACES,
    REQUESTS,
    API_KEYS,
    AUDIT,
    CARD_TALLIES,
)
