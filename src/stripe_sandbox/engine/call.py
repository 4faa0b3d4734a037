"""One request on its way through an endpoint: what was asked, of which account, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stripe_sandbox.engine.state import Cause, State


@dataclass(frozen=True, slots=True)
class Call:
    """What an endpoint gets to see. `ids` are those in the path, `now` is the exact time."""

    state: State
    cause: Cause
    now: float
    path: str
    ids: tuple[str, ...]
    parameters: dict[str, Any]
    # Whether the payer asks, with a publishable key, and not the account.
    by_payer: bool = False

    def get(self, name: str) -> Any:
        """Return a parameter; None if it was not given."""
        return self.parameters.get(name)
