"""Callers over HTTP: the application itself, with an Idempotency-Key on everything that they want.

What the auditor judges are the status and the body. Besides, each of them sends what it has had a
definite answer to once more, and the same key with another body.
"""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, Final

from payment_service.api.app import Access, ApiOptions, build_app
from payment_service.api.caller import ANYBODY
from payment_service.api.idempotency import derived_id, key_id
from payment_service.domain.customer import Customer
from payment_service.domain.payment import Terms
from payment_service.flows.find_refund import REFERENCE_PREFIX
from payment_service.flows.world import World
from tests.api.asgi import Caller, Heard
from tests.parts.virtual_time import epoch_s
from tests.simulation.clients import Clients, asked_payment
from tests.simulation.kinds import ANSWERED, REPLAYED, REUSED
from tests.simulation.talking import AGAIN, Conversation
from tests.simulation.told_over_http import stands_still, untrue

CUSTOMER: Final = "payer@example.com"
# What a request is refused with because of its card, or of what it asks of Stripe.
_REJECTED: Final = frozenset({"card_not_found", "card_not_usable", "stripe_refused"})
# Definite answers, which are kept under their key.
DONE: Final = frozenset({200, 201})
KEPT: Final = DONE | {402, 404, 409}
# What a 503 says which speaks of its request, and not of what came before it.
NOTHING_DONE: Final = "nothing was charged"
# Of a request that has not begun, or of which nothing is known: the caller asks again.
_SAYS_NOTHING: Final = frozenset({"idempotency_key_in_use"})
# An answer is kept for a day, and not by the second.
KEPT_S: Final = 23 * 3600.0
# What an answer may say in the course of time of one payment that has been answered for already.
_SECRETS: Final = ("client_secret", "clientSecret", "next_action", "nextAction")


@dataclass(frozen=True, slots=True)
class Wish:
    """One request, the same whenever it is sent."""

    method: str
    path: str
    body: Mapping[str, Any]
    key: str


