"""Forget a customer and keep the books: the person goes, here and at Stripe, the payments stay.

The intention is in the customer's document before Stripe is asked, and that document goes last: who
begins again after a crash goes on where it was.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from payment_service.domain.corridor_customers import begin_call
from payment_service.domain.customer import Customer
from payment_service.domain.email_address import followed_email
from payment_service.domain.errors import CustomerHasOpenPayments, NotFound, StripeRefused
from payment_service.domain.forgetting import forgetting, why_open, without_words
from payment_service.domain.moment import Door, Moment
from payment_service.domain.news import CustomerSeen
from payment_service.domain.payment import Payment
from payment_service.domain.steps import FindCustomer, ReadCustomer
from payment_service.flows.advance import CUSTOMER, PAYMENT, commit
from payment_service.flows.every import every
from payment_service.flows.find_customer import customer_of_email, customer_of_id
from payment_service.flows.follow_customer import look_at_customer
from payment_service.flows.hold_email import customer_wanting, remove_place
from payment_service.flows.look_at import NotSeen
from payment_service.flows.newest import as_new_as_can_be
from payment_service.flows.note_audit import note_audit
from payment_service.flows.settle import settle
from payment_service.flows.world import World
from payment_service.ports import GatewayUnavailable, VersionConflict
from payment_service.storage.collections import CUSTOMERS, EMAILS, PAYMENTS, REQUESTS

# More open payments than a person wants to read about.
NAMED_MAX = 20


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done. customer_id: Stripe's id, which the payments that stay still name.

    payments: how many stay. worded: how many of them lost words of callers. answers: how many kept
    answers to requests were dropped.
    """

    customer_id: str | None
    payments: int
    worded: int
    answers: int


async def forget_customer(
    world: World, email: str, *, who: str, why: str, deadline: datetime
) -> Forgotten:
    """Return what was done when nothing of the person is left. Safe to ask again at any time.

    Raises NotFound: there is nothing to forget; CustomerHasOpenPayments: nothing
    was done but what is left out of an earlier try; StripeRefused, GatewayUnavailable,
    StoreUnavailable: it is begun, and not done.
    """
    # That no payment is open, and that no answer is left, is decided by what queries do not show.
    with as_new_as_can_be():
        return await _forget(world, email, who=who, why=why, deadline=deadline)


async def _forget(world: World, email: str, *, who: str, why: str, deadline: datetime) -> Forgotten:
    email = followed_email(email) or email.strip().lower()  # what is refused today was not always
    customer = await _customer_of(world, email)
    if customer is None:
        if await _drop_place(world, email):
            return Forgotten(None, 0, 0, 0)
        raise NotFound("There is no customer with this e-mail.")
    ids = _ids(customer)
    await _check_settled(world, ids)
    is_being_made = customer.customer_id is None and customer.call is not None
    if is_being_made or customer.is_founding:
        raise GatewayUnavailable("Stripe has not said yet whether the customer was made.")
    # Before the ids of long ago are gone from its document, and again after: no payment can be
    # begun with a customer that Stripe has deleted.
    _, worded_before = await _drop_words(world, ids)
    customer = await _gone_at_stripe(world, customer, deadline)
    await _check_settled(world, ids)
    payments, worded = await _drop_words(world, ids)
    answers = await _drop_answers(world, ids)
    subject = customer.former_customer_id or customer.uid
    await note_audit(
        world.store,
        once=f"forgotten-{customer.uid}",
        what="customer.forgotten",
        who=who,
        why=why,
        subject=subject,
        now=world.clock.now(),
    )
    await _remove(world, customer)
    worded += worded_before
    return Forgotten(customer.former_customer_id, payments, worded, answers)


async def _customer_of(world: World, email: str) -> Customer | None:
    """Return the customer that has the e-mail, or is about to: as Stripe has it, if it answers.

    There is no taking back: an event that is still on its way must not make it another person.
    Raises GatewayUnavailable: it is being moved.
    """
    customer = await _customer_here(world, email)
    if customer is None:
        customer = await _customer_at_stripe(world, email)
    elif not await _has_moved(world, customer, email):
        return customer
    if customer is None:
        return None
    try:
        customer = await look_at_customer(world, customer, Door.OPERATOR)
    except NotSeen as error:
        raise GatewayUnavailable("Stripe has another e-mail for this customer.") from error
    return customer if customer.wants(email) else None


async def _customer_at_stripe(world: World, email: str) -> Customer | None:
    """Return a customer of ours whose e-mail was changed at Stripe, as nobody has told us yet."""
    news = await world.gateway.ask(FindCustomer(email))
    return await customer_of_id(world, news.customer.id) if isinstance(news, CustomerSeen) else None


