"""Pay an order: write the intention, then walk the corridor; an order has one payment."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from payment_service.domain.errors import NotFound, Refusal
from payment_service.domain.moment import Door, Moment
from payment_service.domain.payment import OPEN, FailureKind, Order, Payment, State
from payment_service.domain.wishes import open_payment, pay_again
from payment_service.flows.advance import PAYMENT, Claimed, claim
from payment_service.flows.guard_cards import let_try
from payment_service.flows.keep_customer import customer_by_id, heal_customer
from payment_service.flows.look_again import refresh_payment, try_refresh
from payment_service.flows.newest import newest
from payment_service.flows.settle import settle
from payment_service.flows.stripe_time import know_time
from payment_service.flows.world import World
from payment_service.ports import (
    AlreadyExists,
    GatewayLost,
    GatewayUnavailable,
    StoreInDoubt,
    StoreLost,
    StoreUnavailable,
    VersionConflict,
)
from payment_service.storage.collections import CUSTOMERS, PAYMENTS

# Each round ends in another state than it began with: cancel the old, open the new, wait.
ROUNDS_MAX = 100
# An older deal in one of these is neither out of the way nor under way to be paid.
UNDECIDED = OPEN | {State.ASKING}


async def pay_order(
    world: World,
    order: Order,
    *,
    deadline: datetime,
    bearer_token: str | None = None,
) -> Payment:
    """Return the order's payment as it stands at the latest at the deadline.

    `asking` means that the outcome is not known yet; it becomes known by itself.
    Raises OrderAlreadyPaid, PaymentInProgress, TooManyCardRefusals, and Unavailable: nothing was
    charged or changed; GatewayLost, StoreLost: something may have been.
    """
    await know_time(world)
    await let_try(world, customer_id=order.terms.customer_id, card=order.payment_method_id)
    named = order
    order = await _with_card(world, order)
    if order is not named:  # nobody named it, and it may be one that was refused too often
        await let_try(world, card=order.payment_method_id)
    rounds = iter(range(ROUNDS_MAX))
    claimed = await _open(world, order) or await _opened_again(world, order, rounds)
    try:
        return await _settled(world, order, claimed, deadline, bearer_token, rounds)
    except StoreInDoubt:
        raise
    # From here on more than this payment may have been changed: an older deal cancelled to make
    # room, or a customer made anew.
    except StoreUnavailable as error:
        raise StoreLost(str(error)) from error
    except GatewayUnavailable as error:
        raise GatewayLost(str(error)) from error


async def _settled(
    world: World,
    order: Order,
    claimed: Claimed[Payment],
    deadline: datetime,
    bearer_token: str | None,
    rounds: Iterator[int],
) -> Payment:
    """Return the order's payment as it stands at the latest at the deadline, round by round."""
    healed = False
    while True:
        payment = await settle(
            world,
            PAYMENT,
            claimed,
            settled=lambda p: p.state is not State.ASKING,
            deadline=deadline,
            bearer_token=bearer_token,
        )
        if not healed and _customer_is_gone(payment, order):
            healed, gone = True, order
            order = await _healed(world, order, deadline)
            if order is not gone:
                claimed = await _opened_again(world, order, rounds)
                continue
        order = await _as_customer_is_called_now(world, payment, order)
        if payment.terms.same_deal(order.terms) or payment.state in UNDECIDED:
            return payment
        # Cancelled, which makes room for ours, or taken: then it is said so.
        claimed = await _opened_again(world, order, rounds)


async def _opened_again(world: World, order: Order, rounds: Iterator[int]) -> Claimed[Payment]:
    for _ in rounds:
        await know_time(world)
        claimed = await _open_again(world, order)
        if claimed is not None:
            return claimed  # else somebody wrote in between: look again
    raise StoreUnavailable("the order's document changes too often")


async def _as_customer_is_called_now(world: World, existing: Payment, order: Order) -> Order:
    """Return the order with the customer's id of today, if it was made anew since it was given."""
    theirs, ours = order.terms.customer_id, existing.terms.customer_id
    if theirs is None or theirs == ours:
        return order
    customer = await world.store.find_one(CUSTOMERS, "former_customer_id", theirs)
    if customer is None or customer.customer_id != ours:
        return order
    return replace(order, terms=replace(order.terms, customer_id=ours))


def _customer_is_gone(payment: Payment, order: Order) -> bool:
    """Whether Stripe refused this order's payment since it does not know the customer any more."""
    failure = payment.failure
    return (
        failure is not None
        and failure.kind is FailureKind.REJECTED
        and (failure.code, failure.param) == ("resource_missing", "customer")
        and payment.terms.customer_id == order.terms.customer_id
    )


async def _healed(world: World, order: Order, deadline: datetime) -> Order:
    """Return the order for the customer made anew, if Stripe says that it was deleted there."""
    assert order.terms.customer_id is not None, "a customer was missed that was not named"
    customer = await heal_customer(world, order.terms.customer_id, deadline=deadline)
    if customer is None:
        return order
    return replace(order, terms=replace(order.terms, customer_id=customer.customer_id))


async def _with_card(world: World, order: Order) -> Order:
    """Return the order with the customer's default card, if it names none and there is one."""
    terms = order.terms
    if order.payment_method_id or not terms.confirm or terms.customer_id is None:
        return order
    try:
        customer = await customer_by_id(world, terms.customer_id)
    except NotFound:  # Stripe says so when it is asked to charge
        return order
    return replace(order, payment_method_id=customer.default_payment_method_id)


async def _open(world: World, order: Order) -> Claimed[Payment] | None:
    """The write-ahead, without reading first: most orders are new."""
    moment = world.moment(Door.REQUEST)
    payment = open_payment(order, world.ids.new("pay"), moment)
    claimed = claim(PAYMENT, payment, moment)
    try:
        await world.store.insert(PAYMENTS, claimed.doc)
    except AlreadyExists:
        return None
    world.witness.saw(None, claimed.doc, Door.REQUEST)
    return claimed


async def _open_again(world: World, order: Order) -> Claimed[Payment] | None:
    existing = await newest(world.store, PAYMENTS, order.id)
    assert existing is not None, "a payment was removed"
    existing, begun, moment = await _begun_again(world, existing, order)
    if begun is None:
        return Claimed(existing, None)
    claimed = claim(PAYMENT, replace(begun, version=existing.version + 1), moment)
    try:
        await world.store.replace(PAYMENTS, claimed.doc, expected_version=existing.version)
    except VersionConflict:
        return None
    world.witness.saw(existing, claimed.doc, Door.REQUEST)
    return claimed


async def _begun_again(
    world: World, existing: Payment, order: Order
) -> tuple[Payment, Payment | None, Moment]:
    """Return the payment as it is, with a new attempt begun or None, and when that was.

    Raises as `pay_again` does; GatewayLost: it would be a no that may not be so any more.
    """
    had_failed = existing.failure is not None
    unseen: GatewayLost | None = None
    if not had_failed:  # else our own last attempt says what to begin now
        existing, unseen = await try_refresh(world, existing)
    order = await _as_customer_is_called_now(world, existing, order)
    moment = world.moment(Door.REQUEST)
    try:
        begun = pay_again(existing, order, moment)
    except Refusal as refusal:
        raise unseen or refusal from None
    if begun is None and had_failed:  # that failure would be told, and the payer may have paid
        existing = await refresh_payment(world, existing)
        moment = world.moment(Door.REQUEST)
        begun = pay_again(existing, order, moment)
    return existing, begun, moment
