"""An end user reaches what is theirs; all else is as if it were not there."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from payment_service.api.app import all_endpoints
from payment_service.api.door import Gate
from payment_service.api.endpoint import Endpoint, everybodys, services_only
from payment_service.ports import Store
from payment_service.storage.collections import PAYMENTS
from tests.api.access import Guarded, open_guarded
from tests.api.asgi import Heard
from tests.api.belongings import NOBODYS, asking_for, belongings
from tests.flows.watched_store import WatchedStore
from tests.parts.failed_over import JustFailedOver
from tests.parts.shop import Shop

JANE, BOB = "jane@example.com", "bob@example.com"
CLOSED = [one for one in all_endpoints(Gate()) if one.scope is not None]
# What comes with every answer, and says nothing of what was asked.
OF_THE_REQUEST = {"requestId"}


@pytest.fixture
def api(shop: Shop) -> Guarded:
    return open_guarded(shop)


def without_request(heard: Heard) -> Any:
    return heard.status, {n: v for n, v in heard.body.items() if n not in OF_THE_REQUEST}


@pytest.mark.parametrize("endpoint", CLOSED, ids=lambda endpoint: endpoint.name)
async def test_what_is_somebody_elses_is_as_if_it_were_not_there(
    api: Guarded, endpoint: Endpoint
) -> None:
    """A new endpoint comes here by itself; one that belongs to everybody would fail here."""
    assert endpoint.guard is not everybodys
    bobs = await belongings(api, BOB, "order-of-bob")
    jane = api.provider.user(JANE, scope="payment.admin")
    asked_before = len(api.shop.engine.ledger()["requests"])
    if endpoint.name == "list_payments":
        heard = await api.as_(jane, "GET", f"/payment/payments?customerId={bobs.customer_id}")
        nothing = await api.as_(jane, "GET", "/payment/payments?customerId=cus_nope")
        by_order = await api.as_(jane, "GET", f"/payment/payments?orderId={bobs.order_id}")
        assert without_request(heard) == without_request(nothing) == without_request(by_order)
        assert heard.data == []
        return

    heard = await api.as_(jane, endpoint.method, *asking_for(endpoint, bobs))

    asked = len(api.shop.engine.ledger()["requests"]) - asked_before
    nobodys = await api.as_(jane, endpoint.method, *asking_for(endpoint, NOBODYS))
    asked_for_nothing = len(api.shop.engine.ledger()["requests"]) - asked_before - asked
    assert heard.status == 404
    assert without_request(heard) == without_request(nobodys)
    assert (asked, asked_for_nothing) == (0, 0)


@pytest.mark.parametrize("thing", ["order_id", "intent_id"])
async def test_a_payment_is_hidden_by_either_of_its_names(api: Guarded, thing: str) -> None:
    bobs = await belongings(api, BOB, "order-of-bob")
    jane = api.provider.user(JANE)

    for suffix in ("", "?refresh=true"):
        path = f"/payment/payment-intent/{getattr(bobs, thing)}{suffix}"
        assert (await api.as_(jane, "GET", path)).code == "not_found"


async def test_a_refund_is_hidden_by_either_of_its_names(api: Guarded) -> None:
    bobs = await belongings(api, BOB, "order-of-bob")
    jane = api.provider.user(JANE)
    before = len(api.shop.engine.ledger()["requests"])

    heard = await api.as_(jane, "GET", f"/payment/refund/{bobs.stripe_refund_id}")
    middle = len(api.shop.engine.ledger()["requests"])
    nothing = await api.as_(jane, "GET", "/payment/refund/re_nope")

    assert without_request(heard) == without_request(nothing)
    after = len(api.shop.engine.ledger()["requests"])
    assert (middle - before, after - middle) == (1, 1)  # only Stripe knows whose those are


async def test_an_end_user_reaches_what_is_theirs(api: Guarded) -> None:
    janes = await belongings(api, JANE, "order-of-jane")
    await belongings(api, BOB, "order-of-bob")
    jane = api.provider.user(" JANE@example.com")

    for method, path, body in [
        ("GET", f"/customer/{JANE}", None),
        ("POST", "/customer", {"email": "Jane@Example.com"}),
        ("GET", f"/payment-methods/{janes.customer_id}", None),
        (
            "PUT",
            "/payment-method",
            {"customerId": janes.customer_id, "paymentMethodId": janes.card_id, "isDefault": True},
        ),
        ("POST", "/setup-intent", {"customerId": janes.customer_id}),
        ("GET", f"/payment-intent/{janes.order_id}", None),
        ("GET", f"/payment-intent/{janes.intent_id}?refresh=true", None),
        ("GET", f"/refund/{janes.refund_id}", None),
        ("GET", f"/refund/{janes.stripe_refund_id}", None),
        ("POST", f"/payment-intent/{janes.order_id}/confirm", {}),
        (
            "POST",
            "/payment-intent",
            {"amount": 6522, "orderId": janes.order_id, "customerId": janes.customer_id},
        ),
        (
            "DELETE",
            f"/payment-method?customerId={janes.customer_id}&paymentMethodId={janes.card_id}",
            None,
        ),
    ]:
        heard = await api.as_(jane, method, f"/payment{path}", body)
        assert heard.status == 200, (method, path, heard.raw)
    for query in ("", f"?customerId={janes.customer_id}", "?orderId=order-of-jane"):
        listed = await api.as_(jane, "GET", f"/payment/payments{query}")
        assert [one["orderId"] for one in listed.data] == ["order-of-jane"]


async def test_who_has_no_customer_yet_has_no_payments(api: Guarded) -> None:
    await belongings(api, BOB, "order-of-bob")
    jane = api.provider.user(JANE)

    assert (await api.as_(jane, "GET", "/payment/payments")).data == []
    assert (await api.as_(jane, "GET", f"/payment/customer/{JANE}")).status == 404


async def test_who_names_no_customer_pays_as_their_own_who_is_made_if_need_be(
    api: Guarded,
) -> None:
    jane = api.provider.user(JANE)
    asked = {"amount": 6522, "orderId": "order-1", "paymentMethodId": "pm_card_visa"}

    paid = await api.as_(jane, "POST", "/payment/payment-intent", asked)
    again = await api.as_(jane, "POST", "/payment/payment-intent", asked)

    payment = await api.shop.world.store.get(PAYMENTS, "order-1")
    known = await api.as_(jane, "GET", f"/payment/customer/{JANE}")
    assert (paid.data["status"], again.data["status"]) == ("succeeded", "succeeded")
    assert payment is not None
    assert payment.terms.customer_id == known.data["customerId"]


async def test_somebody_elses_customer_or_order_cannot_be_paid_with(api: Guarded) -> None:
    bobs = await belongings(api, BOB, "order-of-bob")
    jane = api.provider.user(JANE)
    charges = api.shop.engine.ledger()["payment_intents"]
    asked = {"amount": 6522, "orderId": "order-1", "customerId": bobs.customer_id}

    as_bob = await api.as_(jane, "POST", "/payment/payment-intent", asked)
    bobs_order = await api.as_(
        jane, "POST", "/payment/payment-intent", {"amount": 6522, "orderId": bobs.order_id}
    )

    assert (as_bob.status, as_bob.code) == (404, "customer_not_found")
    assert (bobs_order.status, bobs_order.code) == (404, "not_found")
    assert "data" not in bobs_order.body
    assert api.shop.engine.ledger()["payment_intents"] == charges


async def test_somebody_elses_order_is_theirs_also_when_the_store_has_just_failed_over(
    api: Guarded,
) -> None:
    bobs = await belongings(api, BOB, "order-of-bob")
    store: Any = JustFailedOver(api.shop.world.store)
    store.hidden.add(bobs.order_id)
    api.shop.world = replace(api.shop.world, store=store)
    late = replace(open_guarded(api.shop), provider=api.provider)
    asked = {"amount": 6522, "orderId": bobs.order_id, "paymentMethodId": "pm_card_visa"}

    heard = await late.as_(api.provider.user(JANE), "POST", "/payment/payment-intent", asked)

    assert (heard.status, heard.code) == (404, "not_found")


async def test_an_order_that_somebody_else_pays_meanwhile_is_theirs_and_shows_nothing(
    api: Guarded,
) -> None:
    bob, jane = api.provider.user(BOB), api.provider.user(JANE)
    await belongings(api, JANE, "order-of-jane")
    await belongings(api, BOB, "order-of-bob")
    asked = {"amount": 6522, "orderId": "order-of-both", "paymentMethodId": "pm_card_visa"}

    async def bob_pays() -> None:
        paid = await api.as_(bob, "POST", "/payment/payment-intent", asked)
        assert (paid.status, paid.data["status"]) == (200, "succeeded")

    store = WatchedStore(api.shop.world.store)
    store.before_writes.append(bob_pays)
    api.shop.world = replace(api.shop.world, store=store)
    late = replace(open_guarded(api.shop), provider=api.provider)

    heard = await late.as_(jane, "POST", "/payment/payment-intent", asked)

    assert (heard.status, heard.code) == (404, "not_found")
    assert "data" not in heard.body


async def test_what_is_nobodys_customers_is_no_end_users_either(api: Guarded) -> None:
    """A guest's payment has no customer, and belongs to whoever holds its client secret."""
    service, jane = api.provider.token(), api.provider.user(JANE)
    guests = {"amount": 6522, "orderId": "order-1", "confirm": False}
    made = await api.as_(service, "POST", "/payment/payment-intent", guests)
    payment = "/payment/payment-intent"

    for method, path, body in [
        ("GET", f"{payment}/order-1", None),
        ("GET", f"{payment}/{made.data['payment_intent_id']}", None),
        ("POST", f"{payment}/order-1/confirm", {"paymentMethodId": "pm_card_visa"}),
        ("POST", f"{payment}/order-1/cancel", {}),
        ("POST", payment, {**guests, "confirm": True, "paymentMethodId": "pm_card_visa"}),
    ]:
        heard = await api.as_(jane, method, path, body)
        assert (heard.status, heard.code, "data" in heard.body) == (404, "not_found", False), path
    assert (await api.as_(jane, "GET", "/payment/payments?orderId=order-1")).data == []


