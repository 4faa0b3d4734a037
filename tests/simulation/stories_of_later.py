"""What happens in a life after the money was taken, and at Stripe without us."""

import asyncio

from tests.simulation.clients import Clients
from tests.simulation.stories import AMOUNT, CARDS, EMAIL, ORDER, holder_thinks

# When a refund that is to come back has come back, and Stripe has told so.
CAME_BACK_S = 15.0
# Longer than every look for a refund that comes back.
LOOKED_S = 3 * 3600.0
# Whose e-mail is changed has this one then.
OTHER_EMAIL = "b@example.com"


async def refund_comes_back(clients: Clients, card: str) -> None:
    """The bank returns the refund, and what it had reserved is given back on another try."""
    await clients.pay(ORDER, AMOUNT, card)
    await clients.refund(ORDER, 600, "rfd_1")
    await clients.go_away(LOOKED_S)
    await clients.refund(ORDER, None, "rfd_2")


async def refund_or_dispute(clients: Clients, card: str) -> None:
    """The payer's bank takes the money back while we give it back."""

    async def bank() -> None:
        await asyncio.sleep(0.15)
        clients.outside.disputes(ORDER)

    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.gather(clients.refund(ORDER, None, "rfd_1"), bank())
    await asyncio.sleep(CAME_BACK_S)
    await clients.refund(ORDER, None, "rfd_2")


async def dispute_lost(clients: Clients, card: str) -> None:
    """Disputed as soon as it was paid; a refund would give the money back twice."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(CAME_BACK_S)
    await clients.refund(ORDER, None, "rfd_1")
    clients.outside.bank_decides("losing_evidence")
    await asyncio.sleep(CAME_BACK_S)
    await clients.refund(ORDER, None, "rfd_2")


async def dispute_won(clients: Clients, card: str) -> None:
    """The bank decides for us, and then we give the money back."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(CAME_BACK_S)
    clients.outside.bank_decides("winning_evidence")
    await clients.go_away(8 * 3600.0)
    await clients.refund(ORDER, None, "rfd_1")


async def inquiry(clients: Clients, card: str) -> None:
    """The bank only asks; giving the money back is the usual answer."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(CAME_BACK_S)
    await clients.refund(ORDER, None, "rfd_1")


async def asked_about(clients: Clients, card: str) -> None:
    """The bank asks about a payment that nobody thinks of any more."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(CAME_BACK_S)
    clients.outside.disputes(ORDER, inquiry=True)


async def inquiry_escalates(clients: Clients, card: str) -> None:
    """The bank asks first, and takes the money back while we are giving it back."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(CAME_BACK_S)
    clients.outside.bank_decides("escalate_inquiry_evidence")
    await asyncio.sleep(4.9)  # the bank decides five seconds after it was told
    await clients.refund(ORDER, None, "rfd_1")


async def fraud_warning(clients: Clients, card: str) -> None:
    """The network warns, and the money is given back before it is disputed."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(3)
    clients.outside.warns_of_fraud(ORDER)
    await asyncio.sleep(CAME_BACK_S)
    await clients.refund(ORDER, None, "rfd_1")


async def set_up_and_charge(clients: Clients, card: str) -> None:
    """The payer's client saves a card, which is charged later while its holder is away."""
    customer_id = await clients.customer(EMAIL)
    if customer_id is None:
        return
    await clients.set_up(customer_id)
    await asyncio.sleep(3)
    clients.outside.changed.add(EMAIL)
    clients.outside.payer_saves(card)
    await holder_thinks(clients, passed=True)
    await asyncio.sleep(CAME_BACK_S)
    await clients.pay(ORDER, AMOUNT, None, customer_id, off_session=True)


async def detached_at_stripe(clients: Clients, card: str) -> None:
    """Somebody detaches the default card in the dashboard; the order is paid with the other."""
    customer_id = await clients.customer(EMAIL)
    if customer_id is None:
        return
    first = await clients.attach(customer_id, card)
    await clients.attach(customer_id, CARDS["mastercard"])
    if first is not None:
        clients.outside.detaches(EMAIL, first)
    await asyncio.sleep(CAME_BACK_S)
    await clients.pay(ORDER, AMOUNT, None, customer_id)


async def deleted_at_stripe(clients: Clients, card: str) -> None:
    """Somebody deletes the customer in the dashboard, who pays all the same."""
    customer_id = await clients.customer(EMAIL)
    if customer_id is None:
        return
    await clients.attach(customer_id, CARDS["mastercard"])
    clients.outside.deletes(EMAIL, customer_id)
    await clients.pay(ORDER, AMOUNT, card, customer_id)


async def order_hears_all(clients: Clients, card: str) -> None:
    """Cancelled, paid after all, and given back: the OrderService hears each in turn."""
    await clients.pay(ORDER, AMOUNT, CARDS["3ds"])
    await clients.cancel(ORDER)
    await clients.pay(ORDER, AMOUNT, card)
    await clients.refund(ORDER, None, "rfd_1")
    await clients.go_away(LOOKED_S)


async def renamed_at_stripe(clients: Clients, card: str) -> None:
    """A customer gets another e-mail in the dashboard; somebody else comes with the old one."""
    customer_id = await clients.customer(EMAIL)
    if customer_id is None:
        return
    await clients.attach(customer_id, card)
    clients.outside.renames(customer_id, OTHER_EMAIL)
    await clients.go_away(LOOKED_S)
    somebody = await clients.customer(EMAIL)
    if somebody is not None:
        await clients.attach(somebody, CARDS["mastercard"])
        await clients.pay(ORDER, AMOUNT, None, somebody)
