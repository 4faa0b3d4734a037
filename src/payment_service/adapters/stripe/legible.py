"""Let the SDK's exceptions keep the headers of an error whose body tells nothing.

The SDK drops them, or breaks, when there is no error object in the body; but a header says whether
Stripe answered from its memory of the key, and then asking again under it is vain.
"""

import json
from collections.abc import Mapping
from typing import Any

import stripe

NO_DETAILS = b'{"error": {}}'


class LegibleErrors(stripe.HTTPClient):
    """The SDK's HTTP client over another one; an error that tells nothing becomes an empty one."""

    def __init__(self, http: stripe.HTTPClient) -> None:
        super().__init__()
        self.name = http.name  # type: ignore[misc]  # the SDK has it per class
        self._http = http

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request."""
        body, status, said = await self._http.request_async(method, url, headers, post_data)
        if status >= 400 and not _has_error(body):
            body = NO_DETAILS
        return body, status, said


def _has_error(body: bytes) -> bool:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and isinstance(said.get("error"), dict)
