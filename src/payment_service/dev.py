"""`payment-service dev`: the service, a Stripe sandbox and a demo OrderService, to try things with.

Each is its own process, as it will be in earnest. A stand-in that the settings point away from is
not started. This room starts, watches and stops; of payments it knows how to ask for one.
"""

import asyncio
import errno
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from payment_service.children import Child, Dead, Part, host_here, show
from payment_service.setting_files import file_setting
from payment_service.settings import (
    SANDBOX_KEY,
    SANDBOX_WEBHOOK_SECRET,
    InvalidSettings,
    Settings,
    load_settings,
)

LOOPBACK = "127.0.0.1"
SANDBOX = "sandbox"
ORDERS = "orders"

# Past its own grace a process has this long to close its files before it is killed.
STOP_S_MAX = 5.0

_GREEN, _MAGENTA, _CYAN = 32, 35, 36


def run_dev(
    settings_env: Mapping[str, str], sandbox_port: int = 12111, orders_port: int = 9001
) -> int:
    """Run everything until Ctrl-C or SIGTERM, or until a part ends; return the exit code.

    settings_env: the environment; what is set there wins over what is made up for development.
    """
    environ = dev_environ(settings_env, sandbox_port=sandbox_port, orders_port=orders_port)
    if environ["ENVIRONMENT"].strip().lower() == "production":
        why = "dev is for development, and ENVIRONMENT is production"
        return _fail(f"{why}: unset it, or run payment-service serve", code=2)
    try:
        settings = load_settings(environ)
    except InvalidSettings as error:
        return _fail(str(error), code=2)
    parts = _parts(settings, sandbox_port=sandbox_port, orders_port=orders_port)
    if taken := "\n".join(_ports_taken(parts)):
        return _fail(taken)
    if settings.mongodb_uri is not None and (code := _migrate(environ)):
        return code
    return asyncio.run(_Run(parts, environ, _welcome(settings, parts)).until_stopped())


def dev_environ(
    environ: Mapping[str, str], *, sandbox_port: int, orders_port: int
) -> dict[str, str]:
    """Return the environment with what development needs added where nothing is set."""
    made_up = {
        "ENVIRONMENT": "development",
        "STRIPE_API_BASE": f"http://{LOOPBACK}:{sandbox_port}",
        "STRIPE_SECRET_KEY": SANDBOX_KEY,
        "ORDER_SERVICE_URL": f"http://{LOOPBACK}:{orders_port}/order",
        "SQLITE_PATH": "./var/payments.sqlite3",
        "PYTHONUNBUFFERED": "1",
    }
    if sys.stdout.isatty() and not environ.get("NO_COLOR"):
        made_up["FORCE_COLOR"] = "1"
    # An OrderService may be set to none; anything else that is empty is not set.
    given = {
        name: value
        for name, value in environ.items()
        if value.strip() or name == "ORDER_SERVICE_URL" or name not in made_up
    }
    for name in [name for name in made_up if given.get(file_setting(name), "").strip()]:
        del made_up[name]
    return made_up | given


def first_steps(base_url: str, *, stamp: int) -> tuple[str, str, str]:
    """Return three commands that create a customer, add a card and pay an order.

    They work when pasted one after another into a POSIX shell. stamp: makes e-mail and order new,
    since the sandbox forgets its customers when it stops and the service does not.
    """
    post = "curl -s -H 'Content-Type: application/json'"
    customer = f'{{"email":"ada-{stamp}@example.com","name":"Ada"}}'
    card = """{"customerId":"'$CUSTOMER'","paymentMethodId":"pm_card_visa"}"""
    payment = (
        f"""{{"amount":5000,"customerId":"'$CUSTOMER'","orderId":"order-{stamp}","confirm":true}}"""
    )
    find_id = r"""sed -n 's/.*"customerId": *"\([^"]*\)".*/\1/p'"""
    return (
        f"CUSTOMER=$({post} -d '{customer}' {base_url}/customer | {find_id}); echo $CUSTOMER",
        f"{post} -w '\\n' -d '{card}' {base_url}/payment-method",
        f"{post} -w '\\n' -d '{payment}' {base_url}/payment-intent",
    )


def _parts(settings: Settings, *, sandbox_port: int, orders_port: int) -> list[Part]:
    """Return what to start, in the order of starting."""
    service = Part(
        name="service",
        command=(_script("payment-service"), "serve"),
        host=host_here(settings.host),
        port=settings.port,
        health_path="/readyz",
        port_setting="PORT",
        stop_s_max=settings.shutdown_grace_s + STOP_S_MAX,
        colour=_GREEN,
        comes_back=True,
    )
    # It forgets all when it stops, and must not give out again the ids that our database remembers.
    webhook = f"{service.url}{settings.api_prefix}/webhook"
    fresh = (
        *("stripe-sandbox", "--fresh-ids"),
        *("--webhook-url", webhook, "--webhook-secret", SANDBOX_WEBHOOK_SECRET),
    )
    sandbox = _stand_in(SANDBOX, fresh, sandbox_port, "/_sandbox/ledger", _MAGENTA)
    orders = _stand_in(ORDERS, ("payment-service", "demo-orders"), orders_port, "/health", _CYAN)
    wanted = ((sandbox, settings.stripe_api_base), (orders, settings.order_service_url))
    return [*(part for part, url in wanted if _leads_to(url, part)), service]


