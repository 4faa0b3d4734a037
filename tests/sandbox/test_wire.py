"""The form encoding: what is written is what is read, whatever the way of writing lists."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_sandbox.engine.errors import ApiError
from stripe_sandbox.engine.wire import DEPTH_MAX, decode, encode

# Lone surrogates cannot be sent.
NOT_SENT: tuple[Literal["Cs"]] = ("Cs",)
# A map whose keys are 0, 1, 2 cannot be told from a list; nothing of Stripe is such a map.
NAMES = st.text(
    st.characters(exclude_characters="[]", exclude_categories=NOT_SENT), min_size=1
).filter(lambda name: not name.isdigit())
WORDS = st.text(st.characters(exclude_categories=NOT_SENT))
VALUES = st.recursive(
    WORDS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4)
        | st.dictionaries(NAMES, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_is_encoded_is_decoded(parameters: dict[str, object]) -> None:
    assert decode(encode(parameters).decode()) == parameters


@pytest.mark.parametrize(
    ("form", "parameters"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "2"}),
        ("a=x+y%26z", {"a": "x y&z"}),
        ("card[number]=42&card[exp][month]=1", {"card": {"number": "42", "exp": {"month": "1"}}}),
        ("card%5Btoken%5D=tok_visa", {"card": {"token": "tok_visa"}}),
        ("expand[0]=x&expand[1]=y", {"expand": ["x", "y"]}),
        ("expand[1]=y&expand[0]=x", {"expand": ["x", "y"]}),
        ("expand[]=x&expand[]=y", {"expand": ["x", "y"]}),
        ("a[][x]=1&a[][y]=2&a[][x]=3", {"a": [{"x": "1", "y": "2"}, {"x": "3"}]}),
        ("a[0][x]=1&a[1][x]=2", {"a": [{"x": "1"}, {"x": "2"}]}),
        ("flag", {"flag": ""}),
        ("description=", {"description": ""}),
    ],
)
def test_forms_mean_what_they_mean_to_stripe(form: str, parameters: dict[str, object]) -> None:
    assert decode(form) == parameters


def test_booleans_and_nothing_are_written_as_the_sdk_writes_them() -> None:
    assert encode({"a": True, "b": False, "c": None, "d": 5}) == b"a=true&b=false&d=5"


@pytest.mark.parametrize("form", ["a=1&a[b]=2", "a[b]=1&a=2", "a[]=1&a[b]=2", "a[b]=1&a[]=2"])
def test_one_name_in_two_shapes_is_refused(form: str) -> None:
    with pytest.raises(ApiError) as refusal:
        decode(form)

    assert refusal.value.status == 400
    assert refusal.value.fields["param"] == "a"


def test_depth_has_a_limit() -> None:
    with pytest.raises(ApiError):
        decode("a" + "[b]" * DEPTH_MAX + "=1")
