"""Card numbers are found however people write them, and ids are not taken for them."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from payment_service.domain.card_fields import DEPTH_MAX, find_card_numbers_in
from payment_service.domain.card_number import holds_card_number
from payment_service.domain.errors import FieldError, InvalidRequest
from tests.parts.growth import FACTOR, is_linear

VISA = "4242424242424242"

# Beginnings and lengths as the networks publish them, independent of the table under test.
ISSUED = [
    ("4", 13), ("4", 16), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16),
    ("34", 15), ("37", 15), ("6011", 16), ("644", 16), ("649", 16), ("65", 16), ("65", 19),
    ("36", 14), ("38", 14), ("300", 14), ("305", 16), ("309", 14), ("3528", 16), ("3589", 16),
    ("62", 16), ("62", 19), ("81", 16), ("5018", 16), ("5893", 19), ("6304", 13), ("6759", 18),
    ("6763", 19), ("2200", 16), ("6062", 16), ("9792", 16),
]  # fmt: skip


def luhn_digit(digits: str) -> str:
    """Work out the check digit that makes the digits a valid number, by the textbook."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def is_bar_code(digits: str) -> bool:
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return len(digits) == 13 and total % 10 == 0


@st.composite
def card_numbers(draw: st.DrawFn) -> str:
    start, length = draw(st.sampled_from(ISSUED))
    size = length - len(start) - 1
    body = start + draw(st.text("0123456789", min_size=size, max_size=size))
    number = body + luhn_digit(body)
    assume(not is_bar_code(number))
    return number


def grouped(number: str, separator: str) -> str:
    return separator.join(number[at : at + 4] for at in range(0, len(number), 4))


# Finding


@given(card_numbers(), st.sampled_from([" ", "-", ".", "/", "\u00a0", "\u2009", " - ", "\u2013"]))
def test_a_number_is_found_whole_grouped_and_among_words(number: str, separator: str) -> None:
    assert holds_card_number(number)
    assert holds_card_number(grouped(number, separator))
    assert holds_card_number(f"card {grouped(number, separator)} thanks")


@given(card_numbers(), st.integers(1, 9))
def test_a_number_with_a_wrong_check_digit_is_not_found(number: str, change: int) -> None:
    broken = number[:-1] + str((int(number[-1]) + change) % 10)

    assert not holds_card_number(broken)
    assert not holds_card_number(f"order {broken}, please")


@pytest.mark.parametrize(
    "number",
    [
        VISA, "4000056655665556", "5555555555554444", "2223003122003222", "5200828282828210",
        "5105105105105100", "378282246310005", "6011111111111117", "3056930009020004",
        "36227206271667", "3566002020360505", "6200000000000005", "4000000000000002",
        "4000002500003155", "4100000000000019", "6205500000000000004", "2200000000000004",
    ],
)  # fmt: skip
def test_stripes_test_cards_are_found(number: str) -> None:
    assert holds_card_number(number)


@pytest.mark.parametrize(
    "text",
    [
        "3782 822463 10005",
        "3056 930009 0200 04",
        "4222 222 222 222",
        "42424242 42424242",
        "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
        "4242  4242\n4242\t4242",
        "card4242424242424242",
        "4242424242424242x",
        "pan4242424242424242cvc123",
        "4242 4242 4242 4242 12/27 123",
        "4242 4242 4242 4242 12 27 123",
        "2026-01-15 4242 4242 4242 4242",
        "1 4242 4242 4242 4242",
        "1.4242 4242 4242 4242",
        "12 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
        "order 1234 4242-4242-4242-4242",
        "4242424242424242.00",
        "https://example.com/?pan=4242424242424242&x=1",
        "\uff14\uff12\uff14\uff12 4242 4242 4242",
        "\u0664\u0662" * 8,
        "4242\u200b4242\u00ad4242\ufeff4242",
        "4242\u22124242\u22124242\u22124242",
        "4242\u00b74242\u00b74242\u00b74242",
        "\u00a3 4242424242424242",
    ],
)
def test_these_ways_to_write_a_number_are_found(text: str) -> None:
    assert holds_card_number(text)


# Not finding


@given(st.uuids())
def test_a_uuid_is_not_a_card_number(uuid: object) -> None:
    assert not holds_card_number(str(uuid))
    assert not holds_card_number(f"order {uuid}".upper())


def test_a_uuid_of_digits_alone_is_not_a_card_number() -> None:
    assert not holds_card_number("42424242-4242-4242-8242-424242424242")


@given(st.text("0123456789", max_size=12))
def test_an_order_number_of_twelve_digits_is_not_a_card_number(number: str) -> None:
    assert not holds_card_number(f"order {number}")


