"""Faults of disk and clock for a real process: a library that stands before the C library's calls.

The test and the process share one page of memory, so faults can be switched while it runs.
"""

import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("preload.c")
# As `struct control` in the source: clock offset, sync fault, write fault, successful syncs.
_CLOCK, _SYNC, _WRITE, _SYNCS = (struct.Struct(f) for f in ("<q", "<ii", "<ii", "<q"))
_CLOCK_AT, _SYNC_AT, _WRITE_AT, _SYNCS_AT, _SIZE = 0, 8, 16, 24, 32
FOREVER = -1


class Shim:
    """The switches of one process's faults."""

    def __init__(self, library: Path, control: Path) -> None:
        self._library = library
        self._control = control
        control.write_bytes(bytes(_SIZE))
        with control.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), _SIZE)

    def environment(self, *, match: str) -> dict[str, str]:
        """Return what the process must be started with.

        match: disk faults strike files whose path contains this.
        """
        return {
            "LD_PRELOAD": str(self._library),
            "PRELOAD_CONTROL": str(self._control),
            "PRELOAD_MATCH": match,
        }

    @property
    def clock_offset_s(self) -> float:
        """How wrong CLOCK_REALTIME is in the process; its monotonic clock is right."""
        nanoseconds: int = _CLOCK.unpack_from(self._page, _CLOCK_AT)[0]
        return nanoseconds / 1e9

    @clock_offset_s.setter
    def clock_offset_s(self, seconds: float) -> None:
        _CLOCK.pack_into(self._page, _CLOCK_AT, int(seconds * 1e9))

    @property
    def syncs(self) -> int:
        """How often matching files were synced with success."""
        count: int = _SYNCS.unpack_from(self._page, _SYNCS_AT)[0]
        return count

    @property
    def faults_left(self) -> tuple[int, int]:
        """How many sync and write faults are still to strike; negative ones strike for ever."""
        return _SYNC.unpack_from(self._page, _SYNC_AT)[1], _WRITE.unpack_from(
            self._page, _WRITE_AT
        )[1]

    def fail_sync(self, error: int, *, times: int = FOREVER) -> None:
        """Let the next `times` fsync and fdatasync answer this errno; what was written stays so."""
        _SYNC.pack_into(self._page, _SYNC_AT, error, times)

    def fail_write(self, error: int, *, times: int = FOREVER) -> None:
        """Let the next `times` write, pwrite and ftruncate answer this errno and do nothing."""
        _WRITE.pack_into(self._page, _WRITE_AT, error, times)

    def heal(self) -> None:
        """Let the disk be honest again; the clock stays as it is."""
        self.fail_sync(0, times=0)
        self.fail_write(0, times=0)


def build_shim(folder: Path) -> Shim:
    """Compile the library into the folder. Skips the test where there is no C compiler or Linux.

    In CI a missing compiler is a failure: tests/e2e/get-compiler.sh installs it.
    """
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not Path("/proc/self/fd").exists():
        why = "there is no C compiler here to build the fault library with"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    library = folder / "preload.so"
    command = [compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library)]
    subprocess.run([*command, str(SOURCE), "-ldl", "-lpthread"], check=True, capture_output=True)
    return Shim(library, folder / "preload.control")
