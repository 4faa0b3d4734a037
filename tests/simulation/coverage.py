"""What the lives walked and heard: every road of the table of states, each answer in each place.

A campaign fails on a road that nobody walked and on an answer that nobody heard, unless it stands
in the table of what cannot be, with its reason; and on what stands there and was heard all the
same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from payment_service.domain.news import (
    Declined,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    OrderRefused,
    OrderTold,
    RefundSeen,
    Rejected,
)
from payment_service.domain.payment import FINAL, Payment, State
from payment_service.domain.refund import RefundStatus
from payment_service.domain.steps import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateIntent,
    FindDisputes,
    FindIntent,
    FindRefunds,
    GatewayStep,
    ReadIntent,
    ReadTime,
    TellOrders,
)
from payment_service.domain.transitions import ROADS, Road
from payment_service.ports import Document, Gateway, LeaveWhile, Orders
from payment_service.storage.collections import PAYMENTS
from tests.simulation.impossible import IMPOSSIBLE

# Places that are no state: a PaymentIntent of an earlier generation, and one of no known payment.
EARLIER, NOBODYS = "an earlier one", "nobody's"
UNKNOWN_STATUS: Final = "a status nobody knows"
NOTHING_THERE: Final = "with nothing at Stripe"
_STATUSES: Final = tuple(str(state) for state in State if state is not State.ASKING)
_DOUBT: Final = ("no answer", "a dead end")
_REFUSED: Final = ("declined", "rejected", "not executed", "not executed, no use trying")
_INTENT: Final = (*_STATUSES, UNKNOWN_STATUS)
_REPLAYED: Final = ("replayed, at its end", "replayed, not at its end")
_WORDS_OF: Final[Mapping[type, str]] = {NothingFound: "nothing", OrderTold: "told"}
_UNPAID: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
_OPERATIONS: Final = ("create", "confirm", "capture", "cancel")
_ASKED: Final = (*_INTENT, *_REPLAYED, *_REFUSED, *_DOUBT)
_UNSEEN: Final = ("rejected", "not executed", "no answer")
_LOOKED: Final = ("seen", "nothing", *_UNSEEN)
_WORDS: Final = ("PAYMENT RECEIVED", "CANCELED", "REFUNDED", "REFUND FAILED")
# By step: in which places it is asked, and what can be heard of it.
_HEARD: Final[Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "CreateIntent": (("requires_payment_method",), _ASKED),
    "ConfirmIntent": (_UNPAID, _ASKED),
    "CaptureIntent": (("requires_capture",), _ASKED),
    "CancelIntent": ((*_UNPAID, "requires_capture"), _ASKED),
    "ReadIntent": (
        (
            *_OPERATIONS,
            *_UNPAID,
            "processing",
            "requires_capture",
            "succeeded",
            "canceled",
            EARLIER,
            NOBODYS,
        ),
        (*_INTENT, *_UNSEEN),
    ),
    "FindIntent": (("create",), (*_INTENT, "nothing", *_UNSEEN)),
    "CreateRefund": (
        ("",),
        (
            "pending",
            "succeeded",
            "failed",
            "requires_action",
            "canceled",
            UNKNOWN_STATUS,
            *_REFUSED,
            *_DOUBT,
        ),
    ),
    "FindRefunds": (("in doubt", "watched"), ("seen", *_UNSEEN)),
    "FindDisputes": (("",), ("seen", *_UNSEEN)),
    "TellOrders": (_WORDS, ("told", "refused", "refused, for longer", "no answer")),
    "CreateCustomer": (("",), ("seen", *_REFUSED, *_DOUBT)),
    "FindCustomer": (("",), _LOOKED),
    "ReadCustomer": (("",), _LOOKED),
    "ReadCard": (("",), ("seen", *_UNSEEN)),
    "AttachCard": (("",), ("seen", *_REFUSED, *_DOUBT)),
    "NameCard": (("",), ("seen", *_REFUSED, *_DOUBT)),
    "DetachCard": (("",), ("seen", *_REFUSED, *_DOUBT)),
    "SetDefaultCard": (("",), ("seen", *_REFUSED, *_DOUBT)),
    "DeleteCustomer": (("",), ("nothing", *_REFUSED, *_DOUBT)),
    "CreateSetup": (("",), ("seen", *_REFUSED, *_DOUBT)),
    "ReadSetup": (("",), ("seen", *_UNSEEN)),
    "ReadRefund": (("",), ("seen", *_UNSEEN)),
    "ListEvents": (("",), ("seen", *_UNSEEN)),
    "ListMade": (("",), ("seen", *_UNSEEN)),
}


@dataclass
class Coverage:
    """The roads that were walked and the answers that were heard."""

    roads: Counter[str] = field(default_factory=Counter)
    heard: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Coverage") -> None:
        """Add what another one saw."""
        self.roads.update(other.roads)
        self.heard.update(other.heard)

    def committed(self, before: Document | None, after: Document) -> None:
        """A document was written."""
        if not isinstance(after, Payment):
            return
        origin = before.state if isinstance(before, Payment) else None
        if origin is not after.state:
            self.roads[_road(origin, after.state, is_there=after.intent_id is not None)] += 1

    def answered(self, step: GatewayStep | TellOrders, place: str, news: News) -> None:
        """A step was answered that was asked in this place.

        The time is asked for the date of the answer, whatever the answer is. An update that did not
        leave, since its claim had lapsed, is answered by nobody.
        """
        is_unsent = isinstance(step, TellOrders) and isinstance(news, NotExecuted)
        if isinstance(step, ReadTime) or is_unsent:
            return
        self.heard[pair(type(step).__name__, place, _outcome(step, news))] += 1


def pair(step: str, place: str, outcome: str) -> str:
    """Return how a pair of a place and what is heard in it is written."""
    return f"{step} in {place}: {outcome}" if place else f"{step}: {outcome}"


def all_roads() -> Iterator[str]:
    """Return every road of the table. Two that join the same states differ by what is at Stripe."""
    for road in ROADS:
        yield _road(road.origin, road.target, is_there=not _is_empty(road))


def all_pairs() -> Iterator[str]:
    """Return everything that could be heard anywhere, the impossible included."""
    for step, (places, outcomes) in _HEARD.items():
        for place in places:
            yield from (pair(step, place, outcome) for outcome in outcomes)


def never_walked(seen: Coverage) -> list[str]:
    """Return the roads that nobody took."""
    return [road for road in all_roads() if not seen.roads[road]]


def never_heard(seen: Coverage) -> list[str]:
    """Return the pairs that nobody came by though they are possible."""
    return [one for one in all_pairs() if not seen.heard[one] and why_impossible(one) is None]


def heard_though_impossible(seen: Coverage) -> list[str]:
    """Return the pairs that cannot be, or that nobody thought of, and were heard."""
    known = frozenset(all_pairs())
    return [one for one in seen.heard if one not in known or why_impossible(one) is not None]


def why_impossible(one: str) -> str | None:
    """Return the reason why a pair cannot be, if there is one."""
    return next((why for what, why in IMPOSSIBLE.items() if fnmatchcase(one, what)), None)


def table(seen: Coverage) -> list[str]:
    """Return the lines of the report."""
    return [
        "roads walked",
        *_lines(all_roads(), seen.roads),
        "what was heard, where (- cannot be)",
        *_lines(all_pairs(), seen.heard),
    ]


def _lines(names: Iterable[str], counts: Counter[str]) -> Iterator[str]:
    for name in names:
        impossible = not counts[name] and why_impossible(name) is not None
        yield f"  {name:<66} {'-' if impossible else counts[name]:>8}"


def _is_empty(road: Road) -> bool:
    """Whether the road is that of a payment that Stripe was never told of."""
    return road.brought_by.endswith("with nothing at Stripe yet")


def _road(origin: State | None, target: State, *, is_there: bool) -> str:
    written = f"{origin or 'nothing'} -> {target}"
    empty = not is_there and (origin, target) == (State.REQUIRES_PAYMENT_METHOD, State.CANCELED)
    return f"{written}, {NOTHING_THERE}" if empty else written


def place_of(step: GatewayStep | TellOrders, documents: Mapping[Any, Any]) -> str:
    """Return where a step is asked. documents: those that there are, by collection and id."""
    payment = documents.get((PAYMENTS.name, getattr(step, "order_id", None)))
    match step:
        case CreateIntent() | ConfirmIntent() | CaptureIntent() | CancelIntent():
            return NOBODYS if payment is None else str(payment.status)
        case ReadIntent() | FindIntent():
            return _place_of_look(step, payment)
        case FindRefunds(keys=keys):
            return "in doubt" if keys else "watched"
        case TellOrders(status=status):
            return status
    return ""


def _place_of_look(step: ReadIntent | FindIntent, payment: Payment | None) -> str:
    """Return where we look: at an event's word that may be at what no attempt is about."""
    if payment is None:
        return NOBODYS
    if isinstance(step, ReadIntent) and payment.intent_id not in {None, step.intent_id}:
        return EARLIER
    return str(payment.attempt.operation if payment.attempt else payment.status)


