"""The stories that a life can tell, with the cards to tell them with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.simulation import stories, stories_of_holds, stories_of_later, stories_of_terms
from tests.simulation.clients import Clients
from tests.simulation.stories import CARDS

__all__ = ["CARDS", "SCENARIOS", "Scenario"]

DECLINING: Final = ("declined", "no_funds", "expired", "processing_error", "radar")
# What the OrderService is told besides, when the operator wants it to be.
WORDS: Final = {
    "order_status_canceled": "CANCELED",
    "order_status_refunded": "REFUNDED",
    "order_status_refund_failed": "REFUND FAILED",
}
Play = Callable[[Clients, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story and the cards to tell it with; the first is the usual one.

    policy: what the service is set up with otherwise than usual.
    """

    play: Play
    cards: tuple[str, ...] = ("visa",)
    policy: Mapping[str, Any] = field(default_factory=dict)


def _told(module: Any, *names: str) -> dict[str, Scenario]:
    """Return the scenarios of stories that are told with the usual card."""
    return {name: Scenario(getattr(module, name)) for name in names}


SCENARIOS: Final = {
    "pay_once": Scenario(stories.pay_once, ("visa", "no_funds", "missing", "3ds", *DECLINING)),
    "double_click": Scenario(stories.double_click, ("visa", "declined")),
    "click_again": Scenario(stories.click_again, ("visa", "declined")),
    "two_orders": Scenario(stories.two_orders, ("visa", "declined")),
    "decline_then_pay": Scenario(
        stories.decline_then_pay, ("no_funds", *DECLINING, "missing", "3ds")
    ),
    "repriced": Scenario(stories.repriced, ("declined", "no_funds", "3ds")),
    "authenticated": Scenario(stories.authenticated, ("3ds", "3ds_declined")),
    "not_authenticated": Scenario(stories.not_authenticated, ("3ds",)),
    "refund_all": Scenario(stories.refund_all, ("visa", "slow_refund")),
    "refund_race": Scenario(stories.refund_race, ("visa", "slow_refund")),
    "refund_parts": Scenario(stories.refund_parts, ("visa",)),
    "keep_cards": Scenario(stories.keep_cards, ("visa",)),
    "same_customer": Scenario(stories.same_customer, ("visa", "declined")),
    "hold_and_capture": Scenario(stories_of_holds.hold_and_capture, ("visa", "3ds")),
    **_told(
        stories_of_holds,
        "capture_part",
        "capture_twice",
        "hold_and_cancel",
        "capture_or_cancel",
        "captured_by_hand",
        "hold_lapses",
    ),
    "hold_kept": Scenario(stories_of_holds.hold_kept, ("visa",), {"hold_auto_capture_s": 3600.0}),
    "cancel_meanwhile": Scenario(stories_of_holds.cancel_meanwhile, ("visa", "declined", "3ds")),
    "cancel_unpaid": Scenario(stories_of_holds.cancel_unpaid, ("3ds", "declined"), WORDS),
    "client_confirms": Scenario(
        stories_of_holds.client_confirms, ("visa", "3ds", "declined", "3ds_declined")
    ),
    "client_is_gone": Scenario(stories_of_holds.client_is_gone, ("visa", "3ds", "declined")),
    "holder_is_gone": Scenario(stories_of_holds.holder_is_gone, ("3ds", "3ds_declined")),
    "holder_fails": Scenario(stories_of_holds.holder_fails, ("3ds",)),
    "other_card_meanwhile": Scenario(stories_of_holds.other_card_meanwhile, ("3ds",)),
    "off_session": Scenario(stories_of_holds.off_session, ("3ds", "visa")),
    "refund_comes_back": Scenario(
        stories_of_later.refund_comes_back, ("refund_fails", "slow_refund"), WORDS
    ),
    "refund_or_dispute": Scenario(stories_of_later.refund_or_dispute, ("visa", "slow_refund")),
    "dispute_lost": Scenario(stories_of_later.dispute_lost, ("disputed",)),
    "dispute_won": Scenario(stories_of_later.dispute_won, ("disputed",)),
    "inquiry": Scenario(stories_of_later.inquiry, ("asked_about",)),
    "inquiry_escalates": Scenario(stories_of_later.inquiry_escalates, ("asked_about",)),
    "fraud_warning": Scenario(stories_of_later.fraud_warning, ("visa", "warned_of")),
    "set_up_and_charge": Scenario(stories_of_later.set_up_and_charge, ("visa", "3ds_on_setup")),
    **_told(stories_of_later, "detached_at_stripe", "deleted_at_stripe", "asked_about"),
    "everything_asked": Scenario(stories_of_terms.everything_asked, ("visa", "declined")),
    "everything_held": Scenario(stories_of_terms.everything_held, ("visa", "3ds")),
    "everything_confirmed": Scenario(
        stories_of_terms.everything_confirmed, ("declined", "no_funds", "3ds")
    ),
    "everything_saved": Scenario(stories_of_terms.everything_saved, ("visa", "3ds_on_setup")),
    "order_hears_all": Scenario(
        stories_of_later.order_hears_all, ("visa", "refund_fails", "slow_refund"), WORDS
    ),
}
