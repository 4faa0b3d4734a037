"""API keys of callers, made as an operator does: with the command, beside the service that runs."""

import os
import subprocess
import sys

from tests.parts.processes import Stack


def make_key(running: Stack, name: str, scopes: str = "payment.admin") -> str:
    """Return a new key of this name. It may do everything unless the scopes say less."""
    create = "keys", "create"
    made = subprocess.run(
        [sys.executable, "-m", "payment_service", *create, "--name", name, "--scopes", scopes],
        env={**os.environ, **running.service.environ},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return made.stdout.strip()
