"""The EventReader port: what is posted in Stripe's name, read only when Stripe signed it for us.

The signature is the SDK's to compute; the clock is ours, and is looked at both ways, which the SDK
does for the past only.
"""

import json
from collections.abc import Sequence
from datetime import datetime

import stripe

from payment_service.adapters.stripe.events import event_of
from payment_service.domain.errors import InvalidEvent, WebhookRefused
from payment_service.domain.news import SeenEvent

# Enough for thirty thousand years.
TIMESTAMP_DIGITS_MAX = 12
# Stripe's own has a time and one signature for each secret, 70 characters each; all are compared.
SIGNATURE_MAX = 4096


class SignedEvents:
    """Reads events signed with any of the secrets: while one is rotated there are two.

    tolerance_s: how far the time of a signature may be from ours, in either direction.
    """

    def __init__(self, secrets: Sequence[str], tolerance_s: float) -> None:
        self._secrets = tuple(secrets)
        self._tolerance_s = tolerance_s

    def read(self, body: bytes, signature: str, now: datetime) -> SeenEvent:
        """Return the event; see the port for what it promises."""
        signed_at = _signed_at(signature)
        if signed_at is None:
            raise WebhookRefused("The Stripe-Signature header is missing or cannot be read.")
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise WebhookRefused("The body is not text.") from None
        if not any(_is_signed(text, signature, secret) for secret in self._secrets):
            raise WebhookRefused("The signature does not fit the body and our secrets.")
        if abs(signed_at - now.timestamp()) > self._tolerance_s:
            raise WebhookRefused("The signature was made too long ago, or in the future.")
        try:
            return event_of(json.loads(text))
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
            raise InvalidEvent("The body is no event.") from None


def _signed_at(signature: str) -> int | None:
    """Return the time that the signature covers: the first `t`, read just as the SDK reads it.

    If we took another one than the SDK does, an old post could be given a new time. None for a
    header that the SDK could not even compare.
    """
    if len(signature) > SIGNATURE_MAX or not signature.isascii():
        return None
    found = next((part for part in signature.split(",") if part.startswith("t=")), "")
    digits = found.removeprefix("t=")
    known = digits.isdigit() and len(digits) <= TIMESTAMP_DIGITS_MAX
    return int(digits) if known else None


def _is_signed(text: str, signature: str, secret: str) -> bool:
    try:
        # Without a tolerance the SDK leaves the time to us.
        stripe.WebhookSignature.verify_header(text, signature, secret, None)
    except stripe.SignatureVerificationError:
        return False
    return True
