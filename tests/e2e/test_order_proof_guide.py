"""The guide's own code makes proofs that are taken."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from payment_service.adapters.tokens.order_proofs import SignedProofs
from payment_service.domain.order_proof import OrderProof
from tests.house.tree import ROOT, read

SECRET = "of-the-guides-own-test-and-32-characters-long"
GUIDE = read(ROOT / "docs/guides/order-proof.md")
ASKED = ("order-1 ä/\"'", 6522, "usd", "jané@example.com")
EXPECTED = OrderProof(ASKED[0], 6522, "usd", (ASKED[3],))


def code_in(language: str) -> str:
    """Return the guide's one piece of code in a language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_code_in_python_makes_a_proof() -> None:
    here: dict[str, Any] = {}
    exec(compile(code_in("python"), "order-proof.md", "exec"), here)  # noqa: S102 - our own guide

    proof = here["order_proof"](SECRET, *ASKED)

    assert SignedProofs([SECRET]).read(proof, datetime.now(UTC)) == EXPECTED


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_the_code_in_node_makes_a_proof() -> None:
    ask = "process.stdout.write(orderProof(...JSON.parse(process.argv[1])));"
    made = subprocess.run(
        [
            str(shutil.which("node")),
            "-e",
            code_in("javascript") + ask,
            json.dumps([SECRET, *ASKED]),
        ],
        capture_output=True,
        text=True,
        check=True,
    )

    assert SignedProofs([SECRET]).read(made.stdout, datetime.now(UTC)) == EXPECTED
