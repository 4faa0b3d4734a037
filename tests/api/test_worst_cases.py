"""No text of a caller's holds the process: the work is in proportion, and never much."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payment_service.adapters.stripe import SignedEvents
from payment_service.api.incoming import VALUES_MAX, read_body, read_query
from payment_service.api.request_ids import sane_request_id
from payment_service.domain.email_address import normalised_email
from payment_service.domain.errors import Refusal, WebhookRefused
from payment_service.domain.plain_digits import prepare
from payment_service.page_cursor import position_of
from payment_service.redaction import TEXT_MAX, Redact
from tests.api.conftest import Api
from tests.parts.growth import processor_s
from tests.parts.worst_cases import BODIES, PIECES, filled

BODY_MAX = 64 * 1024
REDACT = Redact(b"a key for tests", ["a-secret-of-no-shape"])
# So many times what Python's own reader takes for the body that costs it most. It takes 1.6 ms
# where our bound is 5 ms; what is not bounded takes hundreds of times as long.
TIMES_MAX = 6
ROUNDS = 5
NOW = datetime(2026, 11, 27, tzinfo=UTC)
prepare()


def reading(raw: bytes) -> Callable[[], object]:
    return lambda: refusing(lambda: read_body(raw, "application/json"))


def refusing(work: Callable[[], object]) -> object:
    try:
        return work()
    except (Refusal, ValueError) as refused:
        return refused


def costs_little(work: Callable[[], object]) -> bool:
    """Say whether one of some rounds took no longer than a plain look at the same amount."""
    most_values = b'{"a":[' + b"1," * (BODY_MAX // 2 - 8) + b"1]}"
    for _ in range(ROUNDS):
        own = processor_s(work)
        if own < TIMES_MAX * processor_s(lambda: json.loads(most_values)):
            return True
    return False


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_of_any_kind_costs_little(kind: str) -> None:
    assert costs_little(reading(BODIES[kind](BODY_MAX)[:BODY_MAX]))


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_is_just_taken_costs_little(kind: str) -> None:
    """As many values as a body may have; with one more it is not looked into."""
    for size in (VALUES_MAX * 2, VALUES_MAX * 5, VALUES_MAX * 20):
        assert costs_little(reading(BODIES[kind](size)))


def in_json(text: str) -> bytes:
    raw = json.dumps({"description": text}, ensure_ascii=False).encode()
    return raw if len(raw) <= BODY_MAX else in_json(text[: len(text) * BODY_MAX // len(raw) - 20])


units = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)
lengths = st.sampled_from([BODY_MAX, 2000])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(units)
def test_a_text_in_a_body_costs_little_whatever_is_repeated_in_it(unit: str) -> None:
    raw = in_json(filled(unit, BODY_MAX))

    assert costs_little(reading(raw))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(units, min_size=1, max_size=4))
def test_a_text_in_a_line_costs_little_whatever_is_repeated_in_it(parts: list[str]) -> None:
    text = "".join(filled(unit, BODY_MAX // len(parts)) for unit in parts)

    assert costs_little(lambda: REDACT.text(text[:TEXT_MAX]))
    assert costs_little(lambda: REDACT.text(text))


@pytest.mark.parametrize("piece", PIECES)
def test_no_piece_of_what_is_searched_for_holds_up_a_line(piece: str) -> None:
    ends = ("", "@b.example", " bearer x", "eyJ")

    for end in ends:
        text = filled(piece, TEXT_MAX - len(end)) + end
        assert costs_little(lambda text=text: REDACT.text(text))  # type: ignore[misc]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(units)
def test_what_comes_in_headers_and_urls_costs_little(unit: str) -> None:
    text = filled(unit, 32 * 1024)
    raw = text.encode(errors="replace")[: 32 * 1024]

    assert costs_little(lambda: refusing(lambda: read_query(raw[: 8 * 1024])))
    assert costs_little(lambda: sane_request_id(raw))
    assert costs_little(lambda: sane_request_id(raw[:128]))
    assert costs_little(lambda: refusing(lambda: position_of(text)))
    assert costs_little(lambda: refusing(lambda: normalised_email(text)))


@pytest.mark.parametrize("signature", ["", "t=1,v1=0", "t=1," + "v1=0," * 6000, "t=" * 8000])
def test_a_post_that_nobody_signed_is_not_looked_into(signature: str) -> None:
    reader = SignedEvents(["whsec_one", "whsec_two"], 300)
    body = BODIES["objects"](256 * 1024)

    def read() -> object:
        with pytest.raises(WebhookRefused):
            reader.read(body, signature, NOW)
        return None

    assert costs_little(read)


# Answers


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("path", ["/payment-intent", "/refund", "/customer", "/payment-method"])
async def test_no_answer_is_larger_than_what_a_person_reads(
    api: Api, lines: io.BytesIO, kind: str, path: str
) -> None:
    for size in (VALUES_MAX * 2, BODY_MAX):
        heard = await api.ask("POST", f"/payment{path}", raw=BODIES[kind](size)[:BODY_MAX])

        assert 400 <= heard.status < 500
        assert len(heard.raw) < 16 * 1024
    assert len(lines.getvalue()) < 32 * 1024


async def test_a_body_with_more_values_than_any_client_sends_is_refused(api: Api) -> None:
    """The separators within texts are none."""
    asked = {"orderId": "o", "amount": 500, "description": "[{,}]" * 200}

    many = await api.post("/payment/payment-intent", {**asked, "cart": [1] * VALUES_MAX})
    most = await api.post("/payment/payment-intent", {**asked, "cart": [1] * (VALUES_MAX - 5)})

    assert (many.status, many.code, many.bad_fields) == (400, "invalid_request", ["body"])
    assert many.body["errors"][0]["message"] == f"has more than {VALUES_MAX} values"
    assert most.status == 200
