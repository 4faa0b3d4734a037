"""What browsers are told: whose pages may call, and what to do with answers."""

import pytest

from payment_service.api.app import ApiOptions
from tests.api.access import Guarded, open_guarded
from tests.api.conftest import Api, open_api
from tests.parts.shop import Shop

SHOP, ELSEWHERE = "https://shop.example.com", "https://evil.example.com"
OPTIONS = ApiOptions(cors_origins=frozenset({SHOP, "http://localhost:3000"}))


@pytest.fixture
def api(shop: Shop) -> Guarded:
    return open_guarded(shop, OPTIONS)


def preflight(origin: str, method: str = "POST") -> dict[str, str]:
    return {"Origin": origin, "Access-Control-Request-Method": method}


async def test_a_page_of_ours_is_told_what_it_may_send_without_credentials(api: Guarded) -> None:
    heard = await api.ask("OPTIONS", "/payment/payment-intent", headers=preflight(SHOP))

    assert (heard.status, heard.raw) == (204, b"")
    assert heard.headers["access-control-allow-origin"] == SHOP
    assert heard.headers["access-control-allow-methods"] == "GET, HEAD, POST, PUT, DELETE"
    allowed = heard.headers["access-control-allow-headers"].lower()
    for name in ("authorization", "content-type", "idempotency-key", "x-request-id", "x-api-key"):
        assert name in allowed
    assert heard.headers["access-control-max-age"] == "600"
    assert heard.headers["vary"] == "Origin"
    assert heard.headers["x-request-id"]


@pytest.mark.parametrize("origin", [ELSEWHERE, "null", f"{SHOP}.evil.example", SHOP.upper(), "*"])
async def test_a_page_of_elsewhere_is_allowed_nothing(api: Guarded, origin: str) -> None:
    for method in ("OPTIONS", "GET"):
        headers = {**preflight(origin), "Authorization": f"Bearer {api.provider.token()}"}
        heard = await api.ask(method, "/payment/payments", headers=headers)

        assert not [name for name in heard.headers if name.startswith("access-control")]
        assert heard.headers["vary"] == "Origin"


async def test_every_answer_to_a_page_of_ours_can_be_read_refusals_too(api: Guarded) -> None:
    token = {"Authorization": f"Bearer {api.provider.token()}"}
    for path, headers, status in (
        ("/payment/payments", token, 200),
        ("/payment/payments", {}, 401),
        ("/payment/nope", token, 404),
    ):
        heard = await api.ask("GET", path, headers={**headers, "Origin": SHOP})

        assert heard.status == status
        assert heard.headers["access-control-allow-origin"] == SHOP
        exposed = heard.headers["access-control-expose-headers"]
        for name in ("X-Request-Id", "Idempotent-Replayed", "Retry-After"):
            assert name in exposed
        # Cookies are never credentials here, so no page can borrow anybody's.
        assert "access-control-allow-credentials" not in heard.headers


async def test_options_without_a_page_is_a_method_like_any_other(api: Guarded, shop: Shop) -> None:
    closed = await api.ask("OPTIONS", "/payment/refund", headers={"Origin": SHOP})
    plain = await open_api(shop).ask("OPTIONS", "/payment/refund", headers=preflight(SHOP))

    assert closed.status == 401
    assert (plain.status, plain.headers["allow"]) == (405, "POST")
    assert "vary" not in plain.headers


async def test_no_preflight_is_answered_while_stopping_with_more_than_it_says(
    api: Guarded,
) -> None:
    api.gate.close()

    heard = await api.ask("OPTIONS", "/payment/refund", headers=preflight(SHOP))

    assert heard.status == 204  # the request itself is then told 503, which the page can read


@pytest.mark.parametrize(
    "path", ["/payment/", "/livez", "/payment/nope", "/payment/payments", "/metrics"]
)
async def test_every_answer_says_that_it_is_not_to_be_kept_or_shown(api: Api, path: str) -> None:
    heard = await api.get(path)

    assert heard.headers["x-content-type-options"] == "nosniff"
    assert heard.headers["referrer-policy"] == "no-referrer"
    assert heard.headers["cache-control"] == "no-store"
    policy = heard.headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"
    assert "server" not in heard.headers


async def test_the_pages_for_people_have_a_policy_that_lets_them_work(api: Api) -> None:
    page = await api.get("/payment/api-docs")
    script = await api.get("/payment/api-docs/swagger-ui-bundle.js")

    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-cache"
    assert script.headers["cache-control"] == "public, max-age=86400"
    assert script.headers["x-content-type-options"] == "nosniff"
