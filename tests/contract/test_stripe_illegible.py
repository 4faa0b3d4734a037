"""Answers that the SDK cannot read: what their headers say is heard all the same."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import stripe
from multidict import CIMultiDict

from payment_service.domain.news import News, NoNews, NotExecuted
from payment_service.domain.steps import AttachCard, CaptureIntent, CreateRefund, GatewayStep
from tests.contract.test_stripe_gateway import opened
from tests.parts.virtual_time import run

REPLAYED = {"Idempotent-Replayed": "true"}
TELL_NOTHING = (
    b"",
    b"x",
    b"\xff\xfe",
    b"<html>",
    b"{}",
    b"[]",
    b"5",
    b'{"error": null}',
    b'{"error": "no"}',
    b'{"error": "invalid_request"}',
    b'{"error": [1]}',
    b'{"error": {}',
    b"[" * 100_000,
)
STEPS: tuple[GatewayStep, ...] = (
    CaptureIntent("key-1", "order-1", "pi_1", None),
    CreateRefund("key-1", "order-1", "rfd_1", "pi_1", 100, None),
    AttachCard("key-1", "cus_1", "pm_1"),
)


class Always(stripe.HTTPClient):
    """The SDK's transport, which answers everything like this."""

    name = "always"

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__()
        said = CIMultiDict({"Request-Id": "req_1"} | dict(headers))
        self._answer = body, status, said

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        return self._answer


def heard(step: GatewayStep, status: int, body: bytes, headers: Mapping[str, str]) -> News:
    async def main() -> News:
        return await opened(Always(status, body, headers)).ask(step)

    return run(main)


@pytest.mark.parametrize("body", TELL_NOTHING)
@pytest.mark.parametrize("status", [400, 402, 404, 410, 424, 500, 501])
def test_the_replay_of_an_error_that_cannot_be_read_is_a_dead_end(status: int, body: bytes) -> None:
    reason = "unreadable" if status in {400, 402, 404} else f"http_{status}"
    for step in STEPS:
        assert heard(step, status, body, {}) == NoNews(reason, None, "req_1")
        again = heard(step, status, body, REPLAYED)
        assert again == NoNews(reason, f"http_{status}", "req_1")


@pytest.mark.parametrize("body", TELL_NOTHING)
def test_a_refusal_by_its_status_counts_whatever_its_body(body: bytes) -> None:
    for status in (401, 403):
        news = heard(STEPS[0], status, body, {})
        assert news == NotExecuted(f"http_{status}", retryable=False, request_id="req_1")
    limited = heard(STEPS[0], 429, body, {"Retry-After": "3"})
    assert limited == NotExecuted("http_429", retry_after_s=3, request_id="req_1")


@pytest.mark.parametrize("step", STEPS)
def test_the_replay_of_a_success_that_cannot_be_read_is_a_dead_end(step: GatewayStep) -> None:
    body = json.dumps({"id": 5}).encode()

    assert heard(step, 200, body, {}) == NoNews("unreadable", None, "req_1")
    assert heard(step, 200, body, REPLAYED) == NoNews("unreadable", "http_200", "req_1")


@pytest.mark.parametrize("headers", [{}, REPLAYED])
def test_a_success_that_was_cut_off_may_be_whole_the_next_time(headers: dict[str, str]) -> None:
    assert heard(STEPS[0], 200, b'{"id": "pi_', headers) == NoNews("http_200")
