"""Settings: what holds with none, what is refused, and that no secret is ever repeated."""

from collections.abc import Mapping

import pytest
from pydantic import SecretStr, ValidationError

from payment_service.setting_groups import STRIPE_URL
from payment_service.settings import (
    DEMO_ORDERS_URL,
    SANDBOX_URL,
    InvalidSettings,
    Settings,
    load_settings,
)

LIVE = {
    "ENVIRONMENT": "production",
    "STRIPE_SECRET_KEY": "rk_live_abcdef123456",
    "AUTH": "api-key",
    "TRUSTED_PROXIES": "1",
}

WRONG = {
    "PORT": "65536",
    "HOST": "a b",
    "API_PREFIX": "/payment/",
    "MONGODB_URI": "postgres://user:word@db/payments",
    "STRIPE_SECRET_KEY": "pk_test_abc",
    "STRIPE_API_BASE": "https://api.stripe.com/v1",
    "STRIPE_CONNECTIONS_MAX": "many",
    "ORDER_SERVICE_URL": "ftp://orders",
    "AMOUNT_UNIT": "cents",
    "PAYMENT_RESPONSE_DEADLINE_S": "301",
    "PAYER_EXPECTS_CHARGE_S": "82801",
    "SHUTDOWN_GRACE_S": "nan",
    "WORKER_ENABLED": "maybe",
    "LOG_FORMAT": "xml",
}


