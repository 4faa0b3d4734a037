"""Child processes of `payment-service dev`: started, watched, read and ended."""

import asyncio
import http.client
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

# A first start compiles every module; on a small, busy machine that takes a quarter of it.
START_S_MAX = 60.0
# How often to look whether a process answers; quicker than a person would notice.
LOOK_EVERY_S = 0.1
LOOK_S_MAX = 2.0
# What a dying process said last: a traceback with its reason.
LAST_LINES = 20
# A log line longer than this is not for people.
LINE_BYTES_MAX = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """One of the processes: how it is started, where it answers, and how its port is changed.

    comes_back: whether it is started again when somebody kills it.
    """

    name: str
    command: tuple[str, ...]
    host: str
    port: int
    health_path: str
    port_setting: str
    stop_s_max: float
    colour: int
    comes_back: bool = False

    @property
    def url(self) -> str:
        return url_here(self.host, self.port)


class Dead(Exception):
    """A part ended by itself, or never began to answer."""


class Child:
    """One running part."""

    def __init__(self, part: Part, process: Process, label: str) -> None:
        self.part = part
        self._label = label
        self._process = process
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, part: Part, environ: Mapping[str, str]) -> "Child":
        try:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                env=environ,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
                limit=LINE_BYTES_MAX,
                # Ctrl-C reaches every process of a group; these are stopped one after another.
                process_group=0,
            )
        except OSError as error:
            raise Dead(f"the {part.name} cannot be started: {error}") from error
        return cls(part, process, _label(part, environ))

    async def answer(self) -> None:
        """Return when it answers its health check."""
        reason: str | None = None
        health_url = f"{self.part.url}{self.part.health_path}"
        try:
            async with asyncio.timeout(START_S_MAX):
                while True:
                    reason = await asyncio.to_thread(why_unhealthy, health_url)
                    if reason is None:
                        return
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            raise Dead(
                f"the {self.part.name} did not answer on port {self.part.port} within "
                f"{START_S_MAX:.0f} s: {reason}{self._last_words()}"
            ) from None

    @property
    def pid(self) -> int:
        return self._process.pid

    async def killed(self) -> str:
        """Wait for the end that should not come; return the signal that did it.

        Raises Dead when it ended by itself, or may not come back.
        """
        code = await self._process.wait()
        await self._read_rest()
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        if code >= 0 or not self.part.comes_back:
            raise Dead(f"the {self.part.name} ended by itself with {how}{self._last_words()}")
        return how

    async def stop(self) -> None:
        """Ask it to stop, wait, and end it if it does not."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), self.part.stop_s_max)
        except TimeoutError:
            show(f"the {self.part.name} did not stop in time and is killed")
            self.kill()
            await self._process.wait()
        await self._read_rest()

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError:
                line = b"(a line too long to show)\n"
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            self._last.append(text)
            show(f"{self._label} {text}")

    async def _read_rest(self) -> None:
        # What it started may hold its output open; that is no reason to wait for ever.
        await asyncio.wait([self._reading], timeout=1)

    def _last_words(self) -> str:
        return "".join(f"\n    {line}" for line in self._last)


def host_here(host: str) -> str:
    """Return by which name this machine reaches a program that listens on that host."""
    return {"0.0.0.0": "127.0.0.1", "localhost": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def url_here(host: str, port: int) -> str:
    """Return the address at which this machine reaches a program that listens there."""
    here = host_here(host)
    return f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"


def why_unhealthy(url: str) -> str | None:
    """Return why what is asked there over plain HTTP is not healthy; None when it answers 200."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.netloc, timeout=LOOK_S_MAX)
    try:
        connection.request("GET", place.path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    else:
        return None if status == 200 else f"{place.path} answered {status}"
    finally:
        connection.close()


def _label(part: Part, environ: Mapping[str, str]) -> str:
    label = f"{part.name:<8}|"
    if sys.stdout.isatty() and not environ.get("NO_COLOR"):
        return f"\x1b[{part.colour}m{label}\x1b[0m"
    return label


def show(text: str) -> None:
    # Nobody may be left to read it: that must not keep the parts from being stopped.
    with suppress(OSError):
        print(text, flush=True)
