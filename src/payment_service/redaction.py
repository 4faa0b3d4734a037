"""What must never be written down, by its shape: secrets, card numbers and addresses are hidden.

Hiding too much costs a reader a word; hiding too little costs a customer. Every pattern is bounded,
so that hostile text stays cheap.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from structlog.typing import EventDict, WrappedLogger

# Shorter text cannot hold a secret, an address or a card number, and most fields are shorter.
_LENGTH_MIN = 6
# A configured secret shorter than this would blank out ordinary words.
KNOWN_LENGTH_MIN = 8

# The lines of one request repeat its ids, and all lines their events: what was looked at last is
# remembered, for some thousand lines.
_REMEMBERED = 4096
_REMEMBERED_LENGTH_MAX = 200  # an id or a path; what is longer hardly comes again

# One look that nearly always says "nothing here"; only what it finds is searched in earnest.
# Plain searches for a word are several times faster than one pattern of alternatives.
_SUSPECT_WORDS = (
    *("@", "%40", "k_", "sec", "eyj", "bearer", "basic", "auth"),
    *("token", "passw", "key", "cvc", "cvv", "cookie"),
)

# Text within text comes escaped: what stands before a secret may be the end of such an escape.
_START = r"(?:(?<![A-Za-z0-9%])(?<!%[0-9A-Fa-f])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
# What parts a name from its value in JSON, forms, URLs, headers and their representations.
_IS = r"(?:[\"'\]\\]|%22|%5[Dd]){0,4}\s{0,4}(?:[:=,]|%3[ADad])\s{0,4}(?:b?\\?[\"']|%22){0,2}"

_PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?:.*?-----END [A-Z ]{0,40}PRIVATE KEY-----|.*)",
    re.ASCII | re.DOTALL,
)
_CLIENT_SECRET = re.compile(r"(_secret_)(?!\[)[\w%+/=-]+", re.ASCII)
_API_KEY = re.compile(r"(psk_(?:[A-Za-z0-9]{1,64}_)?)[\w.~+/=-]{3,}", re.ASCII)
_STRIPE_KEY = re.compile(
    rf"([eprs]k_(?:test|live)_|{_START}[eprs]k_)[\w*]{{3,}}|(whsec_)[\w*+/=-]{{3,}}", re.ASCII
)
_SCHEME = re.compile(
    r"(bearer|basic)(?:\s|%20|\+){1,8}(?!\[)[\w.~+/=-]{6,}", re.ASCII | re.IGNORECASE
)
_AUTHORIZATION = re.compile(
    rf"((?:authorization|cookie|x-api-key){_IS}(?:(?:bearer|basic)\s{{1,8}})?)(?!\[)[^\r\n\"'}}]+",
    re.ASCII | re.IGNORECASE,
)
_JSON_WEB_TOKEN = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*){1,4}", re.ASCII)
_NAMED = re.compile(
    r"((?:client_secret|client_assertion|access_token|refresh_token|id_token|api_?key|passwo?r?d)"
    rf"{_IS})(?![\w%]{{1,200}}_secret_\[)(?!\[)[^\s&\"',;}}]+",
    re.ASCII | re.IGNORECASE,
)
_CVC = re.compile(
    r"((?:cv[cv]2?|security[ _-]?code)(?:\W|_|%[0-9a-f]{2}){0,6})[0-9]{3,4}(?![0-9])",
    re.ASCII | re.IGNORECASE,
)
_DATABASE_USER = re.compile(r"(mongodb(?:\+srv)?://)[^\s\"'<>]{1,1024}@", re.IGNORECASE)
_URL_USER = re.compile(r"(://)[^\s/\"'<>]{1,512}@")
# RFC 5321 allows 64 characters before the @ and 63 between dots.
_EMAIL = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", re.IGNORECASE
)
# What else a customer's address may look like, quoted parts and literal addresses included.
_ODD_EMAIL = re.compile(r"[^\s@]{1,64}(?<!\[hidden\])@[^\s@]{1,253}\.[^\s@.]{1,63}")

_DIGITS = re.compile(
    rf"{_START}(?<![0-9]\.)[0-9](?:[ -]{{0,3}}[0-9]){{12,}}(?![0-9A-Za-z])", re.ASCII
)
# Other marks part numbers of other kinds too, so there the groups must be those of a card.
_GROUPS = re.compile(
    rf"{_START}[0-9]{{4}}(?P<by>[._/+\xa0\t]|%20)"
    r"(?:[0-9]{4}(?P=by)[0-9]{4}(?P=by)[0-9]{1,7}|[0-9]{6}(?P=by)[0-9]{4,5})(?![0-9A-Za-z])",
    re.ASCII,
)
_SUSPECT_DIGITS = re.compile(r"[0-9](?:(?:[ -]{0,3}|[._/+\xa0\t]|%20)[0-9]){12}", re.ASCII)
_CARD_LENGTHS = range(13, 20)
_CARD_MIN = 10**12  # the smallest number of 13 digits
_INT_MAX = 2**63 - 1  # what a reader of JSON may count on

# What no shape gives away.
_NEVER_SHOWN = frozenset(
    {"authorization", "proxy_authorization", "cookie", "set_cookie", "stripe_signature"}
    | {"client_secret", "secret", "client_assertion", "password", "private_key"}
    | {"token", "access_token", "refresh_token", "id_token", "api_key", "apikey", "x_api_key"}
    | {"cvc", "cvv", "cvv2", "security_code", "card_number", "pan"}
)

_HIDDEN = "[hidden]"


class Redact:
    """Hides secrets, card numbers and addresses in every value of an event, however deep.

    An address becomes a keyed hash, so that lines about one person can be found together by whoever
    holds the key, and by nobody else.
    known: secrets that have no shape; what is shorter than KNOWN_LENGTH_MIN is passed over.
    """

    def __init__(self, email_key: bytes, known: Iterable[str] = ()) -> None:
        self._email_key = email_key
        long_enough = {secret for secret in known if len(secret) >= KNOWN_LENGTH_MIN}
        self._known = tuple(sorted(long_enough, key=len, reverse=True))
        self._is_suspect = lru_cache(maxsize=_REMEMBERED)(self._look)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        for name, value in event.items():
            event[name] = _HIDDEN if _is_never_shown(name) else self.value(value)
        return event

    def value(self, value: object) -> Any:
        """Give back what may be shown, as strings, numbers, lists and objects only."""
        match value:
            case str():
                return self.text(value)
            case None | bool():
                return value
            case int() | float():
                return value if abs(value) < _CARD_MIN else self._number(value)
            case Mapping():
                return {
                    self.text(str(name)): _HIDDEN if _is_never_shown(name) else self.value(item)
                    for name, item in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in value]
            case bytes():
                return self.text(value.decode(errors="replace"))
            case BaseException():
                return self.text(f"{type(value).__name__}: {_worded(value)}")
            case _:
                return self.text(_worded(value))

    def text(self, text: str) -> str:
        """Give back the text with everything hidden that must be."""
        if len(text) < _LENGTH_MIN:
            return text
        look = self._is_suspect if len(text) <= _REMEMBERED_LENGTH_MAX else self._look
        if not look(text):
            return text
        for secret in self._known:
            text = text.replace(secret, _HIDDEN)
        # What is whole comes before what may stand by chance within it.
        text = _PRIVATE_KEY.sub(rf"\1{_HIDDEN}", text)
        text = _DATABASE_USER.sub(rf"\1{_HIDDEN}@", text)
        text = _JSON_WEB_TOKEN.sub(_HIDDEN, text)
        text = _CLIENT_SECRET.sub(rf"\1{_HIDDEN}", text)
        text = _API_KEY.sub(rf"\1{_HIDDEN}", text)
        text = _STRIPE_KEY.sub(rf"\1\2{_HIDDEN}", text)
        text = _AUTHORIZATION.sub(rf"\1{_HIDDEN}", text)
        text = _SCHEME.sub(rf"\1 {_HIDDEN}", text)
        text = _NAMED.sub(rf"\1{_HIDDEN}", text)
        text = _CVC.sub(rf"\1{_HIDDEN}", text)
        text = _GROUPS.sub(_as_one_card, text)
        text = _DIGITS.sub(_without_cards, text)
        return self._without_addresses(text)

    def _look(self, text: str) -> bool:
        lower = text.lower()
        for word in _SUSPECT_WORDS:
            if word in lower:
                return True
        for secret in self._known:
            if secret in text:
                return True
        return len(text) >= _CARD_LENGTHS.start and _SUSPECT_DIGITS.search(text) is not None

    def _without_addresses(self, text: str) -> str:
        if "@" in text:
            text = _URL_USER.sub(rf"\1{_HIDDEN}@", text)
        if "@" in text or "%40" in text:
            text = _EMAIL.sub(self._email, text)
            text = _ODD_EMAIL.sub(_HIDDEN, text)
        return text

    def _number(self, number: float) -> float | str:
        whole = isinstance(number, int) or number.is_integer()
        text = str(int(number)) if whole else str(number)
        shown = self.text(text)
        return number if shown == text and abs(number) <= _INT_MAX else shown

    def _email(self, found: re.Match[str]) -> str:
        address = found[0].lower().replace("%40", "@").encode(errors="replace")
        # Among a million customers the chance that any two share 64 bits is 1 in 40 million.
        return "email:" + hashlib.blake2b(address, key=self._email_key, digest_size=8).hexdigest()


@lru_cache(maxsize=1024)
def _is_never_shown(name: object) -> bool:
    return str(name).lower().replace("-", "_") in _NEVER_SHOWN


def _worded(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - whatever cannot say what it is must not stop the work
        return f"<{type(value).__name__}>"


def _as_one_card(found: re.Match[str]) -> str:
    number = re.sub(r"%20|[^0-9]", "", found[0])
    is_card = len(number) in _CARD_LENGTHS and _is_card(number)
    return f"card:{number[-4:]}" if is_card else found[0]


def _without_cards(found: re.Match[str]) -> str:
    """Hide the card numbers among digits that spaces and dashes may part.

    A number may be written in groups and stand beside an expiry date or a CVC, so every row of
    neighbouring groups is tried, the longest first.
    """
    parts = re.split("([ -]+)", found[0])  # groups at even places, what parts them at odd ones
    shown = []
    at = 0
    while at < len(parts):
        for end in range(min(len(parts), at + 2 * _CARD_LENGTHS.stop + 1), at, -2):
            number = "".join(parts[at:end:2])
            if len(number) in _CARD_LENGTHS and _is_card(number):
                shown.append(f"card:{number[-4:]}")
                at = end
                break
        else:
            shown.append(parts[at])
            at += 1
        if at < len(parts):
            shown.append(parts[at])
            at += 1
    return "".join(shown)


def _is_card(number: str) -> bool:
    # No issuer's numbers begin with 0 or 1; times in milliseconds begin with 1.
    if number[0] in "01":
        return False
    digits = [int(digit) for digit in reversed(number)]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0
