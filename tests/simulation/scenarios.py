"""What clients do in a life, one small story each."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from tests.parts.virtual_time import epoch_s
from tests.simulation.clients import Clients

# Test cards by the names that lives use.
CARDS: Final = {
    "visa": "pm_card_visa",
    "mastercard": "pm_card_mastercard",
    "declined": "pm_card_visa_chargeDeclined",
    "no_funds": "pm_card_visa_chargeDeclinedInsufficientFunds",
    "expired": "pm_card_chargeDeclinedExpiredCard",
    "processing_error": "pm_card_chargeDeclinedProcessingError",
    "radar": "pm_card_radarBlock",
    "missing": "pm_of_nobody",
    "3ds": "pm_card_authenticationRequired",
    "3ds_declined": "pm_card_threeDSecureRequiredChargeDeclined",
    "slow_refund": "pm_card_pendingRefund",
}
DECLINING: Final = ("declined", "no_funds", "expired", "processing_error", "radar")

ORDER = "order-1"
AMOUNT = 1000
HOLDER_THINKS_S = 20.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story and the cards to tell it with; the first is the usual one."""

    play: Callable[[Clients, str], Awaitable[None]]
    cards: tuple[str, ...]


async def pay_once(clients: Clients, card: str) -> None:
    await clients.pay(ORDER, AMOUNT, card)


async def double_click(clients: Clients, card: str) -> None:
    await asyncio.gather(*(clients.pay(ORDER, AMOUNT, card) for _ in range(2)))


async def click_again(clients: Clients, card: str) -> None:
    """The second click comes while Stripe is at work on the first."""

    async def later() -> None:
        await asyncio.sleep(0.15)
        await clients.pay(ORDER, AMOUNT, card)

    await asyncio.gather(clients.pay(ORDER, AMOUNT, card), later())


async def two_orders(clients: Clients, card: str) -> None:
    await asyncio.gather(
        clients.pay(ORDER, AMOUNT, card), clients.pay("order-2", 2 * AMOUNT, CARDS["visa"])
    )


async def decline_then_pay(clients: Clients, card: str) -> None:
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(3)
    await clients.pay(ORDER, AMOUNT, CARDS["visa"])


async def repriced(clients: Clients, card: str) -> None:
    """The order costs something else after its card was declined."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.sleep(3)
    await clients.pay(ORDER, AMOUNT + 500, CARDS["visa"])


async def authenticated(clients: Clients, card: str) -> None:
    """The holder of the card passes 3-D Secure, and the client comes back."""
    if await clients.pay(ORDER, AMOUNT, card) == "requires_action":
        await _holder(clients, passed=True)
        await clients.pay(ORDER, AMOUNT, card)


async def not_authenticated(clients: Clients, card: str) -> None:
    """The holder fails 3-D Secure, and another card pays."""
    if await clients.pay(ORDER, AMOUNT, card) == "requires_action":
        await _holder(clients, passed=False)
        await asyncio.sleep(10)
        await clients.pay(ORDER, AMOUNT, CARDS["visa"])


async def refund_all(clients: Clients, card: str) -> None:
    await clients.pay(ORDER, AMOUNT, card)
    await clients.refund(ORDER, None, "rfd_1")


async def refund_race(clients: Clients, card: str) -> None:
    """Two refunds of 60 % at once: one of them is too much."""
    await clients.pay(ORDER, AMOUNT, card)
    await asyncio.gather(*(clients.refund(ORDER, 600, f"rfd_{n}") for n in (1, 2)))


async def refund_parts(clients: Clients, card: str) -> None:
    await clients.pay(ORDER, AMOUNT, card)
    await clients.refund(ORDER, 300, "rfd_1")
    await clients.refund(ORDER, None, "rfd_2")


async def keep_cards(clients: Clients, card: str) -> None:
    """A customer with two cards loses the default one and pays with the other."""
    customer_id = await clients.customer("a@example.com")
    if customer_id is None:
        return
    first = await clients.attach(customer_id, card)
    await clients.attach(customer_id, CARDS["mastercard"])
    if first is not None:
        await clients.detach(customer_id, first)
    await clients.pay(ORDER, AMOUNT, None, customer_id)


async def same_customer(clients: Clients, card: str) -> None:
    """Two at once make the customer of one e-mail."""
    made = await asyncio.gather(*(clients.customer("a@example.com") for _ in range(2)))
    customer_id = next((one for one in made if one), None)
    if customer_id is not None:
        await clients.attach(customer_id, card)


async def _holder(clients: Clients, *, passed: bool) -> None:
    """Play the holder of the card, on the page of the bank."""
    await asyncio.sleep(HOLDER_THINKS_S)
    engine = clients.town.engine
    for intent in engine.ledger()["payment_intents"]:
        if intent["status"] == "requires_action":
            engine.authenticate(intent["id"], passed=passed, now=epoch_s())


SCENARIOS: Final = {
    "pay_once": Scenario(pay_once, ("visa", "no_funds", "missing", "3ds", *DECLINING)),
    "double_click": Scenario(double_click, ("visa", "declined")),
    "click_again": Scenario(click_again, ("visa", "declined")),
    "two_orders": Scenario(two_orders, ("visa", "declined")),
    "decline_then_pay": Scenario(decline_then_pay, ("no_funds", *DECLINING, "missing", "3ds")),
    "repriced": Scenario(repriced, ("declined", "no_funds", "3ds")),
    "authenticated": Scenario(authenticated, ("3ds", "3ds_declined")),
    "not_authenticated": Scenario(not_authenticated, ("3ds",)),
    "refund_all": Scenario(refund_all, ("visa", "slow_refund")),
    "refund_race": Scenario(refund_race, ("visa", "slow_refund")),
    "refund_parts": Scenario(refund_parts, ("visa",)),
    "keep_cards": Scenario(keep_cards, ("visa",)),
    "same_customer": Scenario(same_customer, ("visa", "declined")),
}
