"""Every kind of document with something in every field: what is kept comes back whole."""

from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from payment_service.domain.api_key import ApiKey
from payment_service.domain.audit import AuditEntry
from payment_service.domain.card_refusals import CardTally
from payment_service.domain.cursor import Cursor
from payment_service.domain.dispute import Dispute, FraudWarning
from payment_service.domain.email_place import EmailPlace
from payment_service.domain.event import KEPT_FOR, Event, EventState
from payment_service.domain.history import Entry
from payment_service.domain.hold import Hold
from payment_service.domain.moment import Door
from payment_service.domain.news import SeenEvent
from payment_service.domain.notice import Notice, NoticeState, Occasion
from payment_service.domain.order_proof import Claim
from payment_service.domain.payment import (
    Attempt,
    Failure,
    FailureKind,
    Operation,
    PastAttempt,
    Payment,
    State,
    Terms,
)
from payment_service.domain.refund import Refund, RefundStatus
from payment_service.domain.refund_place import RefundPlace
from payment_service.domain.schema import SCHEMA, NewerSchema
from payment_service.domain.stored_request import StoredRequest
from payment_service.ports import Collection, Store
from payment_service.storage.collections import (
    API_KEYS,
    AUDIT,
    CARD_TALLIES,
    COLLECTIONS,
    CURSORS,
    CUSTOMERS,
    EMAILS,
    EVENTS,
    PAYMENTS,
    REFUND_PLACES,
    REQUESTS,
)
from tests.contract.customers import CALL, OUTCOME, whole_customer
from tests.contract.things import NOON, after, stored_request

SAID_OF_DECLINE: dict[str, Any] = {
    "advice_code": "advice",
    "network_advice_code": "03",
    "network_decline_code": "43",
    "charge_outcome": OUTCOME,
}
FAILURE = Failure(
    FailureKind.DECLINED,
    "code",
    "Non.",
    "decline",
    "param",
    "pm_0",
    "mine",
    charge_id="ch_0",
    **SAID_OF_DECLINE,
)
PAST_ATTEMPT = PastAttempt(
    *(1, Operation.CONFIRM, "pm_0", NOON, after(9), 2, "declined", "c", "d", "r", "s"),
    message="m",
    param="p",
    **SAID_OF_DECLINE,
)


REFUNDS = (
    Refund(
        "ref_1",
        6,
        RefundStatus.FAILED,
        NOON,
        key="key-2",
        reason="zu groß",
        stripe_refund_id="re_1",
        call=CALL,
        failure="declined",
        failure_message="Non.",
        failure_param="p",
        unavailable=True,
        request_id="req_2",
    ),
)


def payment() -> Payment:
    return Payment(
        id="ord_1",
        uid="pay_1",
        version=7,
        created_at=NOON,
        updated_at=after(1),
        terms=Terms(1, "eur", "cus_1", False, "manual", "https://x", "Grüße", {"a": "ü"}, True),  # noqa: FBT003
        status=State.REQUIRES_CAPTURE,
        entered_at=after(2),
        generation=3,
        attempts_made=4,
        attempt=Attempt(Operation.CAPTURE, CALL, "pm_1", "req_1", "ch_0", "mine", 5, "duplicate"),
        intent_id="pi_1",
        charge_id="ch_1",
        payment_method_id="pm_1",
        received_minor=2**53 + 1,
        failure=FAILURE,
        cancellation_reason="duplicate",
        refunds=REFUNDS,
        notices=(
            Notice(
                "REFUNDED",
                NoticeState.DROPPED,
                CALL,
                told_at=NOON,
                failure="http_503",
                is_overtaken=True,
                occasion=Occasion.REFUNDED,
                not_before=NOON,
            ),
        ),
        history=(Entry(NOON, "hold.lapses_soon", Door.BACK_FILL, "req_3"),),
        look_at=after(4),
        refunds_look_at=after(5),
        looks=8,
        capturable_minor=9,
        hold=Hold(after(6), warned=True),
        disputes=(Dispute("du_1", 10, "usd", "fraudulent", "lost", NOON, after(7), True),),  # noqa: FBT003
        warnings=(FraudWarning("issfr_1", "misc", True, NOON),),  # noqa: FBT003
        disputes_look_at=after(8),
        late_intent_id="pi_0",
        claim=Claim(is_proved=True, at=after(9), generation=2),
        past_attempts=(PAST_ATTEMPT,),
    )


