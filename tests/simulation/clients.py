"""Callers of the service: each wish that they can have, as the flow behind its endpoint."""

import asyncio
from dataclasses import dataclass, field

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
from tests.simulation.outside import Outside
from tests.simulation.talking import Conversation, Talkers, deadline, word_of, word_of_refund


@dataclass
class Clients(Talkers):
    """The callers of one life."""

    emails: list[str] = field(default_factory=list)
    outside: Outside = field(init=False)

    def __post_init__(self) -> None:
        self.outside = Outside(self.town.engine)

    async def pay(
        self,
        order_id: str,
        amount_minor: int,
        card: str | None,
        customer_id: str | None = None,
        *,
        capture_method: str = "automatic",
        confirm: bool = True,
        off_session: bool = False,
    ) -> str:
        """Pay an order; return the last word."""
        talk = Conversation("pay", order_id, amount_minor)
        terms = Terms(
            amount_minor,
            "usd",
            customer_id,
            confirm=confirm,
            capture_method=capture_method,
            off_session=off_session,
        )
        request_id = self._request_id()
        order = Order(order_id, terms, card, request_id, retry_key=request_id)

        async def ask(world: World) -> str:
            pay = self.town.variant.pay
            return word_of(await pay(world, order, deadline=deadline(world), bearer_token=None))

        return await self.talk(talk, ask)

    async def confirm(self, order_id: str, card: str | None) -> str:
        """Confirm a payment, with a card or after its payer acted; return the last word."""
        request_id = self._request_id()

        async def ask(world: World) -> str:
            payment = await confirm_payment(
                world,
                await find_payment(world, order_id),
                payment_method_id=card,
                return_url=None,
                request_id=request_id,
                retry_key=request_id,
                deadline=deadline(world),
            )
            return word_of(payment)

        return await self.talk(Conversation("confirm", order_id, 0), ask)

    async def capture(self, order_id: str, amount_minor: int | None = None) -> str:
        """Capture what is held; return the last word."""
        request_id = self._request_id()

        async def ask(world: World) -> str:
            payment = await capture(
                world,
                await find_payment(world, order_id),
                amount_minor=amount_minor,
                request_id=request_id,
                deadline=deadline(world),
            )
            return word_of(payment)

        return await self.talk(Conversation("capture", order_id, amount_minor or 0), ask)

    async def cancel(self, order_id: str) -> str:
        """Cancel a payment; return the last word."""
        request_id = self._request_id()

        async def ask(world: World) -> str:
            payment = await cancel(
                world,
                await find_payment(world, order_id),
                reason="requested_by_customer",
                request_id=request_id,
                deadline=deadline(world),
            )
            return word_of(payment)

        return await self.talk(Conversation("cancel", order_id, 0), ask)

    async def refund(self, order_id: str, amount_minor: int | None, refund_id: str) -> str:
        """Refund an order; return the last word."""
        talk = Conversation("refund", order_id, amount_minor or 0, refund_id=refund_id)

        async def ask(world: World) -> str:
            payment = await find_payment(world, order_id)
            _, refund = await refund_payment(
                world,
                payment,
                refund_id=refund_id,
                amount_minor=amount_minor,
                reason=None,
                deadline=deadline(world),
            )
            return word_of_refund(refund)

        return await self.talk(talk, ask)

    async def customer(self, email: str) -> str | None:
        """Make a customer; return Stripe's id of it, None if that is not known."""
        self.emails.append(email)
        found: list[str] = []

        async def ask(world: World) -> str:
            customer, _ = await create_customer(world, email, "A", deadline=deadline(world))
            found.extend([customer.customer_id] if customer.customer_id else [])
            return "done" if customer.customer_id else "processing"

        await self.talk(Conversation("customer", email, 0), ask)
        return found[-1] if found else None

    async def attach(self, customer_id: str, card: str) -> str | None:
        """Attach a card; return its id, None if that is not known."""
        found: list[str] = []

        async def ask(world: World) -> str:
            _, kept = await attach_card(
                world,
                customer_id,
                card,
                cardholder_name="A B",
                is_default=False,
                deadline=deadline(world),
            )
            found.append(kept.payment_method_id)
            return str(kept.state)

        await self.talk(Conversation("attach", customer_id, 0), ask)
        return found[-1] if found else None

    async def detach(self, customer_id: str, card_id: str) -> Customer | None:
        """Remove a card; return the customer as it is then."""
        found: list[Customer] = []

        async def ask(world: World) -> str:
            found.append(await remove_card(world, customer_id, card_id, deadline=deadline(world)))
            return "done" if found[-1].call is None else "processing"

        await self.talk(Conversation("detach", customer_id, 0), ask)
        return found[-1] if found else None

    async def set_up(self, customer_id: str) -> str:
        """Ask for a SetupIntent; return the last word."""
        request_id = self._request_id()

        async def ask(world: World) -> str:
            _, setup = await set_up_card(
                world, customer_id, request_id=request_id, deadline=deadline(world)
            )
            return "processing" if setup is None else setup.status

        return await self.talk(Conversation("set_up", customer_id, 0), ask)

    def close(self) -> None:
        """The life is over."""

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

    def _request_id(self) -> str:
        return f"req_{len(self.conversations) + 1}"
