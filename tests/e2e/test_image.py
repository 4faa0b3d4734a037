"""The image without an engine: the Dockerfile's own steps make it, and its roles run in it.

Every RUN, COPY, ENTRYPOINT and HEALTHCHECK is taken from the Dockerfile, with the image's folders
under a temporary one. What runs is a numeric user who can write nothing but the volume.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from tests.house.test_locks import locked
from tests.parts.dockerfile import Instruction, image_environ, instructions, last_stage
from tests.parts.http import Caller, customer_with_card
from tests.parts.processes import Program, free_port

ROOT = Path(__file__).resolve().parents[2]
# Whatever the package index says about itself, and how to reach it; as for `make setup`.
PASSED_ON = re.compile(r"PIP_.*|.*_PROXY|.*_proxy|SSL_CERT_.*|REQUESTS_CA_BUNDLE|LANG|TMPDIR")
STOP_S_MAX = 10.0
# Some fifty packages from the registry, unpacked and compiled, on a busy machine.
BUILD_S_MAX = 240.0
# Of the packages in the image the roles load less than half.
COMPILED_BYTES_MAX = 20 * 2**20


@dataclass
class Image:
    """What the Dockerfile makes: the folders of the image stand below `root`."""

    root: Path
    base_bin: Path
    workdir: Path = Path()
    environ: dict[str, str] = field(default_factory=dict)

    def put(self, text: str) -> str:
        """Return the text with the image's folders where they are here, and its user as ours."""
        below = re.sub(r"(?<![\w./])/(opt|var|build)\b", rf"{self.root}/\1", text)
        return below if os.geteuid() == 0 else below.replace("10001", str(os.geteuid()))

    def build(self) -> None:
        """Take every step that makes files."""
        for step in instructions():
            match step.word:
                case "FROM":
                    self.environ = {}
                case "WORKDIR":
                    self.workdir = Path(self.put(step.text))
                    self.workdir.mkdir(parents=True, exist_ok=True)
                case "ENV":
                    self.environ |= {name: self.put(text) for name, text in step.pairs.items()}
                case "COPY":
                    self._copy(step)
                case "RUN":
                    self._run(step.text)

    def _copy(self, step: Instruction) -> None:
        *sources, target = step.text.split()
        if sources[0].startswith("--from="):
            # A virtual environment knows its own path: it must stay where it was made.
            assert sources[1:] == [target]
            return
        for source in sources:
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, self.workdir / target, ignore=ignored)
            else:
                shutil.copy(ROOT / source, self.workdir / target)

    def _run(self, command: str) -> None:
        given = {name: text for name, text in os.environ.items() if PASSED_ON.fullmatch(name)}
        path = f"{self.base_bin}:{os.environ['PATH']}"
        done = subprocess.run(
            ["/bin/sh", "-c", self.put(command)],
            cwd=self.workdir,
            env={**given, "HOME": str(self.root), **self.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD_S_MAX,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"

    @property
    def bin(self) -> Path:
        """Where the commands are, first on the image's PATH."""
        return Path(self.put(image_environ()["PATH"].split(":")[0]))

    @property
    def volume(self) -> Path:
        """The one folder that may be written to."""
        return Path(self.put(last_stage("WORKDIR")[0].text))

    def command(self, *words: str) -> list[str]:
        """Return the command line that runs these words in the image."""
        return [*_as_nobody(), str(self.bin / words[0]), *words[1:]]

    def settings(self, given: dict[str, str]) -> dict[str, str]:
        """Return the environment of a process in the image."""
        ours = {name: self.put(text) for name, text in image_environ().items()}
        path = f"{self.bin}:/usr/bin:/bin"
        return {**ours, "PATH": path, "HOME": "/", "PYTHONPATH": "", "VIRTUAL_ENV": "", **given}

    def written(self) -> dict[Path, int]:
        """Return when each file and folder outside the volume was last changed."""
        return {
            path: path.lstat().st_mtime_ns
            for path in self.root.rglob("*")
            if not path.is_relative_to(self.volume)
        }


def _as_nobody() -> list[str]:
    """Return what makes a root process the image's user, who may read all and write nothing.

    Reading is left to it because the Python of this machine may live where only root may look.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    assert setpriv, "as root these tests need setpriv, of util-linux"
    user, group = last_stage("USER")[0].text.split(":")
    read = "-all,+dac_read_search"
    return [
        *(setpriv, "--reuid", user, "--regid", group, "--clear-groups", "--no-new-privs"),
        *("--inh-caps", read, "--ambient-caps", read, "--bounding-set", read),
    ]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("image")
    # The official image: a Python with pip and nothing else.
    subprocess.run([sys.executable, "-m", "venv", folder / "base"], check=True)
    made = Image(folder / "root", folder / "base" / "bin")
    made.build()
    yield made
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Running:
    """The roles of the image on ports of this machine, and the settings they share."""

    image: Image
    settings: dict[str, str]
    serve: Program
    url: str
    orders_url: str

    def once(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run one command of the image to its end, with these settings besides."""
        return subprocess.run(
            self.image.command(*words),
            env={**self.settings, **settings},
            cwd=self.image.volume,
            capture_output=True,
            text=True,
            check=False,
            timeout=STOP_S_MAX * 3,
        )


@pytest.fixture
def running(image: Image, tmp_path: Path) -> Iterator[Running]:
    sandbox, orders, service = (free_port() for _ in range(3))
    at = "http://127.0.0.1"
    settings = image.settings(
        {
            "NODE_ENV": "development",
            "PORT": str(service),
            "STRIPE_API_BASE": f"{at}:{sandbox}",
            "ORDER_SERVICE_URL": f"{at}:{orders}/order",
            "ORDER_SERVICE_TOKEN": "of-ours",
            "LOG_FORMAT": "json",
        }
    )

    def program(health_url: str, *words: str) -> Program:
        launcher = tuple(image.command(*words))
        log = tmp_path / f"{len(started)}.log"
        started.append(Program([], health_url, settings, log, launcher, image.volume))
        return started[-1]

    started: list[Program] = []
    program(f"{at}:{sandbox}/_sandbox/health", "stripe-sandbox", "--port", str(sandbox)).start()
    program(
        f"{at}:{orders}/health", "payment-service", "demo-orders", "--port", str(orders)
    ).start()
    entry, command = last_stage("ENTRYPOINT")[0].listed, last_stage("CMD")[0].listed
    serve = program(f"{at}:{service}/readyz", *entry, *command)
    try:
        yield Running(image, settings, serve, f"{at}:{service}", f"{at}:{orders}")
    finally:
        for one in reversed(started):
            one.stop()


def healthcheck() -> list[str]:
    """Return the command that the image is asked for its health with."""
    command: list[str] = json.loads(last_stage("HEALTHCHECK")[0].text.partition(" CMD ")[2])
    return command


def test_nothing_is_in_it_but_what_is_locked_for_running(image: Image) -> None:
    found = {
        path.name.split("-")[0].lower().replace("_", "-")
        for path in image.bin.parent.glob("lib/python*/site-packages/*.dist-info")
    }
    runtime = {name.lower().replace("_", "-").replace(".", "-") for name in locked("runtime.txt")}

    assert "payment-service" in found
    assert found - {"payment-service"} <= runtime
    assert not (image.bin / "pip").exists()


def test_it_is_compiled_keeps_its_assertions_and_is_not_root(image: Image) -> None:
    look = (
        "import os, sys, payment_service as it;"
        "print(it.__cached__, sys.flags.optimize, os.getuid())"
    )
    asked = subprocess.run(
        image.command("python", "-c", look),
        env=image.settings({}),
        capture_output=True,
        text=True,
        check=True,
    )
    compiled, optimize, user_id = asked.stdout.split()

    assert Path(compiled).is_file()
    assert optimize == "0"
    assert user_id != "0"


def test_what_its_roles_load_is_compiled_and_not_much_else(image: Image) -> None:
    roles = "payment_service.main, payment_service.worker, payment_service.adapters.mongo"
    loaded = subprocess.run(
        image.command("python", "-v", "-c", f"import {roles}, stripe_sandbox.cli"),
        env=image.settings({}),
        capture_output=True,
        text=True,
        check=True,
    )
    compiled = list(image.root.rglob("*.pyc"))
    sources = list(image.root.rglob("*.py"))

    from_source = re.findall(r"code object from '?([^']*\.py)'?$", loaded.stderr, re.MULTILINE)
    assert [path for path in from_source if path.startswith(str(image.root))] == []
    assert len(compiled) < len(sources) / 2
    assert sum(path.stat().st_size for path in compiled) < COMPILED_BYTES_MAX


async def test_its_roles_pay_an_order_and_write_nothing_but_the_volume(running: Running) -> None:
    before = running.image.written()

    migrated = running.once("payment-service", "migrate")
    running.serve.start()
    healthy = running.once(*healthcheck())
    async with aiohttp.ClientSession() as http:
        service = Caller(http, running.url)
        customer_id, _ = await customer_with_card(service)
        order = {"amount": 6522, "customerId": customer_id, "orderId": "order-1", "confirm": True}
        paid = await service.ask("POST", "/payment/payment-intent", order)
        orders = Caller(http, running.orders_url)
        told = await orders.until("GET", "/order/order-1", lambda heard: heard.status == 200)
    stopped = running.serve.stop()
    gone = running.once("payment-service", "healthy")

    assert (migrated.returncode, migrated.stdout) == (0, "The database is up to date.\n")
    assert (healthy.returncode, healthy.stderr) == (0, "")
    assert (paid.status, paid.data["status"]) == (200, "succeeded")
    assert told.body["status"] == "PAYMENT RECEIVED"
    assert stopped == 0
    assert gone.returncode == 1
    assert "Connection refused" in gone.stderr
    assert running.image.written() == before


def test_its_worker_says_that_it_is_healthy_until_it_is_told_to_stop(
    running: Running, tmp_path: Path
) -> None:
    port = free_port()
    settings = {**running.settings, "METRICS_PORT": str(port)}
    launcher = tuple(running.image.command("payment-service", "worker"))
    health_url = f"http://127.0.0.1:{port}/readyz"
    log = tmp_path / "worker.log"
    worker = Program([], health_url, settings, log, launcher, running.image.volume)

    worker.start()
    try:
        healthy = running.once(*healthcheck(), METRICS_PORT=str(port))
    finally:
        stopped = worker.stop()

    assert (healthy.returncode, healthy.stderr) == (0, "")
    assert stopped == 0
