"""The stories that a life can tell, with the cards to tell them with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.simulation import (
    scripts_http,
    scripts_operators,
    scripts_processing,
    stories,
    stories_of_claims,
    stories_of_holds,
    stories_of_later,
    stories_of_terms,
)
from tests.simulation.clients import Clients
from tests.simulation.clients_http import HttpClients
from tests.simulation.clients_with_keys import KeyedClients, keys_rotated
from tests.simulation.on_a_file import on_a_file
from tests.simulation.releases import side_by_side
from tests.simulation.scripts_http import over_http
from tests.simulation.stories import CARDS
from tests.simulation.town import Variant

__all__ = ["CARDS", "SCENARIOS", "Scenario"]

DECLINING: Final = ("declined", "no_funds", "expired", "processing_error", "radar")
# What the OrderService is told besides, when the operator wants it to be.
WORDS: Final = {
    "order_status_canceled": "CANCELED",
    "order_status_refunded": "REFUNDED",
    "order_status_refund_failed": "REFUND FAILED",
}
# The bank takes its time over what was confirmed.
SLOW_BANK: Final = {"processing_s": scripts_processing.BANK_WORKS_S}
Play = Callable[[Clients, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story and the cards to tell it with; the first is the usual one.

    policy: what the service is set up with otherwise than usual. stripe: how Stripe is.
    clients: by which way its callers come. service: what is otherwise about whose story it is.
    """

    play: Play
    cards: tuple[str, ...] = ("visa",)
    policy: Mapping[str, Any] = field(default_factory=dict)
    stripe: Mapping[str, Any] = field(default_factory=dict)
    clients: type[Clients] = Clients
    service: Callable[[Variant], Variant] = lambda variant: variant


def _told(module: Any, *names: str, **more: Any) -> dict[str, Scenario]:
    """Return the scenarios of stories that are told with the usual card."""
    return {name: Scenario(getattr(module, name), **more) for name in names}


def _in_two_releases(**told: Play) -> dict[str, Scenario]:
    """Return the scenarios of stories in which two releases work on the same documents."""
    return {f"releases_{name}": Scenario(play, service=side_by_side) for name, play in told.items()}


