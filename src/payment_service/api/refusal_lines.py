"""Why callers were not let in, for the log alone: some lines of each reason, and a count beyond.

Whoever sends bad tokens chooses how many; the log must stay readable, and its disk must not fill.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from payment_service.domain.errors import Refusal

# Enough to see several callers fail at once; less than what the lines of the requests fill anyhow.
LINES_MAX = 10
PER = timedelta(minutes=1)

_log = structlog.get_logger("access")


@dataclass(slots=True)
class _Window:
    began: datetime
    written: int = 0
    left_out: int = 0


class RefusalLines:
    """Writes why credentials were refused, `LINES_MAX` times a reason in each `PER`."""

    def __init__(self) -> None:
        # The reasons are words of ours, so there are few.
        self._windows: dict[tuple[str, str], _Window] = {}

    def write(self, refusal: Refusal, now: datetime, *, is_api_key: bool) -> None:
        """Write the line, or count it for the next one with this reason."""
        kind = "api_key" if is_api_key else "token"
        fields = {"reason": refusal.code, **refusal.log_fields}
        at = kind, fields["reason"]
        window = self._windows.setdefault(at, _Window(now))
        left_out = 0
        if not timedelta() <= now - window.began < PER:
            left_out = window.left_out
            window = self._windows[at] = _Window(now)
        if window.written >= LINES_MAX:
            window.left_out += 1
            return
        window.written += 1
        counted = {"left_out": left_out} if left_out else {}
        _log.info("credentials.refused", kind=kind, **fields, **counted)
