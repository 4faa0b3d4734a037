"""Which e-mails are one person's, which are none, and which only look like another one's."""

import unicodedata
from time import perf_counter
from typing import Literal

import pytest

from payment_service.domain.email_address import followed_email, normalised_email
from payment_service.domain.errors import InvalidRequest


@pytest.mark.parametrize(
    ("given", "email"),
    [
        ("  Ann@Example.COM ", "ann@example.com"),
        ("J\u00fcrgen@M\u00fcller.example", "j\u00fcrgen@m\u00fcller.example"),
        ("ju\u0308rgen@example.de", "j\u00fcrgen@example.de"),  # the same letter in two characters
        ("stra\u00dfe@example.de", "stra\u00dfe@example.de"),
        ("zo\u00eb@example.org", "zo\u00eb@example.org"),
        (
            "\u0438\u0432\u0430\u043d@\u043f\u043e\u0447\u0442\u0430.\u0440\u0444",
            "\u0438\u0432\u0430\u043d@\u043f\u043e\u0447\u0442\u0430.\u0440\u0444",
        ),
        ("\u0442\u0435\u0441\u0442@example.ru", "\u0442\u0435\u0441\u0442@example.ru"),
        ("ivan-\u0438\u0432\u0430\u043d@example.ru", "ivan-\u0438\u0432\u0430\u043d@example.ru"),
        ("\u03bd\u03af\u03ba\u03bf\u03c2@example.gr", "\u03bd\u03af\u03ba\u03bf\u03c2@example.gr"),
        ("\u7528\u6237@\u4f8b\u5b50.\u516c\u53f8", "\u7528\u6237@\u4f8b\u5b50.\u516c\u53f8"),
        ("STRA\u1e9eE@example.de", "stra\u00dfe@example.de"),
        ("tom\u674e@example.cn", "tom\u674e@example.cn"),
    ],
)
def test_an_email_has_one_spelling(given: str, email: str) -> None:
    assert normalised_email(given) == email
    assert followed_email(given) == email


# A name or a word in each of them, with the marks and digits that its writing needs.
LANGUAGES = (
    "jos\u00e9",
    "nguy\u1ec5n",  # Vietnamese
    "\u0142ukasz",
    "\u0257an",  # Hausa
    "\u00f8deg\u00e5rd",
    "\u0448\u0443\u043b\u0435\u04332",  # Cyrillic, with an ASCII digit
    "\u0457\u0436\u0430\u043a",
    "\u03c9\u03bc\u03ad\u03b3\u03b1",
    "\u0561\u0580\u0561\u0574",  # Armenian
    "\u10dc\u10d8\u10dc\u10dd",  # Georgian
    "\u0936\u0930\u094d\u092e\u093e\u0967\u0968",  # Devanagari
    "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd",
    "\u0e2a\u0e21\u0e0a\u0e32\u0e22",
    "\u0e19\u0e49\u0e33",  # a vowel of Thai that folds to two characters
    "\u0639\u0644\u06cc\u06f1\u06f2",  # Persian
    "\u05d3\u05d5\u05d3",
    "\uae40\ucca0\uc218",
    "\u4f50\u3005\u6728",
    "\u30e6\u30fc\u30b6\u30fc",
    "\u4e8c\u3007\u4e8c\u56db",  # the Chinese zero
    "\u12a0\u1260\u1260",
    "\u1797\u17b6\u179f\u17b6",
)


@pytest.mark.parametrize("word", LANGUAGES)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_addresses_of_other_languages_are_addresses(word: str, form: Literal["NFC", "NFD"]) -> None:
    email = f"{word}@{word}.example"

    assert normalised_email(unicodedata.normalize(form, email)) == email


