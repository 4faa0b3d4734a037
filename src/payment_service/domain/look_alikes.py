"""Whether people would take an e-mail for another one: what may stand in its words.

After the rules for identifiers (RFC 8264, UTS 39): letters, and marks and digits with letters of
their own script; nothing that is not seen, and nothing that is folded elsewhere.
"""

import re
import unicodedata
from typing import Final

_PARTS: Final = re.compile(r"[@.\-_+]")
_ASCII_LETTER: Final = re.compile(r"[a-z]", re.ASCII)
# Letters, marks and digits, lower-cased; and the Chinese zero, which Unicode has among the signs.
_CATEGORIES: Final = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})
_ZERO: Final = "\u3007"
# The scripts in everyday use (table 5 of UAX 31), as Unicode's names of characters begin. Marks of
# no script are called COMBINING there: what of them is written composes to a letter.
_EAST: Final = frozenset({"BOPOMOFO", "CJK", "HANGUL", "HIRAGANA", "IDEOGRAPHIC", "KATAKANA"})
_SCRIPTS: Final = _EAST | frozenset(
    {
        "ARABIC",
        "ARMENIAN",
        "BENGALI",
        "CYRILLIC",
        "DEVANAGARI",
        "ETHIOPIC",
        "GEORGIAN",
        "GREEK",
        "GUJARATI",
        "GURMUKHI",
        "HEBREW",
        "KANNADA",
        "KHMER",
        "LAO",
        "LATIN",
        "MALAYALAM",
        "MYANMAR",
        "ORIYA",
        "SINHALA",
        "TAMIL",
        "TELUGU",
        "THAANA",
        "THAI",
        "TIBETAN",
    }
)
# What may stand in a word with Latin letters: of other scripts there are letters that look alike.
_WITH_LATIN: Final = (
    "LATIN ",
    "CJK UNIFIED ",
    "HANGUL SYLLABLE ",
    "HIRAGANA LETTER ",
    "KATAKANA LETTER ",
)
# A Latin letter with an accent, stroke or hook; those of phonetics only have no capital.
_ACCENTED: Final = re.compile(r"LATIN SMALL LETTER (?:[A-Z]|AE|EZH) WITH .+")
# The other Latin letters that languages are written with. Small capitals are none.
_LATIN: Final = frozenset(
    "\u00e6\u00f0\u00fe\u00df\u0153\u014b\u0259\u01dd\u025b\u0254\u0292"  # æ ð þ ß œ ŋ ə ǝ ɛ ɔ ʒ
)
# Seen as v, c and y, for all their hooks; and among Chinese letters, as a dash and a stroke.
_ALIKE_WITH_LATIN: Final = frozenset("\u028b\ua793\u1eff\u4e00\u4e28")
# Not seen, or only as a line between letters, though they are letters and marks of a script.
_NOT_SEEN: Final = frozenset("\u0640\u17b4\u17b5")
# Letters that cannot be told from ASCII ones by their looks. Single letters of scripts in everyday
# use, after https://www.unicode.org/Public/security/latest/confusables.txt.
_LOOK_ALIKES: Final = frozenset(
    "\u0430\u0441\u0435\u04bb\u0456\u0458\u04cf\u043e\u0440\u0501\u0455\u0443"  # Cyrillic
    "\u0445\u051b\u051d"  # Cyrillic
    "\u03b1\u03b9\u03bd\u03bf\u03c1\u03c5"  # Greek
    "\u0585\u057d\u0581\u0570\u0578"  # Armenian
    "\u101d\u0d20\u0b20\u12d0\u10ff"  # an o in Myanmar, Malayalam, Oriya, Ethiopic, Georgian
)
# The vowels of Thai and Lao that are written with one character and fold to two.
_WRITTEN_AS_ONE: Final = frozenset("\u0e33\u0eb3")
# What parts the labels of a domain as well as a dot does (RFC 3490), besides what NFKC folds.
_FULL_STOPS: Final = frozenset("\u3002\uff61")
# What the sharp s of German becomes, which nobody takes for it.
_SHARP_S: Final = frozenset({"ss", "SS"})


def looks_like_another(email: str) -> bool:
    """Whether a reader, or a mail server that folds letters, may take it for another address.

    email: as it was given, of a length that may be composed. Takes as long as it has characters.
    """
    given = (char for char in email if not char.isascii())
    if any(unicodedata.normalize("NFC", char).isascii() for char in given):  # the sign of Kelvin
        return True
    composed = unicodedata.normalize("NFC", email)
    if any(_folds(char) for char in composed if not char.isascii()):
        return True
    return not all(map(_is_plain, _PARTS.split(composed.lower())))


def _folds(char: str) -> bool:
    """Whether a character becomes another one by what is done to letters everywhere."""
    if char in _FULL_STOPS:
        return True
    if char not in _WRITTEN_AS_ONE and unicodedata.normalize("NFKC", char) != char:
        return True
    # The accent of a letter is not taken off: nobody takes ü for u.
    forms = (char.lower(), char.upper(), char.casefold())
    return any(form[:1].isascii() and form not in _SHARP_S for form in forms)


def _is_plain(part: str) -> bool:
    """Whether a word is of one script, and cannot be taken for one of ASCII letters."""
    others = {char for char in part if not char.isascii()}
    if not all(map(_is_of_words, others)):
        return False
    letters = {char for char in others if char == _ZERO or unicodedata.category(char)[0] == "L"}
    scripts = set(map(_script, letters))
    if "LATIN" in scripts or _ASCII_LETTER.search(part):
        return all(map(_goes_with_latin, others))
    is_one = len(scripts) <= 1 or scripts <= _EAST
    has_letters = all(_script(char) in scripts for char in others - letters)
    return is_one and has_letters and (not others or not others <= _LOOK_ALIKES)


def _is_of_words(char: str) -> bool:
    """Whether words are written with it: what is not seen, drawn or a sign is none."""
    script = _script(char)
    is_of_words = unicodedata.category(char) in _CATEGORIES or char == _ZERO
    if not is_of_words or script not in _SCRIPTS or char in _NOT_SEEN:
        return False
    name = unicodedata.name(char)
    if script == "HANGUL":  # its parts and fillers compose to syllables
        return name.startswith("HANGUL SYLLABLE ")
    if script == "LATIN":
        return char in _LATIN or (_ACCENTED.fullmatch(name) is not None and char != char.upper())
    return True


def _goes_with_latin(char: str) -> bool:
    return char not in _ALIKE_WITH_LATIN and unicodedata.name(char).startswith(_WITH_LATIN)


def _script(char: str) -> str:
    """Return the script of a character, as its name tells."""
    name = unicodedata.name(char, "").removeprefix("EXTENDED ")  # the digits of Persian
    return re.split("[ -]", name, maxsplit=1)[0]
