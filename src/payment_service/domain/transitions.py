"""The table of roads: from which state a payment comes into which, and what brings it there.

The rules ask `may_become`; docs/reference/states.md is made from it; a test walks every road.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from payment_service.domain.payment import State

MEANINGS: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.ASKING: "Stripe was asked, or is about to be, and there is no definite news yet",
        State.REQUIRES_PAYMENT_METHOD: "no card, or the last one was refused; nobody has the money",
        State.REQUIRES_CONFIRMATION: "there is a card and nobody has confirmed with it",
        State.REQUIRES_ACTION: "the payer has to authenticate; cancelled when left alone",
        State.PROCESSING: "a bank works on it, or Stripe has a word for it that we do not know",
        State.REQUIRES_CAPTURE: "the money is held until it is captured, voided or lapses",
        State.SUCCEEDED: "the money was taken; never left again",
        State.CANCELED: "no money was taken or will be; the order may be paid anew",
    }
)

_ANEW: Final = "pay the order again: a new PaymentIntent, the next generation"
_ASKED: Final = "the attempt is written before Stripe is asked"
_SHOWN: Final = "Stripe's answer, an event, or a look"
_OTHERS: Final = "the payer's client or the bank, told by an event or a look"
_LATE: Final = "a late success that was taken for never begun"


@dataclass(frozen=True, slots=True)
class Road:
    """One way into a state. origin: None at the very beginning."""

    origin: State | None
    target: State
    brought_by: str


def _roads() -> tuple[Road, ...]:
    s = State
    unpaid = (s.REQUIRES_PAYMENT_METHOD, s.REQUIRES_CONFIRMATION, s.REQUIRES_ACTION)
    settled = (*unpaid, s.PROCESSING, s.REQUIRES_CAPTURE, s.SUCCEEDED, s.CANCELED)
    return (
        Road(None, s.ASKING, f"pay an order: {_ASKED}"),
        Road(s.REQUIRES_PAYMENT_METHOD, s.ASKING, f"pay, confirm or cancel: {_ASKED}"),
        Road(s.REQUIRES_CONFIRMATION, s.ASKING, f"pay, confirm or cancel: {_ASKED}"),
        Road(s.REQUIRES_ACTION, s.ASKING, f"confirm with another card, cancel, expiry: {_ASKED}"),
        Road(s.REQUIRES_CAPTURE, s.ASKING, f"capture or cancel: {_ASKED}"),
        Road(s.CANCELED, s.ASKING, _ANEW),
        *(Road(s.ASKING, target, _SHOWN) for target in settled),
        *(
            Road(origin, target, _OTHERS)
            for origin in (*unpaid, s.PROCESSING)
            for target in settled
            if target is not origin
        ),
        Road(s.REQUIRES_CAPTURE, s.PROCESSING, "captured elsewhere, the bank works on it"),
        Road(s.REQUIRES_CAPTURE, s.SUCCEEDED, "captured elsewhere, told by an event or a look"),
        Road(s.REQUIRES_CAPTURE, s.CANCELED, "the hold lapsed or was voided elsewhere"),
        Road(s.CANCELED, s.SUCCEEDED, _LATE),
        Road(s.REQUIRES_PAYMENT_METHOD, s.CANCELED, "cancel, with nothing at Stripe yet"),
    )


ROADS: Final = tuple(dict.fromkeys(_roads()))
_TARGETS: Final[Mapping[State, frozenset[State]]] = MappingProxyType(
    {state: frozenset(road.target for road in ROADS if road.origin is state) for state in State}
)


def may_become(status: State, target: State) -> bool:
    """Whether news of `target` can be newer than `status`; else it is old and says nothing."""
    return target is status or target in _TARGETS[status]
