"""What happens in a life between confirming and money: slow banks, and payers who waver.

Each of these goes on at Stripe without us, so we come by it by looking or by being told.
"""

import asyncio
from typing import Final

from tests.simulation.clients import Clients
from tests.simulation.stories import AMOUNT, CARDS, ORDER, holder_thinks

# How long the bank of these lives works on what was confirmed.
BANK_WORKS_S: Final = 60.0
# Long enough for a look, whatever it comes to: the first is after five seconds, each later one
# after at most twice as long.
LOOKED_S: Final = 45.0
# A status that Stripe gives to a hold which its network wants to be asked about once more.
REAUTHORIZE: Final = "requires_reauthorization"


async def _begin(clients: Clients, card: str | None, *, held: bool = False) -> None:
    """Make the payment, to be confirmed by somebody else, and let us look at it."""
    method = "manual" if held else "automatic"
    await clients.pay(ORDER, AMOUNT, card, confirm=False, capture_method=method)
    await asyncio.sleep(LOOKED_S)


async def confirmed_later(clients: Clients, card: str) -> None:
    """The card is there from the beginning, and the caller confirms later."""
    await _begin(clients, card)
    await clients.confirm(ORDER, None)
    await holder_thinks(clients, passed=True)


async def canceled_unconfirmed(clients: Clients, card: str) -> None:
    """The card is there, and the order is cancelled."""
    await _begin(clients, card)
    await clients.cancel(ORDER)


async def payer_wavers(clients: Clients, card: str) -> None:
    """The payer's client takes one card, takes it back, is asked for another, takes a third."""
    await _begin(clients, None)
    for chosen in (card, None, card):
        clients.outside.chooses(ORDER, chosen)
        await asyncio.sleep(LOOKED_S)
    clients.outside.payer_confirms(ORDER, CARDS["3ds"])
    await asyncio.sleep(LOOKED_S)
    clients.outside.chooses(ORDER, card)
    await asyncio.sleep(LOOKED_S)
    clients.outside.payer_confirms(ORDER, card)


async def payer_confirms_at_last(clients: Clients, card: str) -> None:
    """The caller has given a card, and the payer's client confirms with one."""
    await _begin(clients, CARDS["visa"])
    clients.outside.payer_confirms(ORDER, card)
    await holder_thinks(clients, passed=True)


async def payer_holds(clients: Clients, card: str) -> None:
    """The payer's client has the money held, and somebody captures it in the dashboard."""
    await _begin(clients, None, held=True)
    clients.outside.payer_confirms(ORDER, card)
    await holder_thinks(clients, passed=True)
    await asyncio.sleep(LOOKED_S)
    clients.outside.captured_by_hand(ORDER)


async def payer_holds_with_the_card_given(clients: Clients, card: str) -> None:
    """As before, with the card that the caller has given; then it is captured as usual."""
    await _begin(clients, card, held=True)
    clients.outside.payer_confirms(ORDER, card)
    await asyncio.sleep(LOOKED_S)
    await clients.capture(ORDER)


async def holder_of_a_hold_is_gone(clients: Clients, card: str) -> None:
    """The holder passes 3-D Secure for a hold, and the client never comes back to say so."""
    await clients.pay(ORDER, AMOUNT, card, capture_method="manual")
    await asyncio.sleep(LOOKED_S)
    clients.outside.holder_answers(passed=True)
    await asyncio.sleep(LOOKED_S)
    await clients.capture(ORDER)


async def canceled_by_hand(clients: Clients, card: str) -> None:
    """Somebody cancels in the dashboard what waits for its payer; then the order is paid."""
    await clients.pay(ORDER, AMOUNT, card, confirm=card == CARDS["3ds"])
    await asyncio.sleep(LOOKED_S)
    clients.outside.moves(ORDER, "canceled")
    await asyncio.sleep(LOOKED_S)
    await clients.pay(ORDER, AMOUNT, CARDS["mastercard"])


async def canceled_without_a_card(clients: Clients, _card: str) -> None:
    """As before, of a payment that no card was given for; nobody pays it."""
    await _begin(clients, None)
    clients.outside.moves(ORDER, "canceled")


async def canceled_before_stripe(clients: Clients, card: str) -> None:
    """Stripe knows nothing of the payment, since its card is none; the order is cancelled."""
    await clients.pay(ORDER, AMOUNT, card)
    await clients.cancel(ORDER)
    await clients.pay(ORDER, AMOUNT, CARDS["visa"])


async def bank_works(clients: Clients, card: str) -> None:
    """The bank takes its time, and the caller asks what has become of it."""
    await clients.pay(ORDER, AMOUNT, card)
    await holder_thinks(clients, passed=True)
    await clients.go_away(2 * BANK_WORKS_S)
    await clients.pay(ORDER, AMOUNT, CARDS["mastercard"])


async def bank_works_on_a_confirmation(clients: Clients, card: str) -> None:
    """The bank takes its time over what was confirmed later."""
    await _begin(clients, card)
    await clients.confirm(ORDER, None)


