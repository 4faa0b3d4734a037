"""Why a file cannot be opened as our store. All of them are raised by `open_store` alone.

StoreUnavailable       also: the path is a folder, may not be written, is not a database
├── StoreInUse         another process has the file open
├── StoreHasTwoNames   there is a hard link to the file
├── NotOurStore        a SQLite file of some other program
├── StoreTooNew        written by a newer version of this program
└── StoreOutdated      (of the port) missing, another store's, or an older copy
"""

from payment_service.ports import StoreUnavailable


class StoreInUse(StoreUnavailable):
    """Another process has the file open; SQLite here means one process."""


class StoreHasTwoNames(StoreUnavailable):
    """There is a hard link to the file, and nothing that tells one name's user of the other's."""


class NotOurStore(StoreUnavailable):
    """The file is a SQLite database, and not one of ours."""


class StoreTooNew(StoreUnavailable):
    """The file was written by a newer version, which this one must not guess at."""