@dataclass
class HttpClients(Clients):
    """The callers of one life, over HTTP.

    access: how they show who they are, with the credentials in `headers`.
    """

    access: Access | None = None
    headers: dict[str, str] = field(default_factory=dict)
    name: str = ANYBODY.name
    _apps: dict[int, tuple[World, Caller]] = field(default_factory=dict)
    _wishes: list[Wish] = field(default_factory=list)
    _sent: list[tuple[Context, Coroutine[Any, Any, Heard], asyncio.Task[Heard]]] = field(
        default_factory=list
    )
    _customer_id: str | None = None
    # The references of refunds, each with the key that it was told under.
    _references: dict[str, str] = field(default_factory=dict)

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
        """Pay an order; return the last word. Whoever has no customer gets one first."""
        terms = Terms(
            self.prices.minor(order_id, amount),
            self.prices.currency_of(order_id),
            customer_id or await self.own_customer(),
            confirm=confirm,
            capture_method=capture_method,
            return_url=return_url,
            description=f"The things of {order_id}",
            metadata={"basket": f"basket of {order_id}"},
            off_session=off_session,
        )
        asked = asked_payment(terms, card, "")
        talk = Conversation("pay", order_id, terms.amount_minor, asked=asked)
        body = {
            "orderId": order_id,
            "amount": terms.amount_minor,
            "currency": terms.currency,
            "customerId": terms.customer_id,
            "paymentMethodId": card,
            "captureMethod": capture_method,
            "confirm": confirm,
            "offSession": off_session or None,
            "returnUrl": return_url,
            "description": terms.description,
            "metadata": terms.metadata,
        }
        return await self.want(talk, "POST", "/payment/payment-intent", body)

    async def own_customer(self) -> str | None:
        """Return the customer of whoever has named none; it is made when it is first asked for."""
        if self._customer_id is None:
            self._customer_id = await self.customer(CUSTOMER)
        return self._customer_id

    async def confirm(self, order_id: str, card: str | None, return_url: str | None = None) -> str:
        """Confirm a payment, with a card or after its payer acted; return the last word."""
        asked = {"card": card, "off_session": False, "return_url": return_url}
        talk = Conversation("confirm", order_id, 0, asked=asked)
        body = {"paymentMethodId": card, "returnUrl": return_url}
        return await self.want(talk, "POST", _of(order_id, "confirm"), body)

    async def capture(self, order_id: str, amount: int | None = None) -> str:
        """Capture what is held; return the last word."""
        amount_minor = self._part(order_id, amount)
        talk = Conversation("capture", order_id, amount_minor or 0, asked={"amount": amount_minor})
        return await self.want(talk, "POST", _of(order_id, "capture"), {"amount": amount_minor})

    async def cancel(self, order_id: str, reason: str = "requested_by_customer") -> str:
        """Cancel a payment; return the last word."""
        talk = Conversation("cancel", order_id, 0, asked={"cancellation_reason": reason})
        return await self.want(talk, "POST", _of(order_id, "cancel"), {"reason": reason})

    async def refund(
        self,
        order_id: str,
        amount: int | None,
        refund_id: str,
        reason: str | None = "requested_by_customer",
    ) -> str:
        """Refund an order; return the last word."""
        seed = key_id(self.name, self._key())
        made = derived_id(REFERENCE_PREFIX, f"{seed}\n0")
        amount_minor = self._part(order_id, amount)
        asked = {
            "amount": amount_minor,
            "currency": self.prices.currency_of(order_id),
            "reason": reason,
            "order": order_id,
        }
        talk = Conversation("refund", order_id, amount_minor or 0, refund_id=made, asked=asked)
        body = {"orderId": order_id, "amount": amount_minor, "reason": reason}
        return await self.want(talk, "POST", "/payment/refund", body)

    async def customer(self, email: str, name: str = "Ada Lovelace") -> str | None:
        """Make a customer; return Stripe's id of it, None if that is not known."""
        self.emails.append(email)
        body = {"email": email, "name": name}
        talk = Conversation("customer", email, 0, asked=body)
        talk.made = _data(await self._asked(talk, "POST", "/payment/customer", body)).get(
            "customerId"
        )
        return talk.made

    async def attach(
        self, customer_id: str, card: str, name: str = "A B", *, is_default: bool = False
    ) -> str | None:
        """Attach a card; return its id, None if that is not known."""
        asked = {"customer": customer_id, "card": card, "name": name, "is_default": is_default}
        talk = Conversation("attach", customer_id, 0, asked=asked)
        body = {
            "customerId": customer_id,
            "paymentMethodId": card,
            "cardholderName": name,
            # What a caller says of its card besides is read, and Stripe's word is shown.
            "last4": "0000",
            "cardType": "none",
            "expiryDate": "01/20",
            "isDefault": is_default or None,
        }
        answer = await self._asked(talk, "POST", "/payment/payment-method-details", body)
        talk.made = _data(answer).get("payment_method_id")
        return talk.made

    async def detach(self, customer_id: str, card_id: str) -> Customer | None:
        """Remove a card; what the customer is like then is not told."""
        asked = {"customer": customer_id, "card": card_id}
        talk = Conversation("detach", customer_id, 0, asked=asked)
        body = {"customerId": customer_id, "paymentMethodId": card_id}
        await self.want(talk, "DELETE", "/payment/payment-method", body)
        return None

    async def send_first_again(self, order_id: str) -> bool:
        """Send the first request to pay an order again, with its key; say if it was replayed.

        Who has had no answer that ended it would only go on asking; who was rejected, begin anew.
        """
        talks = (one for one in self.conversations if one.wish == "pay")
        last = next((one.last for one in talks if one.order_id == order_id), "lost")
        if last in AGAIN or last == "rejected":
            return False
        wish = next((one for one in self._wishes if one.body.get("orderId") == order_id), None)
        return wish is not None and _is_replay(await self._heard(wish))

    async def want(self, talk: Conversation, method: str, path: str, body: Any) -> str:
        """Ask for it, again if need be, each time with the same key; return the last word."""
        await self._asked(talk, method, path, body)
        return talk.last

    async def _asked(self, talk: Conversation, method: str, path: str, body: Any) -> Heard | None:
        given = {name: value for name, value in body.items() if value is not None}
        wish = Wish(method, path, given, self._key())
        self._wishes.append(wish)
        if talk.wish in {"pay", "confirm", "refund"}:
            talk.asked = {**talk.asked, "request_id": f"r-{wish.key}"}
        heard: list[Heard] = []

        async def ask(world: World) -> str:
            heard.append(await self._send(world, wish))
            if told := self._untrue(talk, heard[-1]):
                self.contradictions.append(f"2 {talk.wish} of {talk.order_id} {told}")
            if talk.wish == "refund":
                self._note_refund(talk, wish, _data(heard[-1]).get("reference"))
            return self._word(talk, heard[-1])

        await self.talk(talk, ask)
        if heard and heard[-1].status in KEPT and talk.last not in {"lost", "away"}:
            await self._once_more(wish, heard[-1], asked_at=talk.answers[0].asked_at)
        return heard[-1] if heard else None

    def _untrue(self, talk: Conversation, answer: Heard) -> str | None:
        """Return what is not so of an answer. Of a write in doubt nobody knows, so 202 is true."""
        told = untrue(self.town.engine, talk, answer)
        if told or answer.status != 202 or self.town.life.store:
            return told
        return stands_still(self.town.shelf.newest.values(), talk)

    async def _send(self, world: World, wish: Wish) -> Heard:
        headers = {**self.headers, "idempotency-key": wish.key, "x-request-id": f"r-{wish.key}"}
        asked = self._app(world).ask(wish.method, wish.path, body=wish.body, headers=headers)
        context = copy_context()
        task = asyncio.get_running_loop().create_task(asked, context=context)
        self._sent.append((context, asked, task))
        return await task

    def close(self) -> None:
        """Throw away what a dead process was at, the applications' part of it first."""
        for context, asked, task in self._sent:
            if not task.done():
                context.run(asked.close)
        super().close()

    def _app(self, world: World) -> Caller:
        """Return the application of a process, which is made once."""
        if id(world) not in self._apps:
            options = ApiOptions(version="1", mode="test", docs_enabled=False)
            app = build_app(world, options, access=self.access)
            self._apps[id(world)] = world, Caller(self.town.variant.app(app))
        return self._apps[id(world)][1]

    async def _once_more(self, wish: Wish, first: Heard, *, asked_at: float) -> None:
        """Send a request that was answered again, and its key for something else.

        An answer that could not be kept is found again by what was done: it says the same, but
        nobody says that it is a replay. asked_at: when it was first sent: a process may stand still
        for longer than an answer is kept.
        """
        if epoch_s() - asked_at >= KEPT_S:
            return
        changed = Wish(wish.method, wish.path, {**wish.body, "amount": -1}, wish.key)
        again = await self._heard(wish)
        if _is_replay(again):
            self.town.happened.add(REPLAYED)
        if epoch_s() - asked_at >= KEPT_S:
            return
        if again is not None and _says_something(again) and not _says_the_same(again, first):
            said = f"{_told(first)}, then {_told(again)}"
            self.contradictions.append(f"7 {wish.path}: one key was answered {said}")
        other = await self._heard(changed)
        if other is not None and other.status == 422:
            self.town.happened.add(REUSED)
        was_kept = _is_replay(again) and epoch_s() - asked_at < KEPT_S
        if was_kept and other is not None and other.status not in {422, 503}:
            self.contradictions.append(f"7 {wish.path}: a key was taken for two requests")

    async def _heard(self, wish: Wish) -> Heard | None:
        """Ask once, and return what was heard if it was not lost."""
        word, answer = await self._once(lambda world: self._send(world, wish))
        return answer if word == "answered" else None

    def _word(self, talk: Conversation, answer: Heard) -> str:
        """Return in one word what the caller is told."""
        body = answer.body
        if answer.status >= 500 and answer.status not in {502, 503}:
            self.contradictions.append(f"{talk.wish} was answered {answer.status}")
        if answer.status in DONE:
            self.town.happened.add(ANSWERED)
            self._compare(talk, body.get("data", {}))
            return str(body.get("data", {}).get("status", "done"))
        code = body.get("code")
        match answer.status:
            case 202:
                return "processing"
            case 402:
                return "declined"
            case 503:  # only some say that nothing was done
                return "away" if NOTHING_DONE in body["message"] else "doubt"
        if code in _SAYS_NOTHING:
            return "lost"
        return "rejected" if code in _REJECTED else f"refused_{code}"

    def _note_refund(self, talk: Conversation, wish: Wish, reference: str | None) -> None:
        """Note by which reference a refund goes: each request has one of its own."""
        if reference is None:
            return
        talk.refund_id = reference
        if self._references.setdefault(reference, wish.key) != wish.key:
            self.contradictions.append(f"7 {wish.path}: it was answered for another request")

    def _compare(self, talk: Conversation, data: Mapping[str, Any]) -> None:
        """Note what an answer shows of the wish that is not what was wanted."""
        wanted: dict[str, object] = {
            "orderId": talk.order_id,
            "currency": self.prices.currency_of(talk.order_id),
        }
        if talk.wish in {"pay", "refund"} and talk.amount_minor:
            wanted["amount"] = talk.amount_minor
        if talk.wish not in {"pay", "confirm", "capture", "cancel", "refund"}:
            return
        wrong = {name: data.get(name) for name in wanted if data.get(name) != wanted[name]}
        if wrong:
            self.contradictions.append(f"2 {talk.wish} {wanted} was answered with {wrong}")

    def _key(self) -> str:
        return f"key-{len(self.conversations) + 1}"


def _is_replay(answer: Heard | None) -> bool:
    return answer is not None and answer.headers.get("idempotent-replayed") == "true"


def _says_something(answer: Heard) -> bool:
    """Whether it speaks of what was asked, and not only of the request or its key."""
    return answer.status < 500 and answer.body.get("code") not in _SAYS_NOTHING


def _says_the_same(again: Heard, first: Heard) -> bool:
    """Whether a request was answered as before. What was found again is there: it is not made."""
    if not _is_replay(again) and {again.status, first.status} == {200, 201}:
        return _told(again)[1:] == _told(first)[1:]
    return _told(again) == _told(first)


def _of(order_id: str, what: str) -> str:
    return f"/payment/payment-intent/{order_id}/{what}"


def _data(answer: Heard | None) -> dict[str, Any]:
    if answer is None:
        return {}
    found: dict[str, Any] = json.loads(answer.raw).get("data") or {}
    return found


def _told(answer: Heard) -> tuple[object, ...]:
    """Return what must be the same whenever a request is answered."""
    data = _data(answer)
    shown = {name: value for name, value in data.items() if name not in _SECRETS}
    return answer.status, json.loads(answer.raw).get("code"), json.dumps(shown, sort_keys=True)
