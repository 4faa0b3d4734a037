"""The store of a running process, for the operator's commands beside it, over a Unix socket.

A SQLite file belongs to one process. So a command that finds it in use asks that process instead.
"""

from payment_service.adapters.store_socket.client import (
    OtherRelease,
    RunningService,
    SocketStore,
    TooManyCommands,
    connect,
)
from payment_service.adapters.store_socket.protocol import Operation, OperationFailed, socket_path
from payment_service.adapters.store_socket.server import StoreServer

__all__ = [
    "Operation",
    "OperationFailed",
    "OtherRelease",
    "RunningService",
    "SocketStore",
    "StoreServer",
    "TooManyCommands",
    "connect",
    "socket_path",
]