def refused(environ: Mapping[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ)
    return {problem.name: problem.message for problem in caught.value.problems}


def test_a_fresh_clone_needs_no_settings() -> None:
    settings = load_settings({})

    assert settings.environment == "development"
    assert (settings.host, settings.port, settings.api_prefix) == ("127.0.0.1", 9000, "/payment")
    assert settings.sqlite_path == "var/payments.sqlite3"
    assert settings.stripe_api_base == SANDBOX_URL
    assert settings.stripe_secret_key.get_secret_value() == "sk_test_sandbox"
    assert settings.order_service_url == DEMO_ORDERS_URL
    assert settings.order_service_token is None
    assert (settings.log_level, settings.log_format) == ("info", "console")
    assert settings.payment_response_deadline_s == 55
    assert settings.warnings() == ()


def test_production_has_its_own_defaults() -> None:
    settings = load_settings(LIVE)

    assert settings.host == "0.0.0.0"
    assert settings.stripe_api_base == STRIPE_URL
    assert settings.log_format == "json"
    assert settings.order_service_url == ""
    assert settings.warnings() == (
        "ORDER_SERVICE_URL is empty: orders are paid and nobody is told",
        "STRIPE_WEBHOOK_SECRET is not set: the truth comes by polling alone, only slower",
    )


def test_production_warns_of_a_token_in_the_clear_and_of_none() -> None:
    clear = {
        **LIVE,
        "ORDER_SERVICE_URL": "http://orders/order",
        "STRIPE_WEBHOOK_SECRET": "whsec_abc",
    }

    assert load_settings(clear).warnings() == (
        (
            "neither ORDER_SERVICE_TOKEN_URL nor ORDER_SERVICE_TOKEN is set: the OrderService is"
            " told with the caller's token the first time, and after it without credentials until"
            " somebody asks about the order with a token"
        ),
    )
    beside = {"ORDER_SERVICE_URL": "http://127.0.0.1:7000/order"}
    assert "neither ORDER_SERVICE_TOKEN_URL" in " ".join(load_settings(beside).warnings())
    assert load_settings({}).warnings() == ()  # the demo takes whatever comes
    assert load_settings({**clear, "ORDER_SERVICE_TOKEN": "abc"}).warnings() == (
        "ORDER_SERVICE_URL is not https: the token for it travels in the clear",
    )


CLIENT = {
    "ORDER_SERVICE_TOKEN_URL": "https://login/token",
    "ORDER_SERVICE_CLIENT_ID": "us",
    "ORDER_SERVICE_CLIENT_SECRET": "a word",
}


def test_an_oauth_client_is_whole_or_none() -> None:
    needed = "is not set, and ORDER_SERVICE_TOKEN_URL needs it"
    useless = "has no use without ORDER_SERVICE_TOKEN_URL; set that too, or neither"

    assert refused({"ORDER_SERVICE_TOKEN_URL": CLIENT["ORDER_SERVICE_TOKEN_URL"]}) == {
        "ORDER_SERVICE_CLIENT_ID": needed,
        "ORDER_SERVICE_CLIENT_SECRET": needed,
    }
    assert refused({**CLIENT, "ORDER_SERVICE_TOKEN_URL": ""}) == {
        "ORDER_SERVICE_CLIENT_ID": useless,
        "ORDER_SERVICE_CLIENT_SECRET": useless,
    }
    assert load_settings({**CLIENT, "ORDER_SERVICE_SCOPE": "a b"}).order_service_scope == "a b"
    assert list(refused({**CLIENT, "ORDER_SERVICE_SCOPE": 'a "b'})) == ["ORDER_SERVICE_SCOPE"]


def test_a_client_secret_never_travels_in_the_clear_in_production() -> None:
    clear = {**CLIENT, "ORDER_SERVICE_TOKEN_URL": "http://login/token"}

    assert load_settings(clear).order_service_client_id == "us"
    assert refused({**LIVE, **clear}) == {
        "ORDER_SERVICE_TOKEN_URL": "must be https, or the client secret travels in the clear"
    }


def test_a_token_that_is_not_used_is_warned_about() -> None:
    assert load_settings({**CLIENT, "ORDER_SERVICE_TOKEN": "abc"}).warnings() == (
        "ORDER_SERVICE_TOKEN is not used: ORDER_SERVICE_TOKEN_URL goes before it",
    )


def test_what_is_set_wins_over_every_default() -> None:
    settings = load_settings(
        {
            "PORT": " 8080 ",
            "HOST": "::1",
            "API_PREFIX": "",
            "ORDER_SERVICE_URL": "",
            "STRIPE_API_BASE": "http://sandbox:12111/",
            "STRIPE_TIMEOUT_READ_S": "0.5",
            "WORKER_ENABLED": "false",
            "LOG_LEVEL": "DEBUG",
            "DEFAULT_CURRENCY": "EUR",
            "SERVICE_NAME": "",
            "SOMETHING_ELSE": "ignored",
        }
    )

    assert (settings.port, settings.host, settings.api_prefix) == (8080, "::1", "")
    assert settings.order_service_url == ""
    assert settings.stripe_api_base == "http://sandbox:12111"
    assert settings.stripe_timeout_read_s == 0.5
    assert not settings.worker_enabled
    assert settings.log_level == "debug"
    assert settings.default_currency == "eur"
    assert settings.service_name == "payment-service"


def test_node_env_is_an_alias_and_environment_wins() -> None:
    key = {"STRIPE_SECRET_KEY": "sk_live_abcdef", "AUTH": "api-key"}

    assert load_settings({"NODE_ENV": "production", **key}).environment == "production"
    assert load_settings({"NODE_ENV": "Production", "ENVIRONMENT": "", **key}).host == "0.0.0.0"
    both = load_settings({"NODE_ENV": "production", "ENVIRONMENT": "development"})
    assert both.environment == "development"
    assert refused({"NODE_ENV": "staging"}) == {"NODE_ENV": "must be development or production"}


def test_all_wrong_settings_are_named_at_once_with_an_example() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(WRONG)

    assert str(caught.value).splitlines() == [
        "14 settings are wrong:",
        "  PORT: must be a whole number from 1 to 65535, for example PORT=9000",
        "  HOST: must be a host name or address, for example HOST=0.0.0.0",
        (
            "  API_PREFIX: must be a path that begins with / and does not end with it, or empty,"
            " for example API_PREFIX=/payment"
        ),
        (
            "  MONGODB_URI: must be an address that begins with mongodb:// or mongodb+srv://, for"
            " example MONGODB_URI=mongodb://mongo-0,mongo-1,mongo-2/payments?replicaSet=rs0"
        ),
        (
            "  STRIPE_SECRET_KEY: must be a secret (sk_) or restricted (rk_) key of Stripe,"
            " for example STRIPE_SECRET_KEY=rk_live_..."
        ),
        (
            "  STRIPE_API_BASE: must be an http(s) address without a path,"
            " for example STRIPE_API_BASE=https://api.stripe.com"
        ),
        (
            "  STRIPE_CONNECTIONS_MAX: must be a whole number from 1 to 4096,"
            " for example STRIPE_CONNECTIONS_MAX=256"
        ),
        (
            "  ORDER_SERVICE_URL: must be an http(s) address without user or query, or empty,"
            " for example ORDER_SERVICE_URL=https://orders.internal.example/order"
        ),
        "  AMOUNT_UNIT: must be minor or major, for example AMOUNT_UNIT=minor",
        (
            "  PAYMENT_RESPONSE_DEADLINE_S: must be a number from 1 to 300,"
            " for example PAYMENT_RESPONSE_DEADLINE_S=55"
        ),
        (
            "  PAYER_EXPECTS_CHARGE_S: must be a number from 1 to 82800,"
            " for example PAYER_EXPECTS_CHARGE_S=900"
        ),
        "  WORKER_ENABLED: must be true or false, for example WORKER_ENABLED=true",
        "  SHUTDOWN_GRACE_S: must be a number from 0 to 300, for example SHUTDOWN_GRACE_S=25",
        "  LOG_FORMAT: must be json or console, for example LOG_FORMAT=json",
    ]


@pytest.mark.parametrize("key", ["sk_live_abcdef123456", "rk_live_abcdef123456"])
def test_a_live_key_is_refused_outside_production(key: str) -> None:
    assert refused({"STRIPE_SECRET_KEY": key}) == {
        "STRIPE_SECRET_KEY": "is a live key, which only ENVIRONMENT=production may use"
    }


@pytest.mark.parametrize("key", ["sk_test_abcdef123456", "rk_test_abcdef123456", "sk_test_sandbox"])
def test_a_test_key_is_refused_in_production(key: str) -> None:
    environ = {**LIVE, "STRIPE_SECRET_KEY": key, "STRIPE_API_BASE": "http://x"}

    assert refused(environ) == {
        "STRIPE_SECRET_KEY": "is a test key, with which production would take no money"
    }


def test_production_needs_a_key() -> None:
    assert refused({**LIVE, "STRIPE_SECRET_KEY": " "}) == {
        "STRIPE_SECRET_KEY": "is not set, and production has no default for it"
    }


def test_a_live_key_never_travels_in_the_clear() -> None:
    assert refused({**LIVE, "STRIPE_API_BASE": "http://proxy:8080"}) == {
        "STRIPE_API_BASE": "must be https, or a live key travels in the clear"
    }


def test_the_sandbox_key_is_not_sent_to_stripe() -> None:
    assert refused({"STRIPE_API_BASE": STRIPE_URL}) == {
        "STRIPE_SECRET_KEY": "is the sandbox's key, which Stripe does not know"
    }
    own = load_settings({"STRIPE_API_BASE": STRIPE_URL, "STRIPE_SECRET_KEY": "sk_test_own"})
    assert own.stripe_api_base == STRIPE_URL


@pytest.mark.parametrize("base", [STRIPE_URL, "https://API.stripe.com:443"])
def test_the_sandbox_webhook_secret_holds_only_away_from_stripe(base: str) -> None:
    at_stripe = {"STRIPE_API_BASE": base, "STRIPE_SECRET_KEY": "sk_test_own"}

    closed = load_settings(at_stripe)
    own = load_settings({**at_stripe, "STRIPE_WEBHOOK_SECRET": "whsec_own"})
    sandbox = load_settings({"STRIPE_API_BASE": "http://sandbox:12111"})

    assert closed.stripe_webhook_secret is None
    assert closed.warnings() == (
        "STRIPE_WEBHOOK_SECRET is not set: the truth comes by polling alone, only slower",
    )
    assert own.stripe_webhook_secret == SecretStr("whsec_own")
    assert sandbox.stripe_webhook_secret == SecretStr("whsec_sandbox")
    assert refused({**at_stripe, "STRIPE_WEBHOOK_SECRET": "whsec_own, whsec_sandbox"}) == {
        "STRIPE_WEBHOOK_SECRET": "is the sandbox's secret, with which anybody could sign"
    }


@pytest.mark.parametrize(
    "url",
    [
        "orders",
        "http://",
        "http://user:word@orders",
        "http://orders?a=b",
        "http://orders:0x1",
        "//o",
    ],
)
def test_an_address_that_cannot_be_called_is_refused(url: str) -> None:
    assert list(refused({"ORDER_SERVICE_URL": url})) == ["ORDER_SERVICE_URL"]


def test_secrets_are_neither_shown_nor_repeated_in_errors() -> None:
    secrets = {
        "STRIPE_SECRET_KEY": "sk_test_verysecret1",
        "ORDER_SERVICE_TOKEN": "verysecret2",
        "MONGODB_URI": "mongodb+srv://user:verysecret8@db/payments",
    }
    settings = load_settings(secrets)
    wrong = {
        "ENVIRONMENT": "production",
        "AUTH": "verysecret8",
        "STRIPE_SECRET_KEY": "verysecret3",
        "ORDER_SERVICE_TOKEN": "very secret4",
        "MONGODB_URI": "mongo://user:verysecret5@db",
        "ORDER_SERVICE_URL": "https://user:verysecret6@orders",
        "PORT": "sk_live_verysecret7",
    }

    with pytest.raises(InvalidSettings) as caught:
        load_settings(wrong)

    shown = f"{settings!r} {settings} {settings.model_dump_json()}"
    assert "secret1" not in shown
    assert "secret2" not in shown
    assert "secret8" not in shown
    assert "secret" not in f"{caught.value} {caught.value!r}".replace(
        "STRIPE_SECRET_KEY", ""
    ).replace("a secret (sk_)", "")
    assert {problem.name for problem in caught.value.problems} == wrong.keys() - {"ENVIRONMENT"}
    assert caught.value.__cause__ is None


def test_production_is_warned_of_a_mongodb_that_cannot_fail_over() -> None:
    told = {**LIVE, "ORDER_SERVICE_URL": "https://o", "ORDER_SERVICE_TOKEN": "abc"}
    told["STRIPE_WEBHOOK_SECRET"] = "whsec_abc"

    def warnings(uri: str) -> int:
        return len(load_settings({**told, "MONGODB_URI": uri}).warnings())

    assert warnings("mongodb://u:p@db/payments") == 1
    assert warnings("mongodb://a,b,c/payments?replicaSet=rs0") == 0
    assert warnings("mongodb+srv://u:p@cluster.example/payments") == 0


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({}, 0),
        ({"TRUSTED_PROXIES": "0"}, 1),
        ({"TRUSTED_PROXIES": ""}, 1),
        ({"TRUSTED_PROXIES": "0", "RATE_LIMIT_PER_ADDRESS": ""}, 1),
        ({"TRUSTED_PROXIES": "0", "CARD_REFUSALS_MAX": "0"}, 1),
        (
            {
                "TRUSTED_PROXIES": "0",
                "RATE_LIMIT_PER_ADDRESS": "",
                "CARD_REFUSALS_MAX": "0",
            },
            0,
        ),
    ],
)
def test_production_is_warned_of_limits_by_an_address_that_may_be_a_proxys(
    changed: dict[str, str], warned: int
) -> None:
    warnings = load_settings({**LIVE, **changed}).warnings()

    assert sum(one.startswith("TRUSTED_PROXIES is 0") for one in warnings) == warned


def test_secrets_are_known_whole_and_in_parts_to_whoever_hides_them() -> None:
    settings = load_settings(
        {
            "STRIPE_WEBHOOK_SECRET": "whsec_new, whsec_old",
            "ORDER_SERVICE_TOKEN_URL": "http://login/token",
            "ORDER_SERVICE_CLIENT_ID": "us",
            "ORDER_SERVICE_CLIENT_SECRET": "odd://us:word@[x, y",
        }
    )

    assert sorted(settings.secret_values()) == [
        "odd://us:word@[x, y",
        "sk_test_sandbox",
        "whsec_new",
        "whsec_new, whsec_old",
        "whsec_old",
        "word",
    ]


def test_settings_cannot_be_changed() -> None:
    settings = load_settings({})

    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]  # the point of the test
    assert settings.port == 9000


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.examples, name
