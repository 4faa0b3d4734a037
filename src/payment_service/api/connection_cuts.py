"""Why a connection is cut while what it sent is parsed."""

from bounded_connections.room import URL_MAX
from payment_service.api.problems import HeadersTooLarge, MalformedRequest, UrlTooLong
from payment_service.domain.errors import Refusal
from payment_service.ports import Unavailable


class Cut(Exception):
    """Ends the parsing of what came, from within it: what follows is not even looked at.

    why: what the client is told. label: what it is counted under.
    """

    def __init__(self, why: Refusal | Unavailable, label: str) -> None:
        super().__init__(label)
        self.why, self.label = why, label


def too_large(url: bytes, told: str = "The headers are too large.") -> Cut:
    """Return that a head is too large, its URL or the rest."""
    if len(url) > URL_MAX:
        return Cut(UrlTooLong("The URL is too long."), "url_too_long")
    return Cut(HeadersTooLarge(told), "headers_too_large")


def too_much_around(told: str) -> Cut:
    """Return that there is too much around a body: chunk sizes, their extensions, trailers."""
    return Cut(MalformedRequest(told), "framing")


def too_many() -> Cut:
    """Return that too many requests came without waiting for answers."""
    return Cut(MalformedRequest("Too many requests without waiting."), "pipelined")
