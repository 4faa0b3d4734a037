"""What MongoDB's driver raises, by what we do next. Nothing here repeats a password or a document.

StoreUnavailable       whatever the driver raised, in one line
├── StoreInDoubt       the port's: the same of a write that may have been applied
├── NotStorable        the port's: no database takes this document
├── SchemaNotReady     indexes are missing: `payment-service migrate` makes them
├── StoreTooNew        the database was made by a newer, incompatible version of this program
└── ServerNotSupported the server does not keep what every write here relies on
PyMongoError           the driver's own
└── NotSettled         ours: what stands there does not tell yet what became of a write
"""

from bson.errors import BSONError, InvalidBSON
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    NotPrimaryError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WriteError,
)

from payment_service.ports import NotStorable, StoreInDoubt, StoreUnavailable

# What the driver raises for a document that it cannot send: too large, text that is no Unicode
# (half of a surrogate pair), a number of more than 64 bits, names that are no names.
ENCODING_ERRORS = (BSONError, UnicodeError, OverflowError)
# Longer reasons are lists of every host with every error.
REASON_LENGTH_MAX = 200
# Where the driver's message turns from what happened to a picture of the whole cluster, or to the
# server's whole answer, which may hold parts of a document.
_TAILS = (" (configured", ", Timeout:", ", full error")
# Codes beside those that the driver knows as "not primary", by the server's error_codes.yml: what
# it names retriable, an interruption, a snapshot or shard version that is stale, or exceeding a
# limit of time; and what a cluster says while its keys, locks and connections come and go.
_PASSING_CODES = frozenset(
    {
        6,  # HostUnreachable
        7,  # HostNotFound
        24,  # LockTimeout
        43,  # CursorNotFound
        46,  # LockBusy
        50,  # MaxTimeMSExpired
        63,  # StaleShardVersion
        64,  # WriteConcernTimeout
        70,  # ShardNotFound
        83,  # RemoteResultsUnavailable
        89,  # NetworkTimeout
        90,  # CallbackCanceled
        94,  # NotYetInitialized
        107,  # LockFailed
        109,  # ConfigurationInProgress
        112,  # WriteConflict
        117,  # ConflictingOperationInProgress
        133,  # FailedToSatisfyReadPreference
        134,  # ReadConcernMajorityNotAvailableYet
        135,  # StaleTerm
        136,  # CappedPositionLost
        145,  # PooledConnectionsDropped
        149,  # NoConfigPrimary
        150,  # StaleEpoch
        172,  # TransportSessionClosed
        175,  # QueryPlanKilled
        187,  # LinearizableReadConcernError
        199,  # ReplicaSetMonitorRemoved
        202,  # NetworkInterfaceExceededTimeLimit
        203,  # ShardingStateNotInitialized
        209,  # StaleClusterTime
        210,  # CannotVerifyAndSignLogicalTime
        211,  # KeyNotFound
        215,  # DatabaseDropPending
        216,  # ElectionInProgress
        217,  # IncompleteTransactionHistory
        221,  # IndexModified
        230,  # DNSHostNotFound
        234,  # RetryChangeStream
        237,  # CursorKilled
        239,  # SnapshotTooOld
        246,  # SnapshotUnavailable
        249,  # StaleDbVersion
        250,  # StaleChunkHistory
        251,  # NoSuchTransaction
        262,  # ExceededTimeLimit
        264,  # TooManyFilesOpen
        267,  # PreparedTransactionInProgress
        272,  # MigrationConflict
        276,  # IndexBuildAborted
        279,  # ClientDisconnect
        290,  # TransactionExceededLifetimeLimitSeconds
        303,  # SplitHorizonChange
        308,  # CurrentConfigNotCommittedYet
        314,  # ObjectIsBusy
        317,  # ConnectionPoolExpired
        319,  # MovePrimaryInProgress
        343,  # ShardCannotRefreshDueToLocksHeld
        355,  # InterruptedDueToStorageChange
        358,  # InternalTransactionNotSupported
        363,  # RetryableTransactionInProgress
        365,  # TemporarilyUnavailable
        371,  # UserWritesBlocked
        384,  # ConnectionError
        391,  # ReauthenticationRequired
        402,  # ResourceExhausted
        406,  # MigrationBlockingOperationCoordinatorCleaningUp
        407,  # PooledConnectionAcquisitionExceededTimeLimit
        412,  # UpdatesStillPending
        433,  # AdmissionQueueOverflow
        449,  # RateLimitExceeded
        450,  # PooledConnectionAcquisitionRejected
        462,  # IngressRequestRateLimitExceeded
        9001,  # SocketException
        11601,  # Interrupted
        13388,  # StaleConfig
    }
)
# What a server answers before it begins a write, or after it has rolled it back as a whole.
_REFUSED_CODES = frozenset(
    {
        2,  # BadValue
        9,  # FailedToParse
        11,  # UserNotFound
        13,  # Unauthorized
        14,  # TypeMismatch
        18,  # AuthenticationFailed
        20,  # IllegalOperation
        22,  # InvalidBSON
        24,  # LockTimeout
        59,  # CommandNotFound
        63,  # StaleShardVersion
        72,  # InvalidOptions
        73,  # InvalidNamespace
        112,  # WriteConflict
        115,  # CommandNotSupported
        121,  # DocumentValidationFailure
        150,  # StaleEpoch
        249,  # StaleDbVersion
        365,  # TemporarilyUnavailable
        371,  # UserWritesBlocked
        391,  # ReauthenticationRequired
        433,  # AdmissionQueueOverflow
        449,  # RateLimitExceeded
        462,  # IngressRequestRateLimitExceeded
        8000,  # Atlas: over a quota
        10058,  # LegacyNotPrimary
        10107,  # NotWritablePrimary
        10334,  # BSONObjectTooLarge
        11000,  # DuplicateKey
        13388,  # StaleConfig
        13435,  # NotPrimaryNoSecondaryOk
        13436,  # NotPrimaryOrSecondary
    }
)
# The driver's words for a connection that was closed before it wrote a byte of the command to it.
# After the first byte it has others.
CLOSED_BEFORE_SENDING = "Connection is closed"


