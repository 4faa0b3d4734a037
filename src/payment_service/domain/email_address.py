"""An e-mail address as the identity of a person: one spelling, and none that only looks alike."""

import re
import unicodedata
from typing import Final

from payment_service.domain.errors import FieldError, InvalidRequest

# RFC 5321 allows 254 octets for an address in use; what lies around the @ is the mail server's.
EMAIL_MAX: Final = 254
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f.]+")
_PARTS: Final = re.compile(r"[@.\-_+]")
_ASCII_LETTER: Final = re.compile(r"[a-z]", re.ASCII)
# Letters that cannot be told from ASCII ones by their looks, lower-cased. Single letters of scripts
# in everyday use, after https://www.unicode.org/Public/security/latest/confusables.txt.
_LOOK_ALIKES: Final = frozenset(
    "\u0430\u0432\u0435\u0501\u04bb\u0456\u0458\u04cf\u043a\u043c\u043e\u0440"  # Cyrillic
    "\u051b\u0455\u0442\u0443\u051d\u0445\u0441\u050d"  # Cyrillic
    "\u03b1\u03b2\u03b3\u03b5\u03b6\u03b7\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4"  # Greek
    "\u03c5\u03c7\u03c9"  # Greek
    "\u0561\u0585\u057d\u0581\u0570\u0575\u0584\u0566\u0578\u057c"  # Armenian
    "\u2c9f\u2ca3\u2ca5"  # Coptic
    "\u0131\u0251\u0261\u0269\u028b\u0185\u029f\u0280\u026a\u0274\u029c\u028f"  # Latin
    "\u0299\ua793\u0262"  # Latin
)
# What parts the labels of a domain as well as a dot does (RFC 3490), besides what NFKC folds.
_FULL_STOPS: Final = frozenset("\u3002\uff61")
# What the sharp s of German becomes, which nobody takes for it.
_SHARP_S: Final = frozenset({"ss", "SS"})
_WRONG: Final = FieldError("email", "must be an e-mail address")
_LOOKS_LIKE: Final = FieldError(
    "email", "must not have letters that look like ASCII letters and are others"
)


def normalised_email(text: str) -> str:
    """Return the e-mail as the identity of a customer: trimmed and lower-cased.

    Raises InvalidRequest when it cannot be an e-mail address, or has letters that only look like
    those of another one, which may be somebody else's.
    """
    given = text.strip()
    email = unicodedata.normalize("NFC", given).lower()
    if len(email) > EMAIL_MAX or not _EMAIL.fullmatch(email):
        raise InvalidRequest(_WRONG)
    if not given.isascii() and _is_look_alike(given):
        raise InvalidRequest(_LOOKS_LIKE)
    return email


def followed_email(text: str | None) -> str | None:
    """Return the normalised e-mail that Stripe has of a customer, None for one that we refuse."""
    try:
        return normalised_email(text) if text else None
    except InvalidRequest:
        return None


def _is_look_alike(email: str) -> bool:
    """Whether a reader, or a mail server that folds letters, may take it for another address."""
    others = [char for char in email if not char.isascii()]
    if any(_folds(char) or unicodedata.category(char) in {"Cf", "Co", "Cn"} for char in others):
        return True
    return any(map(_passes_for_ascii, _PARTS.split(email.lower())))


def _folds(char: str) -> bool:
    """Whether a character becomes an ASCII one by what is done to letters everywhere."""
    if char in _FULL_STOPS:
        return True
    # The accent of a letter is not taken off: nobody takes ü for u.
    forms = (unicodedata.normalize("NFKC", char), char.lower(), char.upper(), char.casefold())
    return any(form[:1].isascii() and form not in _SHARP_S for form in forms if form)


def _passes_for_ascii(part: str) -> bool:
    """Whether a word mixes ASCII letters with look-alikes of such, or is made of look-alikes only.

    A word of another script passes when a letter of it can be told from ASCII.
    """
    others = {char for char in part if not char.isascii()}
    alikes = others & _LOOK_ALIKES
    if not alikes:
        return False
    return bool(_ASCII_LETTER.search(part)) or others == alikes
