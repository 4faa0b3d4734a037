"""What must never be written down, by its shape: secrets, card numbers and addresses are hidden.

Hiding too much costs a reader a word; hiding too little costs a customer. Every pattern is linear,
possessive where it repeats, and what is too long is cut before it is looked at, so that hostile
text stays cheap. Card numbers are found by the same search as at the door, `domain/card_number.py`.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from structlog.typing import EventDict, WrappedLogger

from payment_service.domain.card_issuers import DIGITS_MIN
from payment_service.domain.card_number import find_card_numbers, may_hold_card_number
from payment_service.domain.plain_digits import prepare

# Shorter text cannot hold a secret, an address or a card number, and most fields are shorter.
_LENGTH_MIN = 6
# A configured secret shorter than this would blank out ordinary words.
KNOWN_LENGTH_MIN = 8

# A traceback of our deepest calls is as long, and of a longer one the middle is missed least. The
# worst text of this length takes 4 ms.
TEXT_MAX = 8 * 1024
# So much of a text that is cut is its end, where a traceback says what went wrong.
TAIL_MAX = 3 * 1024
# What says in its place how much is left out.
_NOTE_MAX = 40
# As deep as what we write into lines by far; whatever is deeper is somebody else's.
DEPTH_MAX = 32

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

_HIDDEN = "[hidden]"
_TOO_DEEP = "[too deep]"
_HASHED = "email:"

_PRIVATE_KEY = re.compile(
    r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?:.*?-----END [A-Z ]{0,40}PRIVATE KEY-----|.*+)",
    re.ASCII | re.DOTALL,
)
_CLIENT_SECRET = re.compile(r"(_secret_)(?!\[)[\w%+/=-]++", re.ASCII)
_API_KEY = re.compile(r"(psk_(?:[A-Za-z0-9]{1,64}_)?)[\w.~+/=-]{3,}+", re.ASCII)
_STRIPE_KEY = re.compile(
    rf"([eprs]k_(?:test|live)_|{_START}[eprs]k_)[\w*]{{3,}}+|(whsec_)[\w*+/=-]{{3,}}+", re.ASCII
)
_SCHEME = re.compile(
    r"(bearer|basic)(?:\s|%20|\+){1,8}+(?!\[)[\w.~+/=-]{6,}+", re.ASCII | re.IGNORECASE
)
_AUTHORIZATION = re.compile(
    rf"((?:authorization|cookie|x-api-key){_IS}(?:(?:bearer|basic)\s{{1,8}})?)(?!\[)[^\r\n\"'}}]++",
    re.ASCII | re.IGNORECASE,
)
# What begins like a token and has no second part is passed over whole: each of its characters might
# begin one anew.
_JSON_WEB_TOKEN = re.compile(r"eyJ[\w-]{4,}+((?:\.[\w-]*+){1,4}+)?", re.ASCII)
_NAMED = re.compile(
    r"((?:client_secret|client_assertion|access_token|refresh_token|id_token|api_?key|passwo?r?d)"
    rf"{_IS})(?![\w%]{{1,200}}_secret_\[)(?!\[)[^\s&\"',;}}]++",
    re.ASCII | re.IGNORECASE,
)
_CVC = re.compile(
    r"((?:cv[cv]2?|security[ _-]?code)(?:\W|_|%[0-9a-f]{2}){0,6})[0-9]{3,4}(?![0-9])",
    re.ASCII | re.IGNORECASE,
)
# A password may hold an @ and what begins an address, so both are taken whole, to the last @.
_DATABASE = re.compile(r"mongodb(?:\+srv)?://[^\s\"'<>]++", re.IGNORECASE)
_URL_USER = re.compile(r"(://)(?:[^\s/\"'<>@]*+@)++")
# What may stand before the @ is taken from its beginning, or from behind an escaped @, however
# long it is: RFC 5321 allows 64 characters, and 63 between dots.
_LOCAL = r"\w\-.!#$&'*+/=?^`{|}~"
_EMAIL = re.compile(
    rf"(?:(?<![{_LOCAL}%])|(?<=%40))(?:[{_LOCAL}]++|%(?!40))++(?:@|%40)"
    r"[\w-]{1,63}+(?:\.[\w-]{1,63}+){1,8}+",
    re.IGNORECASE,
)
# What else a customer's address may look like, quoted parts and literal addresses included.
_ODD_EMAIL = re.compile(
    r"(?<![^\s@])([^\s@]++)(?<!\[hidden\])@\.*+[^\s@.]{1,63}+(?:\.++[^\s@.]{1,63}+)++"
)
_ODD_LOCAL_MAX = 64

_SPACES = " \t\n"
# What may join the groups of a card number, and its digits.
_JOINED = "0123456789-./_*xX+|~= \t"


def _without_user(found: re.Match[str]) -> str:
    scheme, separator, rest = found[0].partition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{_HIDDEN}@{host}" if at else found[0]


def _without_token(found: re.Match[str]) -> str:
    return _HIDDEN if found[1] else found[0]


# What gives each away, in small letters, and what is shown in its place. What is whole comes before
# what may stand by chance within it.
_SECRETS: tuple[tuple[tuple[str, ...], re.Pattern[str], Any], ...] = (
    (("private key",), _PRIVATE_KEY, rf"\1{_HIDDEN}"),
    (("mongodb",), _DATABASE, _without_user),
    (("eyj",), _JSON_WEB_TOKEN, _without_token),
    (("_secret_",), _CLIENT_SECRET, rf"\1{_HIDDEN}"),
    (("psk_",), _API_KEY, rf"\1{_HIDDEN}"),
    (("k_", "whsec_"), _STRIPE_KEY, rf"\1\2{_HIDDEN}"),
    (("authorization", "cookie", "x-api-key"), _AUTHORIZATION, rf"\1{_HIDDEN}"),
    (("bearer", "basic"), _SCHEME, rf"\1 {_HIDDEN}"),
    (("client_", "_token", "api_key", "apikey", "passw"), _NAMED, rf"\1{_HIDDEN}"),
    (("cvc", "cvv", "security"), _CVC, rf"\1{_HIDDEN}"),
)

_CARD_MIN = 10**12  # the smallest number of 13 digits
_INT_MAX = 2**63 - 1  # what a reader of JSON may count on

# What no shape gives away.
_NEVER_SHOWN = frozenset(
    {"authorization", "proxy_authorization", "cookie", "set_cookie", "stripe_signature"}
    | {"client_secret", "secret", "client_assertion", "password", "private_key"}
    | {"token", "access_token", "refresh_token", "id_token", "api_key", "apikey", "x_api_key"}
    | {"cvc", "cvv", "cvv2", "security_code", "card_number", "pan"}
)


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
        prepare()

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        for name, value in event.items():
            event[name] = _HIDDEN if _is_never_shown(name) else self.value(value)
        return event

    def value(self, value: object, depth: int = 0) -> Any:
        """Give back what may be shown, as strings, numbers, lists and objects only.

        depth: how deep in the line it stands; nothing below DEPTH_MAX is shown.
        """
        match value:
            case str():
                return self.text(value)
            case None | bool():
                return value
            case int() | float():
                return value if abs(value) < _CARD_MIN else self._number(value)
            case Mapping() | list() | tuple() | set() | frozenset():
                return self._all_in(value, depth) if depth < DEPTH_MAX else _TOO_DEEP
            case bytes():
                return self.text(value.decode(errors="replace"))
            case BaseException():
                return self.text(f"{type(value).__name__}: {_worded(value)}")
            case _:
                return self.text(_worded(value))

    def _all_in(self, values: Mapping[Any, Any] | Iterable[Any], depth: int) -> Any:
        if not isinstance(values, Mapping):
            return [self.value(item, depth + 1) for item in values]
        return {
            self.text(str(name)): _HIDDEN if _is_never_shown(name) else self.value(item, depth + 1)
            for name, item in values.items()
        }

    def text(self, text: str) -> str:
        """Give back the text with everything hidden that must be, and cut if it is too long."""
        if len(text) < _LENGTH_MIN:
            return text
        if len(text) > TEXT_MAX:
            text = self._cut(text)
        look = self._is_suspect if len(text) <= _REMEMBERED_LENGTH_MAX else self._look
        has_word, has_digits = look(text)
        if has_word:
            text = self._without_addresses(self._without_secrets(text))
        return _without_cards(text) if has_digits else text

    def _look(self, text: str) -> tuple[bool, bool]:
        """Say whether there may be a secret or an address in it, and whether a card number."""
        has_digits = len(text) >= DIGITS_MIN and may_hold_card_number(text)
        lower = text.lower()
        for word in _SUSPECT_WORDS:
            if word in lower:
                return True, has_digits
        for secret in self._known:
            if secret in text:
                return True, has_digits
        return False, has_digits

    def _cut(self, text: str) -> str:
        """Give back the beginning and the end of a text, with no secret cut into two."""
        size = len(text)
        for secret in self._known:
            text = text.replace(secret, _HIDDEN)
        text = _PRIVATE_KEY.sub(rf"\1{_HIDDEN}", text)
        # To the last space, and in the end from a line's beginning: a secret is one word, but for a
        # card number in groups.
        head = text[: TEXT_MAX - TAIL_MAX - _NOTE_MAX]
        head = head[: max(map(head.rfind, _SPACES)) + 1].rstrip(_JOINED)
        _, line_end, tail = text[max(len(head), len(text) - TAIL_MAX) :].partition("\n")
        left_out = size - len(head) - len(tail)
        return f"{head}[cut: {left_out} characters]{line_end}{tail}"

    def _without_secrets(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, _HIDDEN)
        lower = text.lower()
        for words, pattern, shown in _SECRETS:
            if any(word in lower for word in words):
                text = pattern.sub(shown, text)
        return text

    def _without_addresses(self, text: str) -> str:
        if "@" in text:
            text = _URL_USER.sub(rf"\1{_HIDDEN}@", text)
        if "@" in text or "%40" in text:
            text = _EMAIL.sub(self._email, text)
            text = _ODD_EMAIL.sub(_without_odd_address, text)
        return text

    def _number(self, number: float) -> float | str:
        whole = isinstance(number, int) or number.is_integer()
        text = str(int(number)) if whole else str(number)
        shown = self.text(text)
        return number if shown == text and abs(number) <= _INT_MAX else shown

    def _email(self, found: re.Match[str]) -> str:
        address = found[0].lower().replace("%40", "@").encode(errors="replace")
        # Among a million customers the chance that any two share 64 bits is 1 in 40 million.
        return _HASHED + hashlib.blake2b(address, key=self._email_key, digest_size=8).hexdigest()


@lru_cache(maxsize=1024)
def _is_never_shown(name: object) -> bool:
    return str(name).lower().replace("-", "_") in _NEVER_SHOWN


def _worded(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - whatever cannot say what it is must not stop the work
        return f"<{type(value).__name__}>"


def _without_odd_address(found: re.Match[str]) -> str:
    return found[1][:-_ODD_LOCAL_MAX] + _HIDDEN


def _without_cards(text: str) -> str:
    """Show the last four digits of a card number; of more digits than are searched none."""
    search = find_card_numbers(text, any_issuer=True)
    if not search:
        return text
    shown, at = [], 0
    for number in search.found:
        if text.endswith(_HASHED, 0, number.start):  # the hash of an address, by chance
            continue
        shown.append(f"{text[at : number.start]}card:{number.last4}")
        at = number.end
    rest = text[at:] if search.searched is None else text[at : search.searched] + _HIDDEN
    return "".join([*shown, rest])
