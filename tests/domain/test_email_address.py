"""Which e-mails are one person's, which are none, and which only look like another one's."""

from time import perf_counter

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
    ],
)
def test_an_email_has_one_spelling(given: str, email: str) -> None:
    assert normalised_email(given) == email
    assert followed_email(given) == email


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
