"""Whom an identity provider vouches for, whatever its tokens look like."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """One caller, vouched for.

    name: the same for the same caller for ever, and nothing personal. scopes: whatever the provider
    calls them; those that are not ours mean nothing. is_service: whether it was said to be one by
    what the operator set. email: normalised, of an end user; None for a service.
    """

    name: str
    scopes: frozenset[str]
    is_service: bool
    email: str | None = None
