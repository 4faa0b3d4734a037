"""Requests that overrun a limit are refused in the usual envelope, and do nothing."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from payment_service.api.app import ApiOptions, all_endpoints
from payment_service.api.door import Gate
from payment_service.api.openapi import document
from payment_service.api.options import BODY_MAX
from tests.api.asgi import Heard
from tests.api.conftest import Api, open_api
from tests.flows.buying import requests
from tests.parts.shop import Shop

PAY = "/payment/payment-intent"


def refused(heard: Heard, status: int, code: str) -> None:
    assert (heard.status, heard.code) == (status, code)
    assert heard.body["success"] is False
    assert heard.body["requestId"] == heard.headers["x-request-id"]


@contextmanager
def nothing_done(api: Api) -> Iterator[None]:
    asked, stored = len(requests(api.shop)), api.stored_text()
    yield
    assert (len(requests(api.shop)), api.stored_text()) == (asked, stored)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_json_ten_thousand_deep_is_refused(api: Api, opening: bytes) -> None:
    with nothing_done(api):
        heard = await api.ask("POST", PAY, raw=opening * 10_000)

        assert heard.status == 400
        assert heard.body["success"] is False


async def test_json_that_is_well_formed_and_too_deep_is_refused(api: Api) -> None:
    raw = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    with nothing_done(api):
        assert (await api.ask("POST", PAY, raw=raw)).status == 400


async def test_a_body_over_the_limit_is_refused_however_long_it_says_it_is(api: Api) -> None:
    too_much = b"x" * (BODY_MAX + 1)
    with nothing_done(api):
        refused(await api.ask("POST", PAY, raw=too_much), 413, "body_too_large")
        pieces = [too_much[:1000], too_much[1000:]]
        refused(await api.ask("POST", PAY, pieces=pieces), 413, "body_too_large")


async def test_too_many_parameters_are_refused(api: Api) -> None:
    query = "&".join(f"p{number}=1" for number in range(51))

    assert (await api.get(f"/payment/payments?{query}")).status == 400


async def test_fields_without_end_and_a_list_that_asks_for_everything_are_refused(api: Api) -> None:
    payer = await api.new_payer()
    metadata = {f"k{number}": "v" for number in range(1000)}
    with nothing_done(api):
        heard = await api.pay(customerId=payer, metadata=metadata)
        assert heard.status == 400
        assert (await api.get("/payment/payments?limit=100000")).status == 400


async def test_past_the_rate_nothing_is_read_and_nothing_done(
    shop: Shop, lines: io.BytesIO
) -> None:
    api = open_api(shop, ApiOptions(rate_limit_per_address="1/minute"))
    await api.get("/payment/")
    with nothing_done(api):
        refused(await api.pay(customerId="cus_x"), 429, "too_many_requests")

    answered = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert answered[-1]["code"] == "too_many_requests"


async def test_who_is_inside_is_counted_while_it_is_inside(shop: Shop) -> None:
    """By this the process knows whether it has too much to do; who waits for Stripe is no load."""
    api = open_api(shop)
    gateway: Any = shop.world.gateway
    seen: list[tuple[int, int]] = []

    def pick(_method: str, _path: str) -> None:
        seen.append((api.gate.inside, gateway.payers_waiting))

    shop.stripe.pick = pick
    await api.new_customer()

    assert set(seen) == {(1, 1)}
    assert (api.gate.inside, gateway.payers_waiting) == (0, 0)


def test_the_document_says_of_every_endpoint_what_may_overrun(api: Api) -> None:
    app: Any = api.app
    made = document(app, ApiOptions(), all_endpoints(Gate()))
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            limited = {"408", "414", "431"} | (
                set() if path in {"/livez", "/readyz"} else {"429", "503"}
            )
            assert limited <= answers.keys(), (method, path)
            for status in limited & {"429", "503"}:
                assert "Retry-After" in answers[status]["headers"]
                assert answers[status]["content"]["application/json"]["examples"]
    assert "overloaded" in str(made["paths"][PAY]["post"]["responses"]["503"])
    assert "too_many_card_refusals" in str(made["paths"][PAY]["post"]["responses"]["429"])
