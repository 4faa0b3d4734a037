"""Every error code of Stripe's through every operation, over real HTTP: who is told what.

The codes are those that the official library knows. A refusal is never a success, and it is told as
the table says; what Stripe will take later is asked for again, and only that is a success.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import pytest
import stripe

from payment_service.api.stripe_refusals import told
from payment_service.domain.news import Denial
from payment_service.domain.stripe_errors import MISSING, Action, ErrorClass, class_of, field_of
from tests.parts.http import Caller, Heard, customer_with_card
from tests.parts.processes import Stack, stack

# The official library has them as the possible values of one field.
CODES: Final = tuple(
    re.findall(
        r"[\"']([a-z][a-z0-9_]+)[\"']",
        str(stripe.PaymentIntent.LastPaymentError.__annotations__["code"]),
    )
)
CARD_ERRORS: Final = frozenset({ErrorClass.DECLINED, ErrorClass.AUTHENTICATION_REQUIRED})
RATE_LIMITED: Final = frozenset(
    {"lock_timeout", "rate_limit", "payment_intent_rate_limit_exceeded"}
)
KEY_ERRORS: Final = frozenset(
    {"api_key_expired", "platform_api_key_expired", "secret_key_required"}
)
# What a call that surely did nothing is tried before the caller is told to come back.
TRIES: Final = 4


@dataclass(frozen=True)
class Error:
    """An error of Stripe's: its status, and what its body says."""

    status: int
    code: str | None = None
    param: str | None = None
    decline_code: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        kind = "card_error" if self.status == 402 else "invalid_request_error"
        said = {
            "type": kind,
            "code": self.code,
            "param": self.param,
            "decline_code": self.decline_code,
            "message": "Stripe says no to rk_test_1.",
        }
        return {"error": {name: value for name, value in said.items() if value is not None}}

    @property
    def denial(self) -> Denial:
        by_status = {401: "http_401", 403: "http_403", 429: "rate_limit"}
        code = by_status.get(self.status) or self.code or "invalid_request_error"
        return Denial(code, "", self.decline_code, self.param)


def error_of(code: str) -> Error:
    """Return the error as Stripe sends it with this code."""
    if code in RATE_LIMITED:
        return Error(429, code)
    if code in KEY_ERRORS:
        return Error(401, code)
    if code == "idempotency_key_in_use":
        return Error(409, code)
    denied = class_of(Action.PAY, Denial(code, ""))
    if denied in CARD_ERRORS:
        return Error(402, code, decline_code="do_not_honor")
    return Error(404 if code == "resource_missing" else 400, code)


ERRORS: Final = (
    *(error_of(code) for code in CODES),
    # Stripe has refusals without a code, and codes that say what they mean by the parameter.
    Error(400),
    Error(403),
    Error(429),
    Error(402, "card_declined", decline_code="stolen_card"),
    Error(400, "lock_timeout"),
    *(
        Error(404, "resource_missing", param)
        for param in ("customer", "payment_method", "intent", "id")
    ),
    *(
        Error(400, code, param)
        for code in (None, "parameter_invalid_empty", "parameter_unknown")
        for param in (
            "amount",
            "payment_method",
            "email",
            "name",
            "metadata[a]",
            "expand",
            "reason",
        )
    ),
)

Do = Callable[[str], Awaitable[Heard]]


@dataclass(frozen=True)
class Lane:
    """One operation: what is asked of Stripe for it, and how it is asked for, each time anew.

    heals: whether a customer that Stripe does not find is looked at by the service itself.
    """

    action: Action
    path: str
    do: Do
    heals: bool = False

    def mends(self, error: Error) -> bool:
        """Whether the service finds the customer there, and asks again."""
        return self.heals and error.code == MISSING and error.param in {"customer", "id"}

    def may_succeed(self, error: Error) -> int:
        """Return 0 for what is refused: that comes first, for a success leaves nothing to do."""
        if error.status == 409 or self.mends(error):
            return 2
        return int(error.status == 429)


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    """A service that counts no refused cards and asks as often as it likes: here are many."""
    unlimited = ("CARD_REFUSALS_MAX", "STRIPE_REQUESTS_PER_S", "STRIPE_REQUESTS_PER_ENDPOINT_S")
    with stack(dict.fromkeys(unlimited, "0")) as made:
        yield made