async def _has_moved(world: World, customer: Customer, email: str) -> bool:
    if customer.customer_id is None or customer.is_forgotten:
        return False
    news = await world.gateway.ask(ReadCustomer(customer.customer_id))
    shown = news.customer.email if isinstance(news, CustomerSeen) else None
    return bool(shown) and email not in {followed_email(shown), str(shown).strip().lower()}


async def _customer_here(world: World, email: str) -> Customer | None:
    customer = await customer_of_email(world, email)
    place = None if customer else await world.store.get(EMAILS, email)
    return customer if place is None else await customer_wanting(world, place)


async def _drop_place(world: World, email: str) -> bool:
    """Remove an e-mail that leads to nobody; say whether there was one."""
    place = await world.store.get(EMAILS, email)
    return place is not None and await remove_place(world, place)


def _ids(customer: Customer) -> tuple[str, ...]:
    known = (customer.customer_id, customer.former_customer_id)
    return tuple(name for name in known if name is not None)


async def _payments_of(world: World, ids: tuple[str, ...]) -> AsyncIterator[Payment]:
    for customer_id in ids:
        async for payment in every(world.store, PAYMENTS, {"customer_id": customer_id}):
            yield payment


async def _check_settled(world: World, ids: tuple[str, ...]) -> None:
    """Raise CustomerHasOpenPayments unless all is over: deleting its payer could undo a payment."""
    unsettled = [
        f"{payment.id} ({reason})"
        async for payment in _payments_of(world, ids)
        if (reason := why_open(payment)) is not None
    ]
    if unsettled:
        more = "" if len(unsettled) <= NAMED_MAX else f" and {len(unsettled) - NAMED_MAX} more"
        named = ", ".join(unsettled[:NAMED_MAX])
        raise CustomerHasOpenPayments(f"These orders are not settled: {named}{more}.")


async def _gone_at_stripe(world: World, customer: Customer, deadline: datetime) -> Customer:
    def want(current: Customer, moment: Moment) -> Customer:
        return begin_call(forgetting(current, moment), moment)

    claimed = await commit(world, CUSTOMER, customer, want, Door.OPERATOR)
    customer = await settle(
        world,
        CUSTOMER,
        claimed,
        settled=lambda c: c.customer_id is None or c.refusal_code is not None,
        deadline=deadline,
    )
    if customer.refusal_code is not None:
        raise StripeRefused(customer.refusal_message or "", code=customer.refusal_code)
    if customer.customer_id is not None:
        raise GatewayUnavailable("Stripe has not said yet that the customer is deleted.")
    return customer


async def _drop_words(world: World, ids: tuple[str, ...]) -> tuple[int, int]:
    """Return how many payments there are, and from how many words were dropped."""
    payments = worded = 0
    async for payment in _payments_of(world, ids):
        payments += 1
        if without_words(payment) is not payment:
            worded += 1
            await commit(
                world,
                PAYMENT,
                payment,
                lambda current, _: without_words(current),
                Door.OPERATOR,
                goes_on=False,
            )
    return payments, worded


async def _drop_answers(world: World, ids: tuple[str, ...]) -> int:
    """Drop the answers that are kept for their idempotency keys and say something of the person."""
    dropped = 0
    for customer_id in ids:
        while kept := await world.store.find_one(REQUESTS, "subject", customer_id):
            try:
                await world.store.remove(REQUESTS, kept.id, expected_version=kept.version)
            except VersionConflict:  # it expired, and somebody else dropped it or began anew
                continue
            dropped += 1
    return dropped


async def _remove(world: World, customer: Customer) -> None:
    """Remove the person: what leads to the document first, the document last."""
    for its_id in _ids(customer):  # what a release of schema 2 has left beside it
        while (left := await world.store.find_one(CUSTOMERS, "customer_id", its_id)) is not None:
            await _remove_document(world, left)
    emails = {customer.held_email, customer.next_email, customer.taken_email}
    for email in filter(None, {*emails, *customer.released_emails}):
        while (place := await world.store.get(EMAILS, email)) is not None:
            if place.uid != customer.uid or await remove_place(world, place):
                break
    await _remove_document(world, customer)


async def _remove_document(world: World, customer: Customer) -> None:
    current: Customer | None = customer
    while current is not None:
        try:
            await world.store.remove(CUSTOMERS, current.id, expected_version=current.version)
        except VersionConflict:
            current = await world.store.get(CUSTOMERS, customer.id)
        else:
            return
