"""Same key, same request, same answer; and what is kept for it holds no secret."""

import asyncio
import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_service.api.app import ApiOptions
from payment_service.api.idempotency import key_id
from payment_service.domain.money import AmountUnit
from payment_service.domain.stored_request import StoredRequest
from payment_service.ports import Store, StoreUnavailable
from payment_service.storage.collections import REQUESTS
from tests.api.asgi import Heard
from tests.api.conftest import Api, open_api
from tests.flows.watched_store import WatchedStore
from tests.parts.shop import Shop


async def pay(api: Api, customer_id: str, key: str = "key-1", **fields: object) -> Heard:
    asked = {"amount": 6522, "orderId": "order-1", "customerId": customer_id, "confirm": True}
    asked |= fields
    return await api.post("/payment/payment-intent", asked, idempotency_key=key)


async def kept(api: Api, key: str = "key-1") -> StoredRequest | None:
    return await api.shop.world.store.get(REQUESTS, key_id("anonymous", key))


async def test_the_same_request_again_gets_the_first_answer_again(api: Api) -> None:
    customer_id = await api.new_payer()
    first = await pay(api, customer_id)
    await api.post("/payment/refund", {"orderId": "order-1", "amount": 1000})

    again = await pay(api, customer_id)

    assert first.status == again.status == 200
    assert first.raw == again.raw
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]


async def test_the_order_of_names_in_the_body_means_nothing(api: Api) -> None:
    customer_id = await api.new_payer()
    asked = {"amount": 6522, "orderId": "order-1", "customerId": customer_id}
    await api.post("/payment/payment-intent", asked, idempotency_key="key-1")

    turned = dict(reversed(asked.items()))
    again = await api.post("/payment/payment-intent", turned, idempotency_key="key-1")

    assert again.headers["idempotent-replayed"] == "true"


async def test_no_number_is_too_large_to_tell_requests_apart(api: Api) -> None:
    customer_id = await api.new_payer()

    paid = await pay(api, customer_id, cart=10**30)
    other = await pay(api, customer_id, cart=10**30 + 1)

    assert (paid.status, other.status) == (200, 422)


async def test_another_request_under_the_same_key_is_422(api: Api) -> None:
    customer_id = await api.new_payer()
    await pay(api, customer_id)

    other_amount = await pay(api, customer_id, amount=6523)
    other_path = await api.post(
        "/payment/customer", {"email": "bob@example.com"}, idempotency_key="key-1"
    )

    assert (other_amount.status, other_amount.code) == (422, "idempotency_key_reused")
    assert (other_path.status, other_path.code) == (422, "idempotency_key_reused")


async def test_the_same_request_for_another_payment_is_another_request(api: Api) -> None:
    """The bodies are both empty: whose payment it is stands in the path alone."""
    for order_id in ("order-1", "order-2"):
        await api.pay(order_id, captureMethod="manual")
    path = "/payment/payment-intent/{}/capture"

    captured = await api.post(path.format("order-1"), {}, idempotency_key="key-1")
    other = await api.post(path.format("order-2"), {}, idempotency_key="key-1")

    assert (captured.status, captured.data["orderId"]) == (200, "order-1")
    assert (other.status, other.code) == (422, "idempotency_key_reused")


