"""How a customer goes on: from what Stripe has to what is wanted, one call at a time.

All calls but the creation are idempotent by themselves (attaching twice changes nothing), so after
doubt they are simply asked again under the same key; the creation is looked for first.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from payment_service.domain import call as calls
from payment_service.domain.call import Call, Move
from payment_service.domain.customer import (
    Card,
    CardState,
    Customer,
    refused_card,
    with_stripe_customer,
    with_valid_default,
)
from payment_service.domain.moment import Moment
from payment_service.domain.steps import (
    AttachCard,
    CardSeen,
    CreateCustomer,
    CustomerSeen,
    CustomerStep,
    Declined,
    Denial,
    DetachCard,
    FindCustomer,
    NameCard,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    ReadCard,
    ReadCustomer,
    Rejected,
    SetDefaultCard,
)

# The refusal code of what surely did not happen because Stripe could not be reached.
UNAVAILABLE = "unavailable"


def begin_call(customer: Customer, moment: Moment) -> Customer:
    """Return the customer with its next call begun, if anything is to be done and nothing is."""
    if customer.call is not None or _wanted(customer, "") is None:
        return customer
    number = customer.calls_made + 1
    call = calls.begin_call(f"{customer.uid}-{number}", moment.now)
    return replace(customer, call=call, calls_made=number, updated_at=moment.now)


def next_step(customer: Customer, moment: Moment) -> CustomerStep | None:
    """Say what is to be asked of Stripe now, or None when nothing is due."""
    call = customer.call
    if call is None or call.due_at > moment.now:
        return None
    creating = customer.customer_id is None
    move = calls.next_move(call, moment.now, ask_for_s=calls.KEY_HELD_S)
    if creating and move is Move.LOOK:
        return FindCustomer(email=customer.id)
    return _wanted(customer, call.key)


def _wanted(customer: Customer, key: str) -> CustomerStep | None:
    if customer.customer_id is None:
        return None if customer.refusal_code else CreateCustomer(key, customer.id, customer.name)
    for card in customer.cards:
        if card.state is CardState.ADDING:
            return AttachCard(key, customer.customer_id, card.payment_method_id)
    if customer.default_payment_method_id != customer.default_at_stripe:
        return SetDefaultCard(key, customer.customer_id, customer.default_payment_method_id)
    for card in customer.cards:
        if card.state is CardState.REMOVING:
            return DetachCard(key, card.payment_method_id)
        if card.state is CardState.KEPT and not card.named:
            return NameCard(key, card.payment_method_id, card.cardholder_name or "")
    return None


def asking(customer: Customer, step: CustomerStep, moment: Moment) -> Customer:
    """Return the document to write before the step leaves."""
    assert customer.call is not None
    now, lease_s = moment.now, moment.policy.lease_s
    if isinstance(step, FindCustomer):
        return replace(customer, call=calls.looking(customer.call, now, lease_s=lease_s))
    return replace(customer, call=calls.asked(customer.call, now, lease_s=lease_s))


def orphaned(customer: Customer, moment: Moment) -> Customer:
    """Return the customer with its claim given up: the owner is known to be dead."""
    if customer.call is None:
        return customer
    return replace(customer, call=calls.orphaned(customer.call, moment.now))


def decide(customer: Customer, step: CustomerStep, news: News, moment: Moment) -> Customer:
    """Return the document after the news, with the next call begun when one is wanted."""
    call = customer.call
    if call is None or getattr(step, "key", call.key) != call.key:  # another door was faster
        return customer
    match news:
        case NoNews(dead_end=dead_end):
            return _doubted(customer, call, step, moment, dead_end)
        case NotExecuted(reason=reason):
            return _not_executed(customer, call, step, news, reason, moment)
        case NothingFound():
            return replace(customer, call=calls.found_nothing(call, moment.now))
        case Rejected(error=error) | Declined(error=error):
            done = _refused(customer, step, error, declined=isinstance(news, Declined))
        case CustomerSeen() | CardSeen():
            done = _done(customer, step, news)
        case _:
            return _doubted(customer, call, step, moment, None)
    return begin_call(with_valid_default(replace(done, call=None)), moment)


def _doubted(
    customer: Customer, call: Call, step: CustomerStep, moment: Moment, dead_end: str | None
) -> Customer:
    if isinstance(step, FindCustomer):
        return replace(customer, call=calls.look_failed(call, moment.now))
    doubted = calls.heard_nothing(call, moment.now)
    if dead_end is None:
        return replace(customer, call=doubted)
    # An error is saved under this key; a new one is safe, since these calls repeat without harm
    # and the creation is looked for first.
    number = customer.calls_made + 1
    doubted = replace(doubted, key=f"{customer.uid}-{number}")
    return replace(customer, call=doubted, calls_made=number)


def _not_executed(
    customer: Customer,
    call: Call,
    step: CustomerStep,
    news: NotExecuted,
    reason: str,
    moment: Moment,
) -> Customer:
    if isinstance(step, FindCustomer):
        return replace(customer, call=calls.look_failed(call, moment.now))
    call = calls.was_not_executed(call, moment.now, retry_after_s=news.retry_after_s)
    tired = call.tries >= calls.NOT_EXECUTED_TRIES_MAX or not news.retryable
    if call.doubts == 0 and tired and isinstance(step, CreateCustomer | AttachCard):
        # Somebody waits for these; the others bring Stripe up to date whenever they can.
        ended = _refused(customer, step, Denial(UNAVAILABLE, reason), declined=False)
        return begin_call(with_valid_default(replace(ended, call=None)), moment)
    return replace(customer, call=call)


def _refused(customer: Customer, step: CustomerStep, error: Denial, *, declined: bool) -> Customer:
    match step:
        case CreateCustomer() | FindCustomer() | ReadCustomer():
            return replace(customer, refusal_code=error.code, refusal_message=error.message)
        case AttachCard(payment_method_id=card_id):
            return _map_card(customer, card_id, lambda c: refused_card(c, error, declined=declined))
        case DetachCard(payment_method_id=card_id):  # it is not attached (any more)
            return _without(customer, card_id)
        case NameCard(payment_method_id=card_id):
            return _map_card(customer, card_id, lambda c: replace(c, named=True))
        case SetDefaultCard(payment_method_id=card_id):
            if card_id is not None and error.code == "resource_missing":
                return _without(customer, card_id)  # somebody detached it at Stripe
            return replace(customer, default_at_stripe=card_id)
        case ReadCard():
            return customer
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def _done(customer: Customer, step: CustomerStep, news: CustomerSeen | CardSeen) -> Customer:
    match step, news:
        case ((CreateCustomer() | FindCustomer() | ReadCustomer()), CustomerSeen(customer=seen)):
            return with_stripe_customer(customer, seen)
        case AttachCard(payment_method_id=card_id), _:
            return _map_card(customer, card_id, lambda c: replace(c, state=CardState.KEPT))
        case DetachCard(payment_method_id=card_id), _:
            return _without(customer, card_id)
        case NameCard(payment_method_id=card_id, cardholder_name=name), _:
            return _map_card(
                customer, card_id, lambda c: replace(c, named=(c.cardholder_name or "") == name)
            )
        case SetDefaultCard(payment_method_id=card_id), _:
            return replace(customer, default_at_stripe=card_id)
        case _:
            return customer


def _map_card(
    customer: Customer, payment_method_id: str, change: Callable[[Card], Card]
) -> Customer:
    cards = (change(c) if c.payment_method_id == payment_method_id else c for c in customer.cards)
    return replace(customer, cards=tuple(cards))


def _without(customer: Customer, payment_method_id: str) -> Customer:
    cards = tuple(c for c in customer.cards if c.payment_method_id != payment_method_id)
    return replace(customer, cards=cards)
