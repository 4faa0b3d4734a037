"""Rows in the order they came, found by id, walked from either end from any row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, Protocol, TypeVar


class HasId(Protocol):
    """What a table can hold."""

    @property
    def id(self) -> str: ...


Row = TypeVar("Row", bound=HasId)


class Table(Generic[Row]):
    """All objects of one kind. With `kept_max` the oldest make room for new ones."""

    __slots__ = ("_first", "_ids", "_kept_max", "_places", "_rows")

    def __init__(self, kept_max: int | None = None) -> None:
        self._rows: dict[str, Row] = {}
        self._ids: list[str] = []
        self._places: dict[str, int] = {}
        # The place of the oldest id in `_ids`; places only ever grow.
        self._first = 0
        self._kept_max = kept_max

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, row_id: str) -> Row | None:
        """Return the row, or None."""
        return self._rows.get(row_id)

    def put(self, row: Row) -> Row:
        """Add a row, or take the place of the one with its id."""
        if row.id not in self._rows:
            self._places[row.id] = self._first + len(self._ids)
            self._ids.append(row.id)
            self._forget_oldest()
        self._rows[row.id] = row
        return row

    def newest_first(
        self, before: str | None = None, among: Sequence[str] | None = None
    ) -> Iterator[Row]:
        """Walk towards the oldest, from the row older than `before`."""
        ids, place = self._span(before, among)
        end = len(ids) if place is None else place
        for index in range(end - 1, -1, -1):
            yield self._rows[ids[index]]

    def oldest_first(self, after: str, among: Sequence[str] | None = None) -> Iterator[Row]:
        """Walk towards the newest, from the row younger than `after`."""
        ids, place = self._span(after, among)
        start = 0 if place is None else place
        if start < len(ids) and ids[start] == after:
            start += 1
        for index in range(start, len(ids)):
            yield self._rows[ids[index]]

    def _span(
        self, cursor: str | None, among: Sequence[str] | None
    ) -> tuple[Sequence[str], int | None]:
        """Return the ids to walk, oldest first, and where the cursor is or would be in them."""
        if among is None:
            return self._ids, None if cursor is None else self._places[cursor] - self._first
        ids = sorted(among, key=self._places.__getitem__)
        if cursor is None:
            return ids, None
        place = self._places[cursor]
        return ids, sum(self._places[row_id] < place for row_id in ids)

    def _forget_oldest(self) -> None:
        """Drop a quarter at once, so that it costs little per row."""
        if self._kept_max is None or len(self._ids) <= self._kept_max:
            return
        leaving = max(1, self._kept_max // 4)
        for row_id in self._ids[:leaving]:
            self._rows.pop(row_id, None)
            del self._places[row_id]
        del self._ids[:leaving]
        self._first += leaving
