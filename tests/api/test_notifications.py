"""Notifications of the OrderService at the HTTP door: found, sent again, told with a new token."""

from payment_service.domain.news import OrderRefused
from payment_service.domain.notice import NoticeState
from payment_service.storage.collections import AUDIT, PAYMENTS
from tests.api.conftest import Api

REFUSED = OrderRefused("http_404", lasting=True)


async def settled(api: Api) -> None:
    await api.shop.world.background.drain(60)


async def found(api: Api, notification: str) -> list[str]:
    heard = await api.get(f"/payment/payments?notification={notification}")
    assert heard.status == 200
    return [payment["orderId"] for payment in heard.data]


async def retried(api: Api, key: str, order_id: str = "order-1", **body: object) -> tuple[int, str]:
    heard = await api.post(f"/payment/payment-intent/{order_id}/notifications/{key}/retry", body)
    return heard.status, heard.data["state"] if heard.status == 202 else heard.code


async def kill(api: Api, order_id: str = "order-1") -> None:
    """Let the order's notification die."""
    world = api.shop.world
    while True:
        payment = await world.store.get(PAYMENTS, order_id)
        assert payment is not None
        if payment.notices[0].state is NoticeState.DEAD:
            api.shop.orders.script.clear()
            return
        api.shop.orders.script.append(REFUSED)
        assert payment.wake_at is not None
        await world.clock.sleep((payment.wake_at - world.clock.now()).total_seconds())
        await api.shop.work(1)
        await settled(api)


async def test_a_dead_notification_is_listed_sent_again_and_delivered_once(api: Api) -> None:
    api.shop.orders.script.append(REFUSED)
    await api.pay("order-1")
    await api.pay("order-2")
    await settled(api)
    assert (await found(api, "pending"), await found(api, "delivered")) == (
        ["order-1"],
        ["order-2"],
    )
    await kill(api)
    assert (await found(api, "dead"), await found(api, "pending")) == (["order-1"], [])
    shown = (await api.get("/payment/payment-intent/order-1")).data["order_notification"]
    assert (shown["state"], shown["failure"]) == ("dead", "http_404")

    path = f"/payment/payment-intent/order-1/notifications/{shown['key']}/retry"
    without_body = await api.ask("POST", path)
    first = without_body.status, without_body.data["state"]
    await settled(api)
    second = await retried(api, shown["key"])
    await settled(api)

    assert (first, second) == ((202, "pending"), (409, "notification_not_retryable"))
    assert api.shop.orders.statuses_of("order-1") == ["PAYMENT RECEIVED"]
    assert await found(api, "dead") == []
    page = await api.shop.world.store.page(
        AUDIT, equal={}, created_from=None, created_to=None, cursor=None, limit=10
    )
    assert [(entry.what, entry.subject) for entry in page.items] == [
        ("notification.retried", "order-1")
    ]


async def test_one_that_was_delivered_is_sent_again_only_when_that_is_said(api: Api) -> None:
    await api.pay("order-1")
    await settled(api)
    shown = (await api.get("/payment/payment-intent/order-1")).data["order_notification"]
    assert shown["state"] == "delivered"

    assert await retried(api, shown["key"]) == (409, "notification_not_retryable")
    assert await retried(api, shown["key"], again=True) == (202, "pending")
    await settled(api)

    assert len(api.shop.orders.accepted) == 2
    assert await retried(api, "another") == (404, "not_found")
    assert await retried(api, shown["key"], "no-such-order") == (404, "not_found")
    assert await retried(api, shown["key"], again="perhaps") == (400, "invalid_request")


async def test_each_time_is_in_the_audit_whatever_the_caller_calls_its_requests(api: Api) -> None:
    await api.pay("order-1")
    await settled(api)
    shown = (await api.get("/payment/payment-intent/order-1")).data["order_notification"]
    path = f"/payment/payment-intent/order-1/notifications/{shown['key']}/retry"

    for _ in range(3):
        heard = await api.ask(
            "POST", path, body={"again": True}, headers={"X-Request-Id": "ops-console"}
        )
        assert heard.status == 202
        await settled(api)

    page = await api.shop.world.store.page(
        AUDIT, equal={}, created_from=None, created_to=None, cursor=None, limit=10
    )
    assert len(api.shop.orders.accepted) == 1 + 3
    assert [entry.what for entry in page.items] == ["notification.retried"] * 3


async def test_one_order_is_filtered_too(api: Api) -> None:
    await api.pay("order-1")
    await settled(api)

    async def is_there(notification: str) -> bool:
        query = f"orderId=order-1&notification={notification}"
        return bool((await api.get(f"/payment/payments?{query}")).data)

    assert [await is_there(state) for state in ("delivered", "pending", "dead")] == [
        True,
        False,
        False,
    ]
    bad = await api.get("/payment/payments?notification=lost")
    assert (bad.status, bad.bad_fields) == (400, ["notification"])


async def test_any_later_request_for_the_order_brings_its_token_to_what_is_owed(api: Api) -> None:
    api.shop.orders.script.extend([OrderRefused("http_401", lasting=True)] * 3)
    await api.pay("order-1")
    await settled(api)

    tries: list[str | None] = []
    for path, token in (
        ("/payment/payments", "a list names no order"),
        ("/payment/payment-intent/order-1", "worn out"),
        ("/payment/payment-intent/order-1", "worn out"),
        ("/payment/payment-intent/nobody", "not found"),
        ("/payment/payment-intent/order-1", "fresh"),
        ("/payment/payment-intent/order-1", "late"),
    ):
        await api.get(path, authorization=f"Bearer {token}")
        await settled(api)
        tries = [heard for _, heard in api.shop.orders.heard]

    assert tries == [None, "worn out", "fresh", "late"]
    assert api.shop.orders.statuses_of("order-1") == ["PAYMENT RECEIVED"]


async def test_a_token_is_not_passed_on_where_there_is_one_of_our_own(api: Api) -> None:
    api.shop.orders.needs_callers_token = False
    api.shop.orders.script.append(OrderRefused("http_401", lasting=True))
    await api.pay("order-1")
    await settled(api)

    await api.get("/payment/payment-intent/order-1", authorization="Bearer theirs")
    await settled(api)

    assert [token for _, token in api.shop.orders.heard] == [None]
