"""How work grows with what it is given: compared with itself, so that no machine is too busy."""

import time
from collections.abc import Callable

# What is linear takes eight times as long for eight times as much, what is quadratic 64 times.
FACTOR, LINEAR_MAX = 8, 24
ROUNDS = 3


def processor_s(work: Callable[[], object]) -> float:
    """Return how long the processor was busy with it in this thread, whatever else it does."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def is_linear(work: Callable[[int], object], size: int) -> bool:
    """Say whether work of eight times the size takes no more than three times eight as long.

    The best of some rounds is taken: what else disturbs one only ever makes it longer.
    """
    few = min(processor_s(lambda: work(size)) for _ in range(ROUNDS))
    return any(processor_s(lambda: work(size * FACTOR)) < few * LINEAR_MAX for _ in range(ROUNDS))
