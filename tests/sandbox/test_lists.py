"""Lists: newest first, walked by cursor, filtered, clamped; and what may be expanded in them."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_sandbox.engine import Config
from tests.sandbox.account import START, Account


def ids(answer: Any) -> list[str]:
    return [row["id"] for row in answer.body["data"]]


def with_customers(count: int) -> tuple[Account, list[str]]:
    account = Account()
    return account, [account.customer() for _ in range(count)]


def test_a_walk_forth_and_back_meets_each_once() -> None:
    account, made = with_customers(7)
    newest_first = made[::-1]

    first = account.get("/v1/customers", {"limit": 3})
    second = account.get("/v1/customers", {"limit": 3, "starting_after": ids(first)[-1]})
    third = account.get("/v1/customers", {"limit": 3, "starting_after": ids(second)[-1]})
    back = account.get("/v1/customers", {"limit": 2, "ending_before": ids(third)[0]})

    assert ids(first) + ids(second) + ids(third) == newest_first
    assert [page.body["has_more"] for page in (first, second, third)] == [True, True, False]
    assert (ids(back), back.body["has_more"]) == (newest_first[4:6], True)


@pytest.mark.parametrize(("limit", "count"), [(-1, 1), (0, 1), (1, 1), (12, 12), (500, 12)])
def test_limits_are_clamped_without_a_word(limit: int, count: int) -> None:
    account, _ = with_customers(12)

    assert len(account.get("/v1/customers", {"limit": limit}).body["data"]) == count


def test_ten_is_the_default() -> None:
    account, _ = with_customers(11)

    assert len(account.get("/v1/customers").body["data"]) == 10


def test_a_cursor_need_not_pass_the_filter() -> None:
    account = Account()
    made = [account.customer(email=f"{name}@shop.example") for name in ("a", "b", "a", "b")]

    answer = account.get("/v1/customers", {"email": "a@shop.example", "starting_after": made[3]})

    assert ids(answer) == [made[2], made[0]]


def test_customers_are_found_by_exact_email() -> None:
    account = Account()
    account.customer(email="Mixed@shop.example")

    assert ids(account.get("/v1/customers", {"email": "mixed@shop.example"})) == []


@pytest.mark.parametrize(
    ("created", "kept"),
    [
        ({"gte": START + 1}, [2, 1]),
        ({"gt": START + 1}, [2]),
        ({"lt": START + 1}, [0]),
        ({"lte": START + 1}, [1, 0]),
        ({"gt": START, "lt": START + 2}, [1]),
        (START + 1, [1]),
    ],
)
def test_time_narrows_a_list(created: Any, kept: list[int]) -> None:
    account = Account()
    made = []
    for second in range(3):
        account.now = START + second
        made.append(account.pay().body["id"])
    bounds = (
        {name: int(value) for name, value in created.items()}
        if isinstance(created, dict)
        else int(created)
    )

    answer = account.get("/v1/payment_intents", {"created": bounds})

    assert ids(answer) == [made[index] for index in kept]


def test_intents_and_charges_are_found_by_customer() -> None:
    account = Account()
    customer = account.customer()
    mine = account.pay(customer=customer).body
    account.pay()

    assert ids(account.get("/v1/payment_intents", {"customer": customer})) == [mine["id"]]
    assert ids(account.get("/v1/charges", {"customer": customer})) == [mine["latest_charge"]]
    assert ids(account.get("/v1/charges", {"payment_intent": mine["id"]})) == [
        mine["latest_charge"]
    ]


def test_a_page_of_an_owners_rows_walks_by_cursor_too() -> None:
    account = Account()
    customer = account.customer()
    cards = [account.card(customer) for _ in range(3)]
    path = f"/v1/customers/{customer}/payment_methods"

    after = account.get(path, {"starting_after": cards[2], "limit": 1})
    before = account.get(path, {"ending_before": cards[0]})

    assert (ids(after), after.body["has_more"]) == ([cards[1]], True)
    assert (ids(before), before.body["has_more"]) == ([cards[2], cards[1]], False)


def test_events_are_found_by_type_and_types() -> None:
    account = Account()
    account.pay()
    account.customer()

    one = account.get("/v1/events", {"type": "charge.succeeded"}).body["data"]
    group = account.get("/v1/events", {"type": "payment_intent.*"}).body["data"]
    several = account.get(
        "/v1/events", {"types": ["customer.created", "payment_intent.succeeded"]}
    ).body["data"]

    assert [event["type"] for event in one] == ["charge.succeeded"]
    assert [event["type"] for event in group] == [
        "payment_intent.succeeded",
        "payment_intent.created",
    ]
    assert [event["type"] for event in several] == ["customer.created", "payment_intent.succeeded"]


def test_events_go_back_thirty_days() -> None:
    account = Account()
    account.customer()

    account.now += 30 * 86_400
    within = account.get("/v1/events").body["data"]
    account.now += 1
    beyond = account.get("/v1/events").body["data"]

    assert (len(within), len(beyond)) == (1, 0)


def test_the_oldest_events_make_room() -> None:
    account = Account(Config(events_kept=8))
    made = [account.customer() for _ in range(20)]

    kept = [event["data"]["object"]["id"] for event in account.engine.events]

    assert len(kept) <= 8
    assert kept == made[-len(kept) :]
    newest = account.get("/v1/events", {"limit": 2}).body["data"]
    older = account.get("/v1/events", {"limit": 1, "starting_after": newest[1]["id"]}).body["data"]
    assert [event["data"]["object"]["id"] for event in newest] == made[-1:-3:-1]
    assert [event["data"]["object"]["id"] for event in older] == [made[-3]]


def test_objects_take_the_place_of_their_ids() -> None:
    account = Account()
    customer = account.customer(name="Ann")
    intent = account.pay(customer=customer).body
    account.now += 2

    body = account.get(
        f"/v1/payment_intents/{intent['id']}",
        {"expand": ["customer", "latest_charge.balance_transaction", "payment_method"]},
    ).body

    assert body["customer"]["name"] == "Ann"
    assert body["latest_charge"]["balance_transaction"]["amount"] == 1000
    assert body["payment_method"]["card"]["last4"] == "4242"


def test_the_refunds_of_a_charge_are_there_only_when_asked_for() -> None:
    account = Account()
    charge = account.pay(5000).body["latest_charge"]
    made = [account.made("/v1/refunds", {"charge": charge, "amount": 100}) for _ in range(11)]

    plain = account.get(f"/v1/charges/{charge}").body
    expanded = account.get(f"/v1/charges/{charge}", {"expand": ["refunds"]}).body

    assert "refunds" not in plain
    assert list(expanded) == ["id", "object", *sorted([*list(plain)[2:], "refunds"])]
    assert expanded["refunds"]["url"] == f"/v1/charges/{charge}/refunds"
    assert [row["id"] for row in expanded["refunds"]["data"]] == made[:0:-1]
    assert expanded["refunds"]["has_more"] is True


def test_lists_expand_under_data() -> None:
    account = Account()
    account.pay()

    answer = account.get("/v1/payment_intents", {"expand": ["data.latest_charge"]})

    assert answer.body["data"][0]["latest_charge"]["object"] == "charge"


@pytest.mark.parametrize("path", ["nope", "amount", "data.customer", "latest_charge.nope"])
def test_what_cannot_be_expanded_is_refused_before_anything_is_done(path: str) -> None:
    account = Account()

    answer = account.pay(expand=[path])

    assert answer.status == 400
    assert answer.error["message"] == f"This property cannot be expanded ({path})."
    assert "code" not in answer.error
    assert account.books()["payment_intents"] == []


def test_four_levels_are_the_most() -> None:
    answer = Account().get("/v1/charges", {"expand": ["data.payment_intent.customer.x.y"]})

    assert answer.error["message"].startswith("You cannot expand more than 4 levels")
