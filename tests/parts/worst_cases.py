"""What a caller may write to be slow to read: repeated pieces, and bodies that are made of them."""

from collections.abc import Callable
from typing import Final

# Each repeated fills a text that some scan might read again and again.
PIECES: Final = (
    *("eyJ", "eyJa.", "@", "a@", "a@b.", "@a.", '"@', "%40", "a%40b.", "k_", "sk_", "psk_a"),
    *("_secret_", "bearer ", "basic\t", "authorization:", "x-api-key=", "cookie", "password="),
    *(
        "client_secret%5D",
        'api_key"',
        "cvc",
        "cvc=%",
        "security code",
        "mongodb://",
        "mongodb://a@",
    ),
    *("://", "://a@", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "PRIVATE KEY-----"),
    *("4", "4 ", "4242 ", "4242_", "4x", "4242424242424242 ", "424242424242a", "42424242-4242-"),
    *(
        "4 4 4 4 4 4 4 4 4 4 4 4 a",
        "4 4 4 4 4 4 4 4 4 4 4 4_",
        "1.424242424242 ",
        "4a1b",
        "4242    ",
    ),
    *(
        "4242    ",
        "%34",
        "%20",
        "%2",
        "%E",
        "%EF%BC%94",
        "\\u0034",
        "\\u",
        "\\n",
        "\\",
        "\uff14",
        "\u0664 ",
    ),
    *("4\u200b", "\u0301", "e\u0301", "\ufdfa", "\u00e9", "\U000e0031", "\u6f22", "\0", "\1"),
    *(" ", "\t", "\n", "a", "A1", "[hidden]", "email:", "card:", "DE89 3704 0044 ", "amount", "x."),
)


def filled(unit: str, size: int) -> str:
    """Return a text of so many characters, the unit again and again."""
    return (unit * (size // len(unit) + 1))[:size]


def _values(item: bytes | Callable[[int], bytes], size: int) -> bytes:
    """Return so many bytes of items with commas between."""
    items: list[bytes] = []
    while size > 0:
        items.append(item if isinstance(item, bytes) else item(len(items)))
        size -= len(items[-1]) + 1
    return b",".join(items)


# JSON bodies of some size, by what they are made of.
BODIES: Final[dict[str, Callable[[int], bytes]]] = {
    "ones": lambda size: b'{"a":[' + _values(b"1", size) + b'],"b":"\\u0034"}',
    "floats": lambda size: b'{"a":[' + _values(b"1.5", size) + b"]}",
    "exponents": lambda size: b'{"a":[' + _values(b"1e999999", size) + b"]}",
    "huge exponents": lambda size: b'{"a":[' + _values(b"1e99999999999999999999", size) + b"]}",
    "long integers": lambda size: b'{"a":[' + _values(b"4" * 4000, size) + b"]}",
    "one integer": lambda size: b'{"amount":' + b"4" * size + b"}",
    "one fraction": lambda size: b'{"amount":4.' + b"4" * size + b"}",
    "empty texts": lambda size: b'{"a":[' + _values(b'""', size) + b"]}",
    "quotes": lambda size: b'{"a":"' + b'\\"' * (size // 2),
    "objects": lambda size: b'{"a":[' + _values(b"{}", size) + b'],"b":"\\n"}',
    "lists": lambda size: b'{"a":[' + _values(b"[]", size) + b"]}",
    "depth": lambda size: b"[" * size,
    "deep objects": lambda size: b'{"a":' * (size // 5),
    "names": lambda size: b"{" + _values(lambda n: b'"k%d":1' % n, size) + b"}",
    "slips": lambda size: b"{" + _values(lambda n: b'"amuont%d":1' % n, size) + b"}",
    "names of other scripts": lambda size: (
        b"{" + _values(lambda n: f'"amoun\u0301{n}":1'.encode(), size) + b"}"
    ),
    "one name again and again": lambda size: b"{" + _values(b'"a":1', size) + b"}",
    "card numbers": lambda size: b'{"a":[' + _values(b'"4242424242424242"', size) + b"]}",
    "card numbers under a long name": lambda size: (
        b'{"' + b"K" * (size // 2) + b'":[' + _values(b'"4242424242424242"', size // 2) + b"]}"
    ),
    "card numbers as names": lambda size: (
        b"{" + _values(lambda n: b'"4242424242424242 %d":1' % n, size) + b"}"
    ),
    "long metadata": lambda size: (
        b'{"metadata":{' + _values(lambda n: b'"k%d":1' % n, size) + b"}}"
    ),
    "a split number": lambda size: (
        b'{"metadata":{' + _values(lambda n: b'"k%d":"42424243"' % n, size) + b"}}"
    ),
    "many values, all searched": lambda size: (
        b'{"a":[' + _values(b'"4 4 4 4 4 4 4 4 4 4 4 4 a4 \\u0034 %34"', min(size, 60_000)) + b"]}"
    ),
    "spaces": lambda size: b'{"a":' + b" " * size + b"1}",
    "surrogates": lambda size: b'{"a":"' + b"\\ud800" * (size // 6) + b'"}',
    "pairs": lambda size: b'{"a":"' + b"\\ud83d\\ude00" * (size // 12) + b'"}',
    "no UTF-8": lambda size: b'{"a":"' + b"\xff" * size + b'"}',
}
