"""Other ways to write a card number, and honest texts with as many digits that are none."""

from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.domain.card_fields import NAMED_MAX, SHOWN_MAX, find_card_numbers_in
from payment_service.domain.card_number import (
    ROWS_MAX,
    WORK_MAX,
    find_card_numbers,
    holds_card_number,
    may_hold_card_number,
)
from payment_service.domain.errors import FieldError, InvalidRequest
from payment_service.domain.plain_digits import ESCAPES_MAX, plain_digits, prepare
from tests.parts.honest_texts import CORPORA

VISA = "4242424242424242"
AMEX = "378282246310005"
FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}


def grouped(number: str, joint: str) -> str:
    if len(number) == 15:
        return joint.join((number[:4], number[4:10], number[10:]))
    return joint.join(number[at : at + 4] for at in range(0, len(number), 4))


JOINTS = [
    *(
        "_",
        "*",
        "x",
        "X",
        "+",
        "|",
        "~",
        "=",
        "    ",
        "\t",
        "\u00a0",
        "\u3000",
        "\u200b",
        "--",
        "**",
    ),
    *(
        " _ ",
        " * ",
        "\u2013",
        "\uff0d",
        "\uff0f",
        "\uff3f",
        "\uff0a",
        "\u00d7",
        "%20",
        "%2D",
        "%2d",
    ),
    *("%5F", "%C2%A0", "%E2%80%8B", "\\u00a0", "\\u200b", "\\t", "\\n", " \u200b \u200b "),
]


@pytest.mark.parametrize("joint", JOINTS)
@pytest.mark.parametrize("number", [VISA, AMEX])
def test_a_number_is_found_whatever_joins_its_groups(number: str, joint: str) -> None:
    text = f"card {grouped(number, joint)}, please"

    search = find_card_numbers(text)

    assert [one.last4 for one in search.found] == [number[-4:]]
    found = search.found[0]
    assert text[found.start : found.end] == grouped(number, joint)


@pytest.mark.parametrize("joint", ["_", "*", "x", " ", "-", ".", "/", "    ", "%20", "\u00a0"])
def test_a_number_is_found_digit_by_digit(joint: str) -> None:
    assert holds_card_number(joint.join(VISA))
    assert holds_card_number(f"1 and {joint.join(VISA)} end")


@pytest.mark.parametrize(
    "text",
    [
        VISA.translate(FULL_WIDTH),
        grouped(VISA, " ").translate(FULL_WIDTH),
        grouped(VISA, "\uff3f").translate(FULL_WIDTH),
        "".join(f"%3{digit}" for digit in VISA),
        "".join(f"%EF%BC%9{digit}" for digit in VISA),
        "".join(f"\\u003{digit}" for digit in VISA),
        "".join(f"\\uff1{digit}" for digit in VISA),
        "".join(f"{digit}\ufe0f\u20e3" for digit in VISA),
        "".join(chr(0x1D7CE + int(digit)) for digit in VISA),
        "".join(f"{digit}\u0332" for digit in VISA),
        "\x00".join(VISA),
        "42424242_42424242",
        "https://shop.example/back?pan=4242%204242%204242%204242&x=1",
    ],
)
def test_a_number_in_other_digits_or_escapes_is_found(text: str) -> None:
    search = find_card_numbers(f"a {text} b")

    assert [one.last4 for one in search.found] == ["4242"]


@pytest.mark.parametrize(
    "text",
    [
        "4242_42_42424242_42",
        "4711_20240101_1234",
        "4242_4242-4242_4242",
        "4242     4242     4242     4242",  # five spaces
        "a4242424242424242f",
        "DE89 3704 0044 0532 0130 00",
        "GB82 WEST 1234 5698 7654 32",
        "FR76 3000 6000 0112 3456 7890 189",
        "4000x3000x2400",
    ],
)
def test_other_numbers_are_none(text: str) -> None:
    assert not holds_card_number(text)


def test_a_number_behind_a_country_is_no_account_when_its_check_digits_are_wrong() -> None:
    assert holds_card_number("DE88 4242 4242 4242 4242")
    assert holds_card_number("4242 4242 4242 4242 DE89 3704 0044 0532 0130 00")


@pytest.mark.parametrize("kind", CORPORA)
def test_honest_texts_are_not_taken_for_card_numbers(kind: str) -> None:
    taken = [text for text in islice(CORPORA[kind](), 500) if holds_card_number(text)]

    assert taken == []


