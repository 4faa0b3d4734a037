"""What the door and the endpoints tell each other about one request, carried in its scope."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from payment_service.api.caller import ANYBODY, Caller

SCOPE_KEY = "payment_service.visit"
UNMATCHED = "unmatched"


@dataclass(slots=True)
class Visit:
    """One request on its way. `route` is its template: raw paths may hold e-mails.

    address: of the client, as far as it can be known; "" when it cannot. payer: the name by which
    the client's address is counted, "" where that may be a proxy's.
    """

    request_id: str
    address: str = ""
    payer: str = ""
    caller: Caller = ANYBODY
    body: bytes = b""
    route: str = UNMATCHED
    code: str | None = None


def visit_of(scope: MutableMapping[str, Any]) -> Visit:
    """Return what the door wrote into the scope."""
    visit = scope[SCOPE_KEY]
    assert isinstance(visit, Visit)
    return visit
