"""What honest requests carry that has many digits: ids, times, places, accounts, parcels, goods."""

import random
import string
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTERS: Final = string.ascii_letters + string.digits
Corpus = Callable[[], Iterator[str]]


def _made(make: Callable[[random.Random], str]) -> Corpus:
    """Return texts without end, the same ones each time."""

    def texts() -> Iterator[str]:
        chance = random.Random(4242)
        while True:
            yield make(chance)

    return texts


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def _ean(chance: random.Random) -> str:
    body = _digits(chance, 12)
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)


def _iban(chance: random.Random, country: str, count: int) -> str:
    account = _digits(chance, count)
    number = int("".join(str(int(char, 36)) for char in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02}{account}"


def _by_fours(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _time(chance: random.Random) -> datetime:
    return datetime.fromtimestamp(chance.uniform(1.6e9, 1.9e9), UTC)


CORPORA: Final[dict[str, Corpus]] = {
    "UUID": _made(lambda c: str(uuid.UUID(int=c.getrandbits(128), version=4))),
    "UUID in capitals": _made(lambda c: str(uuid.UUID(int=c.getrandbits(128))).upper()),
    "UUID without dashes": _made(lambda c: uuid.UUID(int=c.getrandbits(128), version=4).hex),
    "ULID": _made(lambda c: "".join(c.choices(_CROCKFORD, k=26))),
    "Nano ID": _made(lambda c: "".join(c.choices(_LETTERS + "_-", k=21))),
    "ObjectId": _made(lambda c: f"{c.getrandbits(96):024x}"),
    "SHA-256": _made(lambda c: f"{c.getrandbits(256):064x}"),
    "Base64": _made(lambda c: b64encode(c.randbytes(48)).decode()),
    "id of Stripe's": _made(lambda c: "pi_3" + "".join(c.choices(_LETTERS, k=23))),
    "traceparent": _made(lambda c: f"00-{c.getrandbits(128):032x}-{c.getrandbits(64):016x}-01"),
    "order by day": _made(lambda c: f"{_time(c):%Y%m%d}-{_digits(c, 6)}"),
    "order with _": _made(lambda c: f"ORD_{_time(c):%Y_%m_%d}_{_digits(c, 6)}"),
    "shop_customer_order": _made(lambda c: f"{_digits(c, 3)}_{_digits(c, 6)}_{_digits(c, 8)}"),
    "order of twelve digits": _made(lambda c: _digits(c, 12)),
    "time, ISO 8601": _made(lambda c: _time(c).isoformat()),
    "time in milliseconds": _made(lambda c: str(int(_time(c).timestamp() * 1000))),
    "time in microseconds": _made(lambda c: str(int(_time(c).timestamp() * 1_000_000))),
    "time with _": _made(lambda c: f"{_time(c):%Y%m%d_%H%M%S_%f}"),
    "latitude, longitude": _made(lambda c: f"{c.uniform(-90, 90)}, {c.uniform(-180, 180)}"),
    "latitude longitude": _made(lambda c: f"{c.uniform(-90, 90):.6f} {c.uniform(-180, 180):.6f}"),
    "IBAN": _made(lambda c: _iban(c, "DE", 18)),
    "IBAN in groups": _made(lambda c: _by_fours(_iban(c, "DE", 18))),
    "IBAN of France in groups": _made(lambda c: _by_fours(_iban(c, "FR", 23))),
    "parcel of UPS": _made(lambda c: "1Z" + "".join(c.choices(_CROCKFORD, k=16))),
    "parcel of DHL": _made(lambda c: "00340434" + _digits(c, 12)),
    "parcel of FedEx": _made(lambda c: _digits(c, 12)),
    "EAN": _made(_ean),
    "GTIN": _made(lambda c: "0" + _ean(c)),
    "ISBN": _made(lambda c: f"978-3-16-{_digits(c, 6)}-{_digits(c, 1)}"),
    "phone": _made(lambda c: f"+49 {_digits(c, 3)} {_digits(c, 8)}"),
    "phone with dashes": _made(lambda c: f"+1 ({_digits(c, 3)}) {_digits(c, 3)}-{_digits(c, 4)}"),
    "IPv4": _made(lambda c: ".".join(str(c.randrange(256)) for _ in range(4))),
    "IPv6": _made(lambda c: ":".join(f"{c.randrange(65536):x}" for _ in range(8))),
    "size": _made(lambda c: "x".join(str(c.randrange(100, 5000)) for _ in range(3))),
    "URL": _made(lambda c: f"https://shop.example/?o={_digits(c, 8)}&t=%20{_digits(c, 4)}"),
}
# Too like a card number to be told apart from one: how many of a hundred are taken for one.
ALIKE: Final[dict[str, Corpus]] = {
    "sixteen digits": _made(lambda c: _digits(c, 16)),
    "snowflake": _made(lambda c: str(c.getrandbits(62))),
    "parcel of USPS in groups": _made(lambda c: _by_fours("94" + _digits(c, 20))),
    "order 3-7-7": _made(lambda c: f"{_digits(c, 3)}-{_digits(c, 7)}-{_digits(c, 7)}"),
}
