"""Who calls: what the rest of the API may know of it, however it was found out."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a caller may do."""

    READ = "payment.read"
    WRITE = "payment.write"
    ADMIN = "payment.admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller, known.

    name: the same for the same caller for ever; idempotency keys and limits belong to it. Safe to
    log. scopes: all that it may do. email: of an end user, who reaches only what is that
    customer's; None for services.
    """

    name: str
    scopes: frozenset[Scope]
    email: str | None = None


# Whoever calls where nobody has to say who it is.
ANYBODY = Caller("anonymous", frozenset(Scope))
