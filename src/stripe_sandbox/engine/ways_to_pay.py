"""Which ways to pay an intent takes, and what follows from that. Payments and set-ups share it."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.errors import invalid
from stripe_sandbox.engine.records import PaymentIntent, SetupIntent

RETURN_URL_MISSING: Final = (
    "Because some of these payment methods might redirect your customer off of your page, you "
    "must provide a `return_url`. If you don't want to accept redirect-based payment methods, set "
    "`automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and "
    "Payment Intents."
)
# What the account of the sandbox accepts; neither sends the customer to another page.
_ENABLED: Final = ("card", "link")
# Types of payment that never send the customer to another page.
_STAYING: Final = frozenset(("card", "link"))
_NAMES: Final = (
    "allowed_payment_method_types",
    "excluded_payment_method_types",
    "payment_method_types",
)
# Schemes that run code instead of leading somewhere.
_NO_WAY_BACK: Final = ("javascript", "data", "vbscript")


def of_new(given: dict[str, Any]) -> dict[str, Any]:
    """Return which types of payment an intent takes, and where that comes from."""
    automatic = given.get("automatic_payment_methods") or {}
    excluded = given.get("excluded_payment_method_types")
    allowed = given.get("allowed_payment_method_types")
    types = tuple(
        name
        for name in _ENABLED
        if name not in (excluded or ()) and (allowed is None or name in allowed)
    )
    redirects: str | None = automatic.get("allow_redirects") or "always"
    if given.get("payment_method_types"):
        types, redirects = tuple(given["payment_method_types"]), None
    elif automatic.get("enabled") is False:
        types, redirects = ("card",), None
    return {
        "payment_method_types": types,
        "allow_redirects": redirects,
        "allowed_payment_method_types": None if allowed is None else tuple(allowed),
        "excluded_payment_method_types": None if excluded is None else tuple(excluded),
    }


def changes(given: dict[str, Any]) -> dict[str, Any]:
    """Return what changes of the types, if the request speaks of them."""
    return of_new(given) if any(given.get(name) is not None for name in _NAMES) else {}


def three_d_secure(given: dict[str, Any]) -> str | None:
    """Return how eagerly the request wants 3D Secure, if it says so."""
    options = given.get("payment_method_options") or {}
    wanted = (options.get("card") or {}).get("request_three_d_secure")
    return wanted if isinstance(wanted, str) and wanted else None


def lacks_return_url(call: Call, intent: PaymentIntent | SetupIntent) -> bool:
    """Whether an intent might send the customer away with no way back."""
    if intent.allow_redirects != "always" or call.get("return_url") is not None:
        return False
    limited = intent.allowed_payment_method_types is not None
    stays = _STAYING.issuperset(intent.payment_method_types)
    return not (limited and stays) or call.state.config.card_only_needs_return_url


def check_return_url(parameters: dict[str, Any]) -> None:
    """Refuse a way back that is none."""
    return_url = parameters.get("return_url")
    if return_url is None:
        return
    try:
        parts = urlsplit(return_url)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or parts.scheme in _NO_WAY_BACK or not return_url.isprintable():
        raise invalid("Not a valid URL", param="return_url", code="url_invalid")


def next_action(call: Call, intent_id: str) -> dict[str, Any]:
    """Return where the holder of the card has to go: to a page of the sandbox, either way."""
    url = f"{call.state.base_url}/_sandbox/3ds/{intent_id}"
    return_url = call.get("return_url")
    if return_url is None or call.get("use_stripe_sdk"):
        return {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"stripe_js": url, "type": "three_d_secure_redirect"},
        }
    return {
        "redirect_to_url": {"return_url": return_url, "url": url},
        "type": "redirect_to_url",
    }
