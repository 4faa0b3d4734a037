"""The published document, taken at its word: schemathesis asks all that it allows, and much else.

`FUZZ_EXAMPLES` sets how many requests are made up for each operation; `make fuzz` makes a thousand.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import jwt

from tests.house.tree import ROOT
from tests.parts.processes import stack

EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "25")
SECRET = "of-this-test-alone-and-signs-its-one-token"
ISSUER, AUDIENCE = "https://id.shop.example", "payment-service"
SETTINGS = {
    "LOG_LEVEL": "error",
    "AUTH": "jwt",
    "AUTH_JWT_SECRET": SECRET,
    "AUTH_JWT_ISSUER": ISSUER,
    "AUTH_JWT_AUDIENCE": AUDIENCE,
}


def test_nothing_that_is_asked_brings_a_5xx_or_an_answer_that_is_not_documented() -> None:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "fuzz"}
    claims["scope"] = "payment.admin payment.service"
    token = jwt.encode({**claims, "exp": int(time.time()) + 7200}, SECRET, algorithm="HS256")
    with stack(SETTINGS, webhooks=True) as running:
        ran = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "run",
                f"{running.service_url}/payment/api-docs.json",
                "--checks=all",
                f"--header=Authorization: Bearer {token}",
                f"--max-examples={EXAMPLES}",
                "--continue-on-failure",
                "--warnings=off",
                "--no-color",
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        log = running.service.log()

    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr
    assert log == ""
