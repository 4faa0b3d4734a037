"""How many cards are being tried now by somebody, so that a burst is no way past what is refused.

Pure. A try under way may be refused, so it counts like a refusal until it is over: whoever may be
refused ten times has not more than ten under way.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

# How many more may be under way of one suspect, those counted as refused not included.
Room = Callable[[str], int]


class Turn(Enum):
    """What becomes of a try that waits. AGAIN: somebody is paused, and it must be looked who."""

    BEGUN = "begun"
    AGAIN = "again"


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A try that waits. ids: its suspects'. tell: hears what becomes of it, once."""

    ids: Sequence[str]
    tell: Callable[[Turn], None]


class Tries:
    """The tries of one process, and who waits for one to be over: first come, first served."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._waiting: deque[Waiting] = deque()

    def begins(self, ids: Sequence[str], room: Room) -> bool:
        """Begin a try of these suspects if each has room; say whether it was begun."""
        if any(self._under_way[one] >= room(one) for one in ids):
            return False
        self._under_way.update(ids)
        return True

    def under_way(self, id: str) -> int:
        """Return how many are under way of a suspect."""
        return self._under_way[id]

    def wait(self, waiting: Waiting) -> None:
        """Stand in line."""
        self._waiting.append(waiting)

    def leave(self, waiting: Waiting) -> None:
        """Wait no more."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)

    def ends(self, ids: Sequence[str], room: Room) -> None:
        """End a try, and let begin who waits and has room now."""
        self._under_way.subtract(ids)
        for one in ids:
            if not self._under_way[one]:
                del self._under_way[one]
        self.look(room)

    def look(self, room: Room) -> None:
        """See to those who wait, after the room has changed."""
        if not self._waiting:
            return
        left: deque[Waiting] = deque()
        told: list[tuple[Waiting, Turn]] = []
        for waiting in self._waiting:
            if self.begins(waiting.ids, room):
                told.append((waiting, Turn.BEGUN))
            elif any(room(one) <= 0 for one in waiting.ids):
                told.append((waiting, Turn.AGAIN))
            else:
                left.append(waiting)
        self._waiting = left
        for waiting, turn in told:
            waiting.tell(turn)
