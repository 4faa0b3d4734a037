"""Measures, inside a process under test, how long its event loop was busy in one go.

It counts the loop thread's own processor time, so that what other processes do is not taken for a
stall. Run as `python -m tests.parts.loop_watchdog <module> <arguments>` with STALLS_FILE set.
"""

import asyncio
import os
import runpy
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvloop

from tests.house.tree import ROOT
from tests.parts.processes import Stack, stack

BEAT_S = 0.005
# Each stall above it is written down, in milliseconds and a line.
WRITTEN_ABOVE_MS = 5.0
ENVIRON = "STALLS_FILE"
LAUNCHER = (sys.executable, "-m", "tests.parts.loop_watchdog")


class Stalls:
    """What a watchdog wrote, read by the test that started it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forgotten = 0

    @property
    def environ(self) -> dict[str, str]:
        """What the watched process needs in its environment."""
        return {ENVIRON: str(self._path)}

    def forget(self) -> None:
        """Begin to count: what a start takes is no stall."""
        self._forgotten = len(self._all())

    def worst_ms(self) -> float:
        """Return the longest since then; 0.0 when none was above WRITTEN_ABOVE_MS."""
        return max(self._all()[self._forgotten :], default=0.0)

    def _all(self) -> list[float]:
        text = self._path.read_text() if self._path.exists() else ""
        return [float(line) for line in text.split()]


@contextmanager
def watched_stack(
    folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[tuple[Stack, Stalls]]:
    """Run everything with a watchdog in the service; it writes into the folder."""
    stalls = Stalls(folder / "stalls")
    found_by = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    with stack({**stalls.environ, **found_by, **(environ or {})}, launcher=LAUNCHER) as running:
        yield running, stalls


def watched(
    make: Callable[[], asyncio.AbstractEventLoop], path: Path
) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes loops that write down their own stalls."""

    def make_watched() -> asyncio.AbstractEventLoop:
        loop = make()
        written = path.open("a", buffering=1)
        before = 0.0

        def beat() -> None:
            nonlocal before
            now = time.thread_time()
            busy_ms = (now - before) * 1000
            if before and busy_ms > WRITTEN_ABOVE_MS:
                written.write(f"{busy_ms:.1f}\n")
            before = now
            loop.call_later(BEAT_S, beat)

        loop.call_soon(beat)
        return loop

    return make_watched


def main() -> None:
    """Run a module as a program, its loop watched."""
    path = Path(os.environ[ENVIRON])
    uvloop.new_event_loop = watched(uvloop.new_event_loop, path)  # type: ignore[assignment]
    asyncio.new_event_loop = watched(asyncio.new_event_loop, path)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
