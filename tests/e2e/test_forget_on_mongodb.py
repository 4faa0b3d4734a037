"""`payment-service forget` on MongoDB, beside a service that runs on the same database."""

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import pymongo
import pytest
from bson.raw_bson import RawBSONDocument

from payment_service.adapters.mongo import open_store
from payment_service.storage.collections import AUDIT, COLLECTIONS
from tests.e2e.test_forget import EMAIL, PAY, forget
from tests.parts.http import Caller
from tests.parts.mongo_server import a_database
from tests.parts.processes import Stack, stack

NAME = "Zoe Quill"
# Events of what was done at Stripe come within it, and are applied.
QUIET_S = 2.0


@pytest.fixture
def database() -> Iterator[str]:
    with a_database() as uri:
        yield uri


def raw(uri: str) -> dict[str, bytes]:
    """Return every collection of the database as the bytes that are stored."""
    with pymongo.MongoClient[RawBSONDocument](uri, document_class=RawBSONDocument) as client:
        database = client.get_default_database()
        names = database.list_collection_names()
        return {name: b"".join(doc.raw for doc in database[name].find()) for name in names}


def holding(stored: dict[str, bytes], *words: str) -> set[str]:
    """Return the collections in which one of the words stands, in whatever case."""
    sought = [word.lower().encode() for word in words]
    return {name for name, held in stored.items() if any(word in held.lower() for word in sought)}


async def audit(uri: str) -> list[tuple[str, str, str, str]]:
    store = open_store(uri, COLLECTIONS, pool_max=1, timeout_s=5)
    page = await store.page(
        AUDIT, equal={}, created_from=None, created_to=None, cursor=None, limit=10
    )
    await store.close()
    return [(one.what, one.subject, one.who, one.why) for one in page.items]


async def person(service: Caller) -> str:
    """Make the customer, who is named in as many places as callers can name somebody."""
    made = await _post(service, "customer", {"email": EMAIL, "name": NAME})
    customer_id: str = made["customerId"]
    card = {"customerId": customer_id, "paymentMethodId": "pm_card_visa"}
    details = {"cardholderName": NAME, "last4": "4242", "cardType": "visa", "expiryDate": "12/40"}
    await _post(service, "payment-method-details", {**card, **details})
    words = {"description": f"for {NAME}", "metadata": {"to": EMAIL}}
    paid = {"amount": 800, "orderId": "paid", "customerId": customer_id, "confirm": True, **words}
    await _post(service, "payment-intent", paid)
    await _post(service, "refund", {"orderId": "paid", "amount": 100, "reason": f"{NAME} asked"})
    return customer_id


async def _post(service: Caller, path: str, body: dict[str, Any]) -> Any:
    key = {"Idempotency-Key": f"key-of-{path}"}
    heard = await service.ask("POST", f"/payment/{path}", body, key)
    assert heard.status in {200, 201}, heard.body
    return heard.data


async def test_nothing_in_the_database_names_the_person_while_the_service_goes_on(
    database: str,
) -> None:
    with stack({"MONGODB_URI": database}, webhooks=True) as here:
        async with aiohttp.ClientSession() as http:
            service = Caller(http, here.service_url)
            customer_id = await person(service)
            before = holding(raw(database), EMAIL, NAME)

            done = await asyncio.to_thread(_forget, here)
            at_once = holding(raw(database), EMAIL, NAME)
            await asyncio.sleep(QUIET_S)
            later = holding(raw(database), EMAIL, NAME)

            shown = await service.ask("GET", f"{PAY}/paid")
            gone = await service.ask("GET", f"/payment/customer/{EMAIL}")
            new = await service.ask("POST", "/payment/customer", {"email": EMAIL})
            again = await asyncio.to_thread(_forget, here)

    assert before == {"customers", "emails", "payments", "requests"}, "else this test shows nothing"
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Kept: 1 payments, under the customer id {customer_id}." in done.stdout
    assert (at_once, later) == (set(), set())
    assert (shown.data["status"], shown.data["description"]) == ("succeeded", None)
    assert gone.status == 404
    assert new.data["customerId"] != customer_id
    assert again.returncode == 0
    assert await audit(database) == [
        ("customer.forgotten", new.data["customerId"], "olga", "she asked"),
        ("customer.forgotten", customer_id, "olga", "she asked"),
    ]


def _forget(here: Stack) -> Any:
    return forget(here, EMAIL, "--yes", "--by", "olga", "--reason", "she asked")
