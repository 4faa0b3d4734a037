"""What the flows need of the outside, as promises. Adapters keep them; nothing here does anything.

Unavailable
├── StoreUnavailable   the database cannot be reached or written
│   ├── StoreInDoubt   and it may have taken what was to be written
│   ├── StoreLost      any more: something was changed before
│   ├── NotStorable    it takes no such document, now or later
│   └── StoreOutdated  it is not the one that was used last; raised when it is opened
├── GatewayUnavailable Stripe cannot be reached, or has no answer to a question
│   └── GatewayLost    any more: something was changed before
├── TokenKeysUnavailable  the identity provider's keys are not known
└── OrdersUnavailable  the OrderService does not say what is ordered
AlreadyExists          insert: the document is there already
VersionConflict        replace: somebody else wrote in between
"""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from payment_service.domain.cursor import Cursor
from payment_service.domain.customer import Customer
from payment_service.domain.identity import Identity
from payment_service.domain.moment import Door
from payment_service.domain.news import News, SeenEvent
from payment_service.domain.order_proof import OrderProof, ShownOrder
from payment_service.domain.payment import Payment
from payment_service.domain.schema import Schema
from payment_service.domain.steps import GatewayStep, TellOrders


class Unavailable(Exception):
    """What was asked was not done; it may be asked again later."""


class StoreUnavailable(Unavailable):
    """The database cannot be reached, or cannot write (disk full, say)."""


class StoreInDoubt(StoreUnavailable):
    """The answer to a write was lost for good: it may stand, and then it goes on by itself."""


class StoreLost(StoreUnavailable):
    """The database cannot be reached any more; something was changed before, or may have been."""


class NotStorable(StoreUnavailable):
    """No database takes this document: too large, or with text or a number that none can hold."""


class StoreOutdated(StoreUnavailable):
    """The database is missing, another one, or an older copy; going on would charge again."""


class GatewayUnavailable(Unavailable):
    """Stripe cannot be reached or has no answer; nothing was changed."""


class GatewayLost(GatewayUnavailable):
    """Stripe cannot be reached any more; something was changed before, or may have been."""


class TokenKeysUnavailable(Unavailable):
    """The identity provider's keys cannot be fetched, so that no token can be checked."""


class OrdersUnavailable(Unavailable):
    """The OrderService cannot be reached, or does not show an order in a way that can be read."""


class AlreadyExists(Exception):
    """A document with this id is there already."""


class VersionConflict(Exception):
    """The document is gone or has another version than the one expected."""


