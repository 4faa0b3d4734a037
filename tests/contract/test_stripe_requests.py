"""What goes out to Stripe for holds, cancellations, saved cards, disputes, events and sweeps."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_service.adapters.stripe.looks import EVENT_TYPES, MADE, PAGE_LIMIT, PAGES_MAX
from payment_service.domain.event import topic_of
from payment_service.domain.news import (
    CustomerSeen,
    DisputesSeen,
    EventsSeen,
    IntentSeen,
    News,
    NoNews,
    Rejected,
    SetupSeen,
)
from payment_service.domain.steps import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateCustomer,
    CreateRefund,
    CreateSetup,
    DeleteCustomer,
    FindDisputes,
    GatewayStep,
    ListEvents,
    ListMade,
    ReadCustomer,
    ReadIntent,
    ReadNamed,
    ReadRefund,
    ReadSetup,
)
from stripe_sandbox.engine import Engine
from tests.contract.test_stripe_gateway import (
    CREATE,
    CUSTOMER,
    EPOCH_S,
    INTENT,
    REFUND,
    Answer,
    Recorder,
    Sent,
    asked,
    ordinary,
)
from tests.parts.stripe_in_process import InProcessStripe, open_in_process
from tests.parts.virtual_time import EPOCH, epoch_s, run

SETUP = {
    "id": "seti_1",
    "object": "setup_intent",
    "status": "requires_payment_method",
    "client_secret": "seti_1_secret_x",
}
MARKS = {"metadata[service]": "payment-service", "metadata[idempotency_key]": "key-1"}
SAVED = {
    "customer": "cus_1",
    "usage": "off_session",
    "automatic_payment_methods[enabled]": "true",
    "automatic_payment_methods[allow_redirects]": "never",
    **MARKS,
}


def all_is_well(sent: Sent) -> Answer:
    """Answer as Stripe does, saved cards and single refunds included."""
    if "/setup_intents" in sent.path:
        return 200, SETUP
    if sent.path.startswith("/v1/refunds/"):
        return 200, REFUND | {"payment_intent": "pi_1", "metadata": {"order_id": "ord_1"}}
    return ordinary(sent)


@pytest.mark.parametrize(
    ("step", "path", "params"),
    [
        (
            CaptureIntent("key-1", "ord_1", "pi_1", None),
            "/v1/payment_intents/pi_1/capture",
            {},  # all that is held
        ),
        (
            CaptureIntent("key-1", "ord_1", "pi/1", 4_000),
            "/v1/payment_intents/pi%2F1/capture",
            {"amount_to_capture": "4000"},
        ),
        *(
            (
                CancelIntent("key-1", "ord_1", "pi_1", reason),
                "/v1/payment_intents/pi_1/cancel",
                {"cancellation_reason": reason},
            )
            for reason in ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
        ),
        (
            ConfirmIntent("key-1", "ord_1", "pi_1", "pm_2", None, off_session=True),
            "/v1/payment_intents/pi_1/confirm",
            {"payment_method": "pm_2", "off_session": "true", "expand[0]": "latest_charge"},
        ),
        (
            CreateRefund("key-1", "ord_1", "ref_1", "pi_1", 1, None, request_id="req_2"),
            "/v1/refunds",
            {
                "payment_intent": "pi_1",
                "amount": "1",
                "metadata[order_id]": "ord_1",
                "metadata[request_id]": "req_2",
                **MARKS,
            },
        ),
        (
            CreateCustomer("key-1", "ann@example.com", None, request_id="req_2"),
            "/v1/customers",
            {"email": "ann@example.com", "metadata[request_id]": "req_2", **MARKS},
        ),
        (CreateSetup("key-1", "cus_1"), "/v1/setup_intents", SAVED),
        (
            CreateSetup("key-1", "cus_1", "req_2"),
            "/v1/setup_intents",
            SAVED | {"metadata[request_id]": "req_2"},
        ),
    ],
)
def test_a_step_with_an_effect_is_one_post_under_its_own_key(
    step: GatewayStep, path: str, params: dict[str, str]
) -> None:
    http = Recorder(all_is_well)

    asked(http, step)

    assert http.sent == [Sent("post", path, params, "key-1")]


def test_a_customer_is_deleted_without_a_key_since_twice_is_once() -> None:
    http = Recorder(ordinary)

    asked(http, DeleteCustomer("key-1", "cus_1"))

    assert http.sent == [Sent("delete", "/v1/customers/cus_1", {}, None)]


@pytest.mark.parametrize(("confirm", "off_session"), [(True, True), (True, False), (False, True)])
def test_only_what_is_confirmed_at_once_is_charged_off_session(
    *, confirm: bool, off_session: bool
) -> None:
    http = Recorder(ordinary)

    asked(http, replace(CREATE, confirm=confirm, off_session=off_session))

    said = http.sent[0].params.get("off_session")
    assert said == ("true" if confirm and off_session else None)


BETWEEN = {"created[gte]": str(EPOCH_S), "created[lt]": str(EPOCH_S + 60), "limit": "100"}
EVENTS = ListEvents(EPOCH, EPOCH + timedelta(seconds=60))
SWEPT = ListMade(EVENTS.since, EVENTS.until)
ABOUT = {"payment_intent": "pi_1", "limit": "100"}


@pytest.mark.parametrize(
    ("step", "looks"),
    [
        (
            FindDisputes("ord_1", "pi_1"),
            [("/v1/disputes", ABOUT), ("/v1/radar/early_fraud_warnings", ABOUT)],
        ),
        (ReadRefund("re/1"), [("/v1/refunds/re%2F1", {})]),
        (ReadNamed("charge", "ch/1", "charge.x"), [("/v1/charges/ch%2F1", {})]),
        (
            ReadNamed("radar.early_fraud_warning", "issfr_1", "x"),
            [("/v1/radar/early_fraud_warnings/issfr_1", {})],
        ),
        (ReadSetup("seti/1"), [("/v1/setup_intents/seti%2F1", {})]),
        (
            ReadCustomer("cus_1", "seti_1"),
            [
                ("/v1/setup_intents/seti_1", {}),
                ("/v1/customers/cus_1", {}),
                ("/v1/payment_methods", {"customer": "cus_1", "type": "card", "limit": "100"}),
            ],
        ),
        (
            EVENTS,
            [
                ("/v1/events", BETWEEN | {f"types[{n}]": name for n, name in enumerate(names)})
                for names in EVENT_TYPES
            ],
        ),
        (SWEPT, [(path, BETWEEN) for path, _ in MADE]),
    ],
)
def test_a_look_is_a_get_without_a_key(
    step: GatewayStep, looks: list[tuple[str, dict[str, str]]]
) -> None:
    http = Recorder(all_is_well)

    asked(http, step)

    assert [(s.method, s.path, s.params, s.key) for s in http.sent] == [
        ("get", path, params, None) for path, params in looks
    ]


def test_stripe_is_asked_for_no_more_types_at_once_than_it_takes_and_all_say_something_to_us() -> (
    None
):
    names = [name for some in EVENT_TYPES for name in some]

    assert [len(some) <= 20 for some in EVENT_TYPES] == [True] * len(EVENT_TYPES)
    assert len(set(names)) == len(names)
    assert [name for name in (*names, *(kind for _, kind in MADE)) if topic_of(name) is None] == []


@pytest.mark.parametrize(
    ("step", "news"),
    [
        (CaptureIntent("key-1", "ord_1", "pi_1", None), IntentSeen),
        (CancelIntent("key-1", "ord_1", "pi_1", "duplicate"), IntentSeen),
        (ConfirmIntent("key-1", "ord_1", "pi_1", "pm_2", None), IntentSeen),
        (CreateSetup("key-1", "cus_1"), SetupSeen),
        (ReadSetup("seti_1"), SetupSeen),
        (ReadCustomer("cus_1", "seti_1"), CustomerSeen),
        (ReadRefund("re_1"), EventsSeen),
        (FindDisputes("ord_1", "pi_1"), DisputesSeen),
        (EVENTS, EventsSeen),
        (SWEPT, EventsSeen),
    ],
)
def test_an_ordinary_answer_becomes_the_news_of_its_step(
    step: GatewayStep, news: type[News]
) -> None:
    assert type(asked(Recorder(all_is_well), step)) is news


@pytest.mark.parametrize(
    "step",
    [
        FindDisputes("ord_1", "pi_1"),
        ReadRefund("re_1"),
        ReadSetup("seti_1"),
        ReadCustomer("cus_1", "seti_1"),
        EVENTS,
        SWEPT,
    ],
)
def test_a_look_whose_answer_is_of_another_shape_is_doubt(step: GatewayStep) -> None:
    bodies: list[Any] = [[], {}, b"{", {"data": [{}], "has_more": False}, {"data": [7]}]
    for body in bodies:
        said = asked(Recorder(lambda _, body=body: (200, body)), step)  # type: ignore[misc]  # bound now
        assert isinstance(said, NoNews)


def test_a_refund_says_whose_it_is() -> None:
    news = asked(Recorder(all_is_well), ReadRefund("re_1"))

    assert isinstance(news, EventsSeen)
    (seen,) = news.events
    assert (seen.object_id, seen.intent_id, seen.order_id) == ("re_1", "pi_1", "ord_1")


def test_a_customer_that_is_gone_is_nobody_though_its_setup_is_there() -> None:
    def answer(sent: Sent) -> Answer:
        gone = {"id": "cus_1", "object": "customer", "deleted": True}
        return (200, gone) if sent.path == "/v1/customers/cus_1" else all_is_well(sent)

    news = asked(Recorder(answer), ReadCustomer("cus_1", "seti_1"))

    assert not isinstance(news, CustomerSeen)


def test_what_is_missing_is_told_as_refused_not_as_absent() -> None:
    missing = Recorder(lambda _: (404, {"error": {"code": "resource_missing"}}))

    for step in (ReadRefund("re_1"), ReadSetup("seti_1"), ReadIntent("ord_1", "pi_1")):
        assert isinstance(asked(missing, step), Rejected)


# Lists of events and of what was made


def event(number: int, at_s: int, **about: Any) -> dict[str, Any]:
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": EPOCH_S + at_s,
        "livemode": False,
        "data": {"object": INTENT | about},
    }


def listing(*first: dict[str, Any]) -> Recorder:
    """Return a Stripe that has these events of the first types, newest first, and no others."""

    def answer(sent: Sent) -> Answer:
        has_them = sent.params.get("types[0]") == EVENT_TYPES[0][0]
        return 200, {"object": "list", "data": list(first) if has_them else [], "has_more": False}

    return Recorder(answer)


def test_events_come_oldest_first_and_within_a_second_as_they_were_listed() -> None:
    news = asked(listing(event(3, 9), event(2, 5), event(1, 5), event(0, 1)), EVENTS)

    assert isinstance(news, EventsSeen)
    assert [seen.id for seen in news.events] == ["evt_0", "evt_1", "evt_2", "evt_3"]
    assert [(seen.happened_at - EPOCH).total_seconds() for seen in news.events] == [1, 5, 5, 9]
    assert "secret" not in repr(news)


def test_a_time_with_more_events_than_a_look_reads_is_not_read_at_all() -> None:
    pages = iter(range(10**6))

    def answer(_: Sent) -> Answer:
        page = [event(next(pages), 1) for _ in range(PAGE_LIMIT)]
        return 200, {"object": "list", "data": page, "has_more": True}

    http = Recorder(answer)

    assert asked(http, EVENTS) == NoNews("unreadable")
    assert len(http.sent) == PAGES_MAX


def test_one_event_of_another_shape_makes_the_whole_time_unread() -> None:
    """Half of it would be taken for all of it."""
    assert asked(listing(event(1, 5), {"id": "evt_0"}), EVENTS) == NoNews("unreadable")


def test_what_was_made_at_the_sandbox_is_listed_as_if_events_were_about_it() -> None:
    async def main() -> None:
        engine = Engine()
        gateway = open_in_process(InProcessStripe(engine, epoch_s))
        step = replace(CREATE, customer_id=None, payment_method_id="pm_card_visa")
        made = await gateway.ask(step)
        assert isinstance(made, IntentSeen)
        await gateway.ask(CreateRefund("key-2", "ord_1", "ref_1", made.intent.id, 1_000, None))
        engine.open_dispute(made.intent.id, now=epoch_s())
        engine.warn_of_fraud(made.intent.id, now=epoch_s())

        swept = await gateway.ask(SWEPT)
        listed = await gateway.ask(EVENTS)
        disputes = await gateway.ask(FindDisputes("ord_1", made.intent.id))

        assert isinstance(swept, EventsSeen)
        assert {seen.type for seen in swept.events} == {kind for _, kind in MADE}
        assert {seen.intent_id for seen in swept.events} == {made.intent.id}
        assert isinstance(listed, EventsSeen)
        assert {
            "payment_intent.succeeded",
            "refund.created",
            "charge.dispute.created",
            "radar.early_fraud_warning.created",
        } <= {seen.type for seen in listed.events}
        assert isinstance(disputes, DisputesSeen)
        assert ([d.reason for d in disputes.disputes], len(disputes.warnings)) == (
            ["fraudulent"],
            1,
        )

    run(main)


def test_a_hold_is_captured_and_a_card_is_saved_at_the_sandbox() -> None:
    async def main() -> None:
        gateway = open_in_process(InProcessStripe(Engine(), epoch_s))
        held = await gateway.ask(
            replace(
                CREATE,
                customer_id=None,
                payment_method_id="pm_card_visa",
                capture_method="manual",
            )
        )
        assert isinstance(held, IntentSeen)
        taken = await gateway.ask(CaptureIntent("key-2", "ord_1", held.intent.id, 4_000))
        again = await gateway.ask(CaptureIntent("key-2", "ord_1", held.intent.id, 4_000))
        made = await gateway.ask(CreateCustomer("key-3", CUSTOMER["email"], None))
        assert isinstance(made, CustomerSeen)
        setup = await gateway.ask(CreateSetup("key-4", made.customer.id))
        assert isinstance(setup, SetupSeen)
        read = await gateway.ask(ReadCustomer(made.customer.id, setup.setup.id))

        assert held.intent.capture_before == EPOCH + timedelta(days=7)
        assert held.intent.amount_capturable_minor == 10_000
        assert isinstance(taken, IntentSeen)
        assert isinstance(again, IntentSeen)
        assert (taken.intent.status, taken.intent.amount_received_minor) == ("succeeded", 4_000)
        assert (again.intent, again.replayed) == (taken.intent, True)
        assert isinstance(read, CustomerSeen)
        assert read.setup == setup.setup

    run(main)
