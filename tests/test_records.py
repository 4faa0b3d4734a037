"""Documents written down and read again, those of other releases included."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.beyond import beyond, with_beyond
from payment_service.domain.customer import CardState
from payment_service.domain.notice import owe
from payment_service.domain.payment import Operation, Payment, attempt_over, begin_attempt
from payment_service.domain.schema import SCHEMA, NewerSchema
from payment_service.records import from_json, from_plain, to_json, to_plain
from tests.contract.things import MOMENT, NOON, customer, paid

values = st.none() | st.integers() | st.text(max_size=3)
# What this program knows, and what a newer one has besides. Items of lists are told apart by ids.
known_objects = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
extra_fields = st.dictionaries(st.sampled_from("xyz"), values, max_size=2)


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw a document as it is in the database, and as this program understands it."""
    known: dict[str, Any] = draw(known_objects)
    raw = {**known, **draw(extra_fields)}
    inner = draw(known_objects)
    known["inner"], raw["inner"] = inner, {**inner, **draw(extra_fields)}
    items = [{"id": number, **draw(known_objects)} for number in range(draw(st.integers(0, 3)))]
    known["items"] = items
    raw["items"] = [{**item, **draw(extra_fields)} for item in items]
    return raw, known


@given(documents())
def test_what_is_taken_out_and_put_back_is_the_whole(
    drawn: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    raw, known = drawn

    assert with_beyond(known, beyond(raw, known)) == raw


@given(documents())
def test_what_is_gone_by_now_takes_what_was_unknown_of_it_along(
    drawn: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    raw, known = drawn
    rest = beyond(raw, known)

    whole = with_beyond({**known, "inner": None, "items": [{"id": 99}]}, rest)

    assert (whole["inner"], whole["items"]) == (None, [{"id": 99}])


def test_an_item_without_an_id_is_found_again_while_it_is_what_it_was() -> None:
    raw = {"lines": [{"what": "paid", "by": "ann"}, {"what": "told", "by": "bob"}, "plain"]}
    known = {"lines": [{"what": "paid"}, {"what": "told"}, "plain"]}

    later = {"lines": [{"what": "told"}, {"what": "paid twice"}, "plain"]}

    assert with_beyond(later, beyond(raw, known)) == {
        "lines": [{"what": "told", "by": "bob"}, {"what": "paid twice"}, "plain"]
    }


def newer(document: Any, **changed: Any) -> Any:
    """Return the document as this release reads it after a newer one wrote it."""
    plain = {**to_plain(document), "schema": SCHEMA + 1}
    return from_plain({**plain, **changed}, type(document))


def test_what_a_newer_release_knows_of_one_attempt_is_not_said_of_the_next() -> None:
    begun = begin_attempt(paid(), Operation.CREATE, MOMENT, request_id="req_1")
    attempt = to_plain(begun)["attempt"]
    call = {**attempt["call"], "answered": "succeeded"}
    read = newer(begun, attempt={**attempt, "call": call, "fee_minor": 7})

    tried = replace(read.attempt, call=replace(read.attempt.call, tries=1))
    the_same = to_plain(replace(read, attempt=tried))["attempt"]
    over = attempt_over(read, "declined", MOMENT)
    another = to_plain(begin_attempt(over, Operation.CONFIRM, MOMENT, request_id="req_2"))

    assert (the_same["call"]["answered"], the_same["fee_minor"]) == ("succeeded", 7)
    assert "answered" not in another["attempt"]["call"]
    assert "fee_minor" not in another["attempt"]


def test_notices_and_cards_keep_what_a_newer_release_knows_of_them_when_they_change() -> None:
    told = replace(paid(), notices=tuple(owe("PAID", f"key-{n}", NOON) for n in (1, 2)))
    notices = [{**one, "to": one["call"]["key"]} for one in to_plain(told)["notices"]]
    read = newer(told, notices=notices)
    after = replace(read, notices=tuple(replace(one, told_at=NOON) for one in read.notices[1:]))
    assert [one["to"] for one in to_plain(after)["notices"]] == ["key-2"]

    holder = customer()
    cards = [{**one, "of": one["payment_method_id"]} for one in to_plain(holder)["cards"]]
    kept = newer(holder, cards=cards)
    gone = replace(kept, cards=tuple(replace(c, state=CardState.REMOVING) for c in kept.cards))
    assert [one["of"] for one in to_plain(gone)["cards"]] == ["pm_1", "pm_2"]


@pytest.mark.parametrize("way", ["json", "plain"])
def test_a_document_of_a_newer_release_is_written_back_with_its_number_and_fields(way: str) -> None:
    def there_and_back(document: Payment) -> tuple[dict[str, Any], Payment]:
        if way == "json":
            text = to_json(document)
            return msgspec.json.decode(text), from_json(text, Payment)
        plain = to_plain(document)
        return plain, from_plain(plain, Payment)

    tipped = replace(paid(), schema=NewerSchema(SCHEMA + 1, {"tip_minor": 5}))
    plain, read = there_and_back(tipped)
    assert (plain["schema"], plain["tip_minor"]) == (SCHEMA + 1, 5)
    assert read == tipped

    written, again = there_and_back(replace(read, version=read.version + 1))
    assert (written["schema"], written["tip_minor"]) == (SCHEMA + 1, 5)
    assert again.version == read.version + 1


@pytest.mark.parametrize("older", [{"schema": 0}, {}])
def test_a_document_of_an_older_release_becomes_one_of_this(older: dict[str, int]) -> None:
    plain = to_plain(paid())
    del plain["schema"]

    assert from_plain({**plain, **older}, Payment) == paid()