@pytest.mark.parametrize(
    "email",
    [
        "\u0430nn@shop.example",  # Cyrillic a
        "\u0430@shop.example",
        "ann@\u0455\u04bb\u043e\u0440.example",  # a label of Cyrillic look-alikes only
        "\u03bfscar@shop.example",  # Greek omicron
        "\u043aim@shop.example",  # a Cyrillic k among ASCII letters
        "\u0251nn@shop.example",  # a Latin letter of phonetics
        "\uff21\uff2e\uff2e@shop.example",  # full width
        "ann\uff20shop.example@x.example",
        "\u212aim@shop.example",  # the sign of Kelvin, which is lower-cased to k
        "adm\u0131n@shop.example",  # a dotless i, whose capital is I
        "\u0130da@shop.example",
        "\u017fam@shop.example",  # a long s
        "\ufb01n@shop.example",  # a ligature
        "ann\u200b@shop.example",  # nothing to be seen
        "ann\u00ad@shop.example",
        "ann@shop\u3002example.com",
        # Small capitals, and other letters of phonetics.
        *(
            f"b{small}b@shop.example"
            for small in "\u1d00\u1d04\u1d0f\u1d1c\u1d20\u1d21\u1d22\ua731"
        ),
        "bob@sh\u1d0fp.example",
        "\u1d20\u026a\u1d04@shop.example",
        "\u0138im@shop.example",
        "\u0237im@shop.example",
        "al\u01c0@shop.example",
        "\u02bbann@shop.example",
        # Marks that compose to no letter, or are on letters of another script.
        "bi\u0307ll@shop.example",
        "\u0438\u0332\u0432\u0430\u043d@shop.example",
        "b\u0e49b@shop.example",
        "\u0438\u0e49\u0432\u0430\u043d@shop.example",
        # What is not seen.
        *(
            f"bob{unseen}@shop.example"
            for unseen in "\u034f\ufe0f\u3164\uffa0\u115f\u1160\u2800\u17b4\u180b\u200d\U000e0101"
        ),
        "bob@shop\ufe0f.example",
        # Dashes, apostrophes and drawings.
        *(f"ann{dash}lee@shop.example" for dash in "\u2010\u2011\u2013\u2212\u30fc\u4e00\u00b7"),
        "bob@shop\u2010two.example",
        "o\u2019neil@shop.example",
        "\u0639\u0640\u0644\u06cc@shop.example",  # a letter that is drawn longer
        "\u2615@shop.example",
        # Digits and letters of other scripts among Latin letters, or alone where they look alike.
        *(f"b{zero}b@shop.example" for zero in "\u0966\u0e50\u07cb\u06f0\u3007\u3147"),
        "\u0966@shop.example",
        "\u00e9\u043e@shop.example",
        "\u03b2\u043e@shop.example",  # Greek and Cyrillic
        "\ua4d0\ua4f3\ua4d0@shop.example",  # Lisu, all of whose letters look like capitals
        "\u101d@shop.example",
        "\ufecb\u0644\u064a@shop.example",  # the shape of a letter, which is another character
    ],
)
def test_what_only_looks_like_another_email_is_refused(email: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        normalised_email(email)

    assert [bad.field for bad in refused.value.fields] == ["email"]
    assert followed_email(email) is None


@pytest.mark.parametrize("email", [None, "", "ann", "ann@", "ann@example", f"{'a' * 250}@x.de"])
def test_what_is_none_leads_nowhere(email: str | None) -> None:
    assert followed_email(email) is None


def test_a_long_run_of_accents_takes_no_time() -> None:
    begun = perf_counter()

    with pytest.raises(InvalidRequest):
        normalised_email("a" + "\u0301\u0316" * 16_000 + "@shop.example")

    assert perf_counter() - begun < 0.1  # it took half a second


def test_the_longest_address_of_other_letters_takes_no_time() -> None:
    begun = perf_counter()

    for letter in "\u1d0f\u0438\u0301\u7528":
        followed_email(letter * 64 + "@" + ".".join([letter * 30] * 6))

    assert perf_counter() - begun < 0.1
