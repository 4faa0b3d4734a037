"""The same lives with the documents in a file, written by its own thread; fewer of them.

Virtual time stands still while the file is written, so each of these lives is as it is in memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.simulation.campaign import tally
from tests.simulation.lives import gates, random_life
from tests.simulation.living import Outcome, live
from tests.simulation.on_a_file import Folder
from tests.simulation.plan import Life, read_life
from tests.simulation.scenarios import SCENARIOS
from tests.simulation.test_crash_everywhere import complaints
from tests.simulation.town import HONEST

# Each write is on the disk before it is answered, so these are few: some stories, and those lives
# of each in which the process is killed at one gate in so many.
STORIES = ("pay_once", "refund_parts", "keep_cards", "capture_or_cancel", "http_refund_parts")
GATES_ONE_IN = 24
CRASH_MAX = 48
RANDOM_LIVES = 6


@pytest.fixture(scope="module")
def lived() -> Iterator[Callable[[Life], Outcome]]:
    """Return how to live a life on a file of its own, which is closed when the next one begins."""
    folder = Folder()
    yield lambda life: live(life, replace(HONEST, shelf=lambda: folder.another(set())))
    folder.stop()


@pytest.mark.parametrize("scenario", STORIES)
def test_no_crash_costs_money_or_an_order(scenario: str, lived: Callable[[Life], Outcome]) -> None:
    plain = Life(scenario, SCENARIOS[scenario].cards[0], retry=True)
    known = live(plain)
    lives = [replace(plain, crash=(gate,)) for gate in gates(known, CRASH_MAX)]

    assert complaints(tally(map(lived, [plain, *lives[::GATES_ONE_IN]]))) == []


def test_neither_do_several_at_once(lived: Callable[[Life], Outcome]) -> None:
    assert complaints(tally(lived(random_life(seed)) for seed in range(RANDOM_LIVES))) == []


def test_a_life_on_a_file_is_the_life_in_memory(lived: Callable[[Life], Outcome]) -> None:
    life = read_life("refund_all/visa/fault=2:timeout_after/crash=7a/retry")

    assert lived(life).trace == live(life).trace
