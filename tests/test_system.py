"""The machine's own time and chance keep the promises of the ports."""

import re
from datetime import UTC, datetime, timedelta

from payment_service.adapters.system import RandomIds, wall_time

NOW = datetime(2026, 3, 1, 12, 0, 0, 7000, tzinfo=UTC)


def test_the_present_is_utc_and_has_whole_milliseconds() -> None:
    before = datetime.now(UTC)
    now = wall_time()
    after = datetime.now(UTC)

    assert now.tzinfo is UTC
    assert now.microsecond % 1000 == 0
    assert before - timedelta(milliseconds=1) < now <= after


def test_an_identity_begins_with_its_prefix_and_is_letters_and_digits() -> None:
    new = RandomIds().new("pay")

    assert re.fullmatch(r"pay_[0-9a-hjkmnp-tv-z]{36}", new)


def test_identities_of_one_moment_differ() -> None:
    ids = RandomIds(lambda: NOW)

    made = [ids.new("pay") for _ in range(1000)]

    assert len(set(made)) == 1000
    assert {new[:14] for new in made} == {"pay_01kjmma2g7"}


def test_identities_sort_by_the_time_they_were_made() -> None:
    moments = [NOW + timedelta(milliseconds=ms) for ms in (0, 1, 31, 32, 1023, 1024, 2**40, 2**41)]

    made = [made_at(moment) for moment in moments]

    assert made == sorted(made)


def made_at(moment: datetime) -> str:
    return RandomIds(lambda: moment).new("pay")


def test_an_identity_holds_128_random_bits() -> None:
    """Every one of the 130 random bits is sometimes set and sometimes not."""
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    ever = never = 0

    for _ in range(200):
        number = 0
        for letter in RandomIds(lambda: NOW).new("pay")[14:]:
            number = number * 32 + alphabet.index(letter)
        ever |= number
        never |= ~number & (1 << 130) - 1

    assert (ever, never) == ((1 << 130) - 1, (1 << 130) - 1)
