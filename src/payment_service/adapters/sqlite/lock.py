"""One process only: an advisory lock beside the file, which the kernel lets go when we die."""

import fcntl
import os

from payment_service.adapters.sqlite.errors import StoreInUse


def take_lock(path: str) -> int:
    """Return the descriptor that holds the lock on `<path>.lock`. Raises StoreInUse, OSError.

    The lock file stays when the lock is let go: removing it would let two processes each lock a
    file of that name.
    """
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreInUse(
            f"{path} is in use by another process. A SQLite store belongs to one process; "
            "run one replica, or use MongoDB."
        ) from error
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
