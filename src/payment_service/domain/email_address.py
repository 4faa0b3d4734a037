"""An e-mail address as the identity of a person: one spelling, and none that only looks alike."""

import re
import unicodedata
from typing import Final

from payment_service.domain.errors import FieldError, InvalidRequest
from payment_service.domain.look_alikes import looks_like_another

# RFC 5321 allows 254 octets for an address in use; what lies around the @ is the mail server's.
EMAIL_MAX: Final = 254
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f.]+")
_WRONG: Final = FieldError("email", "must be an e-mail address")
_LOOKS_LIKE: Final = FieldError(
    "email", "must not have what looks like other characters, or is not seen: spell it in letters"
)


def normalised_email(text: str) -> str:
    """Return the e-mail as the identity of a customer: trimmed and lower-cased.

    Raises InvalidRequest when it cannot be an e-mail address, or has letters that only look like
    those of another one, which may be somebody else's.
    """
    given = text.strip()
    if len(given) > EMAIL_MAX:  # to compose a long run of accents takes its length squared
        raise InvalidRequest(_WRONG)
    email = unicodedata.normalize("NFC", given).lower()
    if len(email) > EMAIL_MAX or not _EMAIL.fullmatch(email):
        raise InvalidRequest(_WRONG)
    if not given.isascii() and looks_like_another(given):
        raise InvalidRequest(_LOOKS_LIKE)
    return email


def followed_email(text: str | None) -> str | None:
    """Return the normalised e-mail that Stripe has of a customer, None for one that we refuse."""
    try:
        return normalised_email(text) if text else None
    except InvalidRequest:
        return None
