"""Who asks too often is refused at the door, and nobody else is."""

import pytest

from payment_service.api.app import ApiOptions
from payment_service.api.caller import ANYBODY, Caller, Scope
from payment_service.api.problems import TooManyRequests
from payment_service.api.rate_limits import RateLimits, Tallies, client_of
from tests.api.conftest import open_api
from tests.parts.shop import Shop

SERVICE = Caller("psk_orders", frozenset(Scope), is_service=True)


class Now:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


def limits(now: Now, **options: object) -> RateLimits:
    return RateLimits(ApiOptions(**options), now)  # type: ignore[arg-type]  # named by each test


def refusal(ask: object, *args: object) -> TooManyRequests:
    with pytest.raises(TooManyRequests) as refused:
        ask(*args)  # type: ignore[operator]
    return refused.value


def test_an_address_is_refused_past_its_limit_until_the_window_is_over() -> None:
    now = Now()
    rates = limits(now, rate_limit_per_address="3/minute")
    for _ in range(3):
        rates.before_auth("/payment/x", "192.0.2.1")
    now.s += 20.5

    refused = refusal(rates.before_auth, "/payment/x", "192.0.2.1")
    rates.before_auth("/payment/x", "192.0.2.2")
    now.s += refused.details["retry_after_s"]
    rates.before_auth("/payment/x", "192.0.2.1")

    assert (refused.code, refused.details["retry_after_s"]) == ("too_many_requests", 40)


def test_a_caller_has_a_limit_of_its_own_from_whichever_address() -> None:
    rates = limits(Now(), rate_limit_per_caller="2/second")
    other = Caller("psk_other", frozenset(Scope), is_service=True)
    for _ in range(2):
        rates.after_auth("/payment/x", SERVICE)
        rates.after_auth("/payment/x", other)

    refusal(rates.after_auth, "/payment/x", SERVICE)
    refusal(rates.after_auth, "/payment/x", other)


def test_where_nobody_says_who_it_is_the_nameless_have_no_limit_together() -> None:
    rates = limits(Now(), rate_limit_per_caller="1/hour")

    for _ in range(10):
        rates.after_auth("/payment/x", ANYBODY)


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/payment/webhook"])
def test_probes_and_stripe_are_never_limited(path: str) -> None:
    rates = limits(Now(), rate_limit_per_address="1/day", rate_limit_per_caller="1/day")

    for _ in range(10):
        rates.before_auth(path, "192.0.2.1")
        rates.after_auth(path, SERVICE)


def test_no_limit_is_no_limit() -> None:
    rates = limits(Now())

    for _ in range(10):
        rates.before_auth("/payment/x", "192.0.2.1")
        rates.after_auth("/payment/x", SERVICE)


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("not an address", "not an address"),
    ],
)
def test_an_ipv6_client_is_its_network(address: str, client: str) -> None:
    assert client_of(address) == client


@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        (0, ["203.0.113.9"], "10.0.0.1"),
        (1, [], "10.0.0.1"),
        (1, ["203.0.113.9"], "203.0.113.9"),
        (1, ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        (2, ["6.6.6.6, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (2, ["6.6.6.6", "203.0.113.9", "10.0.0.2"], "203.0.113.9"),
        (3, ["203.0.113.9"], "203.0.113.9"),
        (1, ["203.0.113.9:4711"], "203.0.113.9"),
        (1, ["[2001:db8::9]:4711"], "2001:db8::9"),
        (1, ["2001:db8::9"], "2001:db8::9"),
        (1, ["unknown"], "10.0.0.1"),
        (1, [", ,"], "10.0.0.1"),
        (1, ["<script>"], "10.0.0.1"),
    ],
)
def test_the_clients_address_is_counted_from_the_right_over_proxies_that_are_ours(
    trusted: int, forwarded: list[str], address: str
) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"client": ("10.0.0.1", 50_000), "headers": headers}

    assert limits(Now(), trusted_proxies=trusted).address_of(scope) == address


def test_without_a_client_there_is_no_address_and_no_limit() -> None:
    rates = limits(Now(), rate_limit_per_address="1/day")

    assert rates.address_of({"client": None, "headers": []}) == ""
    for _ in range(3):
        rates.before_auth("/payment/x", "")


def test_what_is_over_is_forgotten_when_somebody_new_comes() -> None:
    now = Now()
    tallies = Tallies(now)
    for number in range(1000):
        tallies.incr(f"a{number}", 60)
    now.s += 61

    tallies.incr("b", 60)

    assert tallies.reset() == 1


def test_a_flood_of_addresses_takes_no_more_memory_than_there_is_for_it() -> None:
    tallies = Tallies(Now(), tallies_max=100)

    for number in range(10_000):
        assert tallies.incr(f"a{number}", 60) == 1

    assert tallies.reset() == 100


def test_a_window_begins_with_its_first_request_and_counts_to_its_end() -> None:
    now = Now()
    tallies = Tallies(now)

    assert [tallies.incr("a", 60, 2), tallies.incr("a", 60)] == [2, 3]
    assert (tallies.get("a"), tallies.get_expiry("a")) == (3, 1060.0)
    now.s += 60
    assert (tallies.get("a"), tallies.get("b"), tallies.get_expiry("b")) == (0, 0, 1060.0)
    assert tallies.incr("a", 60) == 1
    tallies.clear("a")
    assert tallies.get("a") == 0


async def test_past_the_limit_the_door_says_429_and_when_to_come_again(shop: Shop) -> None:
    api = open_api(shop, ApiOptions(rate_limit_per_address="2/minute"))

    heard = [await api.get("/payment/") for _ in range(3)]
    probe = await api.get("/livez")

    assert [one.status for one in heard] == [200, 200, 429]
    assert heard[-1].code == "too_many_requests"
    assert heard[-1].headers["retry-after"] == "60"
    assert heard[-1].headers["x-request-id"]
    assert probe.status == 200


async def test_a_refused_request_is_refused_before_its_body_is_read(shop: Shop) -> None:
    limited = open_api(shop, ApiOptions(rate_limit_per_address="1/minute", body_max=10))
    await limited.get("/payment/")

    heard = await limited.ask("POST", "/payment/refund", raw=b"x" * 100)

    assert heard.status == 429
