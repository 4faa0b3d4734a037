"""Do the mutants still fit the code? One whose text is gone, or whose test is, proves nothing."""

from collections import Counter
from pathlib import Path

from tests.house.tree import ROOT, read
from tests.mutants.mutant import PACKAGE, Lives, Mutant
from tests.mutants.table import MUTANTS

MUTANTS_MIN = 220


def test_each_mutant_can_be_planted() -> None:
    wrong = {}
    for mutant in MUTANTS:
        try:
            compile(mutant.planted_in(read(PACKAGE / mutant.path)), mutant.path, "exec")
        except (ValueError, SyntaxError) as error:
            wrong[mutant.name] = str(error)

    assert wrong == {}


def test_what_must_notice_a_mutant_is_there() -> None:
    missing = {mutant.name: _missing(mutant) for mutant in MUTANTS}

    assert {name: tests for name, tests in missing.items() if tests} == {}


def test_there_are_many_and_no_two_are_called_the_same() -> None:
    names = Counter(mutant.name for mutant in MUTANTS)

    assert len(MUTANTS) >= MUTANTS_MIN
    assert [name for name, times in names.items() if times > 1] == []


def _missing(mutant: Mutant) -> list[str]:
    if isinstance(mutant.tests, Lives):
        return []
    return [test for test in mutant.tests if not _is_there(test)]


def _is_there(test: str) -> bool:
    file, _, name = test.partition("[")[0].partition("::")
    path = Path(ROOT / file)
    return path.is_file() and (not name or f"def {name}(" in read(path))
