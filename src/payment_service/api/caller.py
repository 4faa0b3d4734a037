"""Who calls: what the rest of the API may know of it, however it was found out."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a caller may do. Each one includes those before it."""

    READ = "payment.read"
    WRITE = "payment.write"
    ADMIN = "payment.admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller, known.

    name: the same for the same caller for ever; idempotency keys and limits belong to it. Safe to
    log. scopes: all that it may do. email: of an end user, who reaches only what is that
    customer's; None for services. is_service: whether it may act for every customer, which is said
    by what it showed and never follows from what it lacks.
    """

    name: str
    scopes: frozenset[Scope]
    email: str | None = None
    is_service: bool = False

    @property
    def is_end_user(self) -> bool:
        """Whether it reaches only what is its own customer's."""
        return not self.is_service


# Whoever calls where nobody has to say who it is.
ANYBODY = Caller("anonymous", frozenset(Scope), is_service=True)


def all_scopes_of(named: Iterable[str]) -> frozenset[Scope]:
    """Return what the named scopes allow: whoever may refund may look, whoever may settle may both.

    Names that are not ours mean nothing.
    """
    ranks = list(Scope)
    highest = max((ranks.index(scope) for scope in ranks if scope in set(named)), default=-1)
    return frozenset(ranks[: highest + 1])
