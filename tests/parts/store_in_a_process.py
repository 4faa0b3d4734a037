"""A store on a file in a process of its own, whose disk the shim can break.

It is told by lines what to do. Run as a program it is that process; imported it is the test's end
of the line.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from payment_service.adapters.sqlite import SqliteStore, open_store
from payment_service.ports import StoreUnavailable
from tests.contract.sqlite_file import THINGS, Thing

ROOT = Path(__file__).parents[2]


class StoreProcess:
    """The process, as the test sees it."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.parts.store_in_a_process", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **environ},
        )
        assert self._heard() == "open"

    def ask(self, what: str, *names: str) -> str:
        """Do something with each of these documents at once; return in one word what came of it."""
        assert self._child.stdin is not None
        print(json.dumps([what, *names]), file=self._child.stdin, flush=True)
        return self._heard()

    def insert(self, *names: str) -> str:
        """Write new documents, all in one batch."""
        return self.ask("insert", *names)

    def get(self, name: str) -> str:
        """Say which version there is, `none` without one."""
        return self.ask("get", name)

    def kill(self) -> None:
        """End it as a power cut does, but for what the kernel still holds."""
        self._child.kill()
        self._child.communicate()

    def close(self) -> str:
        """Let it end by itself; return what it has logged."""
        _, logged = self._child.communicate(json.dumps(["close"]) + "\n", timeout=30)
        return logged

    def _heard(self) -> str:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise AssertionError(self._child.communicate()[1][-2000:])
        said: str = json.loads(line)
        return said


async def _one(store: SqliteStore, what: str, name: str) -> str:
    match what:
        case "insert":
            await store.insert(THINGS, Thing(name))
        case "replace":
            thing = await store.get(THINGS, name)
            assert thing is not None
            following = replace(thing, version=thing.version + 1)
            await store.replace(THINGS, following, expected_version=thing.version)
        case "ping":
            await store.ping()
        case _:
            found = await store.get(THINGS, name)
            return "none" if found is None else f"version {found.version}"
    return "done"


async def _outcome(store: SqliteStore, what: str, name: str) -> str:
    try:
        return await _one(store, what, name)
    except StoreUnavailable as error:
        return type(error).__name__


async def _follow(path: str) -> None:
    import structlog  # noqa: PLC0415 - the test's end does not log

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    store = open_store(path, [THINGS])
    await store.ensure_schema()
    _say("open")
    while True:
        line: Any = await asyncio.to_thread(sys.stdin.readline)
        what, *names = json.loads(line)
        if what == "close":
            break
        outcomes = await asyncio.gather(*(_outcome(store, what, name) for name in names))
        _say(" ".join(sorted(set(outcomes))))
    await store.close()


def _say(text: str) -> None:
    sys.stdout.write(json.dumps(text) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_follow(sys.argv[1]))