def _outcome(step: GatewayStep | TellOrders, news: News) -> str:
    match news:
        case IntentSeen(replayed=True, intent=intent):
            return _REPLAYED[0 if intent.status in FINAL else 1]
        case IntentSeen(intent=intent):
            return intent.status if intent.status in _STATUSES else UNKNOWN_STATUS
        case RefundSeen(refund=refund):
            return refund.status if refund.status in set(RefundStatus) else UNKNOWN_STATUS
        case OrderRefused(lasting=lasting):
            return "refused, for longer" if lasting else "refused"
        case Declined() | Rejected() | NotExecuted() | NoNews():
            return _refusal(news) if _has_effect(step) else _refusal_of_a_look(news)
    return _WORDS_OF.get(type(news), "seen")


def _refusal(news: Declined | Rejected | NotExecuted | NoNews) -> str:
    match news:
        case Declined():
            return "declined"
        case Rejected():
            return "rejected"
        case NotExecuted(retryable=retryable):
            return "not executed" if retryable else "not executed, no use trying"
        case NoNews(dead_end=dead_end):
            return "a dead end" if dead_end else "no answer"


def _refusal_of_a_look(news: Declined | Rejected | NotExecuted | NoNews) -> str:
    """To a look it is all one why Stripe refuses it."""
    match news:
        case Declined() | Rejected():
            return "rejected"
        case NotExecuted():
            return "not executed"
        case NoNews():
            return "no answer"


def _has_effect(step: GatewayStep | TellOrders) -> bool:
    return bool(getattr(step, "key", None)) and not isinstance(
        step, ReadIntent | FindIntent | FindRefunds | FindDisputes
    )


@dataclass(frozen=True, slots=True)
class HeardGateway:
    """The Gateway port of one process, which tells what was heard."""

    gateway: Gateway
    seen: Coverage
    documents: Mapping[Any, Any]

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step."""
        place = place_of(step, self.documents)
        news = await self.gateway.ask(step, leave_while=leave_while)
        self.seen.answered(step, place, news)
        return news


@dataclass(frozen=True, slots=True)
class HeardOrders:
    """The Orders port of one process, which tells what was heard."""

    orders: Orders
    seen: Coverage
    documents: Mapping[Any, Any]

    @property
    def needs_callers_token(self) -> bool:
        """As the port has it."""
        return self.orders.needs_callers_token

    async def tell(
        self, step: TellOrders, *, bearer_token: str | None, leave_while: LeaveWhile | None = None
    ) -> News:
        """Deliver one update."""
        place = place_of(step, self.documents)
        news = await self.orders.tell(step, bearer_token=bearer_token, leave_while=leave_while)
        self.seen.answered(step, place, news)
        return news
