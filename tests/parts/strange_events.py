"""Events that are not what Stripe's documents say: any value at any place, and any text at all."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st


def thin(event_type: str, kind: str | None = None, id: str | None = None, **fields: Any) -> Any:
    related = {"id": id, "type": kind, "url": f"/v1/things/{id}"} if kind else None
    return {
        "id": f"evt_thin_{event_type}",
        "object": "v2.core.event",
        "type": event_type,
        "livemode": False,
        "created": "2026-11-23T09:00:00.123Z",
        "context": None,
        "related_object": related,
        **fields,
    }


WRONG: list[Any] = [
    1,
    -1,
    10**400,
    67_768_036_191_676_800,  # a year that does not fit into the C library's tm
    1.5,
    True,
    None,
    "",
    "x",
    "x" * 10_000,
    "\ud800",
    "\x00",
    [],
    [1],
    {},
]
WRONG += [
    "a.b",
    "$a",
    "\uff41",
    "e\u0301" * 200,
    "x" * 255,
    "x" * 256,
    "\U0001f4b3",
    " x ",
    "2026",
    2**63,
    1e400,
]
WRONG += [{"id": 1}, {"id": None}, {"id": {"id": "x"}}, {"id": "x" * 10_000}]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield every place in a JSON value but its root."""
    steps = value.items() if isinstance(value, dict) else ()
    for name, inner in steps:
        yield (*path, name)
        yield from places(inner, (*path, name))


def put(event: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = deepcopy(event)
    part = changed
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    return changed


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=[]), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "object", "type", "metadata", "service", "customer"]), inner
        )
    ),
    max_leaves=6,
)
SNAPSHOT: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "account": None,
    "type": "payment_method.attached",
    "created": 1_795_424_400,
    "livemode": False,
    "data": {
        "object": {
            "id": "pi_1",
            "object": "payment_intent",
            "status": "succeeded",
            "customer": "cus_1",
            "payment_intent": "pi_2",
            "metadata": {"service": "payment-service", "order_id": "order-1"},
        },
        "previous_attributes": {"customer": "cus_2"},
    },
}
THIN = thin("v1.payment_intent.succeeded", "payment_intent", "pi_1")


# What Stripe's signature may be under although it is no JSON of ours.
TEXTS = st.sampled_from(
    [
        b"",
        b"null",
        b"[]",
        b'"evt_1"',
        b"[" * 100_000,
        b'{"id":' * 20_000,
        b'{"id":"evt_1","id":1}',
        b'{"id":NaN}',
        b'{"created":1e999999}',
        b'{"created":' + b"9" * 60_000 + b"}",
        b'{"id":"\xff"}',
        b'{"id":"\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        b'{"a":[' + b"1," * 100_000 + b"1]}",
    ]
) | st.binary(max_size=100)


@st.composite
def events(draw: st.DrawFn) -> Any:
    """Make an event of some id of its own, with one to three wrong values in it, or no event."""
    base = draw(st.sampled_from([SNAPSHOT, THIN]))
    kind = draw(st.sampled_from(TYPES))
    event = deepcopy(base) | {"id": f"evt_{draw(st.integers(0, 10**12))}", "type": kind}
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(places(event))))
        event = put(event, path, draw(st.sampled_from(WRONG) | JSON))
        if not isinstance(event, dict):
            break
    return event


TYPES = (
    "payment_intent.succeeded",
    "charge.refunded",
    "charge.dispute.created",
    "refund.updated",
    "customer.updated",
    "customer.deleted",
    "payment_method.attached",
    "payment_method.detached",
    "setup_intent.succeeded",
    "radar.early_fraud_warning.created",
    "v1.payment_intent.succeeded",
    "payout.paid",
)
