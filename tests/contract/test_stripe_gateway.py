"""What goes out to Stripe for each step, and what is made of long lists, slow answers and logs."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import stripe
from multidict import CIMultiDict

from payment_service.adapters.stripe import StripeGateway, TimeLimits, open_stripe
from payment_service.domain.news import (
    CardSeen,
    CustomerSeen,
    IntentSeen,
    News,
    NoNews,
    NothingFound,
    RefundSeen,
    RefundsSeen,
    Rejected,
)
from payment_service.domain.steps import (
    AttachCard,
    CancelIntent,
    ConfirmIntent,
    CreateCustomer,
    CreateIntent,
    CreateRefund,
    DeleteCustomer,
    DetachCard,
    FindCustomer,
    FindIntent,
    FindRefunds,
    GatewayStep,
    NameCard,
    ReadCard,
    ReadCustomer,
    ReadIntent,
    ReadTime,
    SetDefaultCard,
)
from tests.parts.virtual_time import EPOCH, run

KEY = "sk_test_secret_of_ours"
EPOCH_S = int(EPOCH.timestamp())
Answer = tuple[int, Any]


@dataclass
class Sent:
    """One request as it left, its parameters as Stripe reads them."""

    method: str
    path: str
    params: dict[str, str]
    key: str | None


class Recorder(stripe.HTTPClient):
    """The SDK's transport: it records what is sent and answers what it is told to, slowly."""

    name = "recorder"

    def __init__(self, answer: Callable[[Sent], Answer], takes_s: float = 0) -> None:
        super().__init__()
        self.sent: list[Sent] = []
        self._answer = answer
        self._takes_s = takes_s

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        parts = urlsplit(url)
        form = post_data or parts.query
        params = dict(
            parse_qsl(form if isinstance(form, str) else form.decode(), keep_blank_values=True)
        )
        self.sent.append(Sent(method.lower(), parts.path, params, headers.get("Idempotency-Key")))
        await asyncio.sleep(self._takes_s)
        status, body = self._answer(self.sent[-1])
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return raw, status, CIMultiDict({"Request-Id": "req_1"})  # as aiohttp hands them over

    async def close_async(self) -> None:
        self.closed = True


def opened(http: stripe.HTTPClient) -> StripeGateway:
    return open_stripe(
        api_key=KEY,
        api_base="http://stripe.invalid/",
        service="payment-service",
        limits=TimeLimits(),
        http=http,
    )


def asked(http: Recorder, step: GatewayStep) -> News:
    """Ask, in virtual time."""

    async def main() -> News:
        return await opened(http).ask(step)

    return run(main)


INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "amount": 10_000,
    "amount_received": 10_000,
    "latest_charge": {"id": "ch_1"},
    "payment_method": "pm_1",
    "client_secret": "pi_1_secret_x",
}
CARD = {
    "id": "pm_1",
    "object": "payment_method",
    "type": "card",
    "card": {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030},
    "created": EPOCH_S,
    "customer": None,
}
CUSTOMER = {"id": "cus_1", "object": "customer", "email": "ann@example.com"}
REFUND = {"id": "re_1", "object": "refund", "status": "succeeded", "amount": 1, "created": EPOCH_S}


def ordinary(sent: Sent) -> Answer:
    """Answer as Stripe does when all is well."""
    if sent.method == "delete":
        return 200, {"id": "cus_1", "object": "customer", "deleted": True}
    if sent.method == "get" and not sent.path.rpartition("/")[2].startswith(("pi_", "pm_", "cus_")):
        return 200, {"object": "list", "data": [], "has_more": False}
    for part, body in (
        ("/payment_intents", INTENT),
        ("/payment_methods", CARD),
        ("/customers", CUSTOMER),
    ):
        if part in sent.path:
            return 200, body
    return 200, REFUND


