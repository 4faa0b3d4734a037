"""Why a file cannot be opened as our store. All of them are raised by `open_store` alone.

StoreUnavailable       also: the path is a folder, may not be written, is not a database
├── StoreInUse         another process has the file open
├── NotOurStore        a SQLite file of some other program
├── StoreTooNew        written by a newer version of this program
└── StoreOutdated      (of the port) missing, another store's, or an older copy
"""

from payment_service.ports import StoreUnavailable


class StoreInUse(StoreUnavailable):
    """Another process has the file open; SQLite here means one process."""


class NotOurStore(StoreUnavailable):
    """The file is a SQLite database, and not one of ours."""


class StoreTooNew(StoreUnavailable):
    """The file was written by a newer version, which this one must not guess at."""
