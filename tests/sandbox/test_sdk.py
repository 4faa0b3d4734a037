"""The official Python SDK works against the sandbox unchanged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import stripe

from tests.sandbox.live import Live, live


@asynccontextmanager
async def client(*, retries: int = 0) -> AsyncIterator[tuple[stripe.StripeClient, Live]]:
    async with live() as at:
        http = stripe.AIOHTTPClient()
        sdk = stripe.StripeClient(
            "sk_test_x",
            base_addresses={"api": at.url},
            http_client=http,
            max_network_retries=retries,
        )
        try:
            yield sdk, at
        finally:
            await _close(http)


async def _close(http: stripe.AIOHTTPClient) -> None:
    await http.close_async()  # type: ignore[no-untyped-call]  # the SDK forgot to annotate it


def paid(method: str, **more: object) -> stripe.params.PaymentIntentCreateParams:
    return {
        "amount": 1000,
        "currency": "usd",
        "payment_method": method,
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        **more,  # type: ignore[typeddict-item]  # a test adds what it likes
    }


def test_a_customer_pays_with_a_saved_card_and_gets_money_back() -> None:
    async def run() -> None:
        async with client() as (sdk, _):
            customer = await sdk.v1.customers.create_async({"email": "ann@shop.example"})
            card = await sdk.v1.payment_methods.attach_async(
                "pm_card_visa", {"customer": customer.id}
            )
            intent = await sdk.v1.payment_intents.create_async(
                paid(card.id, customer=customer.id, expand=["latest_charge"])
            )
            charge = intent.latest_charge
            assert isinstance(charge, stripe.Charge)
            assert (intent.status, charge.paid, charge.customer) == ("succeeded", True, customer.id)

            refund = await sdk.v1.refunds.create_async(
                {"payment_intent": intent.id, "amount": 400, "metadata": {"why": "late"}}
            )
            assert (refund.status, refund.amount) == ("succeeded", 400)
            found = await sdk.v1.refunds.list_async({"payment_intent": intent.id})
            assert [row.id for row in found.data] == [refund.id]
            assert found.data[0].metadata is not None
            assert found.data[0].metadata["why"] == "late"

    asyncio.run(run())


def test_a_decline_is_a_card_error() -> None:
    async def run() -> None:
        async with client() as (sdk, _):
            with pytest.raises(stripe.CardError) as declined:
                await sdk.v1.payment_intents.create_async(paid("pm_card_chargeDeclined"))
            error = declined.value
            assert (error.http_status, error.code) == (402, "card_declined")
            assert error.error is not None
            assert error.error.decline_code == "generic_decline"
            assert error.error.payment_intent is not None
            assert error.error.payment_intent.status == "requires_payment_method"

    asyncio.run(run())


def test_a_key_replays() -> None:
    async def run() -> None:
        async with client() as (sdk, at):
            first, again = [
                await sdk.v1.payment_intents.create_async(
                    paid("pm_card_visa"), {"idempotency_key": "order-7"}
                )
                for _ in range(2)
            ]
            assert first.id == again.id
            assert again.last_response is not None
            assert again.last_response.headers["Idempotent-Replayed"] == "true"
            assert len(at.sandbox.engine.ledger()["payment_intents"]) == 1
            with pytest.raises(stripe.IdempotencyError):
                await sdk.v1.payment_intents.create_async(
                    paid("pm_card_mastercard"), {"idempotency_key": "order-7"}
                )

    asyncio.run(run())


def test_lists_page_by_themselves() -> None:
    async def run() -> None:
        async with client() as (sdk, _):
            made = [
                (await sdk.v1.customers.create_async({"name": f"{turn}"})).id for turn in range(7)
            ]
            page = await sdk.v1.customers.list_async({"limit": 3})
            walked = [customer.id async for customer in page.auto_paging_iter()]
            assert walked == made[::-1]

    asyncio.run(run())


def test_the_sdks_own_retry_after_a_lost_answer_charges_once() -> None:
    async def run() -> None:
        async with client(retries=1) as (sdk, at):
            rule = {"method": "POST", "path": "/v1/payment_intents", "fault": "reset_after"}
            await at.control("POST", "/faults", rule)
            intent = await sdk.v1.payment_intents.create_async(paid("pm_card_visa"))
            ledger = at.sandbox.engine.ledger()
            assert [row["id"] for row in ledger["payment_intents"]] == [intent.id]
            assert [row["status"] for row in ledger["requests"]] == [None, 200]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("fault", "error", "status"),
    [
        ("truncated_200", stripe.APIError, 200),
        ("error_500_after", stripe.APIError, 500),
        ("error_503_before", stripe.APIError, 503),
        ("rate_limit", stripe.RateLimitError, 429),
        ("lock_timeout", stripe.RateLimitError, 429),
        ("reset_before", stripe.APIConnectionError, None),
        ("timeout_before", stripe.APIConnectionError, None),
    ],
)
def test_faults_come_out_as_the_sdks_exceptions(
    fault: str, error: type[stripe.StripeError], status: int | None
) -> None:
    async def run() -> None:
        async with client() as (sdk, at):
            await at.fault(fault, delay_s=0)
            with pytest.raises(error) as raised:
                await sdk.v1.customers.create_async()
            assert type(raised.value) is error
            assert raised.value.http_status == status

    asyncio.run(run())


def test_a_stranger_is_an_authentication_error() -> None:
    async def run() -> None:
        async with client() as (_, at):
            http = stripe.AIOHTTPClient()
            stranger = stripe.StripeClient(
                "sk_live_x", base_addresses={"api": at.url}, http_client=http
            )
            with pytest.raises(stripe.AuthenticationError):
                await stranger.v1.customers.list_async()
            await _close(http)

    asyncio.run(run())