async def bank_works_on_a_hold(clients: Clients, card: str) -> None:
    """The bank takes its time over a hold, and the order is cancelled meanwhile, or captured."""
    await clients.pay(ORDER, AMOUNT, card, capture_method="manual")
    await holder_thinks(clients, passed=True)
    await clients.cancel(ORDER)
    await asyncio.sleep(2 * BANK_WORKS_S)
    await clients.capture(ORDER)


async def bank_works_for_the_payer(clients: Clients, card: str) -> None:
    """The payer's client confirms with a card that nobody had given, and the bank is slow."""
    await _begin(clients, None)
    clients.outside.payer_confirms(ORDER, card)
    await asyncio.sleep(LOOKED_S)


async def bank_works_on_the_card_given(clients: Clients, card: str) -> None:
    """As before, with the card that the caller has given."""
    await _begin(clients, card)
    clients.outside.payer_confirms(ORDER, card)


async def _refused_while_processing(clients: Clients, card: str) -> None:
    """The bank has worked for a while, and says no."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(LOOKED_S / 3)
    clients.outside.moves(ORDER, "requires_payment_method")


async def bank_refuses_and_the_payer_chooses(clients: Clients, card: str) -> None:
    """The bank says no, and the payer's client takes another card before we look."""
    await _refused_while_processing(clients, card)
    clients.outside.chooses(ORDER, CARDS["mastercard"])
    await asyncio.sleep(LOOKED_S)
    await clients.confirm(ORDER, None)


async def bank_refuses_and_the_payer_confirms(clients: Clients, card: str) -> None:
    """The bank says no, and the payer's client tries a card whose holder is asked."""
    await _refused_while_processing(clients, card)
    clients.outside.payer_confirms(ORDER, CARDS["3ds"])
    await asyncio.sleep(LOOKED_S)
    clients.outside.holder_answers(passed=True)


async def canceled_while_processing(clients: Clients, card: str) -> None:
    """Somebody cancels in the dashboard what the bank works on."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(LOOKED_S / 3)
    clients.outside.moves(ORDER, "canceled")


async def hold_is_asked_about(clients: Clients, card: str) -> None:
    """The network wants to be asked about the hold once more, under a status that is new to us."""
    await clients.pay(ORDER, AMOUNT, card, capture_method="manual")
    for status in (REAUTHORIZE, "requires_capture"):
        await asyncio.sleep(LOOKED_S)
        clients.outside.moves(ORDER, status)
    await asyncio.sleep(LOOKED_S)
    await clients.capture(ORDER)


async def hold_confirmed_later(clients: Clients, card: str) -> None:
    """The card is there from the beginning, and the caller has the money held later."""
    await _begin(clients, card, held=True)
    await clients.confirm(ORDER, None)
    await clients.capture(ORDER)


async def card_comes_later(clients: Clients, card: str) -> None:
    """The caller has no card at first, and confirms with one later."""
    await _begin(clients, None)
    await clients.confirm(ORDER, card)
    await holder_thinks(clients, passed=True)


async def card_for_a_hold_comes_later(clients: Clients, card: str) -> None:
    """As before, and the money is only held."""
    await _begin(clients, None, held=True)
    await clients.confirm(ORDER, card)
    await clients.capture(ORDER)


async def another_card(clients: Clients, card: str) -> None:
    """The holder of a card is asked, and the caller confirms with another card instead."""
    await clients.pay(ORDER, AMOUNT, CARDS["3ds"])
    await asyncio.sleep(LOOKED_S)
    await clients.confirm(ORDER, card)


async def another_card_for_a_hold(clients: Clients, card: str) -> None:
    """As before, and the money is only held."""
    await clients.pay(ORDER, AMOUNT, CARDS["3ds"], capture_method="manual")
    await asyncio.sleep(LOOKED_S)
    await clients.confirm(ORDER, card)
    await clients.capture(ORDER)


async def hold_is_worked_on(clients: Clients, card: str) -> None:
    """A bank begins to work on the hold while it is being captured, and gives it back."""

    async def bank() -> None:
        await asyncio.sleep(0.05)
        clients.outside.moves(ORDER, "processing")

    await clients.pay(ORDER, AMOUNT, card, capture_method="manual")
    await asyncio.gather(clients.capture(ORDER), bank())
    await asyncio.sleep(LOOKED_S)
    clients.outside.moves(ORDER, "requires_capture")
    await asyncio.sleep(LOOKED_S)
    await clients.capture(ORDER)


async def hold_is_worked_on_unasked(clients: Clients, card: str) -> None:
    """A bank begins to work on the hold by itself, and gives it back."""
    await clients.pay(ORDER, AMOUNT, card, capture_method="manual")
    for status in ("processing", "requires_capture"):
        await asyncio.sleep(LOOKED_S)
        clients.outside.moves(ORDER, status)
    await asyncio.sleep(LOOKED_S)
    await clients.capture(ORDER)
