"""Which e-mail addresses are taken: those that could have a mailbox, as far as their form tells."""

from __future__ import annotations

import re
from typing import Final

from stripe_sandbox.engine.errors import invalid

_LENGTH_MAX: Final = 512
# RFC 5321, 4.5.3.1.1.
_LOCAL_MAX: Final = 64
_BARRED: Final = re.compile(r"[\s\x00-\x1f\x7f()<>\[\]:;,\\\"@]")


def check_email(email: str | None, param: str = "email") -> None:
    """Refuse what is no address: Stripe's `email_invalid`. None and "" take an address away."""
    if email and not _is_address(email):
        raise invalid(f"Invalid email address: {email}", param=param, code="email_invalid")


def _is_address(email: str) -> bool:
    local, at, domain = email.rpartition("@")
    if not at or len(email) > _LENGTH_MAX or not 0 < len(local) <= _LOCAL_MAX:
        return False
    if _BARRED.search(local) or _BARRED.search(domain):
        return False
    labels = domain.split(".")
    wrong = any(not label or label.startswith("-") or label.endswith("-") for label in labels)
    return len(labels) > 1 and not wrong and all(local.split("."))
