"""Mistakes put in on purpose: an e-mail is not followed, a default card is not asked for."""

from dataclasses import replace
from typing import Final

from payment_service.domain.news import CustomerSeen, News, NothingFound
from payment_service.domain.steps import FindCustomer, GatewayStep, ReadCustomer, SetDefaultCard
from payment_service.ports import Gateway, LeaveWhile
from tests.simulation.town import Variant


class Remembering:
    """The Gateway port of a service to which a customer is its first e-mail for ever."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._first: dict[str, str | None] = {}

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step, and show of a customer the e-mail that it had first."""
        news = await self._gateway.ask(step, leave_while=leave_while)
        if not isinstance(news, CustomerSeen):
            return news
        first = self._first.setdefault(news.customer.id, news.customer.email)
        if isinstance(step, FindCustomer) and first != step.email:
            return NothingFound(news.request_id)
        return replace(news, customer=replace(news.customer, email=first))


SPLIT: Final = Variant("a customer is split by its e-mail", gateway=Remembering)


class DefaultUnasked:
    """The Gateway port of a service to which a card is the default as soon as that is wanted."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step; of a default only say that it is so."""
        if isinstance(step, SetDefaultCard):
            return await self._gateway.ask(ReadCustomer(step.customer_id, None))
        return await self._gateway.ask(step, leave_while=leave_while)


UNASKED_DEFAULT: Final = Variant("a default is never asked for", gateway=DefaultUnasked)
