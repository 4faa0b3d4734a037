"""Events that Stripe signed and that are not what it documents, posted to a real process.

None is answered 5xx, kept unreadable, tried for ever, or holds the event loop. `FUZZ_EXAMPLES` sets
how many are made up; `make fuzz` makes ten thousand.
"""

import http.client
import json
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import stripe
from hypothesis import HealthCheck, given, settings

from tests.parts.loop_watchdog import watched_stack
from tests.parts.processes import WEBHOOK_SECRET, Stack
from tests.parts.strange_events import TEXTS, events

EXAMPLES = 10 * int(os.environ.get("FUZZ_EXAMPLES", "25"))
# Whatever is asked about at the sandbox is known within this.
SETTLED_S = 20.0
STALL_MS = 50.0
EXPECTED_LINES = {"settings.doubtful", "stripe.refused", "payment.unknown", "event.put_off"}
ENDED = {"applied", "foreign", "ignored"}


class Poster:
    """Posts to one process over one connection, which is opened anew when it was closed."""

    def __init__(self, url: str) -> None:
        self._host = urlsplit(url).netloc
        self._path = urlsplit(url).path
        self._connection = http.client.HTTPConnection(self._host, timeout=10)

    def post(self, raw: bytes) -> tuple[int, Any]:
        """Post a body that Stripe signed; return status and body of the answer."""
        text = raw.decode(errors="replace")
        signed = stripe.WebhookSignature.generate_signature_header(text, WEBHOOK_SECRET)
        headers = {"stripe-signature": signed, "content-type": "application/json"}
        return self._ask("POST", self._path, raw, headers)

    def get(self, path: str) -> tuple[int, Any]:
        """Ask for something; return status and body of the answer."""
        return self._ask("GET", path, b"", {})

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, method: str, path: str, raw: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        self._connection.request(method, path, raw, headers)
        answer = self._connection.getresponse()
        body = json.loads(answer.read())
        if answer.getheader("connection") == "close":
            self._connection.close()
        return answer.status, body


def test_no_signed_event_breaks_the_process_or_stays_unreadable(tmp_path: Path) -> None:
    with (
        watched_stack(tmp_path, {"LOG_LEVEL": "warning"}) as (running, stalls),
        ExitStack() as stopped,
    ):
        poster = Poster(running.webhook_url)
        stopped.callback(poster.close)
        poster.post(b"{}")  # what is made once is made now
        stalls.forget()
        kept: set[str] = set()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(events().map(lambda event: json.dumps(event).encode()) | TEXTS)
        def is_answered(raw: bytes) -> None:
            status, body = poster.post(raw)

            if status == 429:  # what is no text cannot be signed as Stripe does, and is counted
                assert raw.decode(errors="replace").encode() != raw
                return
            assert status in {200, 400}, (raw[:300], body)
            if status == 200 and body["received"] in {"kept", "ignored"}:
                kept.add(json.loads(raw)["id"])
            if status == 400:
                assert body["code"] in {"invalid_event", "webhook_signature_invalid"}, raw[:300]

        is_answered()
        listed = until_settled(poster)
        assert kept == {event["event_id"] for event in listed}
        # What bears our mark may be of an order that is only on its way into the database.
        waiting = {event["failure"] for event in listed if event["state"] not in ENDED}
        assert waiting <= {"no such payment"}
        assert poster.get("/readyz")[0] == 200
        assert stalls.worst_ms() < STALL_MS
        told = warnings_of(running)

    assert told <= EXPECTED_LINES


def is_settled(event: Any) -> bool:
    """Say whether an event was applied, or tried and found to be of no payment that is known."""
    return event["state"] in ENDED or event["failure"] is not None


def until_settled(poster: Poster) -> list[Any]:
    """Return all events that are kept, once none of them waits any more."""
    until = time.monotonic() + SETTLED_S
    while True:
        listed: list[Any] = []
        cursor = ""
        while True:
            status, page = poster.get(f"/payment/events?limit=100{cursor}")
            assert status == 200, page
            listed += page["data"]
            if page["nextCursor"] is None:
                break
            cursor = f"&cursor={page['nextCursor']}"
        if time.monotonic() > until or all(map(is_settled, listed)):
            return listed
        time.sleep(0.5)


def warnings_of(running: Stack) -> set[str]:
    """Return what the process found worth a warning."""
    return {json.loads(line)["event"] for line in running.service.log().splitlines()}
