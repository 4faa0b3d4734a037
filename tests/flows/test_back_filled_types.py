"""Whatever type of event we act on is read back when no webhook brought it."""

import re
from pathlib import Path
from typing import Any

import pytest

from payment_service.adapters.stripe.looks import EVENT_TYPES
from payment_service.domain.event import topic_of
from payment_service.domain.news import EventsSeen
from payment_service.domain.steps import ListEvents
from stripe_sandbox import engine
from stripe_sandbox.engine.state import Cause
from tests.flows.buying import pay, soon
from tests.parts.shop import open_shop
from tests.parts.virtual_time import run

# Stripe's own names, of the API reference's "types of events", of everything that we act on.
BACK_FILLED = {
    *(
        f"payment_intent.{what}"
        for what in (
            "amount_capturable_updated", "canceled", "payment_failed", "processing",
            "requires_action", "succeeded",
        )
    ),
    "charge.expired", "charge.refunded", "charge.refund.updated",
    "refund.created", "refund.failed", "refund.updated",
    *(
        f"charge.dispute.{what}"
        for what in ("closed", "created", "funds_reinstated", "funds_withdrawn", "updated")
    ),
    "radar.early_fraud_warning.created", "radar.early_fraud_warning.updated",
    *(
        f"payment_method.{what}"
        for what in ("attached", "automatically_updated", "detached", "updated")
    ),
    "customer.deleted", "customer.updated",
    "setup_intent.canceled", "setup_intent.setup_failed", "setup_intent.succeeded",
}  # fmt: skip
# Acted on when a webhook brings them, and never read back: each comes beside the one that is, or
# says nothing that a payment or a card shows (None).
BESIDE: dict[str, str | None] = {
    "charge.captured": "payment_intent.succeeded",
    "charge.failed": "payment_intent.payment_failed",
    "charge.pending": "payment_intent.processing",
    "charge.succeeded": "payment_intent.succeeded",
    "charge.updated": None,
    "payment_intent.created": None,
    "payment_intent.partially_funded": None,  # of bank transfers, which nobody can pay by here
    "setup_intent.created": None,
    "setup_intent.requires_action": None,
}
# As many types as Stripe takes in one request.
TYPES_MAX = 20


@pytest.mark.parametrize("event_type", sorted(BACK_FILLED))
def test_each_type_that_we_act_on_is_read_back(event_type: str) -> None:
    async def scenario() -> None:
        shop = await open_shop()
        payment = await pay(shop)
        state: Any = shop.engine._state
        now = shop.world.clock.now()
        subject = state.payment_intents.get(payment.intent_id)
        state.emit(Cause(int(now.timestamp())), event_type, subject)

        news = await shop.world.gateway.ask(ListEvents(now, soon(shop)))

        assert isinstance(news, EventsSeen)
        assert event_type in {seen.type for seen in news.events}
        assert topic_of(event_type) is not None, "and it is acted on"

    run(scenario)


def test_what_is_asked_for_is_what_we_act_on_and_as_much_as_stripe_takes_at_once() -> None:
    asked = [event_type for group in EVENT_TYPES for event_type in group]

    assert sorted(asked) == sorted(BACK_FILLED)
    assert all(len(group) <= TYPES_MAX for group in EVENT_TYPES)
    assert all(topic_of(event_type) is not None for event_type in BESIDE)
    assert {beside for beside in BESIDE.values() if beside} <= BACK_FILLED


def test_every_type_that_the_sandbox_knows_and_we_act_on_is_in_one_of_the_two_lists() -> None:
    """A new one there, or a topic that begins to fit more, must be put in one of them."""
    text = "".join(path.read_text() for path in Path(engine.__path__[0]).glob("*.py"))
    known = set(re.findall(r'emit\([^"]*"([a-z_]+\.[a-z_.]+)"', text))

    assert len(known) > 20
    assert {name for name in known if topic_of(name) is not None} <= BACK_FILLED | set(BESIDE)