def _over_http(**told: tuple[Any, ...]) -> dict[str, Scenario]:
    """Return the scenarios of stories that are told over HTTP: each with its cards."""
    return {
        f"http_{name}": Scenario(over_http(play), tuple(cards), clients=HttpClients)
        for name, (play, *cards) in told.items()
    }


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
    "everything_kept": Scenario(stories_of_terms.everything_kept, ("mastercard", "visa")),
    "everything_saved": Scenario(stories_of_terms.everything_saved, ("visa", "3ds_on_setup")),
    **_told(
        stories_of_claims,
        "claimed_and_taken",
        "claim_lapses",
        "claim_is_confirmed",
        cards=("3ds", "declined"),
        policy=stories_of_claims.CLAIMS,
    ),
    "claimed_while_taken": Scenario(
        stories_of_claims.claimed_while_taken, ("visa", "3ds"), stories_of_claims.CLAIMS
    ),
    "order_hears_all": Scenario(
        stories_of_later.order_hears_all, ("visa", "refund_fails", "slow_refund"), WORDS
    ),
    "confirmed_later": Scenario(
        scripts_processing.confirmed_later, ("visa", "3ds", "declined", "missing")
    ),
    "canceled_by_hand": Scenario(scripts_processing.canceled_by_hand, ("visa", "3ds")),
    "canceled_before_stripe": Scenario(
        scripts_processing.canceled_before_stripe, ("missing",), WORDS
    ),
    "payer_confirms_at_last": Scenario(
        scripts_processing.payer_confirms_at_last, ("visa", "3ds", "declined")
    ),
    "payer_holds": Scenario(scripts_processing.payer_holds, ("visa", "3ds")),
    "holder_of_a_hold_is_gone": Scenario(scripts_processing.holder_of_a_hold_is_gone, ("3ds",)),
    **_told(
        scripts_processing,
        "canceled_unconfirmed",
        "canceled_without_a_card",
        "payer_wavers",
        "payer_holds_with_the_card_given",
        "hold_is_asked_about",
        "hold_confirmed_later",
        "card_for_a_hold_comes_later",
        "hold_is_worked_on",
        "hold_is_worked_on_unasked",
    ),
    "card_comes_later": Scenario(
        scripts_processing.card_comes_later, ("visa", "3ds", "declined", "missing")
    ),
    "another_card": Scenario(
        scripts_processing.another_card, ("mastercard", "declined", "3ds_declined", "missing")
    ),
    "another_card_for_a_hold": Scenario(
        scripts_processing.another_card_for_a_hold, ("mastercard",)
    ),
    "bank_works_on_another_card": Scenario(
        scripts_processing.another_card, ("mastercard",), stripe=SLOW_BANK
    ),
    **_told(scripts_operators, "customer_comes_and_goes", "card_comes_and_goes"),
    "customer_forgotten": Scenario(scripts_operators.customer_forgotten, ("visa",)),
    "moves_house": Scenario(scripts_operators.moves_house, ("visa", "declined")),
    "cards_tried": Scenario(
        scripts_operators.cards_tried, ("declined", "no_funds"), scripts_operators.GUARDED
    ),
    "keys_rotated": Scenario(keys_rotated, ("visa", "declined"), clients=KeyedClients),
    "file_refund_parts": Scenario(stories.refund_parts, service=on_a_file),
    "file_http_capture_part": Scenario(
        over_http(stories_of_holds.capture_part), clients=HttpClients, service=on_a_file
    ),
    "refunded_by_hand": Scenario(scripts_operators.refunded_by_hand, ("visa",)),
    "bank_works": Scenario(
        scripts_processing.bank_works, ("visa", "declined", "3ds"), stripe=SLOW_BANK
    ),
    "bank_works_on_a_hold": Scenario(
        scripts_processing.bank_works_on_a_hold, ("visa", "3ds"), stripe=SLOW_BANK
    ),
    **_in_two_releases(
        decline_then_pay=stories.decline_then_pay,
        refund_parts=stories.refund_parts,
        keep_cards=stories.keep_cards,
        capture_part=stories_of_holds.capture_part,
        holder_is_gone=stories_of_holds.holder_is_gone,
        order_hears_all=stories_of_later.order_hears_all,
    ),
    **_over_http(
        pay_once=(stories.pay_once, "visa", "no_funds", "missing", "3ds"),
        double_click=(stories.double_click, "visa", "declined"),
        decline_then_pay=(stories.decline_then_pay, "no_funds", "missing"),
        authenticated=(stories.authenticated, "3ds", "3ds_declined"),
        refund_parts=(stories.refund_parts, "visa", "slow_refund"),
        refund_race=(stories.refund_race, "visa"),
        keep_cards=(stories.keep_cards, "visa"),
        another_default=(stories_of_terms.another_default, "visa", "declined"),
        capture_part=(stories_of_holds.capture_part, "visa"),
        capture_or_cancel=(stories_of_holds.capture_or_cancel, "visa"),
        cancel_meanwhile=(stories_of_holds.cancel_meanwhile, "visa", "3ds"),
        confirmed_later=(scripts_processing.confirmed_later, "visa", "declined"),
        another_card=(scripts_processing.another_card, "mastercard"),
        card_comes_and_goes=(scripts_operators.card_comes_and_goes, "visa"),
        asked_again_later=(scripts_http.asked_again_later, "3ds"),
        asked_again_when_canceled=(scripts_http.asked_again_when_canceled, "3ds"),
    ),
    **_told(
        scripts_processing,
        "bank_works_on_a_confirmation",
        "bank_works_for_the_payer",
        "bank_works_on_the_card_given",
        "bank_refuses_and_the_payer_chooses",
        "bank_refuses_and_the_payer_confirms",
        "canceled_while_processing",
        stripe=SLOW_BANK,
    ),
    "renamed_at_stripe": Scenario(stories_of_later.renamed_at_stripe, ("visa",)),
    **_over_http(renamed_at_stripe=(stories_of_later.renamed_at_stripe, "visa")),
    **_in_two_releases(renamed_at_stripe=stories_of_later.renamed_at_stripe),
}
