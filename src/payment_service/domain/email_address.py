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
    "\u0430\u0441\u0435\u04bb\u0456\u0458\u04cf\u043e\u0440\u0501\u0455\u0443"  # Cyrillic
    "\u0445\u051b\u051d"  # Cyrillic
    "\u03b1\u03b9\u03bd\u03bf\u03c1\u03c5"  # Greek
    "\u0585\u057d\u0581\u0570\u0578"  # Armenian
    "\u2c9f\u2ca3\u2ca5"  # Coptic
)
# Such letters of the Latin script itself, in which no language's words are written alone.
_LATIN_ALIKES: Final = frozenset(
    "\u0131\u0251\u0261\u0269\u028b\u0185\u029f\u0280\u026a\u0274\u029c\u028f\u0299\ua793\u0262"
)
# The scripts that have them, as Unicode's names of letters begin. No word has two scripts.
_SCRIPTS: Final = frozenset({"ARMENIAN", "CHEROKEE", "COPTIC", "CYRILLIC", "GREEK", "LISU"})
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
    if len(given) > EMAIL_MAX:  # to compose a long run of accents takes its length squared
        raise InvalidRequest(_WRONG)
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
    """Whether a word mixes ASCII letters with those of a script that has look-alikes of them.

    Or is made of look-alikes only: a word of another script passes when a letter of it can be told
    from ASCII.
    """
    others = {char for char in part if not char.isascii()}
    if others & _LATIN_ALIKES:
        return True
    if _ASCII_LETTER.search(part):
        return any(unicodedata.name(char, "").partition(" ")[0] in _SCRIPTS for char in others)
    return bool(others) and others <= _LOOK_ALIKES
