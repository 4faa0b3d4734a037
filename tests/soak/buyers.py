"""Buyers of the soak: all that a shop's callers do, in several currencies, and what they were told.

They are shoppers of the fleet with more stories. Some have no patience: they ask once, and what a
503 told them ("nothing was charged or changed") must stay true for ever.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from time import time
from typing import Any

import aiohttp

from payment_service.api.caller import ANYBODY
from payment_service.api.idempotency import derived_id, key_id
from tests.parts.shoppers import AGAIN_AFTER_S, CARDS, TRIES_MAX, Shopper, word_of_answer
from tests.simulation.talking import AGAIN, Conversation, Heard
from tests.soak.wanted import PURSES, Purse, Said, WantedPayment, WantedRefund

# A customer's newest hundred PaymentIntents are looked at, and an order may take several.
ORDERS_MAX = 30
KEPT_CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_amex")
REASONS = (None, "requested_by_customer", "duplicate", "the wrong size")
# The first request with this key, or about this order, is still at work: no word about money.
BUSY = frozenset({"refused_idempotency_key_in_use", "refused_payment_in_progress"})
# What each wish may be refused with, as things stand; all else is nobody's fault but ours.
REFUSALS = {
    "pay": {"order_already_paid"},
    "confirm": {"payment_canceled"},
    "capture": {"payment_not_capturable"},
    "cancel": {"payment_not_cancelable"},
    "refund": {
        "refund_exceeds_remaining",
        "payment_disputed",
        "payment_not_refundable",
        # An error that Stripe saved under the key ends a refund: see `REFUSED` in audit.py.
        "stripe_refused",
    },
}
# What Stripe makes of a capture method that is left out.
LEFT_OUT = "automatic_async"
# Stripe.js gives up as well.
PAYER_WAITS_S = 5.0
DONE_WITHIN_S = 120.0


@dataclass
class Buyer(Shopper):
    """One customer. Everything in its lists is the buyer's own record.

    odd: answers that nobody should get. impatient: the verb asked for once of a hold, by order.
    """

    payments: list[WantedPayment] = field(default_factory=list)
    refunds: list[WantedRefund] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)
    default: str = ""
    impatient: dict[str, str] = field(default_factory=dict)

    async def shop(self, until: float) -> None:
        """Buy things until then, or until there are enough of them."""
        await self._become_customer()
        loop = asyncio.get_running_loop()
        while loop.time() < until and self.orders < ORDERS_MAX:
            self.orders += 1
            await self._buy(f"order-{self.number}-{self.orders}")
            if self.chance.random() < 0.05:
                await self._change_cards()

    async def tidy_up(self) -> None:
        """End what is held still: an answer was lost, or its 503 said that nothing was done.

        Then the opposite is asked for, so that what was said to be undone would show.
        """
        held = {one.order_id for one in self.payments if one.capture_method == "manual"}
        for order_id in sorted(held):
            path = f"/payment/payment-intent/{order_id}"
            status, shown = await self._ask("GET", path, None)
            if status != 200 or shown["data"]["status"] != "requires_capture":
                continue
            verb = "cancel" if self.impatient.get(order_id) == "capture" else "capture"
            await self._move(order_id, verb, patient=True)

    async def _become_customer(self) -> None:
        body: dict[str, Any] = {"email": self.email, "name": "A Shopper"}
        made = await self._until_done("POST", "/payment/customer", body)
        self.customer_id = made["customerId"]
        for card in KEPT_CARDS[:2]:
            await self._add_card(card)
        self.default = self.cards[0]

    async def _add_card(self, card: str) -> None:
        body = {"customerId": self.customer_id, "paymentMethodId": card}
        made = await self._until_done("POST", "/payment/payment-method", body)
        if made["payment_method_id"] not in self.cards:
            self.cards.append(made["payment_method_id"])

    async def _change_cards(self) -> None:
        """Add one, make one the default, or remove one that is not."""
        what, path = self.chance.choice(("add", "default", "remove")), "/payment/payment-method"
        if what == "add":
            await self._add_card(self.chance.choice(KEPT_CARDS))
            return
        card = self.chance.choice(self.cards)
        body: dict[str, Any] = {"customerId": self.customer_id, "paymentMethodId": card}
        if what == "default":
            await self._until_done("PUT", path, {**body, "isDefault": True})
            self.default = card
        elif card != self.default:
            await self._until_done("DELETE", path, body)
            self.cards.remove(card)

    async def _buy(self, order_id: str) -> None:
        purse = self.chance.choice(PURSES)
        stories = (self._buy_now, self._hold, self._buy_by_client, self._buy_absent)
        (story,) = self.chance.choices(stories, (12, 5, 2, 2))
        await story(order_id, purse)

    async def _buy_now(self, order_id: str, purse: Purse) -> None:
        amount, card = purse.price(self.chance), self.chance.choice(CARDS)
        clicks = 2 if self.chance.random() < 0.2 else 1
        key = f"pay-{order_id}" if self.chance.random() < 0.6 else None
        body = first = self._order(order_id, purse, amount, {"paymentMethodId": card})
        word, _ = await self._pay(body, clicks=clicks, key=key)
        if word == "requires_action":
            await self._challenge(order_id)
        elif word in {"declined", "canceled"} and self.chance.random() < 0.5:
            amount = purse.price(self.chance)
            body = self._order(order_id, purse, amount, {"paymentMethodId": "pm_card_visa"})
            word, _ = await self._pay(body)
        if word == "succeeded":
            await self._afterwards(order_id, purse, amount)
        if key is not None and body is first and self.chance.random() < 0.2:
            await self._pay(first, key=self.chance.choice((key, f"again-{key}")))

    async def _buy_absent(self, order_id: str, purse: Purse) -> None:
        """Buy with the default card, the holder away."""
        body = self._order(order_id, purse, purse.price(self.chance), {"offSession": True})
        await self._pay(body, key=f"pay-{order_id}")

    async def _buy_by_client(self, order_id: str, purse: Purse) -> None:
        """Let the payer's client confirm, as Stripe.js does."""
        body = self._order(order_id, purse, purse.price(self.chance), {"confirm": False})
        word, shown = await self._pay(body)
        if word != "requires_payment_method" or "client_secret" not in shown:
            return
        is_confirmed, dice = False, self.chance.random()
        with suppress(aiohttp.ClientError, OSError, ValueError, TimeoutError):
            async with asyncio.timeout(PAYER_WAITS_S):
                back = "https://shop.example/back"
                heard = await self.stripe.confirm(shown, "pm_card_visa", back)
                is_confirmed = heard.get("status") == "succeeded"
        if is_confirmed and dice < 0.5:  # else there may be no card yet, and 400 would be right
            await self._confirm(order_id)

    async def _hold(self, order_id: str, purse: Purse) -> None:
        amount = purse.price(self.chance)
        more = {"paymentMethodId": "pm_card_visa", "captureMethod": "manual"}
        word, _ = await self._pay(self._order(order_id, purse, amount, more), key=f"pay-{order_id}")
        if word != "requires_capture":
            return
        verb = self.chance.choice(("capture", "capture", "cancel"))
        part = purse.part(self.chance, amount) if self.chance.random() < 0.5 else None
        patient = self.chance.random() < 0.6
        word = await self._move(
            order_id, verb, part if verb == "capture" else None, patient=patient
        )
        if word == "canceled" and self.chance.random() < 0.3:
            more = {"paymentMethodId": "pm_card_visa"}
            await self._pay(self._order(order_id, purse, purse.price(self.chance), more))

    def _order(
        self, order_id: str, purse: Purse, amount_minor: int, more: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the body of a payment, and remember that it was asked for."""
        wanted = WantedPayment(
            order_id=order_id,
            amount_minor=amount_minor,
            currency=purse.code,
            customer_id=self.customer_id,
            card=self.default if "offSession" in more else "",
            capture_method=more.get("captureMethod", LEFT_OUT),
            description=f"Goods of {order_id}",
            basket=f"basket-{order_id}-{amount_minor}",
        )
        self.payments.append(wanted)
        return {
            "amount": amount_minor,
            "currency": purse.code,
            "orderId": order_id,
            "customerId": self.customer_id,
            "description": wanted.description,
            "metadata": {"basket": wanted.basket},
            **more,
        }

    async def _pay(
        self, body: dict[str, Any], *, clicks: int = 1, key: str | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Pay; return the last word and what was shown with it."""
        patient = self.chance.random() < 0.65
        talks = [Conversation("pay", body["orderId"], body["amount"]) for _ in range(clicks)]
        shown = await asyncio.gather(
            *(
                self._converse(talk, "/payment/payment-intent", dict(body), key, patient=patient)
                for talk in talks
            )
        )
        return talks[0].last, shown[0]

    async def _challenge(self, order_id: str) -> None:
        """Pass the challenge, most of the time; the rest is left to lapse."""
        if self.chance.random() < 0.3:
            return
        shown = await self._until_done("GET", f"/payment/payment-intent/{order_id}")
        if shown.get("status") == "requires_action":
            with suppress(AssertionError):  # it lapsed meanwhile
                await self.stripe.authenticate(shown["payment_intent_id"])
            if self.chance.random() < 0.5:
                await self._confirm(order_id)

    async def _confirm(self, order_id: str) -> None:
        path = f"/payment/payment-intent/{order_id}/confirm"
        await self._converse(Conversation("confirm", order_id, 0), path, {}, None, patient=True)

    async def _move(
        self, order_id: str, verb: str, amount_minor: int | None = None, *, patient: bool
    ) -> str:
        """Capture or cancel; return the last word."""
        if not patient:
            self.impatient[order_id] = verb
        body = {} if amount_minor is None else {"amount": amount_minor}
        talk = Conversation(verb, order_id, amount_minor or 0)
        path = f"/payment/payment-intent/{order_id}/{verb}"
        await self._converse(talk, path, body, None, patient=patient)
        return talk.last

    async def _afterwards(self, order_id: str, purse: Purse, amount_minor: int) -> None:
        """Give some of it back, have the bank dispute it, or ask to pay something else."""
        dice = self.chance.random()
        if dice < 0.45:
            parts = [
                purse.part(self.chance, amount_minor) for _ in range(self.chance.randint(1, 2))
            ]
            await asyncio.gather(
                *(self._give_back(order_id, part, number) for number, part in enumerate(parts))
            )
        elif dice < 0.55:
            await self._give_back(order_id, 0, 0)
        elif dice < 0.62:
            shown = await self._until_done("GET", f"/payment/payment-intent/{order_id}")
            with suppress(AssertionError):  # the sandbox knows why not
                await self.stripe.dispute(shown["payment_intent_id"])
        elif dice < 0.70:
            body = self._order(order_id, purse, amount_minor + purse.step_minor, {})
            await self._pay(body)

    async def _give_back(self, order_id: str, part_minor: int, number: int) -> None:
        """Refund a part, or all that is left (0)."""
        key, reason = f"refund-{order_id}-{number}", self.chance.choice(REASONS)
        self.refunds.append(WantedRefund(order_id, key, part_minor, reason))
        talk = Conversation("refund", order_id, part_minor, refund_id=refund_ids(key)[0])
        body: dict[str, Any] = {"orderId": order_id}
        body |= {"amount": part_minor} if part_minor else {}
        body |= {"reason": reason} if reason else {}
        patient = self.chance.random() < 0.7
        shown = await self._converse(talk, "/payment/refund", body, key, patient=patient)
        talk.refund_id = shown.get("reference", talk.refund_id)

    async def _converse(
        self,
        talk: Conversation,
        path: str,
        body: dict[str, Any],
        key: str | None,
        *,
        patient: bool,
    ) -> dict[str, Any]:
        """Ask, again and again if patient, and remember every answer; return the last data."""
        self.told.append(talk)
        headers = {"Idempotency-Key": key} if key else None
        content: Any = {}
        for _ in range(TRIES_MAX if patient else 1):
            asked_at = time()
            status, content = await self._ask("POST", path, body, headers)
            taken = await self._taken_minor(talk.order_id)
            word = word_of_answer(status, content)
            talk.answers.append(Heard(word, asked_at, time(), taken))
            self.said.append(Said(path, key, status, content))
            self._note_odd(talk.wish, word, status, content)
            if word not in AGAIN | BUSY:
                break
            await asyncio.sleep(AGAIN_AFTER_S)
        data = content.get("data") if isinstance(content, dict) else None
        return data or {}

    def _note_odd(self, wish: str, word: str, status: int, content: Any) -> None:
        code = word.removeprefix("refused_")
        if word.startswith("refused_") and word not in BUSY and code not in REFUSALS[wish]:
            self.odd.append(f"{wish} by {self.email}: {status} {content}")

    async def _until_done(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Ask until it is done; return the data."""
        deadline = asyncio.get_running_loop().time() + DONE_WITHIN_S
        while True:
            status, content = await self._ask(method, path, body)
            if status in {200, 201}:
                data: dict[str, Any] = content.get("data", {})
                return data
            if (method, status) == ("DELETE", 404):  # what was asked for before has removed it
                return {}
            if status not in {0, 202, 429, 503}:
                self.odd.append(f"{method} {path}: {status} {content}")
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"{method} {path} {body} is not done: {status} {content}")
            await asyncio.sleep(AGAIN_AFTER_S)


def refund_ids(key: str) -> list[str]:
    """Return our references of the refunds that one key can make, one after the other fails."""
    seed = key_id(ANYBODY.name, key)
    return [derived_id("rfd", f"{seed}\n{number}") for number in range(TRIES_MAX)]
