"""One mutant's process: runs what must notice it, and writes down what came of it as JSON.

`python -m tests.mutants.probe REPORT tests TEST…` or `… REPORT lives MAX STORY…`. The package must
come from the folder that PYTHONPATH names: an installed one would be honest.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import payment_service

# A name that is nowhere is a mutant that was planted badly, not a mistake that was noticed.
BADLY_PLANTED = (
    "NameError",
    "ImportError",
    "ModuleNotFoundError",
    "SyntaxError",
    "IndentationError",
)
# The tests that may be named need no more, and every other plugin is imported at a price.
PLUGINS = ("pytest_asyncio.plugin", "_hypothesis_pytestplugin")


class Watcher:
    """A plugin of pytest that keeps count."""

    def __init__(self) -> None:
        self.ran = 0
        self.skipped = 0
        self.caught_by: str | None = None
        self.broken: str | None = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot even be imported has tested nothing."""
        if report.failed:
            self.broken = f"{report.nodeid} cannot be collected: {_last_line(report.longreprtext)}"

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
        """Count what ran, and keep the first that failed."""
        if call.excinfo is None:
            self.ran += call.when == "call"
            return
        kind = call.excinfo.typename
        if kind == "Skipped":
            self.skipped += 1
            return
        self.ran += 1
        if kind in BADLY_PLANTED:
            self.broken = f"{item.nodeid}: {call.excinfo.exconly()}"
        elif call.when != "teardown" or self.caught_by is None:
            self.caught_by = self.caught_by or item.nodeid


def main(arguments: list[str]) -> int:
    """Run, and write the report."""
    report, kind, *rest = arguments
    here = Path(payment_service.__file__).resolve()
    wanted = Path(os.environ["PYTHONPATH"]).resolve()
    if not here.is_relative_to(wanted):
        return _write(report, broken=f"{here} was imported, and not what lies in {wanted}")
    return _lives(report, int(rest[0]), rest[1:]) if kind == "lives" else _tests(report, rest)


def _tests(report: str, tests: list[str]) -> int:
    watcher = Watcher()
    plugins = [f"-p{name}" for name in PLUGINS]
    quiet = ["-x", "-q", "-pno:cacheprovider", "--tb=short", "--hypothesis-seed=0"]
    basetemp = f"--basetemp={Path(report).parent / 'tmp'}"
    ended: object
    try:
        ended = pytest.main([*plugins, *quiet, basetemp, *tests], plugins=[watcher])
    except Exception as error:  # noqa: BLE001 - what a failed test left behind is found at the end
        ended = error
    broken = watcher.broken
    # What is left open when all is over (a driver's socket, say) is judged by the tests' own run.
    is_over = ended == pytest.ExitCode.OK or isinstance(
        ended, pytest.PytestUnraisableExceptionWarning
    )
    if not (broken or watcher.caught_by or is_over):
        broken = f"pytest ended with {ended!r}"
    return _write(
        report,
        broken=broken,
        caught_by=watcher.caught_by,
        after=watcher.ran,
        skipped=watcher.skipped,
    )


def _lives(report: str, lives_max: int, stories: list[str]) -> int:
    from tests.simulation.campaign import be_quiet  # noqa: PLC0415 - not every mutant pays for it
    from tests.simulation.lives import THIN, branches, grow  # noqa: PLC0415
    from tests.simulation.living import live  # noqa: PLC0415

    be_quiet()
    lived = 0
    for branch in branches(THIN):
        if branch.scenario not in stories:
            continue
        for outcome in grow(branch, THIN, live):
            lived += 1
            if outcome.violations:
                found = f"{outcome.life}: {outcome.violations[0]}"
                if any(name in found for name in BADLY_PLANTED):
                    return _write(report, broken=found)
                return _write(report, caught_by=found, after=lived)
            if lived == lives_max:
                return _write(report, after=lived)
    return _write(report, after=lived)


def _write(report: str, **found: Any) -> int:
    Path(report).write_text(json.dumps(found), encoding="utf-8")
    return 0


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
