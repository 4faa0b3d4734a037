"""All mutants: `python -m tests.mutants.run`, or `make mutants`.

Plants each mistake in a copy of the package and runs what must notice it there, several at once.
Exit code 1 when one was not noticed, could not be planted, or when the honest code is.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from tests.mutants.mutant import PACKAGE, ROOT, Lives, Mutant
from tests.mutants.table import MUTANTS

# The slowest take some ten seconds alone; a loaded machine may need ten times that, and more.
LIMIT_S = 300.0
# The honest code must pass everything that is run for the mutants: the parts of that job, each of
# which runs many times what is run for one mutant.
HONEST_PARTS = 8
HONEST_LIMIT_S = 1200.0
OUTPUT_LINES = 25

CAUGHT, SURVIVED, BROKEN, UNTRIED = "caught", "SURVIVED", "BROKEN", "UNTRIED"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one mutant. by: what noticed it, or what is wrong. after: tests or lives."""

    name: str
    verdict: str
    by: str = ""
    after: int = 0
    unit: str = "tests"
    took_s: float = 0.0
    output: str = ""

    def __str__(self) -> str:
        line = f"{self.verdict:<8} {self.name}"
        if self.verdict == CAUGHT:
            unit = self.unit if self.after != 1 else self.unit.rstrip("s").replace("live", "life")
            line += f"\n         after {self.after} {unit}, {self.took_s:.1f} s, by {self.by}"
        elif self.by:
            line += f"\n         {self.by}"
        return line


def main(arguments: list[str]) -> int:
    """Try the mutants that are asked for."""
    asked = _arguments().parse_args(arguments)
    wanted = [m for m in MUTANTS if _is_asked_for(m, asked.only)]
    if not wanted:
        print(f"no mutant is called like {', '.join(asked.only)}")
        return 1
    if asked.list:
        print("\n".join(f"{mutant.path}: {mutant.name}" for mutant in wanted))
        return 0
    begun = perf_counter()
    results: list[Result] = []
    with ThreadPoolExecutor(asked.processes) as pool:
        jobs = [pool.submit(_tried, mutant) for mutant in wanted]
        jobs += [pool.submit(_honest, tests) for tests in _honest_parts(wanted)]
        for job in as_completed(jobs):
            result = job.result()
            results.append(result)
            if result.name or result.verdict != CAUGHT:
                print(result, flush=True)
    return _report([r for r in results if r.name], perf_counter() - begun)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make mutants ARGS=…", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], help="part of a name or a file; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="only say which there are")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser


def _is_asked_for(mutant: Mutant, only: Sequence[str]) -> bool:
    return not only or any(part in mutant.name or part in mutant.path for part in only)


def _honest_parts(mutants: Iterable[Mutant]) -> Iterable[tuple[str, ...]]:
    """Give everything that is run for the mutants, once, in parts."""
    named = [test for m in mutants if not isinstance(m.tests, Lives) for test in m.tests]
    files = dict.fromkeys(named)
    whole = [test for test in files if "::" not in test or test.partition("::")[0] not in files]
    return filter(None, (tuple(whole[part::HONEST_PARTS]) for part in range(HONEST_PARTS)))


def _honest(tests: tuple[str, ...]) -> Result:
    """Run tests on the code as it is: what fails there has noticed nothing anywhere."""
    result = _run("", tests, None)
    if result.verdict in {SURVIVED, UNTRIED}:
        return Result("", CAUGHT)
    return Result("the honest code fails its tests", BROKEN, result.by, output=result.output)


def _tried(mutant: Mutant) -> Result:
    return _run(mutant.name, mutant.tests, mutant)


def _run(name: str, tests: tuple[str, ...] | Lives, mutant: Mutant | None) -> Result:
    begun = perf_counter()
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder) / "src"
        try:
            _copy(copy, mutant)
        except (ValueError, SyntaxError) as error:
            return Result(name, BROKEN, str(error))
        report = Path(folder) / "report.json"
        limit_s = HONEST_LIMIT_S if mutant is None else LIMIT_S
        output = _probe(copy, report, _asked(tests), limit_s)
        took_s = perf_counter() - begun
        if output is None:
            hangs = mutant is not None and mutant.hangs
            return Result(name, CAUGHT if hangs else BROKEN, "hangs", took_s=took_s)
        found: dict[str, Any] = {"broken": "no report"}
        if report.exists():
            found = json.loads(report.read_text(encoding="utf-8"))
    unit = "lives" if isinstance(tests, Lives) else "tests"
    verdict, by = _verdict(found)
    return Result(name, verdict, by, found.get("after", 0), unit, took_s, output)


def _asked(tests: tuple[str, ...] | Lives) -> list[str]:
    if isinstance(tests, Lives):
        return ["lives", str(tests.lives_max), *tests.stories]
    return ["tests", *tests]


def _copy(copy: Path, mutant: Mutant | None) -> None:
    """Copy the sources, compiled ones too, and plant the mistake."""
    shutil.copytree(PACKAGE.parent, copy)
    if mutant is None:
        return
    path = copy / PACKAGE.name / mutant.path
    text = mutant.planted_in(path.read_text(encoding="utf-8"))
    compile(text, mutant.path, "exec")
    path.write_text(text, encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()  # a mistake of the same length, written in the same second, would hide


def _probe(copy: Path, report: Path, asked: list[str], limit_s: float) -> str | None:
    """Run a process on the copy; return its output, None when it did not end in time."""
    command = [sys.executable, "-m", "tests.mutants.probe", str(report), *asked]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a database that its tests have started must go with it
    ) as child:
        try:
            return child.communicate(timeout=limit_s)[0]
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            return None


def _verdict(found: dict[str, Any]) -> tuple[str, str]:
    if found.get("broken"):
        return BROKEN, str(found["broken"])
    if found.get("caught_by"):
        return CAUGHT, str(found["caught_by"])
    if found.get("skipped") or not found.get("after"):
        return UNTRIED, f"{found.get('skipped', 0)} tests were skipped"
    return SURVIVED, f"{found['after']} tests or lives saw nothing"


def _report(results: list[Result], seconds: float) -> int:
    bad = [result for result in results if result.verdict != CAUGHT]
    for result in bad:
        print(f"\n{result}")
        print("\n".join(result.output.strip().splitlines()[-OUTPUT_LINES:]))
    print(f"\n{len(results) - len(bad)} of {len(results)} mutants caught in {seconds:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
