"""No secret survives in a log line, wherever it stands and whatever it is wrapped in."""

import base64
import json
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payment_service.redaction import KNOWN_LENGTH_MIN, Redact

KEY = b"a key for tests"
REDACT = Redact(KEY)

LETTERS = string.ascii_letters + string.digits
ids = st.text("abc012", min_size=8, max_size=20)
# So that a secret is never part of what may be shown.
words = st.text(LETTERS, min_size=8, max_size=40).map("Zz".__add__)
base64s = st.text(LETTERS + "+/=", min_size=8, max_size=44).map("Zz".__add__)
base64url = st.text(LETTERS + "-_", min_size=8, max_size=60).map("Zz".__add__)

# ---------------------------------------------------------------- what is secret
# Each gives the text as it is found, and the part of it that must not survive.


def plain(head: str, tails: st.SearchStrategy[str] = words) -> st.SearchStrategy[tuple[str, str]]:
    return tails.map(lambda tail: (f"{head}{tail}", tail))


def in_front(heads: st.SearchStrategy[str], middle: str) -> st.SearchStrategy[tuple[str, str]]:
    return st.tuples(heads, words).map(lambda two: (f"{two[0]}{middle}{two[1]}", two[1]))


def with_check_digit(digits: str) -> str:
    """Return the digits with the one more that makes them a card number."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled - 9 if doubled > 9 else doubled
    return digits + str(-total % 10)


def grouped(number: str, by: str) -> str:
    if len(number) == 15:
        return by.join((number[:4], number[4:10], number[10:]))
    return by.join(number[at : at + 4] for at in range(0, len(number), 4))


numbers = st.sampled_from([14, 15, 16, 16, 16, 19]).flatmap(
    lambda length: st.tuples(
        st.sampled_from("3456"), st.text("0123456789", min_size=length - 2, max_size=length - 2)
    ).map(lambda two: with_check_digit("".join(two)))
)
cards = st.tuples(numbers, st.sampled_from(["", " ", "-", "  ", " - ", ".", "_", "/", "%20"])).map(
    lambda two: (two[0], two[0]) if len(two[0]) not in {15, 16} else (grouped(*two), grouped(*two))
)
passwords = st.text(LETTERS + "!$%&*()+,;=/:#?~.-_", min_size=8, max_size=30).map("Zz".__add__)

SECRETS: dict[str, st.SearchStrategy[tuple[str, str]]] = {
    "live key": plain("sk_live_"),
    "test key": plain("sk_test_"),
    "restricted key": plain("rk_live_"),
    "publishable key": plain("pk_live_"),
    "webhook secret": plain(
        "whsec_", st.text(LETTERS + "+/=", min_size=8, max_size=44).map("Zz".__add__)
    ),
    "client secret": in_front(ids.map("pi_".__add__), "_secret_"),
    "api key": in_front(ids.map("psk_".__add__), "_"),
    "bearer": plain("Bearer ", base64url),
    "basic": words.map(lambda word: base64.b64encode(f"us:{word}".encode()).decode()).map(
        lambda pair: (f"Basic {pair}", pair)
    ),
    "token": st.tuples(base64url, base64url, base64url).map(
        lambda parts: (f"eyJ{'.'.join(parts)}", parts[2])
    ),
    "form": plain("grant_type=client_credentials&client_secret="),
    "password": plain("password="),
    "private key": words.map(
        lambda word: (
            f"-----BEGIN RSA PRIVATE KEY-----\n{word}\n-----END RSA PRIVATE KEY-----",
            word,
        )
    ),
    "database": st.tuples(words, passwords, st.sampled_from(["", "+srv"])).map(
        lambda three: (f"mongodb{three[2]}://{three[0]}:{three[1]}@db.example/x", three[1])
    ),
    "card": cards,
    "cvc": st.tuples(
        st.sampled_from(["cvc=", "cvc: ", "CVV ", "cvv2=", "card[cvc]=", "card%5Bcvc%5D="]),
        st.sampled_from(["9876", "987"]),
    ).map(lambda two: ("".join(two), two[1])),
    "address": st.tuples(words, words).map(lambda two: (f"{two[0]}@{two[1]}.example", two[0])),
    "address in a url": st.tuples(words, words).map(
        lambda two: (quote(f"{two[0]}@{two[1]}.example"), two[0])
    ),
    "odd address": st.tuples(words, words).map(
        lambda two: (f'"{two[0]}"@{two[1]}.example', two[0])
    ),
}

# ---------------------------------------------------------------- where it may stand

WRAPPINGS: dict[str, Callable[[str], str]] = {
    "alone": lambda text: text,
    "in a sentence": lambda text: f"the value {text} was refused",
    "after a colon": lambda text: f"refused:{text}",
    "in brackets": lambda text: f"({text})",
    "quoted": lambda text: f"it's '{text}'!",
    "in json": lambda text: json.dumps({"field": text, "next": 1}),
    "in json in json": lambda text: json.dumps({"body": json.dumps({"field": f"a\n{text}\t"})}),
    "in a list": lambda text: repr(["a", text]),
    "in a repr": lambda text: repr(f"one\n{text}\nthree"),
    "in a url": lambda text: f"https://host.example/path?field={text}&next=1",
    "after an escaped space": lambda text: f"field%20{text}%20next",
    "in a traceback": lambda text: f"Traceback:\n  File\nValueError: {text}",
    "behind another": lambda text: f"sk_test_abcdefgh {text} 4242424242424242",
}


@pytest.mark.parametrize("kind", SECRETS)
@settings(max_examples=200)
@given(found=st.data(), wrapping=st.sampled_from(sorted(WRAPPINGS)))
def test_no_secret_survives(kind: str, wrapping: str, found: st.DataObject) -> None:
    text, secret = found.draw(SECRETS[kind])

    shown = REDACT.text(WRAPPINGS[wrapping](text))

    assert secret not in shown
    assert json.dumps(secret)[1:-1] not in shown


@given(st.data(), st.sampled_from(sorted(SECRETS)))
def test_no_secret_survives_deep_in_a_value(found: st.DataObject, kind: str) -> None:
    text, secret = found.draw(SECRETS[kind])
    deep = {"a": [{"b": (text,)}, {text}], text: ValueError(text), "c": text.encode()}

    assert secret not in json.dumps(REDACT.value(deep))


@given(
    name=st.sampled_from(
        ["Authorization", "authorization", "Cookie", "client_secret", "X-Api-Key", "access-token"]
    ),
    value=st.text(min_size=6).filter(lambda text: text not in "[hidden]" and text.strip()),
)
def test_what_is_secret_by_its_name_is_hidden_whatever_it_is(name: str, value: str) -> None:
    assert REDACT.value({"headers": {name: value}}) == {"headers": {name: "[hidden]"}}


@given(value=st.text(LETTERS + " !$%&*()+,;=/:#?~.-_", min_size=6).filter(str.strip))
def test_a_header_in_a_text_is_hidden_to_its_end(value: str) -> None:
    shown = REDACT.text(f"GET / authorization: x{value}\naccept: all")

    assert shown == "GET / authorization: [hidden]\naccept: all"


@given(
    known=st.text(LETTERS + "-._~+/= ", min_size=KNOWN_LENGTH_MIN, max_size=40),
    before=st.text(max_size=20),
    after=st.text(max_size=20),
)
def test_a_known_secret_is_hidden_though_it_has_no_shape(
    known: str, before: str, after: str
) -> None:
    shown = Redact(KEY, [known, "short"]).text(f"{before}{known}{after}")

    assert known not in shown.replace("[hidden]", "\0")


def test_a_known_secret_within_another_leaves_no_rest() -> None:
    redact = Redact(KEY, ["whsec-one", "whsec-one,whsec-two", "short"])

    assert redact.text("whsec-one,whsec-two is short") == "[hidden] is short"


@given(number=numbers, as_float=st.booleans())
def test_a_card_number_that_is_a_number_is_hidden(number: str, *, as_float: bool) -> None:
    value = float(number) if as_float and len(number) < 16 else int(number)

    assert REDACT.value(value) == f"card:{number[-4:]}"


def test_the_name_of_an_api_key_stays() -> None:
    assert REDACT.text("psk_01abc_verysecret") == "psk_01abc_[hidden]"


def test_what_cannot_say_what_it_is_stops_nothing() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    assert REDACT.value([Broken()]) == ["<Broken>"]


def test_an_address_has_one_hash_in_a_text_and_in_a_url() -> None:
    assert REDACT.text(quote_plus("ann@example.com")) == REDACT.text("ann@example.com")


@pytest.mark.parametrize(
    "text",
    [
        "risk_level is normal",
        "task_name=follow",
        "requires_authentication",
        "idempotency_key",
        "10.0.0.1 and 192.168.100.200",
        "the key is not known",
        "0.123 0.456 0.789 0.012",
        "email:ca7e5f70c936c107",
        "card:4242",
        "http://127.0.0.1:9000/payment/customer",
        "stripe.answered",
        "orders.unanswered: token_http_401",
    ],
)
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert REDACT.text(text) == text
    assert REDACT.text(REDACT.text(text)) == text
