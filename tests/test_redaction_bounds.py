"""However long or deep a line is, it is cut without a secret in two, and looked at in no time."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.redaction import DEPTH_MAX, TAIL_MAX, TEXT_MAX, Redact
from tests.parts.growth import FACTOR, is_linear
from tests.parts.worst_cases import PIECES, filled

KEY = b"a key for tests"
KNOWN = "a-secret-without-any-shape"
REDACT = Redact(KEY, [KNOWN])
# Below the bound, so that nothing is cut and all of it is looked at.
LARGEST = TEXT_MAX - 64

SECRETS = {
    "key": "sk_live_" + "Zz0123456789" * 4,
    "token": "eyJ" + "Zz0123456789" * 20 + ".Zz0123456789.Zz0123456789",
    "client secret": "pi_1_secret_" + "Zz0123456789" * 4,
    "database": "mongodb://user:Zz0123456789@db.example/x",
    "url": "https://user:Zz0123456789@db.example/x",
    "address": "Zz0123456789@shop.example",
    "known": KNOWN,
    "card": "4242 4242 4242 4242",
    "spelled card": "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
    "bearer": "Authorization: Bearer Zz0123456789Zz0123456789",
    "private key": "-----BEGIN PRIVATE KEY-----\nZz0123456789\nZz0123\n-----END PRIVATE KEY-----",
}
SIGNS = ("Zz0123456789"[:6], KNOWN[:8], KNOWN[-8:], "4242 4242", "4 2 4 2")


@pytest.mark.parametrize("piece", PIECES)
def test_a_text_of_twice_the_length_takes_twice_as_long(piece: str) -> None:
    texts = {size: filled(piece, size) for size in (LARGEST // FACTOR, LARGEST // FACTOR * FACTOR)}

    assert is_linear(lambda size: REDACT.text(texts[size]), LARGEST // FACTOR)


def test_a_long_text_is_cut_in_its_middle_and_says_so() -> None:
    text = "\n".join(f"line {number}" for number in range(4000))

    shown = REDACT.text(text)

    assert len(shown) < TEXT_MAX
    assert shown.startswith("line 0\nline 1\n")
    assert shown.endswith("\nline 3998\nline 3999")
    head, _, rest = shown.partition("[cut: ")
    count, _, tail = rest.partition(" characters]")
    assert len(head) + int(count) + len(tail) - 1 == len(text)
    assert len(tail) > TAIL_MAX // 2


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "\u00e9" * 100_000, "4 " * 50_000, "4242_" * 30_000]
)
def test_a_text_without_a_place_to_cut_it_is_left_out(text: str) -> None:
    assert REDACT.text(text) == f"[cut: {len(text)} characters]"


@pytest.mark.parametrize("kind", SECRETS)
@given(at=st.integers(-80, 10), end=st.booleans(), joint=st.sampled_from([" ", "\n", "; "]))
def test_no_secret_is_cut_into_two(kind: str, at: int, end: bool, joint: str) -> None:  # noqa: FBT001
    """Wherever it lies across one of the two places where the text is cut."""
    secret = SECRETS[kind]
    filler = filled(f"some words{joint}", 60_000)
    place = (len(filler) - TAIL_MAX if end else TEXT_MAX - TAIL_MAX - 40) + at
    text = f"{filler[:place]}{joint}{secret}{joint}{filler[place:]}"

    shown = REDACT.text(text)

    assert len(shown) <= TEXT_MAX + len(secret)
    assert not [sign for sign in SIGNS if sign in shown]


def test_what_is_too_deep_is_not_shown() -> None:
    deep: object = "sk_live_Zz0123456789"
    for _ in range(100_000):
        deep = [deep]

    shown = json.dumps(REDACT.value({"a": deep}))

    assert shown == '{"a": ' + "[" * (DEPTH_MAX - 1) + '"[too deep]"' + "]" * (DEPTH_MAX - 1) + "}"


def test_more_digits_than_are_searched_are_hidden() -> None:
    text = "1234 5678 9012 3456 " * (LARGEST // 20)

    shown = REDACT.text("4242 4242 4242 4242, " + text[: LARGEST - 40])

    assert shown.startswith("card:4242, ")
    assert len(shown) < len(text)
    assert shown.endswith("[hidden]")


@pytest.mark.parametrize(
    "text",
    [
        "\uff14\uff12" * 8,
        "4242_4242_4242_4242",
        "4242*4242*4242*4242",
        "4242x4242x4242x4242",
        "4242    4242    4242    4242",
        "4242\u00a04242\u00a04242\u00a04242",
        "4242\u200b4242\u200b4242\u200b4242",
        "4242%204242%204242%204242",
        "\\uff14\\uff12" * 8,
        "4242\\t4242\\t4242\\t4242",
        "pan4242424242424242cvc",
    ],
)
def test_a_card_number_is_hidden_as_it_is_refused_at_the_door(text: str) -> None:
    assert "card:4242" in REDACT.text(f"the order {text} was paid")
    assert "card:4242" in REDACT.text(text)


def test_the_hash_of_an_address_is_no_card_number() -> None:
    assert REDACT.text("email:4242424242424242 and 4242424242424242") == (
        "email:4242424242424242 and card:4242"
    )
