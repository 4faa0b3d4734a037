"""Where an operation begins: what there must be first. Each returns whom it is about, or nobody."""

from tests.api.conftest import Api


async def nothing(_: Api) -> str:
    return ""


async def payer(api: Api) -> str:
    return await api.new_payer()


async def customer(api: Api) -> str:
    return await api.new_customer()


async def paid(api: Api) -> str:
    assert (await api.pay()).status == 200
    return ""


async def held(api: Api) -> str:
    assert (await api.pay(captureMethod="manual")).status == 200
    return ""


async def unconfirmed(api: Api) -> str:
    assert (await api.pay(confirm=False)).status == 200
    return ""
