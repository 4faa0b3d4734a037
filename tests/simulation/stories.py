"""What clients do in a life: they pay, give back, and keep their cards."""

import asyncio
from typing import Final

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
    "3ds_on_setup": "pm_card_authenticationRequiredOnSetup",
    "slow_refund": "pm_card_pendingRefund",
    "refund_fails": "pm_card_refundFail",
    "disputed": "pm_card_createDispute",
    "asked_about": "pm_card_createDisputeInquiry",
    "warned_of": "pm_card_createIssuerFraudRecord",
}
DECLINING: Final = ("declined", "no_funds", "expired", "processing_error", "radar")

ORDER: Final = "order-1"
AMOUNT: Final = 1000
HOLDER_THINKS_S: Final = 20.0
EMAIL: Final = "a@example.com"


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
        await holder_thinks(clients, passed=True)
        await clients.pay(ORDER, AMOUNT, card)


async def not_authenticated(clients: Clients, card: str) -> None:
    """The holder fails 3-D Secure, and another card pays."""
    if await clients.pay(ORDER, AMOUNT, card) == "requires_action":
        await holder_thinks(clients, passed=False)
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
    customer_id = await clients.customer(EMAIL)
    if customer_id is None:
        return
    first = await clients.attach(customer_id, card)
    await clients.attach(customer_id, CARDS["mastercard"])
    if first is not None:
        await clients.detach(customer_id, first)
    await clients.pay(ORDER, AMOUNT, None, customer_id)


async def same_customer(clients: Clients, card: str) -> None:
    """Two at once make the customer of one e-mail."""
    made = await asyncio.gather(*(clients.customer(EMAIL) for _ in range(2)))
    customer_id = next((one for one in made if one), None)
    if customer_id is not None:
        await clients.attach(customer_id, card)


async def holder_thinks(clients: Clients, *, passed: bool) -> None:
    """Play the holder of the card, on the page of the bank."""
    await asyncio.sleep(HOLDER_THINKS_S)
    clients.outside.holder_answers(passed=passed)
