"""What clients do in a life: they hold money, take it or let it go, and change their minds."""

import asyncio

from tests.simulation.clients import Clients
from tests.simulation.stories import AMOUNT, CARDS, ORDER, holder_thinks

# A hold lapses after four hours here; this is after everything that follows from it.
LAPSED_S = 5 * 3600.0
# Stripe is at work on the first request then.
MEANWHILE_S = 0.15


async def hold(clients: Clients, card: str) -> bool:
    """Hold the money; return whether it is known to be held."""
    word = await clients.pay(ORDER, AMOUNT, card, capture_method="manual")
    if word == "requires_action":
        await holder_thinks(clients, passed=True)
        word = await clients.pay(ORDER, AMOUNT, card, capture_method="manual")
    return word == "requires_capture"


async def hold_and_capture(clients: Clients, card: str) -> None:
    await hold(clients, card)
    await asyncio.sleep(3)
    await clients.capture(ORDER)


async def capture_part(clients: Clients, card: str) -> None:
    """Take a part, and give some of it back."""
    await hold(clients, card)
    await clients.capture(ORDER, 600)
    await clients.refund(ORDER, 200, "rfd_1")


async def capture_twice(clients: Clients, card: str) -> None:
    await hold(clients, card)
    await asyncio.gather(clients.capture(ORDER), clients.capture(ORDER))


async def hold_and_cancel(clients: Clients, card: str) -> None:
    await hold(clients, card)
    await clients.cancel(ORDER)


async def capture_or_cancel(clients: Clients, card: str) -> None:
    """One takes the money while another one lets it go."""

    async def later() -> None:
        await asyncio.sleep(MEANWHILE_S)
        await clients.cancel(ORDER)

    await hold(clients, card)
    await asyncio.gather(clients.capture(ORDER), later())


async def captured_by_hand(clients: Clients, card: str) -> None:
    """Somebody captures in the dashboard while we cancel."""

    async def by_hand() -> None:
        await asyncio.sleep(MEANWHILE_S / 2)
        clients.outside.captured_by_hand(ORDER)

    await hold(clients, card)
    await asyncio.gather(clients.cancel(ORDER), by_hand())


async def hold_lapses(clients: Clients, card: str) -> None:
    """Nobody takes the money in time; then the order is paid after all."""
    if await hold(clients, card):
        await clients.go_away(LAPSED_S)
        await clients.pay(ORDER, AMOUNT, CARDS["mastercard"])


async def hold_kept(clients: Clients, card: str) -> None:
    """Nobody takes the money, and the service does it rather than let it lapse."""
    await hold(clients, card)


async def cancel_meanwhile(clients: Clients, card: str) -> None:
    """The order is cancelled while it is being paid."""

    async def later() -> None:
        await asyncio.sleep(MEANWHILE_S)
        await clients.cancel(ORDER)

    await asyncio.gather(clients.pay(ORDER, AMOUNT, card), later())


async def cancel_unpaid(clients: Clients, card: str) -> None:
    """The order is cancelled while its payer is asked, who then answers, and pays it again."""
    await clients.pay(ORDER, AMOUNT, card)
    await clients.cancel(ORDER)
    clients.outside.holder_answers(passed=True)
    await asyncio.sleep(3)
    await clients.pay(ORDER, AMOUNT, CARDS["visa"])


async def client_confirms(clients: Clients, card: str) -> None:
    """The payment is made without a card, and the payer's client confirms it."""
    await clients.pay(ORDER, AMOUNT, None, confirm=False)
    await asyncio.sleep(3)
    clients.outside.payer_confirms(ORDER, card)
    await holder_thinks(clients, passed=True)
    await clients.confirm(ORDER, None)


async def client_is_gone(clients: Clients, card: str) -> None:
    """As before, and the client never comes back to say so."""
    await clients.pay(ORDER, AMOUNT, None, confirm=False)
    await asyncio.sleep(3)
    clients.outside.payer_confirms(ORDER, card)
    await holder_thinks(clients, passed=True)


async def holder_is_gone(clients: Clients, card: str) -> None:
    """The holder of the card passes 3-D Secure, and the client never comes back."""
    await clients.pay(ORDER, AMOUNT, card)
    await holder_thinks(clients, passed=True)


async def holder_fails(clients: Clients, card: str) -> None:
    """The holder of the card fails 3-D Secure, and nobody comes back."""
    await clients.pay(ORDER, AMOUNT, card)
    await holder_thinks(clients, passed=False)


async def other_card_meanwhile(clients: Clients, card: str) -> None:
    """Another card is used while the holder of the first one is still being asked."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.gather(clients.confirm(ORDER, CARDS["visa"]), holder_thinks(clients, passed=True))


async def off_session(clients: Clients, card: str) -> None:
    """The card is charged while its holder is away, who comes back when it cannot be."""
    if await clients.pay(ORDER, AMOUNT, card, off_session=True) == "declined":
        await asyncio.sleep(10)
        await clients.pay(ORDER, AMOUNT, CARDS["visa"])
