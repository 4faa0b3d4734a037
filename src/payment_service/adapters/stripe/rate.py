"""One limit of Stripe's, and how much of it each caller may have: pure, its time is handed in."""

from collections import deque

# Requests that leave a second apart may arrive closer together; more than a way to Stripe wavers.
WINDOW_S = 1.05
# After a refusal without Retry-After: the first pause, doubled with each in a row up to the last.
PAUSE_FIRST_S, PAUSE_MAX_S = 0.25, 4.0
# A refused rate is halved, but not below a tenth, and grows back to the whole in half a minute.
LOWERED_TO, SHARE_MIN, RECOVERY_PER_S = 0.5, 0.1, 1 / 30
# What is kept free of each window for callers who have had little of it: a fifth is a payer's
# burst (five of 25), and what it costs one heavy caller is only felt at the limit.
RESERVE = 0.2


class Rate:
    """One limit of Stripe's: at most so many requests in any window. per_s: 0 is no limit.

    Callers are names; a caller may be whoever cannot be told apart.
    """

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._sent: deque[tuple[float, str]] = deque()  # of this window, the oldest first
        self._of: dict[str, deque[float]] = {}  # the same by caller
        self._paused_until = 0.0
        self._share = 1.0
        self._lowered_at = float("-inf")
        self._refusals = 0

    def limit(self, now: float) -> int:
        """Return how many requests a window may have now, lowered after a refusal; 0: any."""
        if self._share < 1.0:
            recovered = self._share + (now - self._lowered_at) * RECOVERY_PER_S
            if recovered < 1.0:
                return max(int(self._per_s * recovered), 1) if self._per_s else 0
            self._share = 1.0
        return self._per_s

    def reserve(self, now: float) -> int:
        """Return how many places of a window are kept from who has had a fair share of it."""
        limit = self.limit(now)
        return max(int(limit * RESERVE), 1) if limit > 1 else 0

    def free_at(self, now: float, *, kept: int = 0) -> float:
        """Return when the next request may be sent; not after `now` is at once.

        kept: how many places are to be left free by it.
        """
        self._forget(now)
        limit = self.limit(now)
        if not limit or len(self._sent) < (limit := max(limit - kept, 1)):
            return self._paused_until
        return max(self._sent[-limit][0] + WINDOW_S, self._paused_until)

    def share_at(self, caller: str, now: float, *, waits: bool) -> float:
        """Return when a caller who must leave room for others may send its next.

        Up to a fair share of the window at once; beyond it what is not kept for others, and whoever
        waits for that has it evenly over the window, so that a place becomes free all the time.
        """
        free_at = self.free_at(now)
        mine = self._of.get(caller)
        fair = self.fair(caller, now)
        if mine is None or not fair or len(mine) < fair:
            return free_at
        fair_at = max(mine[len(mine) - fair] + WINDOW_S, free_at)
        beyond_at = self.free_at(now, kept=self.reserve(now))
        if waits:
            beyond_at = max(beyond_at, mine[-1] + WINDOW_S / self.limit(now))
        return min(fair_at, beyond_at)

    def fair(self, caller: str, now: float) -> int:
        """Return a fair share of a window, with room for one caller more than there is; 0: any."""
        self._forget(now)
        limit = self.limit(now)
        callers = len(self._of) + (caller not in self._of)
        return max(limit // max(callers, 2), 1) if limit else 0

    def used(self, caller: str) -> int:
        """Return how many of this window were this caller's, as of when it was last asked."""
        return len(self._of.get(caller, ()))

    def turn_at(self, ahead: int, now: float, *, kept: int = 0) -> float:
        """Return when a request may be sent before which so many others are sent."""
        self._forget(now)
        limit = self.limit(now)
        if not limit:
            return max(self._paused_until, now)
        limit = max(limit - kept, 1)
        rounds, place = divmod(ahead, limit)
        used = min(len(self._sent), limit)
        place -= limit - used  # the places never used come first, then the oldest of the others
        free_at = now if place < 0 else max(self._sent[place - used][0] + WINDOW_S, now)
        return max(free_at, self._paused_until) + rounds * WINDOW_S

    def take(self, now: float, caller: str = "") -> None:
        """Count a request that is sent now."""
        if self._per_s:
            self._sent.append((now, caller))
            self._of.setdefault(caller, deque()).append(now)

    def refused(
        self, now: float, *, sent_at: float, retry_after_s: float | None, spread: float
    ) -> bool:
        """Pause, and go slower for a while; say whether that is slower than before.

        Requests under way together are refused together: that is one refusal. spread: chance in
        [0, 1), so that replicas part.
        """
        slower = sent_at > self._lowered_at
        if slower:
            recovered = self._share + (now - self._lowered_at) * RECOVERY_PER_S
            share = min(recovered, 1.0) if self._share < 1.0 else 1.0
            self._share = max(share * LOWERED_TO, SHARE_MIN)
            self._lowered_at = now
            self._refusals += 1
        if retry_after_s is None:
            full = min(PAUSE_FIRST_S * 2 ** min(self._refusals - 1, 8), PAUSE_MAX_S)
            retry_after_s = full * (0.5 + 0.5 * spread)
        self._paused_until = max(self._paused_until, now + retry_after_s)
        return slower

    def accepted(self, *, sent_at: float) -> None:
        """Hear that a request was let in: the next refusal is the first in a row again."""
        if self._refusals and sent_at > self._lowered_at:
            self._refusals = 0

    def _forget(self, now: float) -> None:
        """Drop what this window does not hold any more."""
        while self._sent and self._sent[0][0] + WINDOW_S <= now:
            _, caller = self._sent.popleft()
            mine = self._of[caller]
            mine.popleft()
            if not mine:
                del self._of[caller]
