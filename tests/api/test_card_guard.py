"""Trying out cards through the API: who is stopped, and that nobody else is."""

import asyncio
from pathlib import Path

import pytest

from payment_service import main
from payment_service.adapters.sqlite import open_store
from payment_service.api.app import ApiOptions
from payment_service.domain.card_refusals import Kind, Suspect, with_refusal
from payment_service.domain.moment import Policy
from payment_service.settings import load_settings
from payment_service.storage.collections import CARD_TALLIES, COLLECTIONS
from tests.api.asgi import Heard
from tests.api.conftest import Api, open_api
from tests.parts.shop import open_shop
from tests.parts.virtual_time import EPOCH

POLICY = Policy(card_refusals_max=3, card_refusals_window_s=600, card_refusals_pause_s=900)
CARDS = (
    "pm_card_visa_chargeDeclined",
    "pm_card_visa_chargeDeclinedInsufficientFunds",
    "pm_card_visa_chargeDeclinedLostCard",
    "pm_card_visa_chargeDeclinedStolenCard",
)


async def opened(**options: int) -> Api:
    return open_api(await open_shop(POLICY), ApiOptions(**options))  # type: ignore[arg-type]


async def try_cards(api: Api, *, from_address: str = "203.0.113.9") -> list[Heard]:
    """Try one card after another, each for a customer of its own, as testers do."""
    return [
        await api.post(
            "/payment/payment-intent",
            {
                "amount": 100,
                "orderId": f"{from_address}-{number}",
                "customerId": await api.new_customer(f"{from_address}-{number}@example.com"),
                "paymentMethodId": card,
            },
            x_forwarded_for=from_address,
        )
        for number, card in enumerate(CARDS)
    ]


async def test_a_tester_is_stopped_by_its_address_where_addresses_are_payers() -> None:
    api = await opened(trusted_proxies=1)

    heard = await try_cards(api)
    elsewhere = await try_cards(api, from_address="203.0.113.10")

    assert [one.status for one in heard] == [402, 402, 402, 429]
    assert heard[-1].code == "too_many_card_refusals"
    assert heard[-1].headers["retry-after"] == "900"
    assert elsewhere[0].status == 402
    assert "203.0.113.9" not in str(api.shop.witness.pauses)


async def test_a_shops_own_server_is_no_payer_whatever_is_refused_to_its_payers() -> None:
    """All of them come from its one address: a bad hour must not close the shop."""
    heard = await try_cards(await opened())

    assert [one.status for one in heard] == [402, 402, 402, 402]


async def test_a_refusal_for_too_many_is_not_kept_under_the_idempotency_key() -> None:
    api = await opened()
    payer = await api.new_customer()
    for number in range(3):
        await api.pay(f"a{number}", customerId=payer, paymentMethodId=CARDS[0])
    asked = {"customerId": payer}

    stopped = await api.post("/payment/setup-intent", asked, idempotency_key="k-1")
    await api.shop.world.clock.sleep(900)
    later = await api.post("/payment/setup-intent", asked, idempotency_key="k-1")

    assert (stopped.status, later.status) == (429, 200)


@pytest.mark.parametrize("name", ["2001:db8:1:2::/64", "2001:db8:1:2::9"])
def test_the_command_lifts_a_pause_of_whoever_is_named(tmp_path: Path, name: str) -> None:
    settings = load_settings({"SQLITE_PATH": str(tmp_path / "payments.sqlite3")})
    suspect = Suspect(Kind.ADDRESS, "2001:db8:1:2::/64")

    async def scenario() -> None:
        store = open_store(settings.sqlite_path, COLLECTIONS)
        await store.ensure_schema()
        await store.insert(CARD_TALLIES, with_refusal(None, suspect, EPOCH, POLICY))
        await store.close()

        await main.lift_refusals(settings, Suspect(Kind.ADDRESS, name))

        store = open_store(settings.sqlite_path, COLLECTIONS)
        assert await store.get(CARD_TALLIES, suspect.id) is None
        await store.close()

    asyncio.run(scenario())
