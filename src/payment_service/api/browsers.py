"""What browsers must be told: whose pages may call, and what to do with answers besides showing.

https only (HSTS) is for whoever ends TLS to say, the gateway: we do not know its other names.
"""

from collections.abc import Iterable
from typing import Any, Final

Headers = tuple[tuple[bytes, bytes], ...]

# On every answer, unless it says otherwise itself: the pages for people do.
DEFAULTS: Final[Headers] = (
    # Answers are about money and people: no browser or proxy keeps one.
    (b"cache-control", b"no-store"),
    # JSON asks for nothing and is shown nowhere; that is for whoever makes a browser open it.
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
ALWAYS: Final[Headers] = (
    (b"x-content-type-options", b"nosniff"),
    # Our paths may hold e-mails.
    (b"referrer-policy", b"no-referrer"),
)

_METHODS: Final = b"GET, HEAD, POST, PUT, DELETE"
_ASKABLE: Final = b"Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Request-Id"
_READABLE: Final = b"X-Request-Id, Idempotent-Replayed, Retry-After, WWW-Authenticate"
# A page asks once for each path; ten minutes later a changed list of origins is known to all.
_PREFLIGHT_S: Final = b"600"


class Browsers:
    """Knows the origins whose scripts may call.

    Credentials are tokens that scripts send themselves, never cookies, so the browser's own are not
    allowed for: a page that is not ours cannot borrow anybody's.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def headers_for(self, origin: bytes) -> Headers:
        """Return what goes onto an answer to a page of this origin; "" is no page."""
        if not self._origins:
            return ()
        vary = (b"vary", b"Origin")  # a cache must not give one origin the answer for another
        if origin not in self._origins:
            return (vary,)
        return (
            vary,
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", _READABLE),
        )

    def is_preflight(self, scope: Any, origin: bytes) -> bool:
        """Whether a browser asks beforehand whether it may ask, where that is answered at all."""
        return (
            bool(self._origins)
            and scope["method"] == "OPTIONS"
            and bool(origin)
            and any(name == b"access-control-request-method" for name, _ in scope["headers"])
        )

    def preflight_headers(self, origin: bytes) -> Headers:
        """Return what else a preflight is answered; nothing lets a page of elsewhere in."""
        if origin not in self._origins:
            return ()
        return (
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _ASKABLE),
            (b"access-control-max-age", _PREFLIGHT_S),
        )
