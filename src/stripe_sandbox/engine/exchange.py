"""What goes into the engine and what comes out of it: requests and deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["answer", "timeout", "reset", "truncated"]


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Header names are in lower case, `query` is without its question mark."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the client is to see.

    `timeout` means the connection stays open for `delay_s` and is then closed, `reset` that it is
    aborted after `delay_s`; status is 0 in both, since nothing is answered. A `truncated` body is
    a half of the real one, correctly framed.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    outcome: Outcome
    delay_s: float
