"""Strange tokens sent to a real process: none is answered 5xx, or holds the event loop.

`FUZZ_EXAMPLES` sets how many are made up; `make fuzz` makes a thousand.
"""

import http.client
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.parts.loop_watchdog import watched_stack
from tests.parts.strange_tokens import HEADERS, ODD_CLAIMS, SECRET, sign

EXAMPLES = 4 * int(os.environ.get("FUZZ_EXAMPLES", "25"))
STALL_MS = 50.0
ISSUER, AUDIENCE = "https://one.example", "payment-service"
ACCESS = {
    "AUTH": "jwt,api-key",
    "AUTH_JWT_ISSUER": ISSUER,
    "AUTH_JWT_AUDIENCE": AUDIENCE,
    "AUTH_JWT_SECRET": SECRET,
    "LOG_LEVEL": "error",
}
GOOD = {"iss": ISSUER, "aud": AUDIENCE, "sub": "7", "exp": 4e9, "scope": "payment.service"}


def test_no_token_breaks_the_process_or_holds_its_loop(tmp_path: Path) -> None:
    with watched_stack(tmp_path, ACCESS) as (running, stalls):
        client = http.client.HTTPConnection(urlsplit(running.service_url).netloc, timeout=10)

        def status_of(token: bytes) -> int:
            client.request(
                "GET", "/payment/payments", headers={"Authorization": b"Bearer " + token}
            )
            answer = client.getresponse()
            answer.read()
            return answer.status

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(ODD_CLAIMS, HEADERS, st.binary(max_size=8).filter(lambda raw: raw.strip() == raw))
        def is_answered(claims: dict[str, Any], header: dict[str, Any], instead: bytes) -> None:
            signed = sign({**GOOD, **claims}, header).encode()[:8000]
            broken = signed[:40] + instead + signed[41:]

            assert status_of(signed) in {200, 401, 403}, signed
            if not set(broken) & set(b"\r\n\0"):
                assert status_of(broken) in {400, 401, 403}, broken

        assert status_of(sign(GOOD, {}).encode()) == 403  # a service without a scope
        stalls.forget()
        is_answered()
        client.close()
        assert stalls.worst_ms() < STALL_MS
        assert running.service.log() == "", "an error was logged"