@given(st.lists(st.sampled_from(sorted(CORPORA)), min_size=1, max_size=6), st.integers(0, 400))
def test_honest_texts_in_one_object_are_not_taken_for_card_numbers(
    kinds: list[str], number: int
) -> None:
    texts = {
        f"{kind} {n}": next(islice(CORPORA[kind](), number, None)) for n, kind in enumerate(kinds)
    }

    assert find_card_numbers_in(texts, frozenset()) == []


# Bounds


def test_what_is_not_searched_to_its_end_counts_as_a_card_number() -> None:
    many = "1234567890123456 " * WORK_MAX + VISA
    rows = "1234 5678 9012 3456 " * (ROWS_MAX // 10) + VISA

    for text in (many, rows):
        search = find_card_numbers(text)
        assert (search.found, bool(search)) == ((), True)
        assert holds_card_number(text)
        with pytest.raises(InvalidRequest) as refused:
            find_card_numbers_in({"n" * 200: [text]}, frozenset())
        told = "has more digits in rows than are searched for card numbers"
        assert refused.value.fields == (FieldError("n" * SHOWN_MAX, told),)


def test_what_is_not_searched_is_told_by_its_place_in_the_text() -> None:
    text = "\u200b" + "1234567890123456," * (WORK_MAX + 1)

    searched = find_card_numbers(text).searched

    assert searched is not None
    assert text[searched:].startswith("1234567890123456,")


def test_a_cart_of_five_hundred_bar_codes_is_searched() -> None:
    cart = [{"ean": code, "count": 1} for code in islice(CORPORA["EAN"](), 500)]

    assert find_card_numbers_in({"cart": cart}, frozenset()) == []


def test_names_in_paths_are_cut_and_paths_are_few() -> None:
    body = {"k" * 1000: {"n" * 1000: [VISA] * 1000, VISA: {"a": VISA}}}

    paths = find_card_numbers_in(body, frozenset())

    assert len(paths) == NAMED_MAX
    assert paths[0] == f"{'k' * SHOWN_MAX}.{'n' * SHOWN_MAX}[0]"


def test_numbers_with_exponents_and_texts_with_bounds_are_searched() -> None:
    body = {
        "a": 4.242424242424242e15,
        "huge": [Decimal("1e999999999"), Decimal("-1e999999999"), 10**4000, 1e300, 1e-300],
        "tiny": Decimal("1e-999999999"),
        "b\x01": f"x\x01{VISA}",
        "c": -int(VISA),
        "d": True,
        "e": Decimal("4.242424242424242E+15"),
        "f": Decimal(f"{VISA}.50"),
    }

    assert find_card_numbers_in(body, frozenset()) == ["a", "b\x01", "c", "e", "f"]


def test_more_escapes_than_a_text_has_reason_for_are_left_as_they_are() -> None:
    escapes = [f"%E2%80%{second:X}" for second in range(0x80, 0xC0)] + ["%30", "%31"]

    assert plain_digits("".join(escapes[:ESCAPES_MAX])).strip("\0 -\u2016\u2017.") != ""
    assert plain_digits("".join(escapes)).endswith("%30%31")


@given(st.text(max_size=80))
def test_the_first_look_at_a_text_never_misses_what_the_search_finds(text: str) -> None:
    assert may_hold_card_number(text) or not holds_card_number(text)
    assert may_hold_card_number(text.encode(errors="replace")) or not holds_card_number(text)


@given(st.lists(st.sampled_from(["", " ", "_", "x", "    ", "-", "%20", "\t"]), min_size=15))
def test_the_first_look_sees_every_number_that_the_search_sees(joints: list[str]) -> None:
    text = "".join(digit + joint for digit, joint in zip(VISA, [*joints, ""], strict=False))

    assert may_hold_card_number(text) or not holds_card_number(text)


@given(st.text(max_size=80))
def test_plain_digits_keep_their_places(text: str) -> None:
    assert len(plain_digits(text)) == len(text)


def test_numbers_in_one_row_are_found_in_their_order() -> None:
    prepare()
    text = " ".join([*VISA, grouped(AMEX, " "), VISA, "4006381333931"])

    known = find_card_numbers(text)
    all_that_may_be = find_card_numbers(f"{text} 9999-9999-9999-9995", any_issuer=True)

    assert [one.last4 for one in known.found] == ["4242", "0005", "4242"]
    assert [one.last4 for one in all_that_may_be.found] == ["4242", "0005", "4242", "9995"]
