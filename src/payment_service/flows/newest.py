"""Reads by which somebody decides that a thing is not there: these are as new as can be.

A store that has just failed over may show what it was a moment ago: see LINEARIZABLE.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from payment_service.ports import LINEARIZABLE, Collection, D, Store


async def newest(store: Store, collection: Collection[D], id: str) -> D | None:
    """Return the document; None only when no write that anybody was told is done has made it."""
    found = await store.get(collection, id)
    if found is not None:
        return found
    with as_new_as_can_be():
        return await store.get(collection, id)


@contextmanager
def as_new_as_can_be() -> Iterator[None]:
    """Have what is read inside show every write that anybody was told is done."""
    before = LINEARIZABLE.get()
    LINEARIZABLE.set(True)
    try:
        yield
    finally:
        # Not by a token: a task that is thrown away ends in whichever context collects it.
        LINEARIZABLE.set(before)