CREATE = CreateIntent(
    key="key-1",
    order_id="ord_1",
    amount_minor=10_000,
    currency="usd",
    confirm=True,
    customer_id="cus_1",
    payment_method_id="pm_1",
    capture_method="automatic",
    return_url=None,
    description=None,
    metadata={"colour": "red", "order_id": "of somebody else"},
    request_id="req_ours",
)
OURS = {
    "metadata[service]": "payment-service",
    "metadata[order_id]": "ord_1",
    "metadata[idempotency_key]": "key-1",
}
CREATED = {
    "amount": "10000",
    "currency": "usd",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
    "customer": "cus_1",
    "payment_method": "pm_1",
    "confirm": "true",
    "metadata[colour]": "red",
    "metadata[request_id]": "req_ours",
    **OURS,
}
RETURNED = {
    "return_url": "https://shop.test/back",
    "automatic_payment_methods[allow_redirects]": "always",
}
# Only the charge says until when a hold can be captured.
CHARGE_TOO = {"expand[0]": "latest_charge"}
UNCONFIRMED = {
    name: value
    for name, value in CREATED.items()
    if name not in {"confirm", "payment_method", "customer"}
}
AUTOMATIC = "automatic_payment_methods[allow_redirects]"
REFUNDING = CreateRefund("key-1", "ord_1", "ref_1", "pi_1", 6_000, "duplicate")
REFUNDED = {"payment_intent": "pi_1", "amount": "6000", **OURS}
MADE = {"metadata[service]": "payment-service", "metadata[idempotency_key]": "key-1"}


@pytest.mark.parametrize(
    ("step", "path", "params"),
    [
        (CREATE, "/v1/payment_intents", CREATED),
        (
            replace(CREATE, return_url="https://shop.test/back"),
            "/v1/payment_intents",
            CREATED | RETURNED,
        ),
        (
            replace(CREATE, amount_minor=500, currency="jpy"),
            "/v1/payment_intents",
            CREATED | {"amount": "500", "currency": "jpy"},
        ),
        (
            replace(CREATE, confirm=False, payment_method_id=None, customer_id=None),
            "/v1/payment_intents",
            UNCONFIRMED,
        ),
        (
            replace(CREATE, capture_method="manual", description="a hat"),
            "/v1/payment_intents",
            CREATED | {"capture_method": "manual", "description": "a hat", **CHARGE_TOO},
        ),
        (
            ConfirmIntent("key-1", "ord_1", "pi_1", "pm_2", None),
            "/v1/payment_intents/pi_1/confirm",
            {"payment_method": "pm_2", **CHARGE_TOO},
        ),
        (
            ConfirmIntent("key-1", "ord_1", "pi_1", "pm_2", "https://shop.test/back"),
            "/v1/payment_intents/pi_1/confirm",
            {"payment_method": "pm_2", "return_url": "https://shop.test/back", **CHARGE_TOO},
        ),
        (
            CancelIntent("key-1", "ord_1", "pi/1", "abandoned"),
            "/v1/payment_intents/pi%2F1/cancel",  # an id never leads elsewhere
            {"cancellation_reason": "abandoned"},
        ),
        (REFUNDING, "/v1/refunds", REFUNDED | {"reason": "duplicate"}),
        (replace(REFUNDING, reason=None), "/v1/refunds", REFUNDED),
        (
            replace(REFUNDING, reason="too small"),
            "/v1/refunds",
            REFUNDED | {"metadata[reason]": "too small"},  # Stripe takes three words only
        ),
        (
            CreateCustomer("key-1", "ann@example.com", "Ann"),
            "/v1/customers",
            {"email": "ann@example.com", "name": "Ann", **MADE},
        ),
        (
            CreateCustomer("key-1", "ann@example.com", None),
            "/v1/customers",
            {"email": "ann@example.com", **MADE},
        ),
        (
            AttachCard("key-1", "cus_1", "pm_1"),
            "/v1/payment_methods/pm_1/attach",
            {"customer": "cus_1"},
        ),
        (
            NameCard("key-1", "pm_1", "Ann B."),
            "/v1/payment_methods/pm_1",
            {"billing_details[name]": "Ann B."},
        ),
        (DetachCard("key-1", "pm_1"), "/v1/payment_methods/pm_1/detach", {}),
        (
            SetDefaultCard("key-1", "cus_1", "pm_1"),
            "/v1/customers/cus_1",
            {"invoice_settings[default_payment_method]": "pm_1"},
        ),
        (
            SetDefaultCard("key-1", "cus_1", None),
            "/v1/customers/cus_1",
            {"invoice_settings[default_payment_method]": ""},
        ),
    ],
)
def test_a_step_with_an_effect_is_one_post_under_its_own_key(
    step: GatewayStep, path: str, params: dict[str, str]
) -> None:
    http = Recorder(ordinary)

    asked(http, step)

    assert http.sent == [Sent("post", path, params, "key-1")]


