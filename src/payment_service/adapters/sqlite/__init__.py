"""The store port on one SQLite file, written by one thread."""

from payment_service.adapters.sqlite.erasing import erase
from payment_service.adapters.sqlite.errors import NotOurStore, StoreInUse, StoreTooNew
from payment_service.adapters.sqlite.store import IN_MEMORY, SqliteStore, open_store

__all__ = [
    "IN_MEMORY",
    "NotOurStore",
    "SqliteStore",
    "StoreInUse",
    "StoreTooNew",
    "erase",
    "open_store",
]
