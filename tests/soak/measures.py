"""What must stay bounded however long the service runs: memory, file descriptors, the log file."""

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts.processes import Program
from tests.soak.keeper import is_up

EVERY_S = 5.0
# A start reads the database and takes connections: what is measured earlier says nothing.
WARM_S = 10.0


@dataclass
class Measure:
    """One number over time."""

    unit: str
    first: float | None = None
    last: float | None = None
    most: float = 0.0

    def take(self, value: float) -> None:
        """Note what it is now."""
        self.first = value if self.first is None else self.first
        self.last, self.most = value, max(self.most, value)

    def __str__(self) -> str:
        """Return it as a cell of the table."""
        if self.first is None or self.last is None:
            return "not measured"
        return (
            f"{self.first:.1f} at the beginning, {self.most:.1f} at most, {self.last:.1f} at the "
            f"end ({self.unit})"
        )


@dataclass
class Measures:
    """The worst of all replicas, again and again."""

    replicas: tuple[Program, ...]
    database: Path | None
    rss: Measure = field(default_factory=lambda: Measure("MiB"))
    descriptors: Measure = field(default_factory=lambda: Measure("open"))
    wal: Measure = field(default_factory=lambda: Measure("MiB"))
    file: Measure = field(default_factory=lambda: Measure("MiB"))

    async def watch(self) -> None:
        """Measure until cancelled."""
        await asyncio.sleep(WARM_S)
        while True:
            self.take()
            await asyncio.sleep(EVERY_S)

    def take(self) -> None:
        """Measure now; a process that is just ending is left out."""
        seen = [one for one in map(_of_process, self.replicas) if one is not None]
        if seen:
            self.rss.take(max(rss for rss, _ in seen))
            self.descriptors.take(max(count for _, count in seen))
        if self.database is not None:
            self.file.take(_mib(self.database))
            self.wal.take(_mib(self.database.with_name(f"{self.database.name}-wal")))

    def rows(self) -> list[tuple[str, str]]:
        """Return the rows of the table."""
        rows = [("RSS of the service", str(self.rss)), ("its descriptors", str(self.descriptors))]
        if self.database is not None:
            rows += [("database file", str(self.file)), ("its write-ahead log", str(self.wal))]
        return rows


def _of_process(replica: Program) -> tuple[float, float] | None:
    if not is_up(replica):
        return None
    folder = Path("/proc") / str(replica.pid)
    try:
        pages = int((folder / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(list((folder / "fd").iterdir()))
    except (OSError, IndexError):
        return None


def _mib(path: Path) -> float:
    return path.stat().st_size / 2**20 if path.exists() else 0.0