async def test_an_end_user_cannot_put_an_order_in_the_place_of_a_payment_intent(
    api: Guarded,
) -> None:
    """Payments are found by either id: the shop would capture cents where it means the hold."""
    jane = api.provider.user(JANE)
    asked = {"orderId": "order-1", "paymentMethodId": "pm_card_visa", "captureMethod": "manual"}
    held = await api.as_(jane, "POST", "/payment/payment-intent", {**asked, "amount": 10_000})
    intent_id = held.data["payment_intent_id"]

    cheap = {**asked, "amount": 50, "orderId": intent_id}
    refused = await api.as_(jane, "POST", "/payment/payment-intent", cheap)
    path = f"/payment/payment-intent/{intent_id}/capture"
    taken = await api.as_(api.provider.token(), "POST", path, {})

    assert (refused.status, refused.bad_fields) == (400, ["orderId"])
    assert (taken.data["orderId"], taken.data["amount_received"]) == ("order-1", 10_000)


async def test_an_end_user_cannot_give_themselves_back_what_is_held_for_the_shop(
    api: Guarded,
) -> None:
    jane = api.provider.user(JANE)
    asked = {"amount": 500, "captureMethod": "manual"}
    held = {**asked, "orderId": "order-1", "paymentMethodId": "pm_card_visa"}
    unpaid = {**asked, "orderId": "order-2", "confirm": False}
    for body in (held, unpaid):
        assert (await api.as_(jane, "POST", "/payment/payment-intent", body)).status == 200

    refused = await api.as_(jane, "POST", "/payment/payment-intent/order-1/cancel", {})
    canceled = await api.as_(jane, "POST", "/payment/payment-intent/order-2/cancel", {})
    service = api.provider.token()
    taken = await api.as_(service, "POST", "/payment/payment-intent/order-1/capture", {})

    assert (refused.status, refused.code) == (409, "payment_not_cancelable")
    assert canceled.data["status"] == "canceled"
    assert (taken.status, taken.data["amount_received"]) == (200, 500)


