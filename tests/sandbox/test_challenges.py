"""3-D Secure in the browser: the page of the bank, its two buttons, the way back to the shop."""

from __future__ import annotations

import asyncio
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from stripe_sandbox.engine import Config
from tests.sandbox.account import NO_REDIRECT, Account
from tests.sandbox.live import Live, live

BACK = "https://shop.example/thanks?order=7&note="


class Page(HTMLParser):
    """What a person gets to see of a page: its text, its buttons, its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data} "

    def all(self, wanted: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == wanted]


async def asked(at: Live, kind: str = "payment_intents", **parameters: Any) -> Any:
    """Make an intent that waits for the holder of its card."""
    money = {"amount": 123456, "currency": "usd"} if kind == "payment_intents" else {}
    wish = {**money, "payment_method": "pm_card_threeDSecure2Required", "confirm": True}
    status, intent = await at.post(f"/v1/{kind}", {**wish, **parameters})
    assert (status, intent["status"]) == (200, "requires_action"), intent
    return intent


def page_of(intent: Any) -> str:
    action = intent["next_action"]
    url = action[action["type"]]["url" if action["type"] == "redirect_to_url" else "stripe_js"]
    assert isinstance(url, str)
    return url


async def seen(at: Live, url: str) -> Page:
    async with at.session.get(url) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
        return Page(await answer.text())


async def pressed(at: Live, url: str, outcome: str) -> tuple[int, str, str]:
    """Press a button; return the status, where to, and the page if there is one."""
    async with at.session.post(url, data={"outcome": outcome}, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", ""), await answer.text()


def test_the_page_stands_alone_and_says_what_is_asked() -> None:
    async def run() -> None:
        async with live(Config(merchant="Shoes & <Socks>")) as at:
            intent = await asked(at, return_url=BACK)
            assert intent["next_action"]["type"] == "redirect_to_url"
            assert intent["next_action"]["redirect_to_url"]["return_url"] == BACK
            assert page_of(intent) == f"{at.url}/_sandbox/3ds/{intent['id']}"

            page = await seen(at, page_of(intent))

            for words in ("Shoes & <Socks>", "$1,234.56 USD", "ending in 3220"):
                assert words in page.text
            assert page.all("html") == [{"lang": "en"}]
            assert len(page.all("title")) == len(page.all("main")) == len(page.all("h1")) == 1
            assert [form["method"] for form in page.all("form")] == ["post"]
            assert [button["value"] for button in page.all("button")] == ["complete", "fail"]
            assert page.all("script") == page.all("img") == page.all("link") == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("outcome", "status", "told"),
    [
        ("complete", "succeeded", "succeeded"),
        ("fail", "requires_payment_method", "failed"),
    ],
)
def test_a_button_decides_and_leads_back_to_the_shop(outcome: str, status: str, told: str) -> None:
    async def run() -> None:
        async with live() as at:
            intent = await asked(at, return_url=BACK)

            code, where, _ = await pressed(at, page_of(intent), outcome)

            assert code == 303
            parts = urlsplit(where)
            assert (parts.netloc, parts.path) == ("shop.example", "/thanks")
            assert parse_qs(parts.query, keep_blank_values=True) == {
                "order": ["7"],
                "note": [""],
                "payment_intent": [intent["id"]],
                "payment_intent_client_secret": [intent["client_secret"]],
                "redirect_status": [told],
            }
            _, after = await at.get(f"/v1/payment_intents/{intent['id']}")
            assert after["status"] == status

    asyncio.run(run())


@pytest.mark.parametrize(
    ("card", "parameters", "told"),
    [
        ("threeDSecureRequiredChargeDeclined", {}, "failed"),
        ("threeDSecure2Required", {"capture_method": "manual"}, "succeeded"),
    ],
)
def test_the_way_back_says_what_came_of_it(
    card: str, parameters: dict[str, Any], told: str
) -> None:
    async def run() -> None:
        async with live() as at:
            method = {"payment_method": f"pm_card_{card}", **parameters}
            intent = await asked(at, return_url=BACK, **method)

            _, where, _ = await pressed(at, page_of(intent), "complete")

            assert parse_qs(urlsplit(where).query)["redirect_status"] == [told]

    asyncio.run(run())


def test_a_setup_is_confirmed_on_the_same_page() -> None:
    async def run() -> None:
        async with live() as at:
            intent = await asked(at, "setup_intents", return_url=BACK)
            page = await seen(at, page_of(intent))

            _, where, _ = await pressed(at, page_of(intent), "complete")

            assert "To keep the card for later" in page.text
            query = parse_qs(urlsplit(where).query)
            assert query["setup_intent"] == [intent["id"]]
            assert query["setup_intent_client_secret"] == [intent["client_secret"]]
            assert query["redirect_status"] == ["succeeded"]
            assert "payment_intent" not in query

    asyncio.run(run())


def test_without_a_way_back_the_page_says_that_it_is_done() -> None:
    async def run() -> None:
        async with live() as at:
            intent = await asked(
                at, automatic_payment_methods=NO_REDIRECT["automatic_payment_methods"]
            )
            assert intent["next_action"]["type"] == "use_stripe_sdk"

            code, where, html = await pressed(at, page_of(intent), "complete")

            assert (code, where) == (200, "")
            assert "It is done" in Page(html).text
            assert Page(html).all("a") == []

    asyncio.run(run())


def test_pressed_again_or_too_late_the_page_says_how_things_stand() -> None:
    async def run() -> None:
        async with live() as at:
            intent = await asked(at, return_url=BACK)
            await pressed(at, page_of(intent), "complete")

            again = await pressed(at, page_of(intent), "fail")
            page = await seen(at, page_of(intent))

            assert (again[0], again[1]) == (200, "")
            assert "It is done" in Page(again[2]).text
            assert page.all("button") == []
            [link] = page.all("a")
            assert "redirect_status=succeeded" in str(link["href"])
            _, after = await at.get(f"/v1/payment_intents/{intent['id']}")
            assert after["status"] == "succeeded"
            cancelled = await asked(at, return_url=BACK)
            await at.post(f"/v1/payment_intents/{cancelled['id']}/cancel")
            assert "cancelled" in (await seen(at, page_of(cancelled))).text

    asyncio.run(run())


def test_what_is_not_there_is_said_on_a_page_too() -> None:
    async def run() -> None:
        async with live() as at:
            intent = await asked(at, return_url=BACK)
            unknown = f"{at.url}/_sandbox/3ds/pi_<b>x"
            async with at.session.get(unknown) as answer:
                assert answer.status == 404
                assert "<b>" not in await answer.text()
            code, _, _ = await pressed(at, page_of(intent), "maybe")
            assert code == 400
            async with at.session.delete(page_of(intent)) as answer:
                assert answer.status == 405
            _, after = await at.get(f"/v1/payment_intents/{intent['id']}")
            assert after["status"] == "requires_action"

    asyncio.run(run())


def test_people_can_be_sent_to_another_address_than_the_port() -> None:
    async def run() -> None:
        async with live(Config(public_url="https://stripe.test/")) as at:
            intent = await asked(at, return_url=BACK)
            assert page_of(intent) == f"https://stripe.test/_sandbox/3ds/{intent['id']}"

    asyncio.run(run())


def test_without_a_port_the_usual_one_is_named_and_stays_after_a_reset() -> None:
    account = Account()
    first = account.pay(card="threeDSecure2Required").body
    account.engine.base_url = "http://127.0.0.1:9"
    account.engine.reset()
    second = account.pay(card="threeDSecure2Required").body

    assert page_of(first) == f"http://127.0.0.1:12111/_sandbox/3ds/{first['id']}"
    assert page_of(second) == f"http://127.0.0.1:9/_sandbox/3ds/{second['id']}"


@pytest.mark.parametrize("url", ["nowhere", "javascript:alert(1)", "data:text/html,x", "http://[x"])
def test_a_way_back_must_lead_somewhere(url: str) -> None:
    account = Account()

    answer = account.pay(return_url=url)

    assert (answer.status, answer.error["code"]) == (400, "url_invalid")
    assert answer.error["param"] == "return_url"
    assert account.books()["payment_intents"] == []
