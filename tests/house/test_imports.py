"""Importing any module does nothing: no thread, no socket, no file, no look at the environment."""

import subprocess
import sys
from pathlib import Path

from tests.house.tree import SRC, dotted, shipped

# Runs in a process of its own: what a module does on import, it does once.
PROGRAM = """
import importlib, os, sys, threading

source, *names = sys.argv[1:]
done = []
MAPPINGS = {"os", "_collections_abc", "collections.abc"}  # what os.environ is made of


def ours():
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(source):
            return f"{frame.f_code.co_filename[len(source):]}:{frame.f_lineno}"
        if frame.f_code.co_name == "<module>":
            return None  # what a library does while it is imported is its own affair
        frame = frame.f_back
    return None


def watch(event, arguments):
    reached = event in {"socket.connect", "socket.bind", "socket.getaddrinfo", "sqlite3.connect"}
    started = event in {"subprocess.Popen", "os.system", "os.fork", "os.exec", "os.posix_spawn"}
    wrote = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if (reached or started or wrote) and (where := ours()):
        done.append(f"{where} {event}")


class Watched(type(os.environ)):
    def __getitem__(self, name):
        frame = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__") in MAPPINGS:
            frame = frame.f_back
        if frame is not None and frame.f_code.co_filename.startswith(source):
            done.append(f"{frame.f_code.co_filename[len(source):]}:{frame.f_lineno} reads {name}")
        return super().__getitem__(name)


os.environ.__class__ = Watched
sys.addaudithook(watch)
for name in names:
    importlib.import_module(name)
done += [f"thread {thread.name}" for thread in threading.enumerate()[1:]]
print(*sorted(set(done)), sep="\\n", end="")
"""


def what_importing_does(source: Path, *names: str) -> list[str]:
    run = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", PROGRAM, f"{source}/", *names],
        capture_output=True,
        text=True,
        check=False,
        cwd=source,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_importing_any_module_does_nothing() -> None:
    names = [dotted(path) for path in shipped() if path.stem != "__main__"]

    assert what_importing_does(SRC, *names) == []


def test_the_watch_is_awake(tmp_path: Path) -> None:
    (tmp_path / "busy_module.py").write_text(
        '"""Does on import what no module may."""\n'
        "import os, socket, threading\n"
        'HOME = os.environ.get("HOME")\n'
        'os.getenv("PORT")\n'
        'with socket.socket() as one: one.bind(("127.0.0.1", 0))\n'
        'with open(os.devnull, "w"): pass\n'
        "threading.Thread(target=threading.Event().wait, daemon=True, name='busy').start()\n",
        encoding="utf-8",
    )

    assert what_importing_does(tmp_path, "busy_module") == [
        "busy_module.py:3 reads HOME",
        "busy_module.py:4 reads PORT",
        "busy_module.py:5 socket.bind",
        "busy_module.py:6 open",
        "thread busy",
    ]


def test_a_start_on_sqlite_does_not_pay_for_mongodbs_driver() -> None:
    program = "import sys, payment_service.main; print({'pymongo', 'bson'} & set(sys.modules))"

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout == "set()\n"
