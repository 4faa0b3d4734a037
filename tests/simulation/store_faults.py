"""What goes wrong with a store, on one machine or on many: the promise of the port, and no more.

Where a write may stand although nobody could say so it is StoreInDoubt; a plain StoreUnavailable
has done nothing.
"""

import asyncio
from dataclasses import dataclass, field
from enum import Enum, auto

from payment_service.ports import StoreInDoubt, StoreUnavailable
from tests.simulation.plan import FaultCounter

# unavailable, away: one call fails, or every one for a while. commit_lost: the write stands, and
# its answer is lost; in_doubt: it does not stand, and nobody can say so. half: for a while every
# write is in doubt, and every second one stands, as when a group of them was cut in two. slow: it
# takes longer than claims hold. full, read_only: nothing can be written for a while; reading goes
# on. unreadable: one document cannot be read or written for a while. fails_over: the primary steps
# down: this write is in doubt, nothing can be read or written for a while, and then reads show an
# older picture of what was written last, until a majority shows it or they ask for the newest.
STORE_FAULTS = (
    "unavailable",
    "away",
    "commit_lost",
    "in_doubt",
    "half",
    "slow",
    "full",
    "read_only",
    "unreadable",
    "fails_over",
)
# What is tried with every other fault: the others are each like one of these for longer.
PAIRED_STORE_FAULTS = ("unavailable", "away", "commit_lost", "in_doubt")
AWAY_S = 60.0
# A batch and those that wait behind it.
HALF_S = 10.0
# Longer than the lease of 30 s.
SLOW_S = 40.0
FULL_S = 60.0
# Until somebody has come and mended it.
READ_ONLY_S = 900.0
UNREADABLE_S = 300.0

# An election, and then until a majority shows what the primary before had been told is done.
ELECTION_S = 5.0
LAG_S = 2.0
# What a majority had taken by so long before shows at once.
SHOWN_AFTER_S = 10.0

Place = tuple[str, str]


class Effect(Enum):
    """What becomes of a call that is not refused at once."""

    DONE = auto()
    DONE_LATE = auto()
    ANSWER_LOST = auto()


@dataclass
class StoreTrouble:
    """The faults of one life. Each one that lasts is over after a time."""

    faults: FaultCounter
    away_until: float = 0.0
    half_until: float = 0.0
    no_writes_until: float = 0.0
    # When the last primary stepped down, and until when the one after it shows an older picture.
    stepped_down_at: float = 0.0
    lags_until: float = 0.0
    unreadable: dict[Place, float] = field(default_factory=dict)
    _halves: int = 0

    def strike(self, place: Place, *, writes: bool) -> Effect:
        """Let the planned fault happen to a call. Raises StoreUnavailable, StoreInDoubt."""
        now = asyncio.get_running_loop().time()
        kind = self.faults.next()
        if kind == "fails_over":
            return self._fail_over(now, writes=writes)
        self._begin(kind, place, now)
        is_away = kind == "unavailable" or now < self.away_until
        if is_away or self.cannot_be_read(place) or (writes and now < self.no_writes_until):
            raise StoreUnavailable("the plan says so")
        if kind == "slow":
            return Effect.DONE_LATE
        if kind not in {"commit_lost", "in_doubt"} and now >= self.half_until:
            return Effect.DONE
        if not writes:  # of a read there is no doubt: it has no answer
            raise StoreUnavailable("the plan says so")
        return self._in_doubt(kind)

    def cannot_be_read(self, place: Place) -> bool:
        """Whether this document lies where the disk is broken."""
        return asyncio.get_running_loop().time() < self.unreadable.get(place, 0.0)

    def is_older(self, written_at: float) -> bool:
        """Whether a write of then is not shown now."""
        if asyncio.get_running_loop().time() >= self.lags_until:
            return False
        return self.stepped_down_at - SHOWN_AFTER_S <= written_at <= self.stepped_down_at

    def _fail_over(self, now: float, *, writes: bool) -> Effect:
        self.stepped_down_at = now
        self.away_until = now + ELECTION_S
        self.lags_until = self.away_until + LAG_S
        if not writes:
            raise StoreUnavailable("the plan says so")
        return self._in_doubt("in_doubt" if self.faults.calls % 2 else "commit_lost")

    def _begin(self, kind: str | None, place: Place, now: float) -> None:
        match kind:
            case "away":
                self.away_until = now + AWAY_S
            case "half":
                self.half_until = now + HALF_S
            case "full":
                self.no_writes_until = now + FULL_S
            case "read_only":
                self.no_writes_until = now + READ_ONLY_S
            case "unreadable":
                self.unreadable[place] = now + UNREADABLE_S

    def _in_doubt(self, kind: str | None) -> Effect:
        stands = kind == "commit_lost"
        if kind not in {"commit_lost", "in_doubt"}:
            self._halves += 1
            stands = self._halves % 2 == 0
        if stands:
            return Effect.ANSWER_LOST
        raise StoreInDoubt("the plan says so")
