"""A card is good until its month is over, or its issuer has replaced it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from payment_service.domain.card_expiry import is_expired
from tests.domain.test_customer import customer


@pytest.mark.parametrize(
    ("now", "expired"),
    [
        (datetime(2030, 12, 31, 23, 59, tzinfo=UTC), False),
        (datetime(2031, 1, 1, tzinfo=UTC), True),
        (datetime(2030, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_card_is_good_to_the_end_of_its_month(now: datetime, *, expired: bool) -> None:
    ann = customer("pm_1")
    card = replace(ann.cards[0], exp_month=12, exp_year=2030)

    assert is_expired(replace(ann, cards=(card,)), card, now) is expired


@pytest.mark.parametrize(
    ("fingerprint", "other_print", "exp_year", "expired"),
    [
        ("one", "one", 2031, True),
        ("one", "one", 2030, False),
        ("one", "two", 2031, False),
        (None, None, 2031, False),
    ],
)
def test_a_card_that_is_there_again_with_a_later_expiry_was_replaced(
    fingerprint: str | None, other_print: str | None, exp_year: int, *, expired: bool
) -> None:
    ann = customer("pm_1", "pm_2")
    before = replace(ann.cards[0], exp_month=12, exp_year=2030, fingerprint=fingerprint)
    after = replace(ann.cards[1], exp_month=12, exp_year=exp_year, fingerprint=other_print)
    both = replace(ann, cards=(before, after))

    assert is_expired(both, before, datetime(2026, 1, 1, tzinfo=UTC)) is expired
    assert is_expired(both, after, datetime(2026, 1, 1, tzinfo=UTC)) is False
