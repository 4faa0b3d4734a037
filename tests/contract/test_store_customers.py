"""Customers in every store: each customer of Stripe's is one document, found by every id of it."""

from dataclasses import replace

import pytest

from payment_service.ports import AlreadyExists, Store
from payment_service.storage.collections import CUSTOMERS
from tests.contract.customers import whole_customer


async def test_a_customer_is_found_by_the_id_it_has_and_the_one_it_had(store: Store) -> None:
    await store.insert(CUSTOMERS, whole_customer())

    for column, its_id in (("customer_id", "cus_2"), ("former_customer_id", "cus_1")):
        assert await store.find_one(CUSTOMERS, column, its_id) == whole_customer()
    assert await store.find_one(CUSTOMERS, "customer_id", "cus_1") is None


async def test_no_two_customers_are_the_same_one_at_stripe(store: Store) -> None:
    one = replace(whole_customer(), version=0)
    another = replace(one, id="cust_2", uid="cust_2", customer_id="cus_3")
    await store.insert(CUSTOMERS, one)
    await store.insert(CUSTOMERS, another)

    with pytest.raises(AlreadyExists):
        await store.insert(CUSTOMERS, replace(one, id="cust_3", uid="cust_3"))
    same = replace(another, version=1, customer_id=one.customer_id)
    with pytest.raises(AlreadyExists):
        await store.replace(CUSTOMERS, same, expected_version=0)

    assert await store.get(CUSTOMERS, "cust_2") == another
    assert await store.get(CUSTOMERS, "cust_3") is None
    assert await store.find_one(CUSTOMERS, "stripe_id", "cus_2") == one
    assert await store.find_one(CUSTOMERS, "stripe_id", "cus_1") is None


async def test_a_customer_under_its_email_may_lie_beside_the_one_under_our_id(store: Store) -> None:
    """So a release before this had it, and the one is there before the other one goes."""
    one = replace(whole_customer(), version=0)
    old = replace(one, id="zoë@example.org")
    await store.insert(CUSTOMERS, old)
    await store.insert(CUSTOMERS, one)

    assert await store.find_one(CUSTOMERS, "stripe_id", "cus_2") == one
