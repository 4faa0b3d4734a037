"""Who is asking: the key in the Authorization header, as Bearer or as Basic user."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from stripe_sandbox.engine import endpoints
from stripe_sandbox.engine.config import Config
from stripe_sandbox.engine.errors import ApiError
from stripe_sandbox.engine.exchange import Request

_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="Stripe"'}


def authenticate(request: Request, config: Config) -> bool:
    """Refuse a request without a good key; return whether it is the payer's, a publishable one."""
    key = _key(request.headers.get("authorization", ""))
    if not key:
        raise _refused(
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at "
            "https://support.stripe.com/."
        )
    publishable = key.startswith(("pk_test_", "pk_live_"))
    if publishable and not endpoints.for_payers(request.method, request.path):
        raise _refused(
            "This API call cannot be made with a publishable API key. Please use a secret API key. "
            "You can find a list of your API keys at https://dashboard.stripe.com/account/apikeys.",
            status=config.secret_key_required_status,
            code="secret_key_required",
        )
    if not _accepted(key, config):
        raise _refused(f"Invalid API Key provided: {_masked(key)}")
    return publishable


def _key(header: str) -> str:
    scheme, _, credentials = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials.strip()).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _accepted(key: str, config: Config) -> bool:
    if config.accepted_keys is None:
        return key.startswith(("sk_test_", "rk_test_", "pk_test_"))
    return key in config.accepted_keys


def _masked(key: str) -> str:
    """Show enough of a key to recognise it."""
    shown = 8 if key.startswith(("sk_", "rk_")) else 0
    if len(key) <= shown + 4:
        return key[:shown] + "*" * (len(key) - shown)
    return key[:shown] + "*" * (len(key) - shown - 4) + key[-4:]


def _refused(message: str, *, status: int = 401, code: str | None = None) -> ApiError:
    fields = {"message": message, "code": code, "type": "invalid_request_error"}
    headers = dict(_CHALLENGE) if status == 401 else {}
    return ApiError(status, fields, headers=headers, saved=False, logged=False)