class Overtaken:
    """The store, where somebody else pays an order right after it was first looked for."""

    def __init__(self, store: Store, order_id: str, rival: Callable[[], Awaitable[None]]) -> None:
        self._store = store
        self._order_id = order_id
        self._rival: Callable[[], Awaitable[None]] | None = rival

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def get(self, collection: Any, id: str) -> Any:
        found = await self._store.get(collection, id)
        if collection is PAYMENTS and id == self._order_id and self._rival is not None:
            rival, self._rival = self._rival, None
            await rival()
        return found


async def test_an_order_that_somebody_else_pays_at_the_same_moment_shows_nothing(
    shop: Shop, api: Guarded
) -> None:
    bobs = await belongings(api, BOB, "order-of-bob")
    await belongings(api, JANE, "order-of-jane")
    asked = {"amount": 500, "orderId": "order-2"}

    async def bob_pays() -> None:
        theirs = {**asked, "customerId": bobs.customer_id}
        service = api.provider.token()
        paid = await api.as_(service, "POST", "/payment/payment-intent", theirs)
        assert paid.status == 200

    overtaken: Any = Overtaken(shop.world.store, "order-2", bob_pays)
    shop.world = replace(shop.world, store=overtaken)
    slow = open_guarded(shop)
    heard = await slow.as_(slow.provider.user(JANE), "POST", "/payment/payment-intent", asked)

    assert (heard.status, heard.code) == (404, "not_found")
    assert bobs.customer_id not in heard.raw.decode()
    assert "data" not in heard.body


