"""Clients that keep to nothing: raw sockets to send whatever bytes, slowly, many at once."""

import resource
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# Patience with a machine that has much else to do.
WAIT_S = 10.0
PAGE = 4096
PIECE = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """What came back, as far as it can be read: 0 and nothing when the connection just ended."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """Return a header's value, None without one."""
        for line in self.head.split(b"\r\n")[1:]:
            given, _, value = line.partition(b":")
            if given.lower() == name.lower():
                return value.strip()
        return None


@dataclass
class Raw:
    """One connection."""

    socket: socket.socket
    rest: bytes = b""

    def send(self, data: bytes) -> bool:
        """Send all; False when the other end has closed."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def flood(self, piece: bytes, total: int, *, within_s: float = 20.0) -> int:
        """Send the piece again and again; return how many bytes went before the end."""
        many = piece * max(1, PIECE // len(piece))
        sent, until = 0, time.monotonic() + within_s
        self.socket.settimeout(within_s)
        while sent < total and time.monotonic() < until and self.send(many):
            sent += len(many)
        self.socket.settimeout(WAIT_S)
        return sent

    def answer(self) -> Answer:
        """Read one answer with a Content-Length, or as much of it as there is."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return Answer(0, self.rest, b"")
        status = int(head.split(b" ", 2)[1])
        plain = Answer(status, head, b"")
        length = int(plain.header(b"content-length") or 0)
        while len(self.rest) < length and self._read():
            pass
        body, self.rest = self.rest[:length], self.rest[length:]
        return Answer(status, head, body)

    def is_closed(self, *, within_s: float) -> bool:
        """Say whether the other end closes within the time, whatever else it sends."""
        until = time.monotonic() + within_s
        while (left := until - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self.socket.recv(PIECE):
                    return True
            except TimeoutError:
                return False
            except OSError:
                return True
        return False

    def end(self) -> None:
        """Send nothing more, and still read."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def all_that_comes(self, *, quiet_s: float = WAIT_S) -> bytes:
        """Read until the other end closes, or says nothing for so long."""
        self.socket.settimeout(quiet_s)
        while self._read():
            pass
        return self.rest

    def close(self) -> None:
        """Close."""
        self.socket.close()

    def _until(self, end: bytes) -> bytes | None:
        while end not in self.rest:
            if not self._read():
                return None
        found, _, self.rest = self.rest.partition(end)
        return found

    def _read(self) -> bool:
        try:
            got = self.socket.recv(PIECE)
        except OSError:
            return False
        self.rest += got
        return bool(got)


def connect(url: str, *, receives: int | None = None) -> Raw:
    """Open a connection to the host and port of the URL.

    receives: how much the system takes for a client that reads nothing; it takes more by itself.
    """
    there = urlsplit(url)
    assert there.hostname is not None
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receives is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
    plain.settimeout(WAIT_S)
    plain.connect((there.hostname, there.port or 80))
    return Raw(plain)


def ask(url: str, raw: bytes) -> Answer:
    """Ask on a connection of its own."""
    with once(url) as one:
        one.send(raw)
        return one.answer()


@contextmanager
def once(url: str) -> Iterator[Raw]:
    """Open a connection and close it."""
    one = connect(url)
    try:
        yield one
    finally:
        one.close()


@contextmanager
def many(
    url: str, count: int, first: Iterable[bytes] = (), *, receives: int | None = None
) -> Iterator[list[Raw]]:
    """Open so many connections that send this and then nothing; they are closed at the end."""
    _allow_files(count)
    opened: list[Raw] = []
    pieces = tuple(first)
    try:
        for _ in range(count):
            one = connect(url, receives=receives)
            opened.append(one)
            for piece in pieces:
                one.send(piece)
        yield opened
    finally:
        for one in opened:
            with suppress(OSError):
                one.close()


def _allow_files(count: int) -> None:
    """Let this process have so many sockets: systems begin with a thousand files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 500
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))


def rss_mb(pid: int) -> float:
    """Return how much memory a process has, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6
