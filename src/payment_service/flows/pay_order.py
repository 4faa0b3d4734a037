"""Pay an order: write the intention, then walk the corridor; an order has one payment."""

from dataclasses import replace
from datetime import datetime

from payment_service.domain.errors import InvalidRequest, NotFound, Refusal, StripeRefused
from payment_service.domain.moment import Door, Moment
from payment_service.domain.payment import OPEN, FailureKind, Order, Payment, State
from payment_service.domain.stripe_errors import CUSTOMER_PARAM, MISSING, Action
from payment_service.domain.wishes import check_card, open_payment, pay_again
from payment_service.flows.advance import PAYMENT, Claimed, claim, place
from payment_service.flows.guard_cards import CardTry, trying
from payment_service.flows.keep_customer import customer_by_id, heal_customer
from payment_service.flows.look_again import refresh_payment, try_refresh
from payment_service.flows.newest import newest
from payment_service.flows.own_attempt import Begun, judged_charge
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
    Raises OrderAlreadyPaid, PaymentInProgress, OrderTermsDiffer, PaymentCanceled;
    TooManyCardRefusals;
    InvalidRequest, NotFound: there is no card to charge; RefusedByStripe, and Unavailable: nothing
    was charged or changed; GatewayLost, StoreLost: something may have been.
    """
    with trying(world) as card_try:
        order, missing = await _let_in(world, order, card_try)
        return await _pay(world, order, missing, deadline, bearer_token)


async def _pay(
    world: World,
    order: Order,
    missing: NotFound | None,
    deadline: datetime,
    bearer_token: str | None,
) -> Payment:
    paying = _Paying(world, order, missing)
    claimed = await paying.open() or await paying.opened_again()
    try:
        payment = await paying.settled(claimed, deadline, bearer_token)
    except StoreInDoubt:
        raise
    # From here on more than this payment may have been changed: an older deal cancelled to make
    # room, or a customer made anew.
    except StoreUnavailable as error:
        raise StoreLost(str(error)) from error
    except GatewayUnavailable as error:
        raise GatewayLost(str(error)) from error
    return await judged_charge(
        world, payment, Action.PAY, paying.begun, confirming=order.terms.confirm
    )


async def check_payable(world: World, order: Order) -> None:
    """Refuse what `pay_order` would refuse of an order that is new, and do nothing else.

    Raises NotFound, InvalidRequest: there is no card to charge; TooManyCardRefusals, Unavailable.
    """
    with trying(world) as card_try:
        order, missing = await _let_in(world, order, card_try)
    try:
        check_card(order)
    except InvalidRequest as no_card:
        raise missing or no_card from None


async def _let_in(world: World, order: Order, card_try: CardTry) -> tuple[Order, NotFound | None]:
    """Return the order with its card, and that its customer is missing, where that matters."""
    await know_time(world)
    tries = order.terms.confirm
    card = order.payment_method_id
    await card_try.let(customer_id=order.terms.customer_id, card=card, tries=tries)
    named = order
    order, missing = await _with_card(world, order)
    if order is not named:  # nobody named it, and it may be one that was refused too often
        await card_try.let(card=order.payment_method_id, tries=tries)
    return order, missing


class _Paying:
    """One request to pay, round by round.

    order: as it is wanted now. missing: there is no such customer, whose default card is wanted.
    begun: the own attempt.
    """

    def __init__(self, world: World, order: Order, missing: NotFound | None) -> None:
        self._world = world
        self._order = order
        self._missing = missing
        self._rounds = iter(range(ROUNDS_MAX))
        self.begun = Begun(lambda payment, moment: pay_again(payment, self._order, moment))

    async def open(self) -> Claimed[Payment] | None:
        """The write-ahead, without reading first: most orders are new. None: it is not new."""
        world = self._world
        moment = world.moment(Door.REQUEST)
        try:
            payment = open_payment(self._order, world.ids.new("pay"), moment)
        except InvalidRequest as no_card:
            if await newest(world.store, PAYMENTS, self._order.id) is None:
                raise self._missing or no_card from None
            return None  # it may be paid already, with a card that is gone since
        claimed = claim(PAYMENT, payment, moment)
        try:
            await world.store.insert(PAYMENTS, claimed.doc)
        except AlreadyExists:
            return None
        world.witness.saw(None, claimed.doc, Door.REQUEST)
        self.begun.own(claimed.doc)
        return claimed

    async def settled(
        self, claimed: Claimed[Payment], deadline: datetime, bearer_token: str | None
    ) -> Payment:
        """Return the order's payment as it stands at the latest at the deadline."""
        healed = False
        while True:
            payment = await settle(
                self._world,
                PAYMENT,
                claimed,
                settled=self.begun.is_settled,
                deadline=deadline,
                bearer_token=bearer_token,
            )
            if not healed and self._customer_is_gone(payment):
                healed = True
                if await self._heal(deadline):
                    claimed = await self.opened_again()
                    continue
            await self._rename_customer(payment)
            if not self._is_in_the_way(payment):
                return payment
            claimed = await self.opened_again()

    def _is_in_the_way(self, payment: Payment) -> bool:
        """Whether what was waited for has only made room for what is wanted, or failed to."""
        if payment.attempt is not None:
            return False
        if payment.terms.same_deal(self._order.terms) and not self.begun.makes_room:
            return self.begun.waited_for_another(self._named_card())
        if payment.state is State.REQUIRES_ACTION and self.begun.failure(payment) is not None:
            return False  # Stripe would not cancel it, and asking on and on would not help
        # Cancelled, which makes room for ours, or taken: then it is said so.
        return payment.state not in UNDECIDED

    def _named_card(self) -> str | None:
        return self._order.payment_method_id if self._order.names_card else None

    async def opened_again(self) -> Claimed[Payment]:
        """Return the order's payment with what is wanted begun on it, if anything is to be."""
        for _ in self._rounds:
            await know_time(self._world)
            claimed = await self._open_again()
            if claimed is not None:
                return claimed  # else somebody wrote in between: look again
        raise StoreUnavailable("the order's document changes too often")

    async def _open_again(self) -> Claimed[Payment] | None:
        world = self._world
        existing = await newest(world.store, PAYMENTS, self._order.id)
        assert existing is not None, "a payment was removed"
        existing, begun, moment = await self._begun_again(existing)
        if begun is existing:
            return Claimed(existing, None)
        claimed = claim(PAYMENT, replace(begun, version=existing.version + 1), moment)
        try:
            await world.store.replace(PAYMENTS, claimed.doc, expected_version=existing.version)
        except VersionConflict:
            return None
        world.witness.saw(existing, claimed.doc, Door.REQUEST)
        world.changes.written(place(PAYMENTS, claimed.doc), claimed.doc)
        return claimed

    async def _begun_again(self, existing: Payment) -> tuple[Payment, Payment, Moment]:
        """Return the payment as it is, and with a new attempt begun if one is, and when that was.

        Raises as `pay_again` does; GatewayLost, StripeRefused: it would be a no that may not be so
        any more.
        """
        world = self._world
        had_failed = existing.failure is not None
        unseen: GatewayLost | StripeRefused | None = None
        if not had_failed:  # else our own last attempt says what to begin now
            existing, unseen = await try_refresh(world, existing)
        await self._rename_customer(existing)
        moment = world.moment(Door.REQUEST)
        try:
            begun = self.begun(existing, moment)
        except Refusal as refusal:
            raise unseen or refusal from None
        if begun is existing and had_failed:  # it would be told again, and the payer may have paid
            existing = await refresh_payment(world, existing)
            moment = world.moment(Door.REQUEST)
            begun = self.begun(existing, moment)
        return existing, begun, moment

    async def _rename_customer(self, existing: Payment) -> None:
        """Call the customer by its id of today, if it was made anew since the order was given."""
        theirs, ours = self._order.terms.customer_id, existing.terms.customer_id
        if theirs is None or theirs == ours:
            return
        customer = await self._world.store.find_one(CUSTOMERS, "former_customer_id", theirs)
        if customer is not None and customer.customer_id == ours:
            self._order = _for_customer(self._order, ours)

    def _customer_is_gone(self, payment: Payment) -> bool:
        """Whether Stripe refused the order's payment since it does not know the customer."""
        failure = payment.failure
        return (
            failure is not None
            and failure.kind is FailureKind.REJECTED
            and (failure.code, failure.param) == (MISSING, CUSTOMER_PARAM)
            and payment.terms.customer_id == self._order.terms.customer_id
        )

    async def _heal(self, deadline: datetime) -> bool:
        """Go on with the customer made anew, if Stripe says that it was deleted there."""
        missing = self._order.terms.customer_id
        assert missing is not None, "a customer was missed that was not named"
        customer = await heal_customer(self._world, missing, deadline=deadline)
        if customer is not None:
            self._order = _for_customer(self._order, customer.customer_id)
        return customer is not None


def _for_customer(order: Order, customer_id: str | None) -> Order:
    return replace(order, terms=replace(order.terms, customer_id=customer_id))


async def _with_card(world: World, order: Order) -> tuple[Order, NotFound | None]:
    """Return the order with the customer's default card, if it is to be charged and names none."""
    terms = order.terms
    if order.payment_method_id or not terms.confirm or terms.customer_id is None:
        return order, None
    try:
        customer = await customer_by_id(world, terms.customer_id)
    except NotFound:
        return order, NotFound("There is no such customer.", code="customer_not_found")
    card = customer.default_payment_method_id
    return replace(order, payment_method_id=card, names_card=False), None