async def test_somebody_elses_card_is_as_if_it_were_not_there(api: Guarded) -> None:
    bobs = await belongings(api, BOB, "order-of-bob")
    janes = await belongings(api, JANE, "order-of-jane")
    jane = api.provider.user(JANE)

    for path, code in (("payment-method", "card_not_found"), ("payment-intent", "card_not_found")):
        heard = []
        for order, card in (("order-8", bobs.card_id), ("order-9", "pm_nope")):
            asked = {
                "customerId": janes.customer_id,
                "paymentMethodId": card,
                "orderId": order,
                "amount": 6522,
            }
            heard.append(await api.as_(jane, "POST", f"/payment/{path}", asked))
        assert [(one.status, one.code) for one in heard] == [(404, code)] * 2
        assert without_request(heard[0]) == without_request(heard[1])


@pytest.mark.parametrize(
    "endpoint", [one for one in CLOSED if one.guard is services_only], ids=lambda one: one.name
)
async def test_what_is_for_services_is_no_path_for_an_end_user_even_for_their_own(
    api: Guarded, endpoint: Endpoint
) -> None:
    janes = await belongings(api, JANE, "order-of-jane")

    for scope in ("payment.read", "payment.admin"):
        jane = api.provider.user(JANE, scope=scope)
        heard = await api.as_(jane, endpoint.method, *asking_for(endpoint, janes))
        assert (heard.status, heard.code) == (404, "unknown_path")


def test_exactly_these_are_for_services() -> None:
    assert {one.name for one in CLOSED if one.guard is services_only} == {
        "refund_payment",
        "capture_payment",
        "list_events",
        "get_event",
        "apply_event",
        "retry_notification",
    }


async def test_a_customer_that_was_made_anew_keeps_what_it_had(api: Guarded) -> None:
    janes = await belongings(api, JANE, "order-of-jane")
    key = {"Authorization": "Bearer sk_test_sandbox"}
    api.shop.stripe.deliver("delete", f"https://x/v1/customers/{janes.customer_id}", key, "")
    jane = api.provider.user(JANE)
    card = {"customerId": janes.customer_id, "paymentMethodId": "pm_card_mastercard"}
    asked = {
        "amount": 500,
        "orderId": "order-2",
        "customerId": janes.customer_id,
        "paymentMethodId": "pm_card_visa",
    }

    healed = await api.as_(jane, "POST", "/payment/payment-intent", asked)
    added = await api.as_(jane, "POST", "/payment/payment-method", card)
    old = await api.as_(jane, "GET", "/payment/payment-intent/order-of-jane")

    assert (healed.status, added.status, old.status) == (200, 200, 200)


async def test_bad_requests_of_end_users_are_named_as_for_everybody(api: Guarded) -> None:
    jane = api.provider.user(JANE)

    for method, path, body in [
        ("POST", "/customer", {}),
        ("POST", "/customer", {"email": "nobody"}),
        ("POST", "/customer", {"email": {"$gt": ""}}),
        ("POST", "/payment-method", {}),
        ("POST", "/payment-method", {"customerId": {"$gt": ""}, "paymentMethodId": "pm_1"}),
        ("POST", "/payment-intent", {}),
        ("POST", "/payment-intent", {"orderId": {"$gt": ""}, "amount": 6522}),
        ("POST", "/payment-intent", {"customerId": 7, "orderId": "order-1", "amount": 6522}),
        ("GET", "/payments?limit=0", None),
    ]:
        heard = await api.as_(jane, method, f"/payment{path}", body)
        assert (heard.status, heard.code) == (400, "invalid_request"), (path, body)
