"""Everything that a soak needs, running: the service with its file, or a fleet on MongoDB."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.fleet import QUICK, fleet
from tests.parts.mongo_server import a_database
from tests.parts.preload import Shim, build_shim
from tests.parts.processes import Program, stack
from tests.simulation.auditor_of_later import CANCELED, REFUND_FAILED, REFUNDED
from tests.soak.file_reader import FileReader

DATABASE = "payments.sqlite3"
APIS, WORKERS = 3, 2
# All that the OrderService can be told, and no guard on cards: the buyers' cards are often refused.
SETTINGS = {
    **QUICK,
    "ORDER_STATUS_CANCELED": CANCELED,
    "ORDER_STATUS_REFUNDED": REFUNDED,
    "ORDER_STATUS_REFUND_FAILED": REFUND_FAILED,
    "CARD_REFUSALS_MAX": "0",
}
# What is left alone lapses, and what no event tells of is found, within seconds.
QUICKER = {
    "ACTION_EXPIRES_S": "6",
    "PAYMENT_EXPIRES_S": "6",
    "BACK_FILL_EVERY_S": "2",
    "SWEEP_EVERY_S": "4",
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What runs. doors: where requests are taken. shims: of each replica, none without faults.

    reader: reads the file, None on MongoDB, where the store itself is asked.
    """

    replicas: tuple[Program, ...]
    doors: tuple[str, ...]
    sandbox_url: str
    shims: tuple[Shim, ...]
    reader: FileReader | None
    mongodb_uri: str | None


@contextmanager
def scene(
    folder: Path, *, orders_url: str, mongodb: bool, shimmed: bool, quicker: bool
) -> Iterator[Scene]:
    """Run all of it. shimmed: with disks and clocks that can be made to fail.

    quicker: with shorter lives of what nobody ends.
    """
    settings = {**SETTINGS, **(QUICKER if quicker else {}), "ORDER_SERVICE_URL": orders_url}
    with ExitStack() as opened:
        if mongodb:
            uri = opened.enter_context(a_database())
            running = opened.enter_context(fleet(uri, apis=APIS, workers=WORKERS, environ=settings))
            shims = tuple(_dressed(folder, each) for each in running.replicas) if shimmed else ()
            yield Scene(running.replicas, running.api_urls, running.sandbox_url, shims, None, uri)
            return
        shims = (_shim(folder),) if shimmed else ()
        worn: Mapping[str, str] = shims[0].environment(match=DATABASE) if shims else {}
        alone = opened.enter_context(stack({**settings, **worn}, webhooks=True))
        reader = FileReader(alone.folder / DATABASE)
        yield Scene((alone.service,), (alone.service_url,), alone.sandbox_url, shims, reader, None)


def _shim(folder: Path) -> Shim:
    folder.mkdir(parents=True, exist_ok=True)
    return build_shim(folder)


def _dressed(folder: Path, replica: Program) -> Shim:
    """Start a replica again with a clock of its own."""
    shim = _shim(folder / replica.log_path.stem)
    replica.stop()
    replica.environ = {**replica.environ, **shim.environment(match=DATABASE)}
    replica.start()
    return shim
