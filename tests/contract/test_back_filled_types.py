"""Every type of event that is handled when Stripe sends it is asked for when Stripe did not.

The types are the library's own list, so a new one of Stripe's must be decided about here.
"""

import re
from pathlib import Path

import stripe

from payment_service.adapters.stripe.looks import EVENT_TYPES
from payment_service.domain.event import topic_of

# Handled, and not asked for: each comes with another one that is, or says nothing new to us.
TOLD_BY_OTHERS = {
    "charge.captured": "payment_intent.succeeded says it",
    "charge.failed": "payment_intent.payment_failed says it",
    "charge.pending": "payment_intent.processing says it",
    "charge.succeeded": "payment_intent.succeeded or .amount_capturable_updated says it",
    "charge.updated": "nothing of a charge changes that we show",
    "payment_intent.created": "we made it, and look for it ourselves",
    "payment_intent.partially_funded": "of bank transfers, which are not taken",
    "setup_intent.created": "we made it, and look for it ourselves",
    "setup_intent.requires_action": "the payer's client does it; its end is told",
}


def types_of_stripe() -> set[str]:
    """Return every type that Stripe can be asked to send, as the library lists them."""
    listed = Path(stripe.__file__).parent / "params" / "_webhook_endpoint_create_params.py"
    return set(re.findall(r'"([a-z0-9_]+(?:\.[a-z0-9_]+)+)"', listed.read_text(encoding="utf-8")))


def test_the_librarys_list_is_read() -> None:
    assert {"payment_intent.succeeded", "charge.dispute.created"} <= types_of_stripe()
    assert len(types_of_stripe()) > 200


def test_what_is_handled_is_back_filled_unless_another_event_says_it() -> None:
    handled = {name for name in types_of_stripe() if topic_of(name) is not None}
    asked_for = {name for types in EVENT_TYPES for name in types}

    assert handled - asked_for == set(TOLD_BY_OTHERS)


def test_what_is_back_filled_is_a_type_of_stripes() -> None:
    """A name that Stripe does not know makes it refuse the whole question."""
    asked_for = {name for types in EVENT_TYPES for name in types}

    assert asked_for - types_of_stripe() == set()
