"""What all connections of one port share: who is let in, what is shed, what is answered at once."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import structlog
from prometheus_client import Counter

from bounded_connections.room import ANSWER_READ_S, HEAD_READ_S, Room
from payment_service.api.options import ALWAYS_OPEN, BODY_READ_S
from payment_service.api.overload import Admission

# How often it is felt how much there is inside, and what has waited too long is ended.
FEEL_EVERY_S = 0.05
# The door answers 408 first; this ends what it does not see, a body behind another request's.
BODY_GONE_S = BODY_READ_S + 5.0
# Who does not wait for answers waits behind those who do: so many of theirs begin in one turn.
LATER_A_TURN = 8
# Refusals are told of together, so often.
TELL_EVERY_S = 1.0

_log = structlog.get_logger("door")

SHED = Counter("payment_service_shed", "Requests refused early, since there was too much to do.")
CUT = Counter("payment_service_connections_cut", "Connections that were cut.", ["why"])
PROBED = Counter("payment_service_probes", "Probes and metrics answered from what was known.")

# A path's ready answer: status line and headers but for the request id, then the body. None: it is
# answered like any other request.
Ready = Callable[[bytes], tuple[bytes, bytes] | None]


def _nothing_ready(_path: bytes) -> None:
    return None


@dataclass(slots=True)
class Gatehouse:
    """What all connections of a port share.

    connections_max: how many may be open. webhook_path: what is shed last, for Stripe would only
    come again. new_id: gives a request id. inside: how many requests are being worked on, those
    not counted that wait for their bodies or for Stripe. ready: what is answered without a task.
    """

    admission: Admission
    connections_max: int
    webhook_path: str
    new_id: Callable[[], str]
    inside: Callable[[], int]
    head_read_s: float = HEAD_READ_S
    answer_read_s: float = ANSWER_READ_S
    ready: Ready = _nothing_ready
    room: Room = field(init=False)
    _later: deque[Callable[[], None]] = field(default_factory=deque, repr=False)
    _done: int = 0
    _shed: int = 0  # since it was counted, and since it was told of
    _probed: int = 0
    _untold: int = 0
    _told_at: float = 0.0
    _timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.room = Room(
            self.connections_max,
            lambda why: CUT.labels(why).inc(),
            head_read_s=self.head_read_s,
            body_read_s=BODY_GONE_S,
            answer_read_s=self.answer_read_s,
        )

    def feel(self) -> None:
        """Begin to feel how much there is inside, on the running loop. Call `stop` at the end."""
        self._timer = asyncio.get_running_loop().call_later(FEEL_EVERY_S, self._turn)

    def stop(self) -> None:
        """Feel no more."""
        if self._timer is not None:
            self._timer.cancel()

    def ended(self) -> None:
        """Hear that a request was answered."""
        self._done += 1

    def begin_later(self, begin: Callable[[], None]) -> None:
        """Call it in one of the next turns, after those who asked before."""
        if not self._later:
            asyncio.get_running_loop().call_soon(self._begin_some)
        self._later.append(begin)

    def _begin_some(self) -> None:
        for _ in range(min(LATER_A_TURN, len(self._later))):
            self._later.popleft()()
        if self._later:
            asyncio.get_running_loop().call_soon(self._begin_some)

    def ready_answer(self, path: bytes) -> tuple[bytes, bytes] | None:
        """Return what is answered at once to a GET of this path, None for most."""
        answer = self.ready(path)
        if answer is not None:
            self._probed += 1
        return answer

    def lets_in(self, path: bytes, tasks: int) -> bool:
        """Say whether one request more is taken, with so many tasks of the server at work."""
        target = path.partition(b"?")[0].decode("latin-1")
        if target in ALWAYS_OPEN:
            return True
        may_be_shed = target != self.webhook_path
        # Those whose bodies are on their way are bounded by themselves: slow ones must not
        # take the places of the others.
        in_flight = tasks - len(self.room.body.since)
        if self.admission.admits(in_flight, self.inside(), may_be_shed=may_be_shed):
            return True
        self._shed += 1
        self._untold += 1
        return False

    def _turn(self) -> None:
        """Measure one turn from here: how late timers come also tells of other processes."""
        asyncio.get_running_loop().call_soon(self._felt, perf_counter())

    def _felt(self, turn_began_at: float) -> None:
        now = perf_counter()
        self.admission.felt(self.inside(), self._done, now - turn_began_at, now)
        self._done = 0
        self.room.sweep()
        if self._probed:
            PROBED.inc(self._probed)
            self._probed = 0
        if self._shed:
            SHED.inc(self._shed)
            self._shed = 0
        if self._untold and now - self._told_at >= TELL_EVERY_S:
            _log.warning("requests.shed", count=self._untold)
            self._untold, self._told_at = 0, now
        self.feel()
