"""The page for people who write clients works with no way to the internet."""

import re

from payment_service.api.app import ApiOptions
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop


async def test_all_that_the_page_needs_is_served_by_us(api: Api) -> None:
    page = await api.get("/payment/api-docs")
    html = page.raw.decode()
    links = re.findall(r'(?:src|href)="([^"]+)"', html)

    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "://" not in html
    assert len(links) == 4
    for link in links:
        assert link.startswith("/payment/api-docs/")
        served = await api.get(link)
        assert (served.status, bool(served.raw)) == (200, True)
    assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_the_page_shows_our_document(api: Api) -> None:
    start = (await api.get("/payment/api-docs/start.js")).raw.decode()

    assert '"/payment/api-docs.json"' in start
    assert "://" not in start


async def test_scripts_and_styles_say_what_they_are(api: Api) -> None:
    script = await api.get("/payment/api-docs/swagger-ui-bundle.js")
    style = await api.get("/payment/api-docs/swagger-ui.css")

    assert script.headers["content-type"].startswith("text/javascript")
    assert style.headers["content-type"].startswith("text/css")


async def test_the_page_can_be_left_out(shop: Shop) -> None:
    api = open_api(shop, ApiOptions(docs_enabled=False))

    assert (await api.get("/payment/api-docs")).status == 404
    assert (await api.get("/payment/api-docs.json")).status == 404
