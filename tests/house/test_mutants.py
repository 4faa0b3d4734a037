"""Do the mutants still fit the code? One whose text is gone, or whose test is, proves nothing."""

from collections import Counter
from pathlib import Path

import pytest

from tests.house.tree import ROOT, read
from tests.mutants.mutant import PACKAGE, Lives, Mutant
from tests.mutants.table import MUTANTS

MUTANTS_MIN = 150


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_mutant_can_be_planted(mutant: Mutant) -> None:
    planted = mutant.planted_in(read(PACKAGE / mutant.path))

    compile(planted, mutant.path, "exec")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_must_notice_a_mutant_is_there(mutant: Mutant) -> None:
    assert _missing(mutant) == []


def test_there_are_many_and_no_two_are_called_the_same() -> None:
    names = Counter(mutant.name for mutant in MUTANTS)

    assert len(MUTANTS) >= MUTANTS_MIN
    assert [name for name, times in names.items() if times > 1] == []


def _missing(mutant: Mutant) -> list[str]:
    if isinstance(mutant.tests, Lives):
        return []
    return [test for test in mutant.tests if not _is_there(test)]


def _is_there(test: str) -> bool:
    file, _, name = test.partition("::")
    path = Path(ROOT / file)
    return path.is_file() and (not name or f"def {name}(" in read(path))
