"""API keys: how they are written, what is kept of them, and when they hold."""

from datetime import UTC, datetime, timedelta

import pytest

from payment_service.domain.api_key import (
    NOTE_USE_EVERY,
    ApiKey,
    check,
    hash_of,
    new_api_key,
    read_written,
    revoked,
    used,
    written,
)
from payment_service.domain.errors import CredentialsExpired, CredentialsRefused, InvalidRequest

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
ID, SECRET, OTHER = "a" * 16, "b" * 52, "c" * 52


def key(*, lives_for: timedelta | None = None) -> ApiKey:
    return new_api_key(
        ID, SECRET, name="shop", scopes=("payment.read",), now=NOON, lives_for=lives_for
    )


def test_a_key_is_read_as_it_is_written() -> None:
    text = written(ID, SECRET)

    assert text == f"psk_{ID}_{SECRET}"
    assert read_written(text) == (ID, SECRET)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "psk_",
        f"psk_{ID}_{SECRET[1:]}",
        f"psk_{ID}_{SECRET}b",
        f"psk_{ID.upper()}_{SECRET}",
        f"psk_{ID}_{SECRET}\n",
        f" psk_{ID}_{SECRET}",
        f"sk_{ID}_{SECRET}",
        f"psk_{ID}_{'0' * 52}",
    ],
)
def test_what_is_no_key_of_ours_is_refused_before_anything_is_looked_up(text: str) -> None:
    with pytest.raises(CredentialsRefused):
        read_written(text)


def test_nothing_is_kept_that_would_let_anybody_use_the_key() -> None:
    assert SECRET not in repr(key())
    assert key().secret_hash == hash_of(SECRET)


def test_a_key_holds_for_whoever_has_its_secret() -> None:
    assert check(key(), SECRET, NOON) == key()
    with pytest.raises(CredentialsRefused) as wrong:
        check(key(), OTHER, NOON)
    with pytest.raises(CredentialsRefused) as unknown:
        check(None, SECRET, NOON)

    assert (wrong.value.code, wrong.value.message) == (unknown.value.code, unknown.value.message)


def test_an_expired_key_is_said_to_be_so_to_its_bearer_alone() -> None:
    day = timedelta(days=1)
    expiring = key(lives_for=day)

    assert check(expiring, SECRET, NOON + day - timedelta(milliseconds=1)) is expiring
    with pytest.raises(CredentialsExpired):
        check(expiring, SECRET, NOON + day)
    with pytest.raises(CredentialsRefused) as refused:
        check(expiring, OTHER, NOON + day)
    assert refused.value.code == "credentials_invalid"


def test_a_revoked_key_is_like_none() -> None:
    gone = revoked(key(lives_for=timedelta(days=1)), NOON)

    with pytest.raises(CredentialsRefused) as refused:
        check(gone, SECRET, NOON + timedelta(days=2))
    assert refused.value.code == "credentials_invalid"
    assert revoked(gone, NOON + timedelta(hours=1)) is gone


def test_the_state_of_a_key_is_said_in_a_word() -> None:
    expiring = key(lives_for=timedelta(days=1))

    assert expiring.state(NOON) == "active"
    assert expiring.state(NOON + timedelta(days=1)) == "expired"
    assert key().state(NOON + timedelta(days=10_000)) == "active"
    assert revoked(expiring, NOON).state(NOON) == "revoked"
    assert key().wake_at is None


def test_a_use_is_noted_once_in_a_while() -> None:
    first = used(key(), NOON)

    assert first.used_at == NOON
    assert used(first, NOON + NOTE_USE_EVERY - timedelta(milliseconds=1)) is first
    assert used(first, NOON + NOTE_USE_EVERY).used_at == NOON + NOTE_USE_EVERY


def test_every_bad_wish_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        new_api_key(ID, SECRET, name="", scopes=(), now=NOON, lives_for=timedelta())

    assert [bad.field for bad in refused.value.fields] == ["name", "scopes", "expires-in"]
