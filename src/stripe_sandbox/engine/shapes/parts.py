"""What several objects have in common: keys in order, addresses, what is switched off."""

from __future__ import annotations

from typing import Any, Final

from stripe_sandbox.engine.records import Wire

ADDRESS: Final[Wire] = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
BILLING_DETAILS: Final[Wire] = {
    "address": ADDRESS,
    "email": None,
    "name": None,
    "phone": None,
    "tax_id": None,
}
# The configuration of payment methods of the account, which stands behind the automatic ones.
CONFIGURATION: Final = {"id": "pmc_1SandboxHIBYZYyePr0ZNBvN", "parent": None}


def template(names: str, **defaults: Any) -> Wire:
    """Make the keys of an object in order: null where nothing else is said."""
    return {**dict.fromkeys(names.split()), **defaults}