class Document(Protocol):
    """What the store must know of a document: nothing of payments."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def wake_at(self) -> datetime | None: ...
    @property
    def schema(self) -> Schema: ...


D = TypeVar("D", bound=Document)
ColumnValue = str | int | None


@dataclass(frozen=True, slots=True)
class Collection(Generic[D]):
    """One kind of document, declared once for every adapter.

    columns: what can be looked up or filtered by, each computed from the document. Every collection
    that can be paged has `created_at` (epoch milliseconds).
    unique: those of the columns whose values no two documents share (None may repeat).
    expires_at: when a document may be dropped, None never.
    """

    name: str
    kind: type[D]
    columns: Mapping[str, Callable[[D], ColumnValue]] = field(default_factory=dict)
    unique: frozenset[str] = frozenset()
    expires_at: Callable[[D], datetime | None] | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[D]):
    """Documents, newest first, and the cursor of the next page, None on the last."""

    items: Sequence[D]
    next_cursor: str | None


class Store(Protocol):
    """Versioned documents. One write is one document is one atomic step.

    Every method may raise StoreUnavailable, and then has done nothing that it promises not to have
    done: a write that may have been applied although its answer was lost is read back first, and
    when that cannot be done either it is StoreInDoubt.
    """

    @property
    def exclusive(self) -> bool:
        """Whether no other process can use this store while we have it open."""
        ...

    async def get(self, collection: Collection[D], id: str) -> D | None:
        """Return the document as last written, by whichever process.

        Where a replica has just become the primary, this and `find_one` may for some seconds show
        what was there before writes that were answered already, unless LINEARIZABLE is set.
        """
        ...

    async def insert(self, collection: Collection[D], doc: D) -> None:
        """Write a new document durably. Raises AlreadyExists, and then nothing changed."""
        ...

    async def replace(self, collection: Collection[D], doc: D, *, expected_version: int) -> None:
        """Write the document durably if its version is the expected one, else VersionConflict."""
        ...

    async def remove(self, collection: Collection[D], id: str, *, expected_version: int) -> None:
        """Remove the document if its version is the expected one, else VersionConflict."""
        ...

    async def find_one(self, collection: Collection[D], column: str, value: str) -> D | None:
        """Return a document with this value in a declared column."""
        ...

    async def due(
        self,
        collection: Collection[D],
        now: datetime,
        limit: int,
        *,
        later_than: datetime | None = None,
    ) -> Sequence[D]:
        """Return documents with a `wake_at` up to `now`, past `later_than`, the first due first."""
        ...

    async def page(
        self,
        collection: Collection[D],
        *,
        equal: Mapping[str, ColumnValue],
        created_from: datetime | None,
        created_to: datetime | None,
        cursor: str | None,
        limit: int,
    ) -> Page[D]:
        """Return one page, newest first, stable while others insert.

        Raises ValueError for a cursor that is not ours.
        """
        ...

    async def walk(self, collection: Collection[D], *, after: str, limit: int) -> Sequence[D]:
        """Return documents whose ids are behind `after`, in the order of their UTF-8 bytes.

        The first walk begins behind "", which is no id. Raises ValueError for a document that
        cannot be read: whoever wants all of them must not miss one.
        """
        ...

    async def drop_expired(self, collection: Collection[D], now: datetime) -> None:
        """Drop all documents whose time is over. How many is not told: a lost answer hides it."""
        ...

    async def ping(self) -> None:
        """Return when the database answers."""
        ...

    async def ensure_schema(self) -> None:
        """Make tables and indexes; does nothing when they are there."""
        ...

    async def check_schema(self) -> None:
        """Return when tables and indexes are as this release needs them, as every start asks.

        A store that only we use is brought there. One that others use is only looked at, and
        raises StoreUnavailable when `payment-service migrate` must run first.
        """
        ...

    async def close(self) -> None:
        """Finish writes under way and let go of everything."""
        ...


# Whether what is asked of Stripe from here on may wait behind payers. Whoever begins such work says
# so; the tasks that it starts inherit that.
MAY_WAIT: ContextVar[bool] = ContextVar("may_wait", default=False)


class Asker:
    """For whom Stripe is asked. name: a caller's, "" nobody who can be told apart."""

    name = ""

    def waits(self) -> None:
        """Hear that it waits for Stripe, or for its turn to ask."""

    def goes_on(self) -> None:
        """Hear that this wait is over."""


# For whom this task works, so that each has a share; set by the door, inherited by its tasks.
ASKED_BY: ContextVar[Asker] = ContextVar("asked_by", default=Asker())  # noqa: B039 - has no state

# Whether a request may leave, asked immediately before its first byte does.
LeaveWhile = Callable[[], bool]


# Whether reads of the store must show every write that any process was told is done, also on a
# server that has just become the primary: for who decides by what a query does *not* show.
LINEARIZABLE: ContextVar[bool] = ContextVar("linearizable", default=False)


class Gateway(Protocol):
    """Stripe. Asked by many at once, it gives payers precedence over what MAY_WAIT."""

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step and say what was heard.

        Never raises for what Stripe or the network does: doubt is NoNews. A step with a key is sent
        under that idempotency key. leave_while: asked when all waiting is over; when it says no,
        nothing leaves, which is NotExecuted.
        """
        ...


class Orders(Protocol):
    """The OrderService."""

    @property
    def needs_callers_token(self) -> bool:
        """Whether there is no token for it but the callers' own."""
        ...

    async def tell(
        self, step: TellOrders, *, bearer_token: str | None, leave_while: LeaveWhile | None = None
    ) -> News:
        """Deliver one update: OrderTold, OrderRefused, NoNews, or NotExecuted.

        Never raises for what the other side does. bearer_token: the caller's own, for this try,
        when we have none. leave_while: as the Gateway has it.
        """
        ...