@pytest.fixture
async def service(running: Stack) -> AsyncIterator[Caller]:
    """A caller of the service."""
    async with aiohttp.ClientSession() as http:
        yield Caller(http, running.service_url)


def test_the_library_tells_its_codes() -> None:
    assert len(CODES) > 150
    assert {"card_declined", "charge_expired_for_capture", "email_invalid"} <= set(CODES)


async def test_every_error_of_stripe_is_told_by_the_table_in_every_operation(
    service: Caller, running: Stack
) -> None:
    sandbox = Caller(service.http, running.sandbox_url)
    lanes = await lanes_of(service)
    assert {lane.action for lane in lanes} == set(Action)

    # A card must be attached to be removed, so nobody may stand in the way of that meanwhile.
    together = [lane for lane in lanes if lane.action is not Action.ATTACH]
    wrong = await asyncio.gather(*(walk(lane, sandbox) for lane in together))
    wrong += [await walk(lane, sandbox) for lane in lanes if lane not in together]

    problems = [one for found in wrong for one in found]
    assert problems == []


async def walk(lane: Lane, sandbox: Caller) -> list[str]:
    """Let an operation be refused for every reason, one after the other; return what is wrong."""
    wrong = []
    for number, error in enumerate(sorted(ERRORS, key=lane.may_succeed)):
        times = TRIES if error.status == 429 and lane.action not in GOES_ON else 1
        rule = {"fault": "answer", "method": "POST", "path": lane.path, "times": times}
        rule |= {"status": error.status, "body": error.body}
        ordered = await sandbox.ask("POST", "/_sandbox/faults", rule)
        assert ordered.status == 200, ordered.body
        heard = await lane.do(f"{lane.action}-{number}")
        problem = what_is_wrong(lane, error, heard)
        if problem:
            wrong.append(f"{lane.action} {error}: {problem}, not {heard.status} {heard.body}")
    return wrong


def what_is_wrong(lane: Lane, error: Error, heard: Heard) -> str:
    """Return what should have been told instead, or nothing."""
    if "rk_test" in str(heard.body) and error.status != 402:
        return "no word of Stripe's about our key"
    if error.status == 409:  # an earlier try is under way: looked at, and asked again
        return "" if heard.status in {200, 201, 202} else "2xx"
    kind = class_of(lane.action, error.denial, declined=error.status == 402)
    if heard.status == 200 and lane.mends(error):
        return ""
    goes_on = error.status == 429 and lane.action in GOES_ON
    if heard.status in {200, 202} and goes_on:
        return ""
    row = told(lane.action, kind)
    field = field_of(lane.action, error.denial)
    code = row.code or error.code
    if error.code in {"email_invalid", "amount_too_small", "amount_too_large"} and field:
        code = error.code
    if (heard.status, heard.body.get("code"), heard.body["success"]) != (row.status, code, False):
        return f"{row.status} {code}"
    named = [bad["field"] for bad in heard.body.get("errors", [])]
    wanted = [field] if row.status == 400 and field else []
    return "" if named == wanted else f"the fields {wanted}"


# What is asked for again and again by itself, and says so.
GOES_ON: Final = frozenset(
    {Action.CANCEL, Action.SET_DEFAULT, Action.REMOVE, Action.NAME, Action.UPDATE_CUSTOMER}
)


