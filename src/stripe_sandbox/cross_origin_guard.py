"""Keeps web pages of others out: what any page may make a browser send is refused.

A page can post forms and plain text anywhere, and can give its own name our address (DNS
rebinding). A browser tells both: by `Origin`, and by `Host`, which names whom it believes to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

_LOCAL: Final = "localhost"
_JSON: Final = "application/json"
_CONTROL: Final = "/_sandbox/"
_PAGE: Final = "/_sandbox/3ds/"
_FORM: Final = "application/x-www-form-urlencoded"
# What a page may make a browser send to anybody, without asking first whether it may.
_SENT_BY_ANY_PAGE: Final = frozenset({_FORM, "multipart/form-data", "text/plain"})
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class CrossOriginGuard:
    """Knows by which names it is reached. An address is always right: no name leads to it."""

    hosts: frozenset[str]
    public_origin: str = ""

    @classmethod
    def of(cls, listens_on: str, public_url: str | None, more: tuple[str, ...]) -> CrossOriginGuard:
        """Return the guard of what listens there and has these names besides localhost."""
        url = urlsplit(public_url or "")
        names = {_LOCAL, listens_on, url.hostname or "", *more}
        return cls(
            frozenset(name.lower().rstrip(".") for name in names if name),
            f"{url.scheme}://{url.netloc}".lower() if public_url else "",
        )

    def refusal(self, request: web.BaseRequest) -> web.Response | None:
        """Return why a request is not answered, None if it is."""
        hosts = request.headers.getall("Host", [])
        if len(hosts) > 1 or any(not self._is_ours(_name_of(host)) for host in hosts):
            told = "this is not reached by that Host; --allow-host adds a name"
            return _refused(421, told)
        origin = request.headers.get("Origin")
        writes = request.method not in _READING
        if not request.path.startswith(_CONTROL):
            return None
        if writes and not self._is_own(origin, hosts):
            return _refused(403, "a web page of another origin asks")
        if writes and not _has_own_type(request):
            return _refused(415, f"send {_JSON}: -H 'Content-Type: {_JSON}'")
        return None

    def _is_ours(self, name: str) -> bool:
        if name in self.hosts or name.endswith(f".{_LOCAL}"):
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True

    def _is_own(self, origin: str | None, hosts: list[str]) -> bool:
        if origin is None:  # no browser: those name the origin of whatever writes
            return True
        here = {f"http://{host}".lower() for host in hosts}
        return origin.lower() in here or (
            bool(self.public_origin) and origin.lower() == self.public_origin
        )


def _name_of(host: str) -> str:
    """Return the name or address without its port, as it is compared."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _has_own_type(request: web.BaseRequest) -> bool:
    """Whether a write is what no page of others can send; one without a body needs no type."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if request.path.startswith(_PAGE) and kind == _FORM:
        return True  # its own form, as the origin says
    return kind == _JSON or (kind not in _SENT_BY_ANY_PAGE and not request.body_exists)


def _refused(status: int, why: str) -> web.Response:
    return web.json_response({"error": why}, status=status)
