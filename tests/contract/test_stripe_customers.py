"""Customers as Stripe is asked for them and shows them: by every spelling, with their brands."""

from typing import Any

import pytest

from payment_service.adapters.stripe.objects import card_of
from payment_service.domain.news import CustomerSeen, NothingFound
from payment_service.domain.steps import FindCustomer, UpdateCustomer
from tests.contract.test_stripe_gateway import CUSTOMER, Answer, Recorder, Sent, asked
from tests.contract.test_stripe_objects import METHOD

EMAIL, SPELLED = "ann@example.com", "Ann@Example.com"


@pytest.mark.parametrize(
    ("email", "name", "form"),
    [
        (EMAIL, "Ann", {"email": EMAIL, "name": "Ann"}),
        (EMAIL, None, {"email": EMAIL}),
        (None, "Ann", {"name": "Ann"}),
    ],
)
def test_an_update_is_one_post_of_what_changes_under_its_own_key(
    email: str | None, name: str | None, form: dict[str, str]
) -> None:
    http = Recorder(lambda _: (200, CUSTOMER))

    news = asked(http, UpdateCustomer("key-1", "cus/1", email, name))

    assert http.sent == [Sent("post", "/v1/customers/cus%2F1", form, "key-1")]
    assert isinstance(news, CustomerSeen)


def spelled(found: dict[str, list[dict[str, Any]]]) -> Recorder:
    """Return a Stripe that finds customers by the very spelling of their e-mails."""

    def answer(sent: Sent) -> Answer:
        rows = found.get(sent.params.get("email", ""), [])
        return 200, {"object": "list", "data": rows, "has_more": False}

    return Recorder(answer)


def one(id: str, created: int, service: str | None = None) -> dict[str, Any]:
    metadata = {"service": service} if service else None
    return CUSTOMER | {"id": id, "created": created, "metadata": metadata}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({SPELLED: [one("cus_1", 1)]}, "cus_1"),
        ({EMAIL: [one("cus_1", 1)]}, "cus_1"),
        ({SPELLED: [one("cus_2", 2)], EMAIL: [one("cus_1", 1)]}, "cus_1"),
        ({SPELLED: [one("cus_1", 1)], EMAIL: [one("cus_2", 2)]}, "cus_1"),
        ({SPELLED: [one("cus_1", 1)], EMAIL: [one("cus_2", 2, "payment-service")]}, "cus_2"),
    ],
)
def test_of_all_spellings_ours_comes_first_then_the_oldest(
    found: dict[str, list[dict[str, Any]]], expected: str
) -> None:
    news = asked(spelled(found), FindCustomer(EMAIL, SPELLED))

    assert isinstance(news, CustomerSeen)
    assert news.customer.id == expected


@pytest.mark.parametrize(("spelling", "times"), [(None, 1), (EMAIL, 1), (SPELLED, 2)])
def test_one_spelling_is_asked_for_once(spelling: str | None, times: int) -> None:
    http = spelled({})

    assert isinstance(asked(http, FindCustomer(EMAIL, spelling)), NothingFound)
    assert len(http.sent) == times


@pytest.mark.parametrize(
    ("shown", "brand"),
    [("cartes_bancaires", "cartes_bancaires"), (None, None), (7, None), ("x" * 300, None)],
)
def test_the_brand_to_show_is_stripes_word(shown: object, brand: str | None) -> None:
    its = {"brand": "visa", "last4": "4242", "exp_month": 1, "exp_year": 2030}

    assert card_of(METHOD | {"card": its | {"display_brand": shown}}).display_brand == brand
