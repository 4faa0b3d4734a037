"""The memory of idempotency keys: claimed while a request runs, saved after it, pruned by age."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stripe_sandbox.engine.errors import ApiError, invalid

KEY_LENGTH_MAX = 255


@dataclass(slots=True)
class Claim:
    """One key: what it was first used for and, once it has run, what was answered."""

    key: str
    method: str
    path: str
    parameters: dict[str, Any]
    claimed_at: float
    request_id: str
    status: int | None = None
    body: bytes = b""

    @property
    def in_flight(self) -> bool:
        """Whether the first request under the key is still running."""
        return self.status is None


class Keys:
    """All keys of the account."""

    __slots__ = ("_claims", "_retention_s")

    def __init__(self, retention_s: float) -> None:
        # In the order of claiming, so of age.
        self._claims: dict[str, Claim] = {}
        self._retention_s = retention_s

    def __len__(self) -> int:
        return len(self._claims)

    def claim(self, wanted: Claim, in_use_type: str) -> Claim:
        """Take the key for a new request, or return the saved claim whose answer is to be replayed.

        Raises the refusals for a key in flight and for one saved for another request.
        """
        self._prune(wanted.claimed_at)
        known = self._claims.get(wanted.key)
        if known is None:
            self._claims[wanted.key] = wanted
            return wanted
        if (known.method, known.path) != (wanted.method, wanted.path):
            raise _other_endpoint(known, wanted)
        if known.parameters != wanted.parameters:
            raise _other_parameters(wanted.key)
        if known.in_flight:
            raise _in_use(wanted.key, in_use_type)
        return known

    def release(self, claim: Claim) -> None:
        """Forget a claim, as if its key had never been used."""
        self._claims.pop(claim.key, None)

    def _prune(self, now: float) -> None:
        """Forget what is old enough. A running request keeps its key however old it is."""
        for key, claim in list(self._oldest(now)):
            if not claim.in_flight:
                del self._claims[key]

    def _oldest(self, now: float) -> list[tuple[str, Claim]]:
        oldest = []
        for key, claim in self._claims.items():
            if now - claim.claimed_at < self._retention_s:
                break
            oldest.append((key, claim))
        return oldest


def key_of(headers: Any) -> str | None:
    """Read the header; refuse a key that is too long."""
    key: str | None = headers.get("idempotency-key") or None
    if key is not None and len(key) > KEY_LENGTH_MAX:
        raise ApiError(
            400,
            {
                "message": f"Idempotency keys can have up to {KEY_LENGTH_MAX} characters, but you "
                f"passed in a key that is {len(key)} characters.",
                "type": "invalid_request_error",
            },
        )
    return key


def _in_use(key: str, error_type: str) -> ApiError:
    return ApiError(
        409,
        {
            "code": "idempotency_key_in_use",
            "message": "There is currently another in-progress request using this Idempotent Key "
            "(that probably means you submitted twice, and the other request is still going "
            f"through): {key}. Please try again later.",
            "type": error_type,
        },
    )


def _other_endpoint(known: Claim, wanted: Claim) -> ApiError:
    error = invalid(
        "Keys for idempotent requests can only be used for the same endpoint they were first used "
        f"for ('{wanted.path}' vs '{known.path}'). Try using a key other than '{wanted.key}' if "
        "you meant to execute a different request."
    )
    error.fields["type"] = "idempotency_error"
    return error


def _other_parameters(key: str) -> ApiError:
    error = invalid(
        "Keys for idempotent requests can only be used with the same parameters they were first "
        f"used with. Try using a key other than '{key}' if you meant to execute a different "
        "request."
    )
    error.fields["type"] = "idempotency_error"
    return error