class SchemaNotReady(StoreUnavailable):
    """The database lacks what this version needs, and a start does not change a shared database."""


class StoreTooNew(StoreUnavailable):
    """The database was made by a newer version, which this one must not guess at."""


class ServerNotSupported(StoreUnavailable):
    """The server lets two writers replace the same version: nothing here would be safe on it."""


class NotSettled(PyMongoError):
    """A write found no place, and the majority does not show yet who took it."""


def is_passing(error: PyMongoError) -> bool:
    """Tell what a moment may mend (fail-over, lost connection, time-out) from what it will not."""
    return (
        isinstance(error, (ConnectionFailure, ExecutionTimeout, WriteConcernError, NotSettled))
        or _code(error) in _PASSING_CODES
        or error.has_error_label("RetryableWriteError")
        or error.has_error_label("RetryableError")
        or error.timeout
    )


def may_be_applied(error: PyMongoError, *, sent: bool) -> bool:
    """Tell whether the write that ended so may stand all the same, now or in a moment.

    sent: whether the driver began to send it and no answer has said that it changed nothing.
    """
    if not sent or str(error.__cause__) == CLOSED_BEFORE_SENDING:
        return False
    if error.has_error_label("NoWritesPerformed"):
        return False
    if error.has_error_label("SystemOverloadedError") and error.has_error_label("RetryableError"):
        return False  # together they promise that nothing was begun
    code = _code(error)
    if isinstance(error, WriteError) and code not in _PASSING_CODES:
        return False  # the server's word about this one document
    return isinstance(error, WriteConcernError) or code not in _REFUSED_CODES


def unavailable(
    error: PyMongoError | BSONError | UnicodeError | OverflowError, *, in_doubt: bool = False
) -> StoreUnavailable:
    """Return the port's error for it: what happened, and to which host.

    in_doubt: whether it was a write that may have been applied.
    """
    if isinstance(error, ENCODING_ERRORS):
        said = f"MongoDB: {type(error).__name__}"  # its words may repeat the document
        kind = StoreUnavailable if isinstance(error, InvalidBSON) else NotStorable
    else:
        said = f"MongoDB: {_words(error)}"
        kind = StoreUnavailable
    return StoreInDoubt(said) if in_doubt else kind(said)


def _code(error: PyMongoError) -> int | None:
    if isinstance(error, NotPrimaryError):
        details = error.details
        return details.get("code") if isinstance(details, dict) else None
    return error.code if isinstance(error, OperationFailure) else None


def _words(error: PyMongoError) -> str:
    kind = type(error).__name__
    if isinstance(error, OperationFailure):
        return f"{kind} {error.code} {_code_name(error)}".rstrip()
    reason = str(error)
    for tail in _TAILS:
        reason = reason.partition(tail)[0]
    return f"{kind}: {reason[:REASON_LENGTH_MAX]}".rstrip(": ")


def _code_name(error: OperationFailure) -> str:
    details = error.details or {}
    return str(details.get("codeName", ""))
