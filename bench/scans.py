"""The slowest text that can be made for each scan of a caller's text, and what honest text costs.

    python -m bench.scans [examples]

Hypothesis repeats pieces that some scan might stumble over and keeps to what was slow. Figures are
milliseconds of CPU of this thread, the best of some rounds; beside them stands what Python's own
JSON reader takes for the body of the same size that is slowest for it.
"""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from hypothesis import HealthCheck, Phase, given, settings, target
from hypothesis import strategies as st

from payment_service.adapters.stripe import SignedEvents
from payment_service.api.incoming import VALUES_MAX, read_body, read_query
from payment_service.domain.card_number import holds_card_number
from payment_service.domain.email_address import normalised_email
from payment_service.domain.errors import Refusal
from payment_service.domain.plain_digits import prepare
from payment_service.page_cursor import position_of
from payment_service.redaction import TEXT_MAX, Redact
from tests.parts.growth import processor_s
from tests.parts.honest_texts import ALIKE, CORPORA
from tests.parts.worst_cases import BODIES, PIECES, filled

BODY_MAX = 64 * 1024
WEBHOOK_MAX = 256 * 1024
URL_MAX = 8 * 1024
HEAD_MAX = 32 * 1024
ROUNDS = 5
HONEST = 20_000
REDACT = Redact(b"a key for the bench", ["a-secret-of-no-shape"])
READER = SignedEvents(["whsec_one", "whsec_two"], 300)
NOW = datetime(2026, 11, 27, tzinfo=UTC)
UNITS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join)

Work = Callable[[str], object]


def body_of(unit: str) -> bytes:
    """Return a body of one text, as large as a body may be."""
    size = BODY_MAX - 64
    for text in (filled(unit, size), filled(unit, size // 2), filled(unit, size // 6)):
        raw = json.dumps({"description": text}, ensure_ascii=False).encode(errors="replace")
        if len(raw) <= BODY_MAX:
            return raw
    return raw[:BODY_MAX]


def values_of(unit: str) -> bytes:
    """Return a body of as many texts as a body may have."""
    text = json.dumps(filled(unit, BODY_MAX // VALUES_MAX - 6), ensure_ascii=False)
    raw = ('{"a":[' + ",".join([text] * (VALUES_MAX - 10)) + "]}").encode(errors="replace")
    return raw if len(raw) <= BODY_MAX else values_of(unit[: len(unit) // 2] or "4")


# By name: how large the text is at most, and what is done with it.
SCANS: dict[str, Work] = {
    "a text in a body, 64 KiB": lambda unit: read_body(body_of(unit), "application/json"),
    "texts in a body, 64 KiB": lambda unit: read_body(values_of(unit), "application/json"),
    "a text in a line, 64 KiB": lambda unit: REDACT.text(filled(unit, BODY_MAX)),
    "a text in a line, 8 KiB": lambda unit: REDACT.text(filled(unit, TEXT_MAX)),
    "a query, 8 KiB": lambda unit: read_query(filled(unit, URL_MAX).encode(errors="replace")),
    "a cursor, 8 KiB": lambda unit: position_of(filled(unit, URL_MAX)),
    "an e-mail, 64 KiB": lambda unit: normalised_email(filled(unit, BODY_MAX)),
    "an unsigned event, 256 KiB": lambda unit: READER.read(
        filled(unit, WEBHOOK_MAX // 4).encode(errors="replace")[:WEBHOOK_MAX],
        "t=1795780800,v1=0," + "v1=00," * 4000,
        NOW,
    ),
}


def cost_ms(work: Callable[[], object]) -> float:
    """Return the least that it took in some rounds, refusals included."""

    def refusing() -> None:
        with suppress(Refusal, ValueError):
            work()

    return 1000 * min(processor_s(refusing) for _ in range(ROUNDS))


def worst(scan: Work, examples: int) -> tuple[float, str]:
    """Return the most that was found, and for what."""
    found: list[tuple[float, str]] = [(0.0, "")]

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.target),
        suppress_health_check=list(HealthCheck),
    )
    @given(UNITS)
    def search(unit: str) -> None:
        took = cost_ms(lambda: scan(unit))
        target(took)
        found.append((took, unit))

    search()
    return max(found)


def main() -> None:
    """Print the worst of each scan, of each kind of body, and the honest texts that are refused."""
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    prepare()
    ones = b'{"a":[' + b"1," * (BODY_MAX // 2 - 8) + b"1]}"
    print(f"{'json.loads of 32,000 numbers':<36}{cost_ms(lambda: json.loads(ones)):8.2f} ms")
    for name, scan in SCANS.items():
        took, unit = worst(scan, examples)
        print(f"{name:<36}{took:8.2f} ms  {unit[:60]!r}")
    for kind, body in BODIES.items():
        raw = [body(size)[:BODY_MAX] for size in (BODY_MAX, VALUES_MAX * 20, VALUES_MAX * 2)]
        took = max(cost_ms(partial(read_body, one, "application/json")) for one in raw)
        print(f"{'body: ' + kind:<36}{took:8.2f} ms")
    for name, texts in (CORPORA | ALIKE).items():
        refused = sum(map(holds_card_number, islice(texts(), HONEST)))
        print(f"{'honest: ' + name:<36}{100 * refused / HONEST:8.3f} % taken for a card number")


if __name__ == "__main__":
    main()
