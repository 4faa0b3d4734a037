"""What probes and people are told about the process."""

from payment_service.api.app import ApiOptions
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop

HELLO = {"message": "I am healthy!", "status": "ok", "version": "1.2.3", "mode": "test"}


async def test_it_says_hello_at_the_root_and_under_the_prefix(api: Api) -> None:
    for path in ("/", "/payment", "/payment/"):
        heard = await api.get(path)

        assert (heard.status, heard.body) == (200, HELLO)


async def test_it_is_live_and_ready(api: Api) -> None:
    live, ready = await api.get("/livez"), await api.get("/readyz")

    assert (live.status, live.body) == (200, {"status": "ok"})
    assert (ready.status, ready.body) == (200, {"status": "ok"})


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