def event(id: str = "evt_1", state: EventState = EventState.KEPT, **changed: Any) -> Event:
    seen = SeenEvent(
        id=id,
        type="payment_intent.succeeded",
        happened_at=NOON,
        livemode=True,
        object_id="pi_1",
        status="succeeded",
        service="payment-service",
        order_id="ord_1",
        intent_id="pi_1",
        customer_id="cus_1",
        payment_method_id="pm_1",
        account="acct_1",
        object_type="payment_intent",
    )
    kept = Event(
        id=id,
        version=1,
        created_at=NOON,
        seen=seen,
        door=Door.SWEEP,
        state=state,
        due_at=after(1),
        tries=2,
        ended_at=after(2),
        failure="lost",
    )
    return replace(kept, **changed)


CURSOR = Cursor("events", 1, NOON, after(1), span_s=0.5, failed=2, gaps=3)
EMAIL = EmailPlace("zoë@example.org", 1, "cust_1", NOON, after(1))
PLACE = RefundPlace("ref_1", 0, "ord_1", NOON)
TALLY = CardTally("card_1", 1, NOON, after(9), (NOON, after(1)), after(8))
API_KEY = ApiKey(
    "a" * 16, 1, "checkout", "0" * 64, ("payment.read",), NOON, after(1), after(2), after(3)
)
AUDITED = AuditEntry("audit_1", 1, NOON, "customer.forgotten", "Zoë", "weil", "cus_1")
DOCUMENTS: list[tuple[Collection[Any], Any]] = [
    (PAYMENTS, payment()),
    (CUSTOMERS, whole_customer()),
    (EMAILS, EMAIL),
    (EVENTS, event()),
    (CURSORS, CURSOR),
    (REFUND_PLACES, PLACE),
    (API_KEYS, API_KEY),
    (AUDIT, AUDITED),
    (CARD_TALLIES, TALLY),
]
# With a field that only a newer program knows.
NEWER = NewerSchema(SCHEMA + 1, {"colour": "red"})
KINDS = [(collection, replace(doc, schema=NEWER)) for collection, doc in DOCUMENTS]


def left_out(value: Any) -> list[str]:
    """Return the fields of a value, and of what is in it, that stand at their default."""
    found: list[str] = []
    for one in fields(value):
        its = getattr(value, one.name)
        default = one.default if one.default is not MISSING else None
        if one.default_factory is not MISSING:
            default = one.default_factory()
        if its == default:
            found.append(f"{type(value).__name__}.{one.name}")
        for inner in its if isinstance(its, tuple) else (its,):
            if is_dataclass(inner):
                found += left_out(inner)
    return found


@pytest.mark.parametrize(("collection", "doc"), KINDS)
async def test_a_document_with_something_in_every_field_comes_back_whole(
    store: Store, collection: Collection[Any], doc: Any
) -> None:
    await store.insert(collection, replace(doc, version=0))
    await store.replace(collection, replace(doc, version=1), expected_version=0)

    assert await store.get(collection, doc.id) == replace(doc, version=1)


# What a database could take for an operator, a reference, a path or an end.
ODD_NAMES = ("$gt", "$ref", "$id", "$db", "a.b", ".", "$", "%24gt", "%", "100 %", "%25", "", "x\0y")


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_a_name_that_means_something_to_a_database_is_a_name(store: Store, name: str) -> None:
    terms = replace(payment().terms, metadata={name: "", "other": name})
    paid = replace(payment(), version=0, terms=terms)
    body = {name: [{name: {name: 1}}], "metadata": dict.fromkeys(ODD_NAMES, None)}
    request = replace(stored_request(), body=body)

    await store.insert(PAYMENTS, paid)
    await store.insert(REQUESTS, request)
    await store.replace(PAYMENTS, replace(paid, version=1), expected_version=0)

    assert await store.get(PAYMENTS, paid.id) == replace(paid, version=1)
    assert await store.get(REQUESTS, request.id) == request


@pytest.mark.parametrize("id", ["$where", "a.b", "{}", "[1]", '{"$gt": ""}', "null", " ", "x\0y"])
async def test_an_id_that_means_something_to_a_database_is_an_id(store: Store, id: str) -> None:
    place = replace(PLACE, id=id)
    await store.insert(REFUND_PLACES, place)
    await store.insert(REFUND_PLACES, PLACE)

    assert await store.get(REFUND_PLACES, id) == place
    await store.remove(REFUND_PLACES, id, expected_version=0)
    assert await store.get(REFUND_PLACES, id) is None
    assert await store.get(REFUND_PLACES, PLACE.id) == PLACE


