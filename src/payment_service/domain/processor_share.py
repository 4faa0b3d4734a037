"""Whether a caller who has much under way may begin more: pure, in seconds of wall and processor.

A processor that is always busy makes everybody wait. So callers with much under way begin more only
while it is idle for a part of the time, and that is there at once for whoever has little.
"""

from dataclasses import dataclass

# How much of one processor they may keep busy, what they are expected to cost included.
BUSY_MAX = 0.8
# What a request is expected to cost until it has cost it; a read costs less, a payment more.
EXPECTED_S = 0.0005
# A burst may use so much that was left idle before, and one long pause holds nobody up for longer.
CREDIT_MAX_S, DEBT_MAX_S = 0.006, 0.1


@dataclass(slots=True)
class ProcessorShare:
    """What was used of the processor above what may be, in seconds."""

    debt_s: float = -CREDIT_MAX_S
    _at: float | None = None
    _used_s: float = 0.0

    def begins(self, now: float, used_s: float) -> bool:
        """Say whether one more may begin, and count it. used_s: the process's time by now."""
        if self._at is not None:
            self.debt_s += used_s - self._used_s - (now - self._at) * BUSY_MAX
            self.debt_s = min(max(self.debt_s, -CREDIT_MAX_S), DEBT_MAX_S)
        self._at, self._used_s = now, used_s
        if self.debt_s > 0:
            return False
        self.debt_s += EXPECTED_S
        return True
