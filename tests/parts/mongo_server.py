"""A server that speaks MongoDB's wire protocol, as a process of its own on loopback.

It is SecantusDB over WiredTiger, one node that calls itself the primary of a replica set. GPL-2, so
it is run and never imported. It can be killed and started again on the same files, told to fail
(`configureFailPoint`) and to step down (`replSetStepDown`).
"""

import asyncio
import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pymongo

from payment_service.ports import Collection
from tests.parts.processes import START_S, free_port

# Its own sweeper drops what is over by the machine's clock, while tests have a time of their own.
# Release 0.7.0b3 reads this and sweeps every minute all the same: see `kept_for_ever`.
CONFIG = "[storage]\nttl_sweep_seconds = 0\n"


class MongoServer:
    """One server: started, killed and started again with the same data.

    durable: wait for the disk at every write, as MongoDB does when asked for the journal. Without
    it writes are several times faster, and a kill loses the last of them.
    """

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self._durable = durable
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Its address, as for MONGODB_URI; the database is `payments`."""
        return f"mongodb://127.0.0.1:{self.port}/payments?replicaSet=secantus"

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        config = self.folder / "secantusd.toml"
        config.write_text(CONFIG)
        command = [str(Path(sys.executable).parent / "secantusd-py"), "--config", str(config)]
        command += ["--port", str(self.port), "--storage-path", str(self.folder / "data")]
        command += ["--enable-test-commands", "--log-level", "WARNING"]
        if self._durable:
            command.append("--sync-on-commit")
        with (self.folder / "server.log").open("ab") as log:
            self._child = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_S
        while not self._listens():
            if self._child.poll() is not None or time.monotonic() > deadline:
                log_text = (self.folder / "server.log").read_text(errors="replace")
                raise AssertionError(f"the database did not start:\n{log_text[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut does; its files stay."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def pause(self) -> None:
        """Let it stand still: it takes connections, and answers nothing."""
        assert self._child is not None
        self._child.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on, as if no time had passed."""
        assert self._child is not None
        self._child.send_signal(signal.SIGCONT)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextmanager
def mongo_server(*, durable: bool = False) -> Iterator[MongoServer]:
    """Run one on an empty folder; end it and drop its files."""
    folder = Path(tempfile.mkdtemp(prefix="payment-service-mongo-"))
    server = MongoServer(folder, durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


async def let_go_of_sockets() -> None:
    """Let what a client left that was closed while its server was away be collected, in silence.

    The driver (4.18) does not close the socket of an attempt to connect that is cancelled, as
    closing a client cancels its monitor's; whichever test runs next would be blamed for that.
    """
    await asyncio.sleep(0.05)  # the monitor has heard by then that it is cancelled
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@contextmanager
def any_mongo() -> Iterator[str]:
    """Yield the address of the server that TEST_MONGODB_URI names, else of one run for it."""
    given = os.environ.get("TEST_MONGODB_URI")
    if given:
        yield given
        return
    with mongo_server() as server:
        yield server.uri


def kept_for_ever(collections: Iterable[Collection[Any]]) -> list[Collection[Any]]:
    """Return the collections without what lets the server drop documents by the machine's clock.

    For lives in virtual time, which may be long ago: nothing may be dropped of them meanwhile.
    """
    return [replace(collection, expires_at=None) for collection in collections]


@contextmanager
def a_database() -> Iterator[str]:
    """Yield the address of a database that nobody has used, dropped in the end."""
    with any_mongo() as server:
        uri = with_database(server, f"test_{uuid4().hex}")
        yield uri
        with pymongo.MongoClient[dict[str, Any]](uri) as client:
            client.drop_database(client.get_default_database())


def with_database(uri: str, name: str) -> str:
    """Return the address with another database in it."""
    return urlunsplit(urlsplit(uri)._replace(path=f"/{name}"))


def port_of(uri: str) -> int:
    """Return the port of an address with one host on this machine."""
    port = urlsplit(uri).port
    assert port is not None, "the tests of lost answers need one server with a port"
    return port
