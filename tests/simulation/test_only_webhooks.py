"""Events alone: nobody works on payments, and each answer of Stripe's dies with its process.

What Stripe knows of a payment must then come from its events, and nothing else is needed for it.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.simulation.living import live
from tests.simulation.plan import WEBHOOKS, Life
from tests.simulation.process import AFTER, BEFORE, SENT, Gate
from tests.simulation.town import HONEST

# A worker applies events again that could not be applied at once; it sees nothing else.
EVENTS_ALONE = replace(
    HONEST, name="events alone", blind_to=frozenset({"payments", "customers", "cursors"})
)
# Without a worker nobody gives up what is left alone, and whoever waits for that is never done.
OF_THE_WORKER = ("4 there was still something to do", "4 pi_")
# Of what never reached Stripe no event can tell.
UNKNOWN_TO_STRIPE = "with nothing at Stripe"
STORIES = (
    ("pay_once", "visa"),
    ("pay_once", "no_funds"),
    ("pay_once", "declined"),
    ("two_orders", "visa"),
    ("holder_is_gone", "3ds"),
    ("holder_is_gone", "3ds_declined"),
    ("holder_fails", "3ds"),
    ("client_is_gone", "visa"),
    ("client_is_gone", "declined"),
    ("hold_and_capture", "visa"),
    ("capture_part", "visa"),
    ("hold_and_cancel", "visa"),
    ("captured_by_hand", "visa"),
    ("hold_lapses", "visa"),
    ("refund_all", "visa"),
    ("refund_all", "slow_refund"),
    ("refund_comes_back", "refund_fails"),
    ("dispute_lost", "disputed"),
    ("inquiry", "asked_about"),
    ("fraud_warning", "visa"),
)


def deaths(life: Life) -> Iterator[Gate]:
    """Return the gates at which an answer of Stripe's to an effect is lost."""
    for number, what in enumerate(live(life, EVENTS_ALONE).calls, start=1):
        if what.startswith("stripe POST"):
            yield number, BEFORE if what.endswith(SENT) else AFTER


@pytest.mark.parametrize(("scenario", "card"), STORIES)
def test_events_alone_bring_every_payment_to_its_truth(scenario: str, card: str) -> None:
    life = Life(scenario, card, news=WEBHOOKS, retry=False)
    gates = list(deaths(life))

    for lived in (life, *(replace(life, crash=(gate,)) for gate in gates)):
        outcome = live(lived, EVENTS_ALONE)
        untrue = [
            found
            for found in outcome.violations
            if not found.startswith(OF_THE_WORKER) and UNKNOWN_TO_STRIPE not in found
        ]
        assert untrue == [], str(lived)
    assert gates
