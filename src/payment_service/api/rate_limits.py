"""How often one client address and one caller may ask; whoever asks more is refused at the door."""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from math import ceil

from limits import RateLimitItem, parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter
from prometheus_client import Counter
from starlette.types import Scope

from payment_service.api.caller import ANYBODY, Caller
from payment_service.api.options import ALWAYS_OPEN, ApiOptions
from payment_service.api.problems import TooManyRequests

# Some 10 MB. Whoever floods us from more addresses than these has forgotten ones begin anew, which
# is what a new address is worth anyway.
TALLIES_MAX = 50_000
# A household, or a server, has a whole /64: its addresses are one client.
IPV6_CLIENT_BITS = 64
# Whose address is one of these may be a proxy, an ingress or a load balancer of ours: loopback,
# private, link-local and shared (CGNAT) networks.
_MAY_BE_PROXIES = [
    ip_network(network)
    for network in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
]

_REFUSED = Counter(
    "payment_service_rate_limited", "Requests refused since there were too many.", ["by"]
)
_BY_ADDRESS, _BY_CALLER = _REFUSED.labels("address"), _REFUSED.labels("caller")


class Tallies(Storage):
    """Counts for `limits`' fixed window, bounded, without threads.

    All windows are equally long, so the first that began is the first that is over. now: seconds.
    """

    def __init__(self, now: Callable[[], float], tallies_max: int = TALLIES_MAX) -> None:
        super().__init__()
        self._now = now
        self._max = tallies_max
        self._counts: dict[str, tuple[int, float]] = {}

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; return how many there are in this window. expiry: the window's length, seconds."""
        now = self._now()
        count, until = self._counts.get(key, (0, 0.0))
        if until <= now:
            self._make_room(now)
            count, until = 0, now + expiry
        self._counts[key] = (count + amount, until)
        return count + amount

    def get(self, key: str) -> int:
        """Return how many there are in this window."""
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > self._now() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window is over."""
        return self._counts.get(key, (0, self._now()))[1]

    def _make_room(self, now: float) -> None:
        """Drop what is over, and one that is not when there is no room else."""
        while self._counts:
            first = next(iter(self._counts))
            if self._counts[first][1] > now and len(self._counts) < self._max:
                return
            del self._counts[first]

    def check(self) -> bool:
        """Say that it works."""
        return True

    def reset(self) -> int:
        """Forget everything; return how much that was."""
        count = len(self._counts)
        self._counts.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one."""
        self._counts.pop(key, None)

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing can go wrong here but a mistake of ours."""
        return ValueError


class _Limit:
    """So many in a window for each name. text: as in `600/minute`; empty is no limit."""

    def __init__(self, text: str, now: Callable[[], float]) -> None:
        self._now = now
        self._item: RateLimitItem | None = parse(text) if text else None
        self._tallies = Tallies(now)
        self._limiter = FixedWindowRateLimiter(self._tallies)

    def refuses(self, name: str) -> float | None:
        """Count one; return after how many seconds another has a chance if it is too many."""
        if self._item is None or self._limiter.hit(self._item, name):
            return None
        return self._limiter.get_window_stats(self._item, name).reset_time - self._now()


class RateLimits:
    """The limits of one process."""

    def __init__(self, options: ApiOptions, now: Callable[[], float] | None = None) -> None:
        now = now or _loop_time
        self._by_address = _Limit(options.rate_limit_per_address, now)
        self._by_caller = _Limit(options.rate_limit_per_caller, now)
        self._trusted_proxies = options.trusted_proxies
        # Stripe's addresses are many and must not be limited: bad posts have a limit of their own.
        self._exempt = ALWAYS_OPEN | {options.webhook_path}

    def address_of(self, scope: Scope) -> str:
        """Return the client's address as far as it is known, "" when it is not.

        Each proxy appends to X-Forwarded-For whom it heard, so only as many entries from the right
        as we have proxies of our own are true; the client may have made up the rest.
        """
        hops = self._hops(scope)
        if not hops:
            return _peer(scope)
        return _plain(hops[-min(self._trusted_proxies, len(hops))]) or _peer(scope)

    def payer_of(self, scope: Scope) -> str:
        """Return the name of the client by its address, "" where that may be a proxy's.

        For what one client must not do to all who stand behind one proxy with it.
        """
        hops = self._hops(scope)
        if not self._trusted_proxies:
            address = _peer(scope)
        elif len(hops) < self._trusted_proxies:
            return ""  # it came past one of the proxies, or one of them told nothing
        else:
            address = _plain(hops[-self._trusted_proxies])
        return "" if may_be_a_proxy(address) else client_of(address)

    def _hops(self, scope: Scope) -> list[str]:
        if not self._trusted_proxies:
            return []
        heard = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
        return [hop.strip() for hop in heard.decode("latin-1").split(",") if hop.strip()]

    def before_auth(self, path: str, address: str) -> None:
        """Count a request of a client address. Raises TooManyRequests."""
        if address and path not in self._exempt:
            wait_s = self._by_address.refuses(client_of(address))
            if wait_s is not None:
                _BY_ADDRESS.inc()
                raise _too_many("from this address", wait_s)

    def after_auth(self, path: str, caller: Caller) -> None:
        """Count a request of a caller who is known. Raises TooManyRequests."""
        if caller is not ANYBODY and path not in self._exempt:
            wait_s = self._by_caller.refuses(caller.name)
            if wait_s is not None:
                _BY_CALLER.inc()
                raise _too_many("of this caller", wait_s)


@lru_cache(maxsize=4096)
def may_be_a_proxy(address: str) -> bool:
    """Say whether many clients may stand behind an address; so also of what is none."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return True
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_unspecified or any(found in network for network in _MAY_BE_PROXIES)


@lru_cache(maxsize=4096)
def client_of(address: str) -> str:
    """Return the name under which an address is counted: itself, or its /64."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Network((int(found), IPV6_CLIENT_BITS), strict=False))
    return str(found)


def _peer(scope: Scope) -> str:
    peer: str = scope["client"][0] if scope.get("client") else ""
    return peer


def _plain(hop: str) -> str:
    """Return the address of a hop without its port, "" when it is none."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    try:
        return str(ip_address(hop))
    except ValueError:
        return ""


def _too_many(whose: str, wait_s: float) -> TooManyRequests:
    return TooManyRequests(f"Too many requests {whose}.", retry_after_s=max(ceil(wait_s), 1))


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
