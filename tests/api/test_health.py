"""What probes and people are told about the process."""

from dataclasses import replace

import pytest

from payment_service.api.app import ApiOptions
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop
from tests.parts.virtual_time import VirtualClock

HELLO = {"message": "I am healthy!", "status": "ok", "version": "1.2.3", "mode": "test"}


async def test_it_says_hello_at_the_root_and_under_the_prefix(api: Api) -> None:
    for path in ("/", "/payment", "/payment/"):
        heard = await api.get(path)

        assert (heard.status, heard.body) == (200, HELLO)


async def test_it_is_live_and_ready(api: Api) -> None:
    live, ready = await api.get("/livez"), await api.get("/readyz")

    assert (live.status, live.body) == (200, {"status": "ok"})
    clock = {"status": "ok", "ahead_s": 0}
    assert (ready.status, ready.body) == (200, {"status": "ok", "clock": clock})


@pytest.mark.parametrize(
    ("ahead_s", "known", "status"),
    [(60.4, True, "wrong"), (-61.2, True, "wrong"), (60.0, True, "ok"), (-59.8, False, "unknown")],
)
async def test_a_wrong_clock_is_told_and_turns_no_traffic_away(
    shop: Shop,
    ahead_s: float,
    known: bool,  # noqa: FBT001 - a parameter of the test
    status: str,
) -> None:
    class Wrong(VirtualClock):
        def is_known(self) -> bool:
            return known

        def ahead_s(self) -> float:
            return ahead_s

    shop.world = replace(shop.world, clock=Wrong())

    ready = await open_api(shop).get("/readyz")

    assert ready.status == 200
    assert ready.body["clock"] == {"status": status, "ahead_s": round(ahead_s)}


async def test_without_its_database_it_is_live_but_not_ready(api: Api) -> None:
    await api.shop.world.store.close()

    live, ready = await api.get("/livez"), await api.get("/readyz")

    assert live.status == 200
    assert (ready.status, ready.code) == (503, "database_unavailable")


async def test_the_prefix_may_be_another_or_none(shop: Shop) -> None:
    other = open_api(shop, ApiOptions(prefix="/v2/pay"))
    bare = open_api(shop, ApiOptions(prefix=""))

    assert (await other.get("/v2/pay")).status == 200
    assert (await other.get("/payment/payments")).status == 404
    assert (await other.get("/v2/pay/payments")).status == 200
    assert (await bare.get("/payments")).status == 200
    assert (await bare.get("/api-docs.json")).status == 200
    assert (await bare.get("/")).status == 200
