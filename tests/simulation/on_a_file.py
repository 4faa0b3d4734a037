"""The store of a life in a file that its own thread writes: see `tests.parts.store_in_a_thread`.

Each life has a file of its own, which is thrown away at its end, or when the next one begins.
"""

from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from payment_service.adapters.sqlite import open_store
from payment_service.ports import Collection, Store
from payment_service.storage.collections import COLLECTIONS
from tests.parts.store_in_a_thread import RealLoop, ThreadedStore
from tests.simulation.kinds import ON_A_FILE
from tests.simulation.town import Variant


class Folder:
    """The files of one process, one after the other."""

    def __init__(self) -> None:
        self._real, self._numbers = RealLoop(), count(1)
        self._folder: TemporaryDirectory[str] | None = None
        self._opened: ThreadedStore | None = None

    def another(self, happened: set[str]) -> Store:
        """Return an empty store, on a new file. happened: where it is noted that it is written."""
        self.close()
        self._folder = TemporaryDirectory(prefix="life-")
        path = Path(self._folder.name) / f"{next(self._numbers)}.db"
        self._opened = _Noted(self._real, lambda: open_store(str(path), COLLECTIONS))
        self._opened.happened = happened
        return self._opened

    def close(self) -> None:
        """Throw the newest file away."""
        if self._opened is not None and self._folder is not None:
            self._real.wait(self._opened.real_store.close())
            self._folder.cleanup()
        self._opened = self._folder = None

    def stop(self) -> None:
        """Close the file and end the thread."""
        self.close()
        self._real.stop()


class _Noted(ThreadedStore):
    """Notes that something was written."""

    happened: set[str]

    async def insert(self, collection: Collection[Any], doc: Any) -> None:
        await super().insert(collection, doc)
        self.happened.add(ON_A_FILE)


@cache
def folder() -> Folder:
    """Return the folder of this process."""
    return Folder()


def on_a_file(variant: Variant) -> Variant:
    """Return the service with its documents in a file."""
    happened = set(variant.happened)
    return replace(
        variant,
        shelf=lambda: folder().another(happened),
        over=lambda: folder().close(),
        happened=happened,
    )
