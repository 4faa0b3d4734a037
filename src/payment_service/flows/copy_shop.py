"""Move a shop from one store to another: copy every document, then compare both from end to end.

Nobody may write to either meanwhile. What was copied is there for good, so that a copy that was cut
off is simply begun again: it passes over what is the same on both sides.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from payment_service.domain.payment import Payment
from payment_service.ports import AlreadyExists, Collection, Document, Store

# Read at once: some hundred kilobytes. Written at once: as many as a pool has connections to spare.
BATCH = 200
WRITES_AT_ONCE = 16
# A document that is over by then is not copied: a store may drop it while both are compared.
EXPIRY_MARGIN = timedelta(hours=1)
# Differences that are named; one more is as bad as a thousand.
DIFFERENCES_MAX = 20


class Progressed(Protocol):
    """Told how far it is: the collection, how many of its documents are done, and the end of it."""

    def __call__(self, name: str, done: int, *, is_all: bool) -> None: ...


@dataclass(slots=True)
class Totals:
    """What one store holds: documents by collection, and money in minor units by currency."""

    documents: Counter[str] = field(default_factory=Counter)
    received_minor: Counter[str] = field(default_factory=Counter)
    refunded_minor: Counter[str] = field(default_factory=Counter)

    def add(self, collection: Collection[Any], doc: Document) -> None:
        """Count a document in."""
        self.documents[collection.name] += 1
        if isinstance(doc, Payment):
            self.received_minor[doc.terms.currency] += doc.received_minor
            self.refunded_minor[doc.terms.currency] += doc.refunded_minor


@dataclass(slots=True)
class Comparison:
    """How two stores compare. differences: in words, with collection and id, some of many."""

    source: Totals = field(default_factory=Totals)
    target: Totals = field(default_factory=Totals)
    differences: list[str] = field(default_factory=list)

    @property
    def is_same(self) -> bool:
        """Whether every document is there, and is what it was."""
        return not self.differences and self.source == self.target


async def copy_shop(
    source: Store,
    target: Store,
    collections: Sequence[Collection[Any]],
    now: datetime,
    progress: Progressed,
) -> int:
    """Insert into the target what it has not; return how many documents that were.

    Raises what the stores raise, and ValueError for a document that cannot be read.
    """
    copied = 0
    for collection in collections:
        done = 0
        async for batch in _batches(source, collection):
            living = [doc for doc in batch if not _is_over(collection, doc, now)]
            for some in _slices(living):
                inserted = await asyncio.gather(*(_insert(target, collection, d) for d in some))
                copied += sum(inserted)
            done += len(batch)
            progress(collection.name, done, is_all=False)
        progress(collection.name, done, is_all=True)
    return copied


async def compare_shops(
    source: Store,
    target: Store,
    collections: Sequence[Collection[Any]],
    now: datetime,
    progress: Progressed,
) -> Comparison:
    """Go through both side by side, document for document."""
    found = Comparison()
    for collection in collections:
        await _compare(source, target, collection, now, found)
        progress(collection.name, found.source.documents[collection.name], is_all=True)
    return found


async def _compare(
    source: Store,
    target: Store,
    collection: Collection[Any],
    now: datetime,
    found: Comparison,
) -> None:
    ours, theirs = _living(source, collection, now), _living(target, collection, now)
    left, right = await anext(ours, None), await anext(theirs, None)
    while left is not None or right is not None:
        order = _compared(left, right)
        if left is not None and order <= 0:
            found.source.add(collection, left)
        if right is not None and order >= 0:
            found.target.add(collection, right)
        if in_ms(left) != in_ms(right) and len(found.differences) < DIFFERENCES_MAX:
            found.differences.append(_difference(collection, left, right, order))
        if order <= 0:
            left = await anext(ours, None)
        if order >= 0:
            right = await anext(theirs, None)


def in_ms(value: Any) -> Any:
    """Return the value with every time in it cut to whole milliseconds: finer, no store need be."""
    match value:
        case datetime():
            return value.replace(microsecond=value.microsecond // 1000 * 1000)
        case tuple():
            return tuple(map(in_ms, value))
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {one.name: in_ms(getattr(value, one.name)) for one in fields(value)}
    return value


def _compared(left: Document | None, right: Document | None) -> int:
    """Return -1 when only the source has this one, 1 when only the target has, 0 when both do."""
    if left is None or right is None:
        return 1 if left is None else -1
    before, after = left.id.encode(), right.id.encode()
    return (before > after) - (before < after)


def _difference(
    collection: Collection[Any], left: Document | None, right: Document | None, order: int
) -> str:
    doc = right if order > 0 else left
    assert doc is not None
    what = {-1: "is missing", 0: "is another than in the source", 1: "is not in the source"}
    return f"{collection.name} {doc.id} {what[order]}"


async def _insert(target: Store, collection: Collection[Any], doc: Document) -> bool:
    try:
        await target.insert(collection, doc)
    except AlreadyExists:  # from a copy that was cut off, or a stranger: the comparison will tell
        return False
    return True


async def _living(store: Store, collection: Collection[Any], now: datetime) -> AsyncIterator[Any]:
    async for batch in _batches(store, collection):
        for doc in batch:
            if not _is_over(collection, doc, now):
                yield doc


async def _batches(store: Store, collection: Collection[Any]) -> AsyncIterator[Sequence[Any]]:
    after = ""
    while batch := await store.walk(collection, after=after, limit=BATCH):
        yield batch
        after = batch[-1].id


def _is_over(collection: Collection[Any], doc: Any, now: datetime) -> bool:
    expires_at = collection.expires_at(doc) if collection.expires_at is not None else None
    return expires_at is not None and expires_at <= now + EXPIRY_MARGIN


def _slices(docs: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(docs), WRITES_AT_ONCE):
        yield docs[start : start + WRITES_AT_ONCE]
