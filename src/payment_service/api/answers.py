"""What goes back to the caller: a status and a JSON body, encoded once and exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.responses import Response

# The header that says so.
REPLAYED = "idempotent-replayed"
# Amounts in major units are Decimals and must go out as numbers with all their digits.
_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    secret_of: the PaymentIntent whose client secret is in `data`, None when there is no secret.
    subject: the customer, when `data` says something of a person.
    """

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_of: str | None = None
    subject: str | None = None

    @property
    def is_replay(self) -> bool:
        """Whether it was kept under an idempotency key and is given again."""
        return REPLAYED in self.headers


def success(data: object, status: int = 200, **beside: Any) -> Answer:
    """Return the envelope of a success; `beside` goes next to `data`."""
    return Answer(status, {"success": True, "data": data, **beside})


def about(customer_id: str | None, data: object) -> Answer:
    """Return the envelope of a success that says something of this customer's person."""
    return Answer(200, {"success": True, "data": data}, subject=customer_id)


def pending(message: str, data: Mapping[str, Any]) -> Answer:
    """Return the envelope of an outcome that is not known yet."""
    return Answer(
        202,
        {
            "success": True,
            "pending": True,
            "message": message,
            "data": {**data, "status": "processing"},
        },
    )


def encode(body: object) -> bytes:
    """Return the body as JSON: a Decimal is a number, exact."""
    return _encoder.encode(body)


def respond(answer: Answer) -> Response:
    """Return the answer as the web framework wants it."""
    return Response(
        encode(answer.body),
        status_code=answer.status,
        headers=dict(answer.headers) if answer.headers else None,
        media_type="application/json",
    )
