"""Text with its digits, spaces and marks in ASCII, each where it stood, for a search to read.

Digits of other scripts, full-width ones, and those that a URL or JSON wrote as escapes are digits;
what cannot be seen is UNSEEN. Nothing else of the text is changed, and its length stays.
"""

import re
import unicodedata
from functools import cache
from typing import Final

# Stands where nothing can be seen: soft hyphens, zero-width joiners, accents over a digit.
UNSEEN: Final = "\0"

# Digits, spaces and marks lie in these; the scripts that are left out have none.
_SEARCHED: Final = (
    range(0x80, 0x3400),
    range(0xA000, 0xAC00),
    range(0xF900, 0x12000),
    range(0x16A00, 0x16C00),
    range(0x1D100, 0x1D800),
    range(0x1E000, 0x1EA00),
    range(0x1F100, 0x1F200),
    range(0x1FBF0, 0x1FC00),
)
# The minus sign, the dots that people put in the middle of a line, and the sign for "times".
_ALSO: Final = {"\u2212": "-", "\u00b7": ".", "\u2022": ".", "\u2027": ".", "\u00d7": "x"}

# What is read of ASCII; and of the rest full-width, Arabic and Persian digits, spaces and dashes,
# and what is not seen.
_ASCII: Final = "(?:0[9ADad]|2[0ABDEFabdef]|3[0-9Dd]|5[8Ff]|7[8CEce])"
_UTF_8: Final = (
    "(?:[Cc]2%(?:[Aa][0Dd]|[Bb]7)|[Dd]9%[Aa][0-9]|[Dd][Bb]%[Bb][0-9]"
    "|[Ee]2%(?:8[01]%[89ABab][0-9A-Fa-f]|88%92)|[Ee]3%80%80|[Ee][Ff]%[Bb][BCbc]%[89Bb][0-9A-Fa-f])"
)
_UTF_16: Final = (
    f"(?:00{_ASCII}|00[Aa][0Dd]|00[Bb]7|066[0-9]|06[Ff][0-9]|20[0-6][0-9A-Fa-f]|2212|3000"
    "|[Ff][Ff][01][0-9A-Fa-f]|[Ff][Ee][Ff][Ff])"
)
_ESCAPE: Final = re.compile(
    rf"[%\\](?=[0-9C-Fc-fnrtu])(?:(?<=%)(?:{_ASCII}|{_UTF_8})|(?<=\\)(?:[nrt]|u{_UTF_16}))"
)
# Ten digits and some marks, in two spellings; one text has no reason to use more.
ESCAPES_MAX: Final = 32
# So far into a text escapes are looked for: eight times our longest URL, and 1 ms of the worst.
ESCAPED_MAX: Final = 16 * 1024


def plain_digits(text: str) -> str:
    """Return the text with every digit, space and mark in ASCII, and UNSEEN where nothing shows."""
    plain = text if text.isascii() else text.translate(_table())
    if "%" in plain or "\\" in plain:
        plain = _without_escapes(plain)
    return plain


@cache
def _table() -> str:
    """Return what each character up to U+1FFFF is; a text is translated fastest by another one."""
    table = [chr(code) for code in range(0x20000)]
    for part in _SEARCHED:
        for code in part:
            table[code] = _plain(table[code])
    return "".join(table)


def prepare() -> None:
    """Make the table now, which takes some 30 ms, rather than in the midst of a request."""
    _table()


def _plain(char: str) -> str:
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    match unicodedata.category(char):
        case "Cf" | "Mn" | "Me":
            return UNSEEN
        case "Zs" | "Zl" | "Zp":
            return " "
        case "Pd":
            return "-"
    # Full-width marks and letters.
    alike = unicodedata.normalize("NFKC", char)
    return _ALSO.get(char, alike if len(alike) == 1 and alike.isascii() else char)


def _without_escapes(text: str) -> str:
    """Write what is escaped for URLs or in JSON as what it stands for, where its end was."""
    place, known = _ESCAPE.search(text, 0, ESCAPED_MAX), 0
    while place is not None and known < ESCAPES_MAX:
        known += 1
        text = text.replace(place[0], UNSEEN * (len(place[0]) - 1) + _meant(place[0]))
        place = _ESCAPE.search(text, place.end(), ESCAPED_MAX)
    return text


def _meant(escape: str) -> str:
    if escape.startswith("%"):
        char = bytes.fromhex(escape.replace("%", "")).decode()
    elif escape.startswith("\\u"):
        char = chr(int.from_bytes(bytes.fromhex(escape[2:])))
    else:
        return " "
    return _table()[ord(char)]
