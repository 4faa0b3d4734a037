"""The Stripe-Version header: which versions are well formed, and the one change that matters."""

from __future__ import annotations

import re
from typing import Any, Final

from stripe_sandbox.engine.errors import ApiError, invalid

_WELL_FORMED: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(\.[a-z][a-z0-9_]*)?")
# 2026-09-30.endive, from which payment_method_types may only be read.
_TYPES_REMOVED: Final = "2026-09-30"


def read_version(header: str | None, default: str) -> str:
    """Return the version a request is in."""
    if header is None:
        return default
    if _WELL_FORMED.fullmatch(header) is None:
        raise ApiError(
            400,
            {"message": f"Invalid Stripe API version: {header}", "type": "invalid_request_error"},
            logged=False,
        )
    return header


def check_removed(parameters: dict[str, Any], version: str) -> None:
    """Refuse parameters the version no longer has."""
    if "payment_method_types" in parameters and version[:10] >= _TYPES_REMOVED:
        raise invalid(
            "The `payment_method_types` parameter is no longer supported as of API version "
            "2026-09-30.endive. Remove it to use dynamic payment methods, or use "
            "`allowed_payment_method_types` to limit them.",
            param="payment_method_types",
            code="payment_method_types_no_longer_supported",
        )
