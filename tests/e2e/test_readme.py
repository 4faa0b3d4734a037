"""The README's walk: its commands, run as they stand there, pay an order and refund it."""

import json
import re
import subprocess
from pathlib import Path

from tests.parts.processes import stack

README = Path(__file__).parents[2] / "README.md"


def test_the_commands_of_the_readme_pay_an_order_tell_of_it_and_refund_it() -> None:
    blocks = re.findall(r"<!-- walk -->\n```sh\n(.*?)```", README.read_text(), re.DOTALL)

    with stack() as running:
        script = "\necho\n".join([*blocks, ""]).replace("\n\ncurl", "\necho\n\ncurl")
        script = script.replace("http://127.0.0.1:9000", running.service_url)
        script = script.replace("http://127.0.0.1:9001", running.orders_url)
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=True
        )

    assert len(blocks) == 2
    customer, *answers = [line for line in ran.stdout.splitlines() if line]
    card, paid, told, refunded = (json.loads(answer) for answer in answers)
    assert customer.startswith("cus_")
    assert card["data"]["card_last4"] == "4242"
    assert paid["data"]["status"] == "succeeded"
    assert told["status"] == "PAYMENT RECEIVED"
    assert refunded["data"]["amount_refundable"] == 0
