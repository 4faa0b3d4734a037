"""Looking at payments: one with all there is to know, or pages of many."""

from urllib.parse import quote

import pytest

from tests.api.conftest import Api


async def test_what_the_payers_client_did_is_shown_at_once_when_a_look_is_asked_for(
    api: Api,
) -> None:
    payer = await api.new_payer(card="pm_card_threeDSecure2Required")
    payment = (await api.pay("order-1", customerId=payer)).data
    api.shop.engine.authenticate(
        payment["payment_intent_id"], passed=True, now=api.shop.stripe.now()
    )

    as_known = await api.get("/payment/payment-intent/order-1")
    looked_at = await api.get("/payment/payment-intent/order-1?refresh=true")
    bad = await api.get("/payment/payment-intent/order-1?refresh=please")

    assert (as_known.data["status"], looked_at.data["status"]) == ("requires_action", "succeeded")
    assert (bad.status, bad.bad_fields) == (400, ["refresh"])


async def test_what_cannot_be_refreshed_is_not_shown_as_if_it_were(api: Api) -> None:
    payer = await api.new_payer(card="pm_card_threeDSecure2Required")
    await api.pay("order-1", customerId=payer)
    api.shop.stripe.pick = api.only_reads_fail()

    looked_at = await api.get("/payment/payment-intent/order-1?refresh=true")
    as_known = await api.get("/payment/payment-intent/order-1")

    assert (looked_at.status, looked_at.code) == (503, "stripe_unavailable")
    assert (as_known.status, as_known.data["status"]) == (200, "requires_action")


async def test_a_payment_is_found_by_order_and_by_payment_intent(api: Api) -> None:
    paid = await api.pay("orders/2026 #1", metadata={"cart": "7"}, description="Two books")
    await api.post("/payment/refund", {"orderId": "orders/2026 #1", "amount": 1000})

    by_order = await api.get("/payment/payment-intent/orders/2026 #1")
    by_intent = await api.get(f"/payment/payment-intent/{paid.data['payment_intent_id']}")

    shown = by_order.data
    assert by_order.status == 200
    assert by_order.body == by_intent.body
    assert shown["status"] == "succeeded"
    assert (shown["amount_received"], shown["amount_refunded"]) == (6522, 1000)
    assert (shown["metadata"], shown["description"]) == ({"cart": "7"}, "Two books")
    (attempt,) = shown["attempts"]["past"]
    assert (shown["attempts"]["made"], shown["attempts"]["under_way"]) == (1, None)
    assert (attempt["operation"], attempt["outcome"]) == ("create", "succeeded")
    assert attempt["stripe_request_id"].startswith("req_")
    assert [refund["amount"] for refund in shown["refunds"]] == [1000]
    assert shown["order_notification"]["status"] == "PAYMENT RECEIVED"
    assert shown["order_notification"]["state"] == "delivered"
    assert [entry["what"] for entry in shown["timeline"]] == [
        "create.begun",
        "payment.succeeded",
        "order.told",
        "refund.begun",
        "refund.succeeded",
    ]
    assert "client_secret" not in shown


async def test_a_payment_in_doubt_shows_the_attempt_under_way(api: Api) -> None:
    customer_id = await api.new_payer()
    api.deafen("/v1/payment_intents")
    await api.pay(customerId=customer_id)

    shown = await api.get("/payment/payment-intent/order-1")

    assert shown.data["status"] == "processing"
    assert shown.data["attempts"]["under_way"]["operation"] == "create"
    assert shown.data["payment_intent_id"] is None


async def test_no_such_payment_is_404(api: Api) -> None:
    shown = await api.get("/payment/payment-intent/order-1")

    assert (shown.status, shown.code) == (404, "not_found")


async def test_pages_follow_each_other_newest_first(api: Api) -> None:
    customer_id = await api.new_payer()
    for number in range(5):
        await api.pay(f"order-{number}", customerId=customer_id)
        await api.shop.world.clock.sleep(1)

    pages, cursor = [], ""
    while True:
        page = await api.get(
            f"/payment/payments?limit=2&cursor={cursor}" if cursor else "/payment/payments?limit=2"
        )
        pages.append([payment["orderId"] for payment in page.data])
        cursor = page.body["nextCursor"]
        if cursor is None:
            break

    assert pages == [["order-4", "order-3"], ["order-2", "order-1"], ["order-0"]]


async def test_every_filter_narrows_the_list(api: Api) -> None:
    jane = await api.new_payer("jane@example.com")
    await api.pay("by-jane", customerId=jane)
    await api.shop.world.clock.sleep(60)
    await api.pay("by-bob", currency="eur")
    await api.pay("waiting", paymentMethodId="pm_card_threeDSecure2Required", currency="gbp")
    api.deafen("/v1/payment_intents")
    await api.pay("in-doubt", customerId=jane, currency="chf")
    api.hear()
    first = (await api.get("/payment/payment-intent/by-jane")).data["created"]

    async def listed(query: str) -> list[str]:
        page = await api.get(f"/payment/payments?{query}")
        assert page.status == 200
        return [payment["orderId"] for payment in page.data]

    assert await listed("orderId=by-bob") == ["by-bob"]
    assert await listed("orderId=by-bob&currency=eur&status=succeeded") == ["by-bob"]
    assert await listed("orderId=by-bob&currency=usd") == []
    assert await listed(f"orderId=by-bob&createdTo={first}") == []
    assert await listed("orderId=nope") == []
    assert await listed(f"customerId={jane}") == ["in-doubt", "by-jane"]
    assert await listed("status=requires_action") == ["waiting"]
    assert await listed("status=processing") == ["in-doubt"]
    assert await listed("currency=EUR") == ["by-bob"]
    assert await listed(f"createdTo={first}") == ["by-jane"]
    assert await listed(f"createdFrom={quote(first)}&createdTo={first}") == ["by-jane"]
    assert await listed("createdFrom=2026-11-23T10:02:00%2B01:00&currency=eur") == []
    assert await listed("createdFrom=2026-11-23&currency=eur") == ["by-bob"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=101", ["limit"]),
        ("limit=many", ["limit"]),
        ("cursor=made-up", ["cursor"]),
        ("status=paid&limit=x&currency=xxx", ["status", "limit", "currency"]),
        ("createdFrom=yesterday&createdTo=", ["createdFrom", "createdTo"]),
        ("customerId=a b", ["customerId"]),
        ("limit=1&limit=2", ["query"]),
        ("&".join(f"a{number}=1" for number in range(60)), ["query"]),
    ],
)
async def test_every_bad_parameter_is_named(api: Api, query: str, fields: list[str]) -> None:
    listed = await api.get(f"/payment/payments?{query}")

    assert (listed.status, listed.bad_fields) == (400, fields)
