"""What MongoDB's driver raises, by what we do next. Nothing here repeats the address or a document.

StoreUnavailable       whatever the driver raised, in one line
├── StoreInDoubt       the port's: the same of a write that may have been applied
├── SchemaNotReady     indexes are missing: `payment-service migrate` makes them
└── StoreTooNew        the database was made by a newer, incompatible version of this program
PyMongoError           the driver's own
└── NotSettled         ours: what stands there does not tell yet what became of a write
"""

from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)

from payment_service.ports import StoreInDoubt, StoreUnavailable

# Longer reasons are lists of every host with every error.
REASON_LENGTH_MAX = 200
# Where the driver's message turns from what happened to a picture of the whole cluster, or to the
# server's whole answer, which may hold parts of a document.
_TAILS = (" (configured", ", Timeout:", ", full error")
# Codes that the server gives while it changes places, beside those that the driver knows as "not
# primary": ReadConcernMajorityNotAvailableYet, SnapshotUnavailable, ExceededTimeLimit, and those of
# a router that lost its shard for a moment.
_PASSING_CODES = frozenset({6, 7, 89, 133, 134, 246, 262, 9001})


class SchemaNotReady(StoreUnavailable):
    """The database lacks what this version needs, and a start does not change a shared database."""


class StoreTooNew(StoreUnavailable):
    """The database was made by a newer version, which this one must not guess at."""


class NotSettled(PyMongoError):
    """A write found no place, and the majority does not show yet who took it."""


def is_passing(error: PyMongoError) -> bool:
    """Tell what a moment may mend (fail-over, lost connection, time-out) from what it will not."""
    return (
        isinstance(error, (ConnectionFailure, ExecutionTimeout, WriteConcernError, NotSettled))
        or (isinstance(error, OperationFailure) and error.code in _PASSING_CODES)
        or error.has_error_label("RetryableWriteError")
        or error.timeout
    )


def unavailable(error: PyMongoError, *, in_doubt: bool = False) -> StoreUnavailable:
    """Return the port's error for it: what happened, and to which host.

    in_doubt: whether it was a write that may have been applied.
    """
    kind = StoreInDoubt if in_doubt else StoreUnavailable
    return kind(f"MongoDB: {_words(error)}")


def _words(error: PyMongoError) -> str:
    kind = type(error).__name__
    if isinstance(error, OperationFailure):
        return f"{kind} {error.code} {_code_name(error)}".rstrip()
    if not isinstance(error, ConnectionFailure):
        return kind
    reason = str(error)
    for tail in _TAILS:
        reason = reason.partition(tail)[0]
    return f"{kind}: {reason[:REASON_LENGTH_MAX]}"


def _code_name(error: OperationFailure) -> str:
    details = error.details or {}
    return str(details.get("codeName", ""))
