"""Stands at the operator socket's place: passes all on, but loses the answer to one method."""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

_LENGTH = struct.Struct(">I")


@contextmanager
def answers_lost(at: Path, method: str) -> Iterator[None]:
    """Lose every answer to `method`, once the service has given it; put the socket back after."""
    behind = at.with_suffix(".behind")
    at.rename(behind)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(at))
    listener.listen()
    Thread(target=_accept, args=(listener, behind, method), daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        at.unlink()
        behind.rename(at)


def frame_of(message: object) -> bytes:
    """Return the message as it goes over the socket."""
    body = json.dumps(message).encode()
    return _LENGTH.pack(len(body)) + body


def _accept(listener: socket.socket, behind: Path, method: str) -> None:
    while True:
        try:
            command, _ = listener.accept()
        except OSError:
            return
        Thread(target=_pass_on, args=(command, behind, method), daemon=True).start()


def _pass_on(command: socket.socket, behind: Path, method: str) -> None:
    with command, socket.socket(socket.AF_UNIX) as service:
        try:
            service.connect(str(behind))
            command.sendall(_frame(service))
            while True:
                asked = _frame(command)
                service.sendall(asked)
                answer = _frame(service)
                if json.loads(asked[_LENGTH.size :])["method"] == method:
                    return
                command.sendall(answer)
        except (EOFError, OSError):
            return


def _frame(stream: socket.socket) -> bytes:
    head = _exactly(stream, _LENGTH.size)
    return head + _exactly(stream, *_LENGTH.unpack(head))


def _exactly(stream: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        part = stream.recv(count - len(read))
        if not part:
            raise EOFError
        read += part
    return read
