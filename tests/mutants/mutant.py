"""A mutant: one mistake in one file, and the tests that must notice it."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "payment_service"

# The mistakes that are left to lives show within some dozens of them.
LIVES_MAX = 400


@dataclass(frozen=True, slots=True)
class Lives:
    """Simulated lives of some stories, in the order of the thinned matrix; at most so many."""

    stories: tuple[str, ...]
    lives_max: int


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake that a careless but plausible engineer would make.

    name: what is wrong, as a sentence. path: of the file, below the package. old, new: the text
    that is there, exactly once, and what stands in its place. tests: files or tests of pytest,
    fastest first; or lives. hangs: whether it is caught by the work never ending.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...] | Lives
    hangs: bool = False

    def planted_in(self, source: str) -> str:
        """Return the file's text with the mistake. Raises ValueError when `old` does not fit."""
        found = source.count(self.old)
        if found != 1:
            raise ValueError(f"{self.path} has this text {found} times: {self.old!r}")
        return source.replace(self.old, self.new)
