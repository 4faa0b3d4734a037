"""An address counts where it is one client's; where it may be a proxy's it stops nobody."""

from dataclasses import replace

import pytest

from payment_service.api.app import ApiOptions
from payment_service.api.rate_limits import RateLimits, may_be_a_proxy
from tests.api.access import open_guarded
from tests.api.asgi import Heard
from tests.api.test_card_guard import CARDS, POLICY
from tests.parts.shop import open_shop

PUBLIC = "203.0.113.9"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "172.31.255.254",
        "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1",
        "100.127.255.254",
        "::1",
        "fd00::1",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:10.1.2.3",
        "0.0.0.0",
        "unix",
        "",
    ],
)
def test_behind_these_many_clients_may_stand(address: str) -> None:
    assert may_be_a_proxy(address)


@pytest.mark.parametrize(
    "address",
    [PUBLIC, "172.32.0.1", "100.128.0.1", "11.0.0.1", "2001:db8::1", "::ffff:203.0.113.9"],
)
def test_these_are_one_client(address: str) -> None:
    assert not may_be_a_proxy(address)


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "payer"),
    [
        (0, PUBLIC, [], PUBLIC),
        (0, PUBLIC, ["198.51.100.1"], PUBLIC),
        (0, "10.0.0.1", [], ""),
        (0, "10.0.0.1", [PUBLIC], ""),
        (1, "10.0.0.1", [PUBLIC], PUBLIC),
        (1, "10.0.0.1", [f"6.6.6.6, {PUBLIC}:4711"], PUBLIC),
        (1, "10.0.0.1", [], ""),
        (1, PUBLIC, [], ""),
        (1, "10.0.0.1", ["unknown"], ""),
        (1, "10.0.0.1", [f"{PUBLIC}, 10.0.0.2"], ""),
        (2, "10.0.0.1", [PUBLIC], ""),
        (2, "10.0.0.1", [f"{PUBLIC}, 10.0.0.2"], PUBLIC),
        (1, "10.0.0.1", ["2001:db8:1:2:3::1"], "2001:db8:1:2::/64"),
    ],
)
def test_a_payers_address_is_known_only_where_no_entry_is_missing_and_it_is_no_proxys(
    trusted: int, peer: str, forwarded: list[str], payer: str
) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]

    found = RateLimits(ApiOptions(trusted_proxies=trusted))

    assert found.payer_of({"client": (peer, 1), "headers": headers}) == payer
    assert found.payer_of({"client": None, "headers": headers}) in {payer, ""}


async def declined(trusted: int, peer: str, **headers: str) -> list[Heard]:
    """Let three end users who come from one address have one card declined each, and two again."""
    api = open_guarded(await open_shop(POLICY), ApiOptions(trusted_proxies=trusted))
    api = replace(api, address=peer)
    heard = []
    for number in range(5):
        user = api.provider.user(f"user-{number % 3}@example.com", scope="payment.admin")
        body = {"amount": 100, "orderId": f"o-{number}", "paymentMethodId": CARDS[number % 4]}
        named = {"Authorization": f"Bearer {user}", **headers}
        path = "/payment/payment-intent"
        heard.append(await api.ask("POST", path, body=body, headers=named))
    return heard


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded"),
    [(0, "10.0.0.7", ""), (0, "100.64.0.7", PUBLIC), (2, "10.0.0.7", PUBLIC), (1, "fd00::7", "")],
)
async def test_cards_declined_behind_an_address_that_may_be_a_proxys_stop_nobody(
    trusted: int, peer: str, forwarded: str
) -> None:
    headers = {"x_forwarded_for": forwarded} if forwarded else {}

    heard = await declined(trusted, peer, **headers)

    assert [one.status for one in heard] == [402] * 5


@pytest.mark.parametrize(("trusted", "peer"), [(0, PUBLIC), (1, "10.0.0.7")])
async def test_cards_declined_from_one_clients_address_stop_it(trusted: int, peer: str) -> None:
    heard = await declined(trusted, peer, x_forwarded_for=PUBLIC)

    assert [one.status for one in heard] == [402, 402, 402, 429, 429]