class OrderReader(Protocol):
    """The OrderService, as who knows what an order costs and whose it is."""

    async def read(self, order_id: str) -> ShownOrder | None:
        """Return the order as it is shown to us, by our own credentials only; None: there is none.

        Raises OrdersUnavailable.
        """
        ...


class OrderProofs(Protocol):
    """Reads the proofs with which the shop's back end vouches for an order."""

    def read(self, proof: str, now: datetime) -> OrderProof:
        """Return what the shop says at this time. Raises OrderProofInvalid, with its reason."""
        ...


class EventReader(Protocol):
    """Reads what is posted to us in Stripe's name."""

    def read(self, body: bytes, signature: str, now: datetime) -> SeenEvent:
        """Return the event of a post that Stripe signed for us at this time.

        Raises WebhookRefused: nobody who knows our secret signed these bytes now. InvalidEvent:
        they are no event, or one that could not be written down and read again. Looks at nothing
        before the signature.
        """
        ...


class TokenReader(Protocol):
    """Reads the tokens with which an identity provider vouches for a caller."""

    async def read(self, token: str, now: datetime) -> Identity:
        """Return whom the token vouches for at this time.

        Raises CredentialsRefused, CredentialsExpired, EmailNotVerified, NeitherUserNorService, each
        with its reason for the log, and Unavailable: the provider's keys are not known and cannot
        be fetched, so nothing can be said about it.
        """
        ...


class Clock(Protocol):
    """Stripe's time: all times that are written down or compared are by its clock, not ours."""

    def now(self) -> datetime:
        """Return Stripe's time in UTC, whole milliseconds, as near as it is known."""
        ...

    def latest(self) -> datetime:
        """Return the latest that it can be: not before `now`, and later when clocks disagree."""
        ...

    def is_known(self) -> bool:
        """Whether `now` rests on Stripe's word; while it does not, nothing may be decided by it."""
        ...

    def ahead_s(self) -> float:
        """Return how far the machine's own clock is ahead of Stripe's, as far as that is known."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after this long."""
        ...


class Witness(Protocol):
    """Who writes the log lines and counts the metrics. Must not raise and must not wait."""

    def saw(self, before: Payment | Customer | None, after: Payment | Customer, door: Door) -> None:
        """A document was written; called once for each write that won."""
        ...

    def heard(self, outcome: str, seen: SeenEvent, door: Door) -> None:
        """An event was taken in, applied, put off, found foreign or given up."""
        ...

    def missed(self, cursor: Cursor) -> None:
        """A list was not read for longer than Stripe keeps it: events may be gone for ever."""
        ...

    def unknown_at_stripe(self, seen: SeenEvent) -> None:
        """Something at Stripe bears our mark and belongs to no document: a database was lost."""
        ...

    def took_up(self, doc: Document) -> None:
        """Work on a document begins in this task: what is written from now on is about it."""

    def paused_cards(self, kind: str, tally_id: str, until: datetime) -> None:
        """So many cards were refused to a customer, from an address or as one card: no more now."""
        ...

    def stumbled(self, id: str, error: BaseException) -> None:
        """Work on a document ended in an exception; it is tried again when its claim lapses."""
        ...


class Ids(Protocol):
    """Identities."""

    def new(self, prefix: str) -> str:
        """Return `prefix_` and at least 128 random bits, sortable by time."""
        ...


def epoch_ms(moment: datetime) -> int:
    """Return the time as the store's columns hold it."""
    return int(moment.timestamp() * 1000)
