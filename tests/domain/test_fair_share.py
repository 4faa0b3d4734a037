"""Who must leave room for others, and when somebody is alone."""

import pytest

from payment_service.domain.fair_share import LATELY_S, Lately


def test_a_process_that_has_just_begun_takes_it_that_there_are_others() -> None:
    lately = Lately()
    assert not lately.shares("shop", 0.0), "nobody has asked yet"
    lately.asks("shop", 0.0)

    assert lately.shares("shop", LATELY_S - 1)
    assert not lately.shares("shop", LATELY_S)


def test_a_process_may_take_it_that_nobody_is_there_who_has_not_asked() -> None:
    lately = Lately(10.0, expects_others=False)
    lately.asks("shop", 0.0)
    assert not lately.shares("shop", 1.0)

    lately.asks("other", 2.0)

    assert lately.shares("shop", 11.0)
    assert not lately.shares("shop", 12.0)


def test_who_cannot_be_told_apart_shares_only_with_those_who_can() -> None:
    lately = Lately()
    lately.asks("", 0.0)
    assert not lately.shares("", 1.0)

    lately.asks("shop", 2.0)

    assert lately.shares("", 3.0)


@pytest.mark.parametrize("caller", ["a", "b", "c"])
def test_each_of_several_shares_until_the_others_have_been_quiet_for_an_hour(caller: str) -> None:
    lately = Lately()
    for number in range(9):
        lately.asks("abc"[number % 3], LATELY_S + number)

    assert lately.shares(caller, LATELY_S * 2)
    lately.asks(caller, LATELY_S * 2)
    assert lately.shares(caller, LATELY_S * 2 + 6)
    assert not lately.shares(caller, LATELY_S * 2 + 20)
