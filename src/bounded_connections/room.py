"""What the connections of one port may hold: how many, for how long, how many bytes together.

Each connection that has no request under way waits for something. Whoever has waited longest makes
room when there is too much, so that a client that is new and honest is served at once.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, Protocol

# Our longest honest URL is a list with every filter and a cursor, below 1 KiB.
URL_MAX: Final = 8 * 1024
# A token of a proxy or two, cookies that browsers send unasked; the usual servers take as much.
HEAD_MAX: Final = 32 * 1024
HEADERS_MAX: Final = 100
# What frames a body: chunk sizes, their extensions, trailers. A chunk of one byte has five around
# it, and some clients write sizes with leading zeros.
FRAMING_MAX: Final = 16 * 1024
FRAMING_PER_BODY_BYTE: Final = 12
# Each chunk costs a microsecond or two: so many are below 50 ms even on a slow machine.
CHUNKS_MAX: Final = 8 * 1024
# A client sends a head in one piece; who takes so long is stuck, or holds on to us on purpose.
HEAD_READ_S: Final = 10.0
# A client that takes longer for so little is stuck, or holds the connection on purpose.
BODY_READ_S: Final = 30.0
# Kernels buffer some 100 KB: whoever leaves more than that unread for so long reads no more.
ANSWER_READ_S: Final = 20.0
# How long what a refused client still sends is thrown away, so that it can read the refusal.
LINGER_S: Final = 2.0
# Clients that do not wait for answers at all are rare, and never so far ahead.
PIPELINED_MAX: Final = 16
# A body comes with its head or a round trip later: so many are on their way at once only when
# somebody sends them slowly on purpose, and each is a task.
UNFINISHED_MAX: Final = 256
# Heads and bodies that are not there whole, of all connections together: those that come as they
# should are there for milliseconds, and most are one KiB.
HELD_MAX: Final = 2 * 1024 * 1024
# Answers that are not read. Lists of a hundred are some 150 KB, and phones read slowly.
UNREAD_MAX: Final = 4 * 1024 * 1024
# Below it an answer is written at once with its head; above it the client counts as not reading.
WRITE_BUFFER_MAX: Final = 2 * 1024


class Waiting(Protocol):
    """A connection, as the room sees it. line: where it waits, None while a request is under way.

    held: bytes of a request that is not there whole. unread: bytes of answers not sent yet.
    counted: whether it is one of those that are open.
    """

    line: "Line | None"
    held: int
    unread: int
    counted: bool

    def time_is_up(self, line: "Line") -> None:
        """End the connection: it has waited there for too long."""

    def make_room(self, why: str) -> None:
        """End the connection at once: others need what it holds."""


@dataclass(eq=False, slots=True)
class Line:
    """Connections that wait for the same, the longest-waiting first; each for so many seconds."""

    limit_s: float
    since: dict[Waiting, float] = field(default_factory=dict)


class Room:
    """The connections of one port.

    connections_max: how many may be open. cut: hears why one is ended. The times are as the
    constants; idle connections are ended here only when there is a time for it.
    """

    def __init__(
        self,
        connections_max: int,
        cut: Callable[[str], None],
        *,
        head_read_s: float = HEAD_READ_S,
        body_read_s: float = BODY_READ_S,
        answer_read_s: float = ANSWER_READ_S,
        idle_s: float = float("inf"),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._max = connections_max
        self.cut = cut
        self._clock = clock
        self.head, self.body = Line(head_read_s), Line(body_read_s)
        self.linger, self.idle = Line(LINGER_S), Line(idle_s)
        self.unread = Line(answer_read_s)
        self._open = 0
        self._holders: dict[Waiting, None] = {}
        self._held = 0
        self._unread = 0

    def enter(self, who: Waiting) -> bool:
        """Count one connection more; False when there is no room, not even by ending another."""
        while self._open >= self._max:
            longest = self._longest_waiting()
            if longest is None:
                return False
            self._end(longest, "made_room")
        self._open += 1
        who.counted = True
        return True

    def leave(self, who: Waiting) -> None:
        """Count it no more."""
        self.wait(who, None)
        self.hold(who, 0)
        self.unread_of(who, 0)
        if who.counted:
            who.counted = False
            self._open -= 1

    def wait(self, who: Waiting, line: Line | None) -> None:
        """Let it wait in a line; None while its request is under way."""
        if who.line is line:
            return
        if who.line is not None:
            del who.line.since[who]
        who.line = line
        if line is not None:
            line.since[who] = self._clock()
            if line is self.body and len(line.since) > UNFINISHED_MAX:
                self._end(next(iter(line.since)), "unfinished_bodies")

    def hold(self, who: Waiting, size: int) -> None:
        """Know that so many bytes of an unfinished request are held; the longest holder may end."""
        self._held += size - who.held
        if size and not who.held:
            self._holders[who] = None
        elif who.held and not size:
            del self._holders[who]
        who.held = size
        while self._held > HELD_MAX:
            self._end(next(iter(self._holders)), "unfinished_bytes")

    def unread_of(self, who: Waiting, size: int) -> None:
        """Know that so many bytes of answers are not read; whoever reads least may end."""
        self._unread += size - who.unread
        if size and not who.unread:
            self.unread.since[who] = self._clock()
        elif who.unread and not size:
            del self.unread.since[who]
        who.unread = size
        while self._unread > UNREAD_MAX and len(self.unread.since) > 1:
            self._end(next(iter(self.unread.since)), "unread_bytes")

    def sweep(self) -> None:
        """End those that have waited too long; the cost is one look, and theirs."""
        now = self._clock()
        for line in (self.head, self.body, self.linger, self.idle, self.unread):
            while line.since:
                who, since = next(iter(line.since.items()))
                if now - since < line.limit_s:
                    break
                who.time_is_up(line)
                if line.since.get(who) == since:  # whatever it did, it waits there no more
                    self._drop(who, line)

    def _longest_waiting(self) -> Waiting | None:
        firsts = [
            min_of
            for line in (self.linger, self.head, self.body, self.idle)
            if (min_of := next(iter(line.since.items()), None)) is not None
        ]
        return min(firsts, key=lambda first: first[1])[0] if firsts else None

    def _end(self, who: Waiting, why: str) -> None:
        self.cut(why)
        self.leave(who)
        who.make_room(why)

    def _drop(self, who: Waiting, line: Line) -> None:
        if line is self.unread:
            self.unread_of(who, 0)
        else:
            self.wait(who, None)