SINCE_S, UNTIL_S = EPOCH_S - 600, EPOCH_S + 600
FIND = FindIntent("key-1", "ord_1", "cus_1", since=EPOCH, until=EPOCH)


@pytest.mark.parametrize(
    ("step", "looks"),
    [
        (ReadIntent("ord_1", "pi_1"), [("/v1/payment_intents/pi_1", CHARGE_TOO)]),
        (ReadCard("pm_1"), [("/v1/payment_methods/pm_1", {})]),
        (
            FIND,
            [
                (
                    "/v1/payment_intents",
                    {
                        "customer": "cus_1",
                        "expand[0]": "data.latest_charge",
                        "limit": "100",
                    },
                )
            ],
        ),
        (
            replace(FIND, customer_id=None),
            [
                (
                    "/v1/payment_intents",
                    {
                        "created[gte]": str(SINCE_S),
                        "created[lte]": str(UNTIL_S),
                        "expand[0]": "data.latest_charge",
                        "limit": "100",
                    },
                )
            ],
        ),
        (ReadTime(), [("/v1/payment_intents", {"limit": "1"})]),
        (
            FindRefunds("ord_1", "pi_1"),
            [("/v1/refunds", {"payment_intent": "pi_1", "limit": "100"})],
        ),
        (
            FindCustomer("ann@example.com"),
            [("/v1/customers", {"email": "ann@example.com", "limit": "100"})],
        ),
        (
            ReadCustomer("cus_1"),
            [
                ("/v1/customers/cus_1", {}),
                ("/v1/payment_methods", {"customer": "cus_1", "type": "card", "limit": "100"}),
            ],
        ),
    ],
)
def test_a_look_is_a_get_without_a_key(
    step: GatewayStep, looks: list[tuple[str, dict[str, str]]]
) -> None:
    http = Recorder(ordinary)

    asked(http, step)

    assert [(s.method, s.path, s.params, s.key) for s in http.sent] == [
        ("get", path, params, None) for path, params in looks
    ]


@pytest.mark.parametrize(
    ("step", "news"),
    [
        (CREATE, IntentSeen),
        (ReadIntent("ord_1", "pi_1"), IntentSeen),
        (REFUNDING, RefundSeen),
        (FindRefunds("ord_1", "pi_1"), RefundsSeen),
        (FIND, NothingFound),
        (FindCustomer("ann@example.com"), NothingFound),
        (ReadCustomer("cus_1"), CustomerSeen),
        (CreateCustomer("key-1", "ann@example.com", None), CustomerSeen),
        (SetDefaultCard("key-1", "cus_1", None), CustomerSeen),
        (DeleteCustomer("key-1", "cus_1"), NothingFound),
        (ReadCard("pm_1"), CardSeen),
        (AttachCard("key-1", "cus_1", "pm_1"), CardSeen),
    ],
)
def test_an_ordinary_answer_becomes_the_news_of_its_step(
    step: GatewayStep, news: type[News]
) -> None:
    assert type(asked(Recorder(ordinary), step)) is news


def test_a_payment_method_that_is_no_card_is_refused() -> None:
    news = asked(Recorder(lambda _: (200, CARD | {"type": "link"})), ReadCard("pm_1"))

    assert isinstance(news, Rejected)
    assert news.error.code == "not_a_card"


@pytest.mark.parametrize(
    "body", [[], b"{", b"", {"id": "pi_1", "object": "payment_intent", "status": "succeeded"}]
)
def test_what_cannot_be_read_is_doubt_however_well_it_was_meant(body: object) -> None:
    assert isinstance(asked(Recorder(lambda _: (200, body)), CREATE), NoNews)


DELETE = DeleteCustomer("key-1", "cus_1")


@pytest.mark.parametrize("body", [CUSTOMER, CUSTOMER | {"deleted": False}])
def test_a_customer_that_is_still_shown_was_not_surely_deleted(body: object) -> None:
    assert isinstance(asked(Recorder(lambda _: (200, body)), DELETE), NoNews)


@pytest.mark.parametrize("step", [CREATE, ReadIntent("ord_1", "pi_1"), DELETE])
def test_a_success_of_another_shape_is_doubt_never_a_refusal(step: GatewayStep) -> None:
    assert isinstance(asked(Recorder(lambda _: (200, {})), step), NoNews)
