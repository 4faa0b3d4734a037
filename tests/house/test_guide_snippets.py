"""Code that the guides give for copying: it makes what the service takes."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest

from payment_service.adapters.tokens.order_proofs import SignedProofs
from tests.house.tree import ROOT, read

GUIDE = read(ROOT / "docs/guides/order-proof.md")
SECRET = "the-shops-own-secret-of-32-characters-or-more"
SAID = ("order-1", 6522, "usd", "jane@example.com")


def snippet(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


def check(proof: str) -> None:
    read_back = SignedProofs([SECRET]).read(proof, datetime.now(UTC))
    assert (read_back.order_id, read_back.amount, read_back.currency) == SAID[:3]
    assert read_back.customers == SAID[3:]


def test_the_proof_of_an_order_that_the_python_snippet_makes_is_taken() -> None:
    names: dict[str, Any] = {}
    exec(snippet("python"), names)  # noqa: S102 - the guide is ours

    check(names["order_proof"](SECRET, *SAID))


@pytest.mark.skipif(shutil.which("node") is None, reason="the snippet for Node needs Node")
def test_the_proof_of_an_order_that_the_node_snippet_makes_is_taken() -> None:
    arguments = json.dumps([SECRET, *SAID])
    script = f"{snippet('js')}\nconsole.log(orderProof(...{arguments}));"
    made = subprocess.run(
        ["node", "-e", script], capture_output=True, text=True, timeout=60, check=True
    )

    check(made.stdout.strip())
