"""Keeps the replicas running, as a supervisor does, and does to them what mishaps want."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.parts.processes import Program

LOOK_EVERY_S = 0.5
AGAIN_AFTER_S = 1.0
# Two starts of up to half a minute each must have failed.
STARTED_WITHIN_S = 75.0


@dataclass
class Keeper:
    """Starts what is down. sick_disk: whether a disk fails now, so that a start may fail as well.

    disk_faults: how often one has begun to fail.
    hits: kills and pauses. exits: how often a replica ended by itself. wrongs: what must not be.
    """

    replicas: Sequence[Program]
    sick_disk: bool = False
    disk_was_sick: bool = False
    disk_faults: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    exits: Counter[str] = field(default_factory=Counter)
    wrongs: list[str] = field(default_factory=list)
    locks: list[asyncio.Lock] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.locks = [asyncio.Lock() for _ in self.replicas]

    async def watch(self) -> None:
        """Start again whatever ends by itself, until cancelled."""
        while True:
            for number, replica in enumerate(self.replicas):
                if not self.locks[number].locked() and not is_up(replica):
                    async with self.locks[number]:
                        self._note_exit(replica)
                        await self._start(replica)
            self.disk_was_sick = self.sick_disk
            await asyncio.sleep(LOOK_EVERY_S)

    async def kill(self, number: int, down_s: float) -> None:
        """End it as a power cut does, and start it again after a while."""
        async with self.locks[number]:
            replica = self.replicas[number]
            self.hits["kill -9"] += 1
            replica.kill()
            await asyncio.sleep(down_s)
            await self._start(replica)

    async def pause(self, number: int, still_s: float) -> None:
        """Let it stand still for a while."""
        async with self.locks[number]:
            if not is_up(self.replicas[number]):
                return
            self.hits["SIGSTOP"] += 1
            self.replicas[number].pause()
            await asyncio.sleep(still_s)
            self.replicas[number].go_on()

    def _note_exit(self, replica: Program) -> None:
        assert replica.child is not None
        code = replica.child.returncode
        self.exits[f"ended by itself with {code}"] += 1
        if not (self.sick_disk or self.disk_was_sick):
            self.wrongs.append(f"the service ended by itself with {code}: {_tail(replica)}")

    async def _start(self, replica: Program) -> None:
        """Start it; while the disk is sick it may fail, and is tried again."""
        deadline = asyncio.get_running_loop().time() + STARTED_WITHIN_S
        while True:
            sick, faults = self.sick_disk, self.disk_faults
            try:
                await asyncio.to_thread(replica.start)
            except AssertionError:
                slow = is_up(replica)
                if slow:  # a machine that does much besides takes its time
                    replica.kill()
                if sick or faults != self.disk_faults:
                    self.exits["did not start on a failing disk"] += 1
                elif not slow or asyncio.get_running_loop().time() > deadline:
                    self.wrongs.append(f"the service did not start: {_tail(replica)}")
                else:
                    self.exits["was slow to start"] += 1
                await asyncio.sleep(AGAIN_AFTER_S)
            else:
                return


def is_up(replica: Program) -> bool:
    """Whether its process is there."""
    return replica.child is not None and replica.child.poll() is None


def _tail(replica: Program) -> str:
    return replica.log()[-500:]