class KeepsNoAnswers:
    """The store, which is away whenever an answer is to be kept."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def replace(self, collection: Any, doc: Any, *, expected_version: int) -> None:
        if collection is REQUESTS:
            raise StoreUnavailable("the database is away")
        await self._store.replace(collection, doc, expected_version=expected_version)


async def test_an_answer_that_cannot_be_kept_is_true_all_the_same(
    shop: Shop, lines: io.BytesIO
) -> None:
    forgetful: Any = KeepsNoAnswers(shop.world.store)
    shop.world = replace(shop.world, store=forgetful)
    api = open_api(shop)

    paid = await pay(api, await api.new_payer())

    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert b"request.answer_not_kept" in lines.getvalue()


async def test_the_same_request_while_the_first_is_running_is_409(api: Api) -> None:
    customer_id = await api.new_payer()

    heard = await asyncio.gather(pay(api, customer_id), pay(api, customer_id))

    assert sorted(one.status for one in heard) in ([200, 200], [200, 409])


async def test_a_request_that_is_still_running_is_409_with_retry_after(api: Api) -> None:
    customer_id = await api.new_payer()
    api.deafen("/v1/payment_intents")
    running = asyncio.create_task(pay(api, customer_id))
    await api.shop.world.clock.sleep(1)

    again = await pay(api, customer_id)
    first = await running

    assert (again.status, again.code) == (409, "idempotency_key_in_use")
    assert again.headers["retry-after"] == "1"
    assert first.status == 202


async def test_an_unknown_outcome_is_not_kept_so_that_the_truth_can_be_asked_for(api: Api) -> None:
    customer_id = await api.new_payer()
    api.deafen("/v1/payment_intents")
    first = await pay(api, customer_id)
    gone = await kept(api)
    api.hear()

    again = await pay(api, customer_id)

    assert (first.status, gone) == (202, None)
    assert (again.status, again.data["status"]) == (200, "succeeded")
    assert "idempotent-replayed" not in again.headers
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1


async def test_a_refused_card_is_kept_and_another_key_tries_again(api: Api) -> None:
    customer_id = await api.new_payer()
    card = {"paymentMethodId": "pm_card_chargeDeclined"}

    first = await pay(api, customer_id, **card)
    again = await pay(api, customer_id, **card)
    paid = await pay(api, customer_id, key="key-2", paymentMethodId="pm_card_visa")

    assert first.status == again.status == 402
    assert first.raw == again.raw
    assert again.headers["idempotent-replayed"] == "true"
    assert paid.data["status"] == "succeeded"


@pytest.mark.parametrize("fields", [{"amount": 1}, {"orderId": ""}])
async def test_an_invalid_request_is_not_kept(api: Api, fields: dict[str, Any]) -> None:
    customer_id = await api.new_payer()

    refused = await pay(api, customer_id, **fields)
    mended = await pay(api, customer_id)

    assert (refused.status, mended.status) == (400, 200)


async def test_what_could_not_be_done_is_not_kept(api: Api) -> None:
    customer_id = await api.new_payer()
    api.fault("rate_limit", "/v1/payment_intents", times=100)

    refused = await pay(api, customer_id)
    api.hear()
    paid = await pay(api, customer_id)

    assert (refused.status, paid.status) == (503, 200)


async def test_a_client_secret_is_not_kept_but_is_there_again(api: Api) -> None:
    customer_id = await api.new_payer()
    card = {"paymentMethodId": "pm_card_threeDSecure2Required"}
    first = await pay(api, customer_id, **card)
    secret = first.data["client_secret"]
    text = api.stored_text()

    again = await pay(api, customer_id, **card)
    api.shop.stripe.pick = api.only_reads_fail()
    blind = await pay(api, customer_id, **card)

    assert again.body == first.body
    assert again.headers["idempotent-replayed"] == "true"
    assert secret not in text
    assert "_secret_" not in text
    assert "next_action" not in text
    assert (blind.status, blind.code) == (503, "stripe_unavailable")


async def test_decimals_come_back_as_they_went(shop: Shop) -> None:
    api = open_api(shop, ApiOptions(amount_unit=AmountUnit.MAJOR))
    customer_id = await api.new_payer()

    first = await pay(api, customer_id, amount=65.2)
    again = await pay(api, customer_id, amount=65.2)

    assert b'"amount":65.20,' in first.raw
    assert first.raw == again.raw


async def died(api: Api, customer_id: str) -> None:
    """Leave the claim of a request whose process was killed before it could answer."""
    await pay(api, customer_id)
    done = await kept(api)
    assert done is not None
    claim = replace(done, version=done.version + 1, status_code=None, body=None)
    await api.shop.world.store.replace(REQUESTS, claim, expected_version=done.version)


async def test_a_request_that_died_with_the_process_before_is_not_said_to_be_running(
    api: Api,
) -> None:
    customer_id = await api.new_payer()
    await died(api, customer_id)

    again = await pay(api, customer_id)

    assert (again.status, again.data["status"]) == (200, "succeeded")
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1


async def test_a_request_that_died_in_another_process_is_taken_over_when_its_claim_lapses(
    shop: Shop,
) -> None:
    shared = WatchedStore(shop.world.store)
    shared.others_use_it = True
    shop.world = replace(shop.world, store=shared)
    api = open_api(shop)
    customer_id = await api.new_payer()
    await died(api, customer_id)

    too_soon = await pay(api, customer_id)
    await api.shop.world.clock.sleep(66)
    taken_over = await pay(api, customer_id)

    assert (too_soon.status, taken_over.status) == (409, 200)
    assert "idempotent-replayed" not in taken_over.headers
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1


async def test_a_refund_that_died_is_found_again_by_its_key(api: Api) -> None:
    await api.pay()
    asked = {"orderId": "order-1", "amount": 4000}
    first = await api.post("/payment/refund", asked, idempotency_key="r1")
    done = await kept(api, "r1")
    assert done is not None
    await api.shop.world.store.remove(REQUESTS, done.id, expected_version=done.version)

    again = await api.post("/payment/refund", asked, idempotency_key="r1")

    assert again.raw == first.raw
    assert "idempotent-replayed" not in again.headers
    assert len(api.shop.engine.ledger()["refunds"]) == 1


async def test_a_bug_lets_go_of_the_key(api: Api) -> None:
    customer_id = await api.new_payer()

    def broken(_method: str, _path: str) -> None:
        raise RuntimeError("a bug")

    api.shop.stripe.pick = broken
    failed = await pay(api, customer_id)
    gone = await kept(api)
    api.hear()
    paid = await pay(api, customer_id)

    assert (failed.status, failed.code, gone) == (500, "internal_error", None)
    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert len(api.shop.engine.ledger()["payment_intents"]) == 1


async def test_a_database_that_goes_away_in_the_middle_leaves_doubt_not_failure(
    api: Api, lines: io.BytesIO
) -> None:
    customer_id = await api.new_payer()
    lane = api.lane()

    def cut(_method: str, _path: str) -> None:
        if lane._connection is not None:
            lane._connection.close()
            lane._connection = None

    api.shop.stripe.pick = cut
    paid = await pay(api, customer_id)

    assert (paid.status, paid.body["pending"]) == (202, True)
    assert b"request.claim_not_removed" in lines.getvalue()


async def test_keys_live_for_a_day(api: Api) -> None:
    await api.post("/payment/customer", {"email": "jane@example.com"}, idempotency_key="key-1")
    request = await kept(api)
    assert request is not None
    await api.shop.world.clock.sleep(timedelta(hours=24).total_seconds())

    other = await api.post(
        "/payment/customer", {"email": "bob@example.com"}, idempotency_key="key-1"
    )

    assert request.expires_at - request.created_at == timedelta(hours=24)
    assert other.status == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/payment/customer"),
        ("PUT", "/payment/payment-method"),
        ("DELETE", "/payment/payment-method"),
    ],
)
@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb"])
async def test_a_key_that_is_none_is_400(api: Api, method: str, path: str, key: str) -> None:
    card = {"customerId": "cus_1", "paymentMethodId": "pm_1", "isDefault": True}
    body = {"email": "jane@example.com"} if path == "/payment/customer" else card

    refused = await api.ask(method, path, body=body, headers={"Idempotency-Key": key})

    assert (refused.status, refused.code) == (400, "invalid_idempotency_key")
    assert refused.bad_fields == ["Idempotency-Key"]


async def test_on_a_get_the_key_means_nothing(api: Api) -> None:
    shown = await api.get("/payment/", idempotency_key="")

    assert shown.status == 200


async def test_a_delete_is_answered_again_too(api: Api) -> None:
    customer_id = await api.new_payer()
    [card] = (await api.get(f"/payment/payment-methods/{customer_id}")).data
    asked = {"customerId": customer_id, "paymentMethodId": card["payment_method_id"]}
    headers = {"Idempotency-Key": "key-1"}

    first = await api.ask("DELETE", "/payment/payment-method", body=asked, headers=headers)
    again = await api.ask("DELETE", "/payment/payment-method", body=asked, headers=headers)

    assert (first.status, again.status) == (200, 200)
    assert again.headers["idempotent-replayed"] == "true"