async def test_a_value_that_looks_like_a_question_finds_only_itself(store: Store) -> None:
    question = '{"$ne": null}'
    await store.insert(CUSTOMERS, replace(whole_customer(), id="a", customer_id="cus_3"))
    await store.insert(CUSTOMERS, replace(whole_customer(), id="b", customer_id=question))

    found = await store.find_one(CUSTOMERS, "customer_id", question)

    assert found is not None
    assert found.id == "b"


def test_there_is_something_in_every_field() -> None:
    """A field that is added to a document must be added here."""
    assert [name for _, doc in KINDS for name in left_out(doc)] == []


def test_every_collection_of_ours_is_kept_by_every_store() -> None:
    assert {collection.name for collection, _ in KINDS} | {"requests"} == {
        collection.name for collection in COLLECTIONS
    }


async def test_only_kept_answers_about_a_person_are_found_by_whom_they_are_about(
    store: Store,
) -> None:
    about = StoredRequest("key-1", 0, "print", NOON, NOON, after(9), 200, {}, subject="cus_1")
    await store.insert(REQUESTS, about)
    await store.insert(REQUESTS, replace(about, id="key-2", subject=None))

    assert await store.find_one(REQUESTS, "subject", "cus_1") == about
    await store.remove(REQUESTS, "key-1", expected_version=0)
    assert await store.find_one(REQUESTS, "subject", "cus_1") is None


async def test_the_audit_is_read_newest_first_and_by_what_it_is_about(store: Store) -> None:
    for number, subject in enumerate(["cus_1", "cus_2", "cus_1"]):
        entry = replace(AUDITED, id=f"audit_{number}", created_at=after(number), subject=subject)
        await store.insert(AUDIT, entry)

    page = await store.page(
        AUDIT,
        equal={"subject": "cus_1"},
        created_from=None,
        created_to=None,
        cursor=None,
        limit=10,
    )

    assert [entry.id for entry in page.items] == ["audit_2", "audit_0"]
    assert await store.due(AUDIT, after(10**9), 10) == []


async def test_what_is_due_of_events_and_cursors_is_found_and_places_never_are(
    store: Store,
) -> None:
    await store.insert(EVENTS, event("evt_late", due_at=after(2)))
    await store.insert(EVENTS, event("evt_soon", due_at=after(1)))
    await store.insert(EVENTS, event("evt_over", EventState.APPLIED, due_at=None))
    await store.insert(CURSORS, CURSOR)
    await store.insert(REFUND_PLACES, PLACE)

    assert [e.id for e in await store.due(EVENTS, after(1), 10)] == ["evt_soon"]
    assert [e.id for e in await store.due(EVENTS, after(2), 10)] == ["evt_soon", "evt_late"]
    assert await store.due(CURSORS, after(1), 10) == [CURSOR]
    assert await store.due(REFUND_PLACES, after(10**9), 10) == []


async def test_only_events_that_have_come_to_their_end_expire_and_dead_ones_never(
    store: Store,
) -> None:
    for state in EventState:
        ended = None if state is EventState.KEPT else NOON
        await store.insert(EVENTS, event(f"evt_{state}", state, ended_at=ended))
    end = NOON + KEPT_FOR

    async def there() -> list[EventState]:
        return [one for one in EventState if await store.get(EVENTS, f"evt_{one}") is not None]

    await store.drop_expired(EVENTS, end - timedelta(milliseconds=1))
    assert await there() == list(EventState)
    await store.drop_expired(EVENTS, end)
    assert await there() == [EventState.KEPT, EventState.DEAD]


async def test_events_are_paged_by_state_and_type_newest_first(store: Store) -> None:
    for number, state in enumerate([EventState.DEAD, EventState.APPLIED, EventState.DEAD]):
        await store.insert(EVENTS, event(f"evt_{number}", state, created_at=after(number)))

    async def page(**equal: str) -> list[str]:
        found = await store.page(
            EVENTS, equal=equal, created_from=None, created_to=None, cursor=None, limit=10
        )
        return [e.id for e in found.items]

    assert await page(state="dead") == ["evt_2", "evt_0"]
    assert await page(type="payment_intent.succeeded") == ["evt_2", "evt_1", "evt_0"]
    assert await page(type="refund.created") == []
