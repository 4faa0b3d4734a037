"""Which adapter the settings choose, and what follows from the choice."""

from importlib.metadata import version
from pathlib import Path

import pytest

from payment_service.adapters.mongo import MongoStore
from payment_service.adapters.sqlite import SqliteStore
from payment_service.api.app import ApiOptions
from payment_service.composing import (
    api_options_of,
    event_reader_of,
    policy_of,
)
from payment_service.databases import open_database
from payment_service.domain.moment import Policy
from payment_service.domain.money import AmountUnit
from payment_service.settings import load_settings
from tests.contract.test_signed_events import BODY, NOW, signed

MONGO = {"MONGODB_URI": "mongodb://127.0.0.1:1/payments", "MONGODB_TIMEOUT_S": "7"}


async def test_mongodb_wins_over_sqlite_when_it_is_set(tmp_path: Path) -> None:
    path = tmp_path / "payments.sqlite3"
    sqlite = {"SQLITE_PATH": str(path)}

    shared = open_database(load_settings({**sqlite, **MONGO}))
    assert not path.exists()
    own = open_database(load_settings(sqlite))

    assert isinstance(shared, MongoStore)
    assert isinstance(own, SqliteStore)
    assert (shared.exclusive, own.exclusive) == (False, True)
    await shared.close()
    await own.close()


def test_a_claim_outlives_the_slowest_try_and_on_mongodb_its_own_write_too() -> None:
    assert policy_of(load_settings({})).lease_s == 30
    assert policy_of(load_settings(MONGO)).lease_s == 37


def test_the_http_door_is_as_the_settings_say() -> None:
    settings = load_settings(
        {
            "API_PREFIX": "/shop",
            "AMOUNT_UNIT": "major",
            "DEFAULT_CURRENCY": "jpy",
            "PAYMENT_RESPONSE_DEADLINE_S": "41",
            "DOCS_ENABLED": "false",
            "METRICS_PORT": "9091",
            "CORS_ORIGINS": "https://a.example,https://b.example",
            "RATE_LIMIT_PER_CALLER": "11/second",
            "RATE_LIMIT_PER_ADDRESS": "12/minute",
            "TRUSTED_PROXIES": "2",
        }
    )

    assert api_options_of(settings) == ApiOptions(
        prefix="/shop",
        amount_unit=AmountUnit.MAJOR,
        default_currency="jpy",
        response_deadline_s=41,
        version=version("payment-service"),
        mode="development",
        docs_enabled=False,
        metrics_here=False,
        cors_origins=frozenset({"https://a.example", "https://b.example"}),
        rate_limit_per_caller="11/second",
        rate_limit_per_address="12/minute",
        trusted_proxies=2,
    )


@pytest.mark.parametrize(
    ("changed", "under_way"),
    [
        ({}, 100),
        ({"STRIPE_REQUESTS_PER_ENDPOINT_S": "6"}, 24),
        ({"STRIPE_REQUESTS_PER_ENDPOINT_S": "0"}, 128),
        ({"STRIPE_REQUESTS_PER_ENDPOINT_S": "500"}, 128),
        ({"STRIPE_REQUESTS_PER_ENDPOINT_S": "500", "STRIPE_CONNECTIONS_MAX": "4096"}, 500),
        ({"REQUESTS_IN_FLIGHT_MAX": "1"}, 1),
    ],
)
def test_of_one_caller_no_more_is_under_way_than_has_its_turn_at_stripe_in_time(
    changed: dict[str, str], under_way: int
) -> None:
    options = api_options_of(load_settings(changed))

    assert options.requests_under_way_max == under_way


@pytest.mark.parametrize("secret", ["whsec_oldoldoldold", "whsec_newnewnewnew"])
def test_while_a_signing_secret_is_rotated_both_of_the_settings_count(secret: str) -> None:
    reader = event_reader_of(
        load_settings({"STRIPE_WEBHOOK_SECRET": "whsec_oldoldoldold, whsec_newnewnewnew"})
    )

    assert reader is not None
    assert reader.read(BODY, signed(secret=secret), NOW).id == "evt_1"


def test_how_long_things_may_take_is_as_the_settings_say() -> None:
    settings = load_settings(
        {
            "PAYER_EXPECTS_CHARGE_S": "601",
            "ACTION_EXPIRES_S": "3602",
            "PAYMENT_EXPIRES_S": "7203",
            "HOLD_WARNING_S": "7204",
            "HOLD_AUTO_CAPTURE_S": "3605",
            "BACK_FILL_EVERY_S": "66",
            "SWEEP_EVERY_S": "707",
            "ORDER_STATUS_CANCELED": "CANCELED",
            "ORDER_STATUS_REFUNDED": "REFUNDED",
            "ORDER_STATUS_REFUND_FAILED": "REFUND FAILED",
            "ORDER_STATUSES_BEFORE_PAYMENT": "ORDER PLACED, AWAITING PAYMENT",
            "CARD_REFUSALS_MAX": "8",
            "CARD_REFUSALS_WINDOW_S": "909",
            "CARD_REFUSALS_PAUSE_S": "1010",
            "ORDER_SERVICE_URL": "",
            "STRIPE_TIMEOUT_CHARGE_S": "31",
        }
    )

    assert policy_of(settings) == Policy(
        payer_expects_charge_s=601,
        action_expires_s=3602,
        payment_expires_s=7203,
        lease_s=36,
        tell_orders=False,
        hold_warning_s=7204,
        hold_auto_capture_s=3605,
        back_fill_every_s=66,
        sweep_every_s=707,
        order_status_canceled="CANCELED",
        order_status_refunded="REFUNDED",
        order_status_refund_failed="REFUND FAILED",
        order_statuses_before_payment=frozenset({"ORDER PLACED", "AWAITING PAYMENT"}),
        card_refusals_max=8,
        card_refusals_window_s=909,
        card_refusals_pause_s=1010,
    )
