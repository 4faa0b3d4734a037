"""Callers of the service: each wish that they can have, as the flow behind its endpoint."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from payment_service.domain.customer import Customer
from payment_service.domain.payment import Order, Payment, Terms
from payment_service.flows.cancel import cancel
from payment_service.flows.capture import capture
from payment_service.flows.confirm_payment import confirm_payment
from payment_service.flows.find_payment import find_payment
from payment_service.flows.keep_card import attach_card, remove_card
from payment_service.flows.keep_customer import create_customer
from payment_service.flows.refund_payment import refund_payment
from payment_service.flows.set_up_card import set_up_card
from payment_service.flows.world import World
from tests.simulation.currencies import Prices
from tests.simulation.outside import Outside
from tests.simulation.talking import (
    Conversation,
    Said,
    Talkers,
    deadline,
    said_of,
    word_of_refund,
)


@dataclass
class Clients(Talkers):
    """The callers of one life."""

    emails: list[str] = field(default_factory=list)
    _requests: int = 0
    prices: Prices = field(init=False)
    outside: Outside = field(init=False)

    def __post_init__(self) -> None:
        self.prices = Prices(self.town.life.scenario, self.town.life.currency)
        self.outside = Outside(self.town.engine)

    async def pay(
        self,
        order_id: str,
        amount: int,
        card: str | None,
        customer_id: str | None = None,
        *,
        capture_method: str = "automatic",
        confirm: bool = True,
        off_session: bool = False,
        return_url: str | None = None,
    ) -> str:
        """Pay an order; return the last word. amount: in the hundreds that stories speak in."""
        terms = Terms(
            self.prices.minor(order_id, amount),
            self.prices.currency_of(order_id),
            customer_id,
            confirm=confirm,
            capture_method=capture_method,
            return_url=return_url,
            description=f"The things of {order_id}",
            metadata={"basket": f"basket of {order_id}"},
            off_session=off_session,
        )
        return await self._order(order_id, terms, card)

    async def claim(self, order_id: str, amount: int, card: str | None, customer_id: str) -> str:
        """Ask to pay an order as an end user without proof; without a card only create it."""
        terms = Terms(
            self.prices.minor(order_id, amount),
            self.prices.currency_of(order_id),
            customer_id,
            confirm=card is not None,
        )
        return await self._order(order_id, terms, card, is_proved=False)

    async def _order(
        self, order_id: str, terms: Terms, card: str | None, *, is_proved: bool = True
    ) -> str:
        request_id = self._request_id()
        asked = asked_payment(terms, card, request_id)
        talk = Conversation("pay", order_id, terms.amount_minor, asked=asked)
        order = Order(order_id, terms, card, request_id, retry_key=request_id, is_proved=is_proved)

        async def ask(world: World) -> Said:
            pay = self.town.variant.pay
            return said_of(await pay(world, order, deadline=deadline(world), bearer_token=None))

        return await self.talk(talk, ask)

    async def confirm(self, order_id: str, card: str | None, return_url: str | None = None) -> str:
        """Confirm a payment, with a card or after its payer acted; return the last word."""
        request_id = self._request_id()
        asked = {"card": card, "off_session": False, "return_url": return_url}

        async def ask(world: World) -> Said:
            payment = await confirm_payment(
                world,
                await find_payment(world, order_id),
                payment_method_id=card,
                return_url=return_url,
                request_id=request_id,
                retry_key=request_id,
                deadline=deadline(world),
            )
            return said_of(payment)

        asked["request_id"] = request_id
        return await self.talk(Conversation("confirm", order_id, 0, asked=asked), ask)

    async def capture(self, order_id: str, amount: int | None = None) -> str:
        """Capture what is held; return the last word."""
        request_id = self._request_id()
        amount_minor = self._part(order_id, amount)

        async def ask(world: World) -> Said:
            payment = await capture(
                world,
                await find_payment(world, order_id),
                amount_minor=amount_minor,
                request_id=request_id,
                deadline=deadline(world),
            )
            return said_of(payment)

        asked = {"amount": amount_minor}
        talk = Conversation("capture", order_id, amount_minor or 0, asked=asked)
        return await self.talk(talk, ask)

    async def cancel(self, order_id: str, reason: str = "requested_by_customer") -> str:
        """Cancel a payment; return the last word."""
        request_id = self._request_id()

        async def ask(world: World) -> Said:
            payment = await cancel(
                world,
                await find_payment(world, order_id),
                reason=reason,
                request_id=request_id,
                deadline=deadline(world),
            )
            return said_of(payment)

        talk = Conversation("cancel", order_id, 0, asked={"cancellation_reason": reason})
        return await self.talk(talk, ask)

    async def refund(
        self,
        order_id: str,
        amount: int | None,
        refund_id: str,
        reason: str | None = "requested_by_customer",
    ) -> str:
        """Refund an order; return the last word."""
        amount_minor, request_id = self._part(order_id, amount), self._request_id()
        asked = {
            "amount": amount_minor,
            "currency": self.prices.currency_of(order_id),
            "reason": reason,
            "order": order_id,
            "request_id": request_id,
        }
        talk = Conversation("refund", order_id, amount_minor or 0, refund_id=refund_id, asked=asked)

        async def ask(world: World) -> Said:
            payment, refund = await refund_payment(
                world,
                await find_payment(world, order_id),
                refund_id=refund_id,
                amount_minor=amount_minor,
                reason=reason,
                deadline=deadline(world),
                request_id=request_id,
            )
            return Said(word_of_refund(refund), payment, refund)

        return await self.talk(talk, ask)

    async def customer(self, email: str, name: str = "Ada Lovelace") -> str | None:
        """Make a customer; return Stripe's id of it, None if that is not known."""
        self.emails.append(email)
        talk = Conversation("customer", email, 0, asked={"email": email, "name": name})

        async def ask(world: World) -> str:
            customer, _ = await create_customer(world, email, name, deadline=deadline(world))
            talk.made = customer.customer_id or talk.made
            return "done" if customer.customer_id else "processing"

        await self.talk(talk, ask)
        return talk.made

    async def attach(
        self, customer_id: str, card: str, name: str = "A B", *, is_default: bool = False
    ) -> str | None:
        """Attach a card; return its id, None if that is not known."""
        asked = {"customer": customer_id, "card": card, "name": name, "is_default": is_default}
        talk = Conversation("attach", customer_id, 0, asked=asked)

        async def ask(world: World) -> str:
            _, kept = await attach_card(
                world,
                customer_id,
                card,
                cardholder_name=name,
                is_default=is_default,
                deadline=deadline(world),
            )
            talk.made = kept.payment_method_id
            return str(kept.state)

        await self.talk(talk, ask)
        return talk.made

    async def detach(self, customer_id: str, card_id: str) -> Customer | None:
        """Remove a card; return the customer as it is then."""
        found: list[Customer] = []

        async def ask(world: World) -> str:
            found.append(await remove_card(world, customer_id, card_id, deadline=deadline(world)))
            return "done" if found[-1].call is None else "processing"

        asked = {"customer": customer_id, "card": card_id}
        await self.talk(Conversation("detach", customer_id, 0, asked=asked), ask)
        return found[-1] if found else None

    async def set_up(self, customer_id: str) -> str:
        """Ask for a SetupIntent; return the last word."""
        request_id = self._request_id()

        async def ask(world: World) -> str:
            _, setup = await set_up_card(
                world, customer_id, request_id=request_id, deadline=deadline(world)
            )
            return "processing" if setup is None else setup.status

        asked = {"customer": customer_id, "request_id": request_id}
        return await self.talk(Conversation("set_up", customer_id, 0, asked=asked), ask)

    async def shown(self, order_id: str) -> Payment | None:
        """Return what the service shows of an order."""
        return await self.look(lambda world: find_payment(world, order_id))

    async def go_away(self, seconds: float) -> None:
        """Come back after so long."""
        self.town.busy_clients = False
        self.town.shelf.rouse()
        await asyncio.sleep(seconds)
        self.town.busy_clients = True
        self.town.shelf.rouse()

    def _part(self, order_id: str, amount: int | None) -> int | None:
        return None if amount is None else self.prices.minor(order_id, amount)

    def _request_id(self) -> str:
        self._requests += 1
        return f"req_{self._requests}"


def asked_payment(terms: Terms, card: str | None, request_id: str) -> dict[str, Any]:
    """Return the caller's own record of what it asks for when it pays."""
    return {
        "amount": terms.amount_minor,
        "currency": terms.currency,
        "customer": terms.customer_id,
        "capture_method": terms.capture_method,
        "description": terms.description,
        "metadata": dict(terms.metadata),
        "off_session": terms.off_session,
        "return_url": terms.return_url,
        "card": card,
        "confirm": terms.confirm,
        "request_id": request_id,
    }
