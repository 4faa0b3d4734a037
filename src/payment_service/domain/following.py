"""A customer that others change too: what happens at Stripe is followed here.

Only a look that nothing of ours overlapped may be followed: else our own doing would be undone.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from payment_service.domain.call import spread
from payment_service.domain.customer import Card, CardState, Customer, kept, with_valid_default
from payment_service.domain.customer_emails import moved_at_stripe, without_next_email
from payment_service.domain.history import with_entry
from payment_service.domain.moment import Moment
from payment_service.domain.news import SeenCard, SeenCustomer, SeenSetup
from payment_service.domain.setup import LOOKED_AT_FOR_S, Setup

# How often we look while the payer's client may be saving a card; events come besides.
LOOK_FIRST_S = 5.0
LOOK_MAX_S = 600.0


def followed(
    customer: Customer, seen: SeenCustomer, setup: SeenSetup | None, moment: Moment
) -> Customer:
    """Return the customer with the name, e-mail, cards, default and SetupIntent at Stripe."""
    shown = {card.payment_method_id: card for card in seen.cards}
    cards = [_updated(card, shown.get(card.payment_method_id)) for card in customer.cards]
    known = {card.payment_method_id for card in customer.cards}
    cards += [kept(card) for card in seen.cards if card.payment_method_id not in known]
    after = replace(
        customer,
        cards=tuple(card for card in cards if card is not None),
        default_at_stripe=seen.default_payment_method_id,
        name=seen.name or None,
    )
    if customer.default_at_stripe == customer.default_payment_method_id:
        # Both agreed, so whoever changed it there meant it.
        chosen = seen.default_payment_method_id or after.default_payment_method_id
        after = replace(after, default_payment_method_id=chosen)
    after = with_valid_default(after)
    if after.cards != customer.cards:
        after = replace(after, history=with_entry(after.history, "customer.followed", moment))
    looks = customer.looks
    after = looking_on(_with_setup(after, setup), moment.now)
    if after.default_payment_method_id != after.default_at_stripe:
        # It is asked for again: should it be refused again, the next look comes later.
        after = replace(after, looks=looks)
    return moved_at_stripe(after, seen.email, moment)


def _updated(card: Card, seen: SeenCard | None) -> Card | None:
    """Return the card as Stripe shows it; None when it is not the customer's any more."""
    if seen is None:
        return card if card.state in {CardState.ADDING, CardState.REFUSED} else None
    return replace(
        card,
        declined=False,
        refusal_code=None,
        refusal_message=None,
        refusal=None,
        state=card.state if card.state is CardState.REMOVING else CardState.KEPT,
        brand=seen.brand,
        last4=seen.last4,
        exp_month=seen.exp_month,
        exp_year=seen.exp_year,
        fingerprint=seen.fingerprint,
        cardholder_name=seen.cardholder_name if card.named else card.cardholder_name,
        display_brand=seen.display_brand,
    )


def _with_setup(customer: Customer, seen: SeenSetup | None) -> Customer:
    if seen is None or customer.setup is None or customer.setup.id != seen.id:
        return customer
    return replace(customer, setup=replace(customer.setup, status=seen.status))


def wanting_setup(customer: Customer, request_id: str, moment: Moment) -> Customer:
    """Return the customer with a new SetupIntent wanted, unless one is being made already."""
    if customer.setup is not None and customer.setup.is_wanted:
        return customer
    return replace(customer, setup=Setup(begun_at=moment.now, request_id=request_id), looks=0)


def looking_on(customer: Customer, now: datetime) -> Customer:
    """Return the customer with its next look: while a card is being saved, less and less often."""
    setup = customer.setup
    if (
        setup is None
        or not setup.is_open
        or now - setup.begun_at > timedelta(seconds=LOOKED_AT_FOR_S)
    ):
        return replace(customer, look_at=None, looks=0)
    return looked_in_vain(customer, now)


def looking_after_refusal(customer: Customer, now: datetime) -> Customer:
    """Return the customer with a look, since Stripe refused a change: at once, the first time."""
    if customer.looks:
        return looked_in_vain(customer, now)
    return replace(customer, looks=1, look_at=now)


def looked_in_vain(customer: Customer, now: datetime) -> Customer:
    """Return the customer with its next look, after one that had no answer or no end to show."""
    looks = customer.looks + 1
    wait_s = min(LOOK_FIRST_S * 2 ** min(looks - 1, 12), LOOK_MAX_S)
    wait_s *= 0.5 + 0.5 * spread(f"{customer.uid}:{looks}")
    return replace(customer, looks=looks, look_at=now + timedelta(seconds=wait_s))


def gone_at_stripe(customer: Customer, moment: Moment) -> Customer:
    """Return the customer after Stripe said that it was deleted there: nothing of it is left.

    It is made anew when it is next used, never by itself: whoever deleted it may have meant it. One
    that is forgotten is never made anew.
    """
    if customer.customer_id is None:
        return customer
    if customer.update is not None:
        customer = replace(without_next_email(customer, moment.now), update=None)
    return replace(
        customer,
        customer_id=None,
        former_customer_id=customer.customer_id,
        cards=tuple(card for card in customer.cards if card.state is CardState.ADDING),
        default_payment_method_id=None,
        default_at_stripe=None,
        call=None,
        asked=None,
        setup=None,
        look_at=None,
        looks=0,
        history=with_entry(
            customer.history,
            "customer.deleted" if customer.is_forgotten else "customer.deleted_at_stripe",
            moment,
        ),
    )
