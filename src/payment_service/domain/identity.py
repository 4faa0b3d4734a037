"""Whom an identity provider vouches for, whatever its tokens look like."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """One caller, vouched for.

    name: the same for the same caller for ever, and nothing personal. scopes: whatever the provider
    calls them; those that are not ours mean nothing. email: normalised, of an end user; None for a
    service.
    """

    name: str
    scopes: frozenset[str]
    email: str | None = None
