"""The faults that other tests let disk and clock have are real to the process that has them."""

import errno
import subprocess
import sys
from pathlib import Path

from tests.parts.preload import Shim, build_shim

# Prints what a process sees: its clock, and what became of a write and of a sync.
PROGRAM = """
import os, sqlite3, sys, time
print(time.time(), time.monotonic())
for act in (lambda fd: os.write(fd, b"x"), os.fsync, os.fdatasync):
    for path in sys.argv[1:]:
        fd = os.open(path, os.O_RDWR | os.O_CREAT)
        try:
            print(act(fd))
        except OSError as error:
            print(error.errno)
        os.close(fd)
"""


def seen_by_process(shim: Shim, *paths: Path) -> list[str]:
    """Return the lines that the program prints under the faults."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, paths)],
        env=shim.environment(match="payments.db"),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return ran.stdout.splitlines()


def test_the_wall_clock_is_wrong_by_the_offset_and_the_monotonic_clock_is_not(
    tmp_path: Path,
) -> None:
    shim = build_shim(tmp_path)
    before = [float(word) for word in seen_by_process(shim)[0].split()]

    shim.clock_offset_s = 90_000
    after = [float(word) for word in seen_by_process(shim)[0].split()]

    assert 90_000 <= after[0] - before[0] < 90_060
    assert 0 <= after[1] - before[1] < 60


def test_disk_faults_strike_matching_files_alone_and_as_often_as_planned(tmp_path: Path) -> None:
    shim = build_shim(tmp_path)
    database, other = tmp_path / "payments.db", tmp_path / "other"

    shim.fail_write(errno.ENOSPC, times=1)
    shim.fail_sync(errno.EIO, times=1)
    seen = seen_by_process(shim, database, other)

    assert seen[1:] == [str(errno.ENOSPC), "1", str(errno.EIO), "None", "None", "None"]
    assert shim.faults_left == (0, 0)
    assert shim.syncs == 1
    assert database.read_bytes() == b""


def test_a_healed_disk_is_honest(tmp_path: Path) -> None:
    shim = build_shim(tmp_path)
    database = tmp_path / "payments.db"

    shim.fail_write(errno.EIO)
    shim.fail_sync(errno.EIO)
    shim.heal()

    assert seen_by_process(shim, database)[1:] == ["1", "None", "None"]