@given(card_numbers(), st.text("123456789", min_size=7, max_size=30))
def test_a_number_inside_a_longer_run_of_digits_is_not_found(number: str, more: str) -> None:
    assert not holds_card_number(more + number)
    assert not holds_card_number(number + more)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no digits here",
        "caf\u00e9 \u2013 na\u00efve",
        "1234567890123456",
        "4242424242424241",
        "0000000000000000",
        "9999999999999995",
        "42424242424242424",  # 17 digits: no Visa is so long
        "424242424242424242424242",
        "123456784242424242424242",
        "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
        "4242 4242",
        "4242 4242 or 4242 4242",
        "4242,4242,4242,4242",
        "42 42 42 42 42 42 42 42",
        "4242 4242-4242 4242",
        "pi_3MtwBwLkdIwHu7ix28a3tqPa",
        "cus_NffrFeUfNV2Hib",
        "pm_1MqLiJLkdIwHu7ixUEgbFdYF",
        "evt_1NG8Du2eZvKYlo2CUI79vXWy",
        "a4242424242424242b1c2",
        "3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b",
        "2026-10-17T12:34:56.789012Z",
        "1760704496789",
        "+49 30 901820 4711",
        "52.52000659999991",  # with its point left out it would be a Mastercard
        "52.52000659999991, 13.404954",
        "0.4242424242424242",
        "4006381333931",  # EAN
        "4900000000005",  # EAN that passes Luhn too
        "DE89 3704 0044 0532 0130 00",
    ],
)
def test_these_are_not_card_numbers(text: str) -> None:
    assert not holds_card_number(text)


@pytest.mark.parametrize(
    "text_of",
    [
        lambda size: "4" * size,
        lambda size: "4 " * (size // 2),
        lambda size: "4242 " * (size // 5),
        lambda size: "424 " * (size // 4),
        lambda size: "4242.4242" * (size // 9),
        lambda size: "1." + "1" * size + ".",
        lambda size: "a1" * (size // 2),
        lambda size: "4242424a-" * (size // 9),
        lambda size: "\u0664 " * (size // 2),
        lambda size: " " * size + "4",
    ],
)
def test_a_text_made_to_be_slow_takes_as_long_as_it_is(text_of: Callable[[int], str]) -> None:
    texts = {size: text_of(size) for size in (20_000, 20_000 * FACTOR)}

    assert is_linear(lambda size: holds_card_number(texts[size]), 20_000)


@given(st.text(max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    assert holds_card_number(text) in {True, False}


# In JSON


def test_every_path_that_holds_a_card_number_is_listed_once() -> None:
    body = {
        "orderId": "17",
        "metadata": {"note": f"card {VISA}", "ok": "hello"},
        "items": [{"name": "soup"}, {"name": VISA}, [VISA]],
        "whole": int(VISA),
        "decimal": Decimal(VISA + ".0"),
        "floating": float(VISA),
        "flags": [True, None, 6522, Decimal("65.22"), 10**5000],
    }

    assert find_card_numbers_in(body, frozenset()) == [
        "metadata.note",
        "items[1].name",
        "items[2][0]",
        "whole",
        "decimal",
        "floating",
    ]


def test_a_key_that_is_a_card_number_is_found_and_not_repeated() -> None:
    body = {"metadata": {VISA: VISA, f"{VISA}a": {"note": VISA}}}

    assert find_card_numbers_in(body, frozenset()) == [
        "metadata.[hidden]",
        "metadata.[hidden].note",
    ]


def test_exempt_fields_are_skipped_with_all_under_them() -> None:
    body = {"orderId": VISA, "metadata": {"orderId": {"deep": VISA}, "other": VISA}}

    assert find_card_numbers_in(body, frozenset({"orderId"})) == ["metadata.other"]


def test_a_bare_value_has_an_empty_path() -> None:
    assert find_card_numbers_in(VISA, frozenset()) == [""]
    assert find_card_numbers_in("hello", frozenset()) == []


def nested(levels: int) -> object:
    value: object = VISA
    for _ in range(levels):
        value = [value]
    return value


def test_what_is_nested_too_deeply_to_be_read_is_refused() -> None:
    assert find_card_numbers_in(nested(DEPTH_MAX), frozenset()) == ["[0]" * DEPTH_MAX]

    for body, field in (({"note": nested(DEPTH_MAX)}, "note"), (nested(100_000), "body")):
        with pytest.raises(InvalidRequest) as refused:
            find_card_numbers_in(body, frozenset())
        assert refused.value.fields == (FieldError(field, "is nested more than 16 levels deep"),)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**11), 10**11) | st.text("abc 12", max_size=9),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
        max_leaves=20,
    ),
    card_numbers(),
)
def test_a_number_is_found_wherever_it_is_put(rest: object, number: str) -> None:
    assert find_card_numbers_in([rest], frozenset()) == []
    assert find_card_numbers_in({"x": [rest, {"y": number}]}, frozenset()) == ["x[1].y"]