def _stand_in(name: str, command: Sequence[str], port: int, health_path: str, colour: int) -> Part:
    script, *arguments = command
    return Part(
        name=name,
        command=(_script(script), *arguments, "--host", LOOPBACK, "--port", str(port)),
        host=LOOPBACK,
        port=port,
        health_path=health_path,
        port_setting=f"--{name}-port",
        stop_s_max=STOP_S_MAX,
        colour=colour,
    )


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _leads_to(url: str, part: Part) -> bool:
    address = urlsplit(url)
    return address.hostname in {LOOPBACK, "localhost"} and address.port == part.port


def _ports_taken(parts: Sequence[Part]) -> list[str]:
    taken = []
    names: dict[int, str] = {}
    for part in parts:
        other = names.setdefault(part.port, part.name)
        reason = f"the {other} wants it too" if other != part.name else _why_taken(part)
        if reason:
            taken.append(
                f"port {part.port} for the {part.name} cannot be used: {reason}; "
                f"choose another with {part.port_setting}"
            )
    return taken


def _why_taken(part: Part) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            part.host, part.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "another program listens there, an earlier run perhaps"
        return error.strerror or str(error)
    return None


def _migrate(environ: Mapping[str, str]) -> int:
    """Make a database of a server ready, which `serve` leaves to operators; return the exit code.

    It says itself what is wrong. A file makes itself ready.
    """
    command = (_script("payment-service"), "migrate")
    return subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, check=False).returncode


def _welcome(settings: Settings, parts: Sequence[Part]) -> str:
    stamp = int(time.time())
    found = {part.name: part.url for part in parts}
    base_url = found["service"] + settings.api_prefix
    lines = ["", "Running; Ctrl-C stops everything.", "", f"  API docs        {base_url}/api-docs"]
    if SANDBOX in found:
        lines.append(f"  Stripe sandbox  {found[SANDBOX]}/_sandbox/ledger")
    if ORDERS in found:
        lines.append(f"  Demo orders     {found[ORDERS]}/orders")
    lines += ["", "Create a customer, add a card and pay an order, in another terminal:", ""]
    lines += first_steps(base_url, stamp=stamp)
    if ORDERS in found:
        lines += ["", "See that the OrderService was told:", ""]
        lines.append(f"curl -s {found[ORDERS]}/order/order-{stamp}")
    return "\n".join([*lines, ""])


class _Run:
    """From the first start to the last stop."""

    def __init__(self, parts: Sequence[Part], environ: Mapping[str, str], welcome: str) -> None:
        self._parts = parts
        self._environ = environ
        self._welcome = welcome
        self._children: list[Child] = []
        self._stopping = asyncio.Event()

    async def until_stopped(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop)
        try:
            for part in self._parts:
                self._children.append(await Child.start(part, self._environ))
            await self._watch()
        except Dead as dead:
            return _fail(str(dead))
        finally:
            await self._stop_all()
        return 0

    def _stop(self) -> None:
        if self._stopping.is_set():
            # Asked twice: somebody is in a hurry.
            for child in self._children:
                child.kill()
        self._stopping.set()

    async def _watch(self) -> None:
        """Return when asked to stop; raise Dead for a part that ends or never answers."""
        stopped = asyncio.create_task(self._stopping.wait())
        ready = asyncio.create_task(self._greet())
        kept = (asyncio.create_task(self._keep(i)) for i in range(len(self._children)))
        tasks = {stopped, ready, *kept}
        pending = tasks
        try:
            while not stopped.done():
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep(self, place: int) -> None:
        """Start a part again that somebody killed, as its users would; raise Dead otherwise."""
        while True:
            child = self._children[place]
            how = await child.killed()
            show(f"the {child.part.name} was ended by {how} and is started again")
            self._children[place] = again = await Child.start(child.part, self._environ)
            show(f"the {child.part.name} now has process id {again.pid}")

    async def _greet(self) -> None:
        await asyncio.gather(*(child.answer() for child in self._children))
        show(self._welcome)
        service = self._children[-1]
        show(f"Kill the service whenever you like, it comes back: kill -9 {service.pid}\n")

    async def _stop_all(self) -> None:
        """Stop the service first, while what it talks to still answers."""
        self._stopping.set()
        for child in reversed(self._children):
            await child.stop()


def _fail(message: str, *, code: int = 1) -> int:
    with suppress(OSError):
        print(f"payment-service dev: {message}", file=sys.stderr, flush=True)
    return code
