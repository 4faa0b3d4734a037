"""A card number in pieces is found, and numbers of different things are not one."""

from itertools import islice

import pytest

from payment_service.domain.split_card_number import names_of_split_number
from tests.parts.honest_texts import CORPORA


@pytest.mark.parametrize(
    "values",
    [
        {"a": "42424242", "b": "42424242"},
        {"a": "4242 4242", "b": "4242 4242"},
        {"first": "4242424242", "second": "424242"},
        {"part1": "4", "part2": "242424242424242"},
        {"part1": "4242 42", "part2": "42 4242 4242"},
        {"card1": "4242", "card2": "4242", "card3": "4242", "card4": "4242"},
        {"cardNumber": "42424242424242", "cardEnd": "42"},
        {"note": "card 4242-4242-", "rest": "4242-4242 12/27"},
        {"foo": "42424242", "bar": "42424242"},
        {"b": "42424242", "a": "42424240", "c": "42424242"},  # b and c, or a and b, sorted
        {"a": "\uff14\uff12" * 4, "b": "\uff14\uff12" * 4},
        {"pan_1": "378282", "pan_2": "246310005"},
    ],
)
def test_the_parts_of_a_number_are_found(values: dict[str, object]) -> None:
    found = names_of_split_number(values)

    assert len(found) > 1
    assert set(found) <= set(values)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"a": "4242424242424242"},  # is whole, and found as such
        {"a": "42424242", "b": "42424241"},
        {"a": "42424242", "b": "hello"},
        {"cart": "42424242", "customer": "42424242"},
        {"order_id": "42424242", "shopId": "42424242"},
        {"lat": "42.424242", "lng": "42.424242"},
        {"kunde": "4242424242", "lieferung": "424242"},
        {"a": 42424242, "b": ["42424242"]},
        {"a" * 41: "42424242", "b" * 41: "42424242"},
        {"a": "42424242" + "x" * 40, "b": "42424242"},
    ],
)
def test_other_numbers_are_not_put_together(values: dict[str, object]) -> None:
    assert names_of_split_number(values) == []


def test_numbers_whose_names_say_what_they_are_are_never_put_together() -> None:
    pairs = zip(CORPORA["EAN"](), CORPORA["order of twelve digits"](), strict=True)
    for ean, order in islice(pairs, 500):
        assert names_of_split_number({"ean": ean, "order_no": order, "user": order[:8]}) == []
