"""Whether a caller must leave room for others: pure, its time is handed in."""

# Whoever asked within an hour may ask again now. Longer costs the one heavy caller of a shop more
# than it gives to whoever asks once a day.
LATELY_S = 3600.0


class Lately:
    """Who asked lately, as far as it matters: the newest caller and the newest but that one.

    "" is whoever cannot be told apart. lately_s: how long ago is still lately. expects_others:
    whether it is taken at the beginning that there are others, since they may have asked before;
    not where nobody can be told apart.
    """

    def __init__(self, lately_s: float = LATELY_S, *, expects_others: bool = True) -> None:
        self._lately_s = lately_s
        self._expected_s = lately_s if expects_others else 0.0
        self._began_at: float | None = None
        self._newest: tuple[str, float] | None = None
        self._other: tuple[str, float] | None = None

    def asks(self, caller: str, now: float) -> None:
        """Hear that a caller asks. now: seconds, of a clock that never goes back."""
        if self._began_at is None:
            self._began_at = now
        if self._newest is not None and self._newest[0] != caller:
            self._other = self._newest
        self._newest = (caller, now)

    def shares(self, caller: str, now: float) -> bool:
        """Say whether this caller must leave room for others."""
        if caller and self._began_at is not None and now - self._began_at < self._expected_s:
            return True
        return any(
            one is not None and one[0] != caller and now - one[1] < self._lately_s
            for one in (self._newest, self._other)
        )
