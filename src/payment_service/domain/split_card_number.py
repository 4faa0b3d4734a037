"""A card number in pieces: parts of it in several values of one object, which are kept together.

Numbers of different things lie beside each other in honest metadata, and together one of them in
fifty would pass for a card number. So the names must not say what each number is.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final

from payment_service.domain.card_issuers import DIGITS_MIN, is_issued
from payment_service.domain.card_number import search_plain
from payment_service.domain.plain_digits import UNSEEN, plain_digits

# A part of a number, written with spaces; a longer text is not one.
PART_MAX: Final = 40
# Stripe's own limits on the entries of metadata, and on their names.
PARTS_MAX: Final = 50
NAME_MAX: Final = 40

_DIGITS: Final = re.compile(r"[0-9]+")
_NO_DIGITS: Final = re.compile(r"[^0-9]+")
_TOKEN: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_CARD_WORDS: Final = frozenset({"card", "cards", "cc", "pan", "credit", "visa", "mastercard"})
# Names that say what a number is.
_OTHER_NUMBERS: Final = frozenset(
    {"id", "ids", "no", "nr", "ref", "reference", "order", "cart", "basket", "user", "customer"}
    | {"client", "account", "invoice", "phone", "tel", "mobile", "fax", "date", "time", "created"}
    | {"timestamp", "at", "zip", "plz", "postal", "postcode", "sku", "ean", "upc", "gtin", "isbn"}
    | {"tracking", "shipment", "parcel", "session", "tenant", "store", "shop", "branch", "vat"}
    | {"terminal", "lat", "lon", "lng", "latitude", "longitude", "amount", "total", "price", "tax"}
    | {"qty", "quantity", "points", "iban", "booking", "ticket", "reservation", "product", "item"}
    | {"version", "code", "table", "seat", "room", "member", "loyalty", "voucher", "coupon"}
)
_HALVES: Final = frozenset(
    {"first", "second", "third", "fourth", "last", "one", "two", "three", "four", "start", "end"}
    | {"left", "right", "begin", "rest", "head", "tail", "half", "part", "a", "b", "c", "d"}
)


def names_of_split_number(values: Mapping[str, object]) -> list[str]:
    """Return the names under which the parts of a card number are, in their order or sorted.

    Only of short texts, PARTS_MAX of them.
    """
    parts = [
        (name, text)
        for name, text in islice(values.items(), PARTS_MAX)
        if isinstance(text, str) and len(text) <= PART_MAX and len(name) <= NAME_MAX
        if not _says_what_it_is(name)
    ]
    parts = [(name, plain_digits(text).replace(UNSEEN, "")) for name, text in parts]
    parts = [(name, plain) for name, plain in parts if _DIGITS.search(plain)]
    digits = len(_NO_DIGITS.sub("", "".join([plain for _, plain in parts])))
    if len(parts) < 2 or digits < DIGITS_MIN:
        return []
    for ordered in (parts, sorted(parts)):
        for joint in (" ", ""):
            found = _split(ordered, joint)
            if found:
                return found
    return []


def _split(parts: list[tuple[str, str]], joint: str) -> list[str]:
    text = joint.join(plain for _, plain in parts)
    for number in search_plain(text, is_issued).found:
        start, within = 0, []
        for name, plain in parts:
            if start < number.end and number.start < start + len(plain):
                inner = plain[max(0, number.start - start) : number.end - start]
                within.append((name, _DIGITS.findall(inner)))
            start += len(plain) + len(joint)
        if len(within) > 1 and _may_be_one(within):
            return [name for name, _ in within]
    return []


def _may_be_one(parts: list[tuple[str, list[str]]]) -> bool:
    words = [_words(name) for name, _ in parts]
    if any(part & _CARD_WORDS for part in words):
        return True
    in_groups = any(len(runs) > 1 for _, runs in parts)
    by_fours = all(len(run) % 4 == 0 for _, runs in parts for run in runs)
    related = all(_are_related(one, other) for one, other in pairwise(words))
    return in_groups or by_fours or related


@lru_cache(maxsize=1024)
def _says_what_it_is(name: str) -> bool:
    words = _words(name)
    return bool(words & _OTHER_NUMBERS) and not words & _CARD_WORDS


def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _TOKEN.findall(name))


def _are_related(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two names differ in nothing but a number or which half they are."""
    differ = one ^ other
    return all(word.isdigit() or word in _HALVES or len(word) == 1 for word in differ)