@dataclass
class Desk:
    """What each operation needs, each its own, and how it is asked for."""

    service: Caller
    payer: tuple[str, str]
    cards: dict[str, str]
    intents: dict[str, str]

    async def post(self, path: str, body: Mapping[str, Any], method: str = "POST") -> Heard:
        return await self.service.ask(method, f"/payment/{path}", dict(body))

    async def pay(self, order: str) -> Heard:
        customer_id, card_id = self.payer
        card = {"customerId": customer_id, "paymentMethodId": card_id}
        return await self.post("payment-intent", {"orderId": order, "amount": 5000, **card})

    async def confirm(self, key: str) -> Heard:
        # A card that was declined is tried again only with another key.
        path = "/payment/payment-intent/to-confirm/confirm"
        return await self.service.ask("POST", path, {}, {"Idempotency-Key": key})

    async def capture(self, _: str) -> Heard:
        return await self.post("payment-intent/to-capture/capture", {})

    async def cancel(self, _: str) -> Heard:
        return await self.post("payment-intent/to-cancel/cancel", {})

    async def refund(self, _: str) -> Heard:
        return await self.post("refund", {"orderId": "to-refund", "amount": 10})

    async def make_customer(self, name: str) -> Heard:
        return await self.post("customer", {"email": f"{name}@shop.example", "name": "Jane Doe"})

    async def update_customer(self, name: str) -> Heard:
        body = {"email": f"{name}@shop.example", "name": name}
        return await self.post(f"customer/{self.cards['update']}", body, "PUT")

    async def attach(self, _: str) -> Heard:
        body = {"customerId": self.payer[0], "paymentMethodId": "pm_card_mastercard"}
        return await self.post("payment-method", body)

    async def name(self, name: str) -> Heard:
        body = {"customerId": self.cards["name"], "paymentMethodId": "pm_card_visa"}
        body |= {"cardholderName": name, "last4": "4242", "cardType": "visa", "expiryDate": "12/30"}
        return await self.post("payment-method-details", body)

    async def choose(self, _: str) -> Heard:
        customer_id = self.cards["default"]
        cards = await self.service.ask("GET", f"/payment/payment-methods/{customer_id}")
        other = cards.data[1]["payment_method_id"]  # the default is the first
        body = {"customerId": customer_id, "paymentMethodId": other, "isDefault": True}
        return await self.post("payment-method", body, "PUT")

    async def remove(self, _: str) -> Heard:
        body = {"customerId": self.cards["remove"], "paymentMethodId": "pm_card_visa"}
        there = await self.post("payment-method", body)  # the same card again is the one there
        assert there.status == 200, there.body
        body["paymentMethodId"] = there.data["payment_method_id"]
        return await self.post("payment-method", body, "DELETE")

    async def set_up(self, _: str) -> Heard:
        return await self.post("setup-intent", {"customerId": self.payer[0]})


async def desk_of(service: Caller) -> Desk:
    """Make what each operation needs."""
    desk = Desk(service, await customer_with_card(service, "payer@shop.example"), {}, {})
    for order, fields in (
        ("to-confirm", {"confirm": False}),
        ("to-capture", {"captureMethod": "manual"}),
        ("to-cancel", {"captureMethod": "manual"}),
        ("to-refund", {"captureMethod": "automatic"}),
    ):
        customer_id, card_id = await customer_with_card(service, f"{order}@shop.example")
        body = {"orderId": order, "amount": 5000, "customerId": customer_id}
        made = await desk.post("payment-intent", {**body, "paymentMethodId": card_id, **fields})
        assert made.status == 200, made.body
        desk.intents[order] = f"/v1/payment_intents/{made.data['payment_intent_id']}"
    for name in ("name", "default", "remove", "update"):
        made_for = await customer_with_card(service, f"{name}@shop.example")
        desk.cards[name], desk.cards[f"{name}d"] = made_for
    second = {"customerId": desk.cards["default"], "paymentMethodId": "pm_card_amex"}
    assert (await desk.post("payment-method", second)).status == 200
    return desk


async def lanes_of(service: Caller) -> list[Lane]:
    """Return every operation with what is asked of Stripe for it."""
    desk = await desk_of(service)
    cards = "/v1/payment_methods"
    return [
        Lane(Action.PAY, "/v1/payment_intents", desk.pay),
        Lane(Action.CONFIRM, f"{desk.intents['to-confirm']}/confirm", desk.confirm),
        Lane(Action.CAPTURE, f"{desk.intents['to-capture']}/capture", desk.capture),
        Lane(Action.CANCEL, f"{desk.intents['to-cancel']}/cancel", desk.cancel),
        Lane(Action.REFUND, "/v1/refunds", desk.refund),
        Lane(Action.CREATE_CUSTOMER, "/v1/customers", desk.make_customer),
        Lane(
            Action.UPDATE_CUSTOMER,
            f"/v1/customers/{desk.cards['update']}",
            desk.update_customer,
            heals=True,
        ),
        Lane(Action.ATTACH, f"{cards}/*/attach", desk.attach, heals=True),
        Lane(Action.NAME, f"{cards}/{desk.cards['named']}", desk.name, heals=True),
        Lane(Action.SET_DEFAULT, f"/v1/customers/{desk.cards['default']}", desk.choose, heals=True),
        Lane(Action.REMOVE, f"{cards}/*/detach", desk.remove, heals=True),
        Lane(Action.SET_UP, "/v1/setup_intents", desk.set_up, heals=True),
    ]
