"""The command `stripe-sandbox`: listens until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Callable
from typing import Annotated

import typer

from stripe_sandbox.engine import Config, Engine
from stripe_sandbox.engine.errors import ApiError
from stripe_sandbox.engine.webhook_endpoints import check_url
from stripe_sandbox.engine.webhook_secrets import PREFIX
from stripe_sandbox.http import Sandbox, serve
from stripe_sandbox.webhooks import is_loopback

# What a sandbox keeps is never garbage, and it keeps everything: to walk all of it every few
# seconds would stop it for a tenth of a second. So only the young are collected.
GC_THRESHOLDS = (700, 10, 1_000_000)


def main() -> None:
    """Run the command."""
    typer.run(listen)


def listen(  # noqa: PLR0913 - one argument for each option of the command
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 12111,
    latency_ms: Annotated[
        float, typer.Option(min=0, help="How long Stripe takes over each request.")
    ] = 0,
    rate_limit: Annotated[
        int, typer.Option(min=0, help="Requests a second, of all and per endpoint; 0: no limit.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of all ids and other chance.")] = 0,
    fresh_ids: Annotated[
        bool, typer.Option("--fresh-ids", help="The time for seed: no id of an earlier run again.")
    ] = False,
    raw_card_numbers: Annotated[
        bool, typer.Option("--raw-card-numbers", help="Take card numbers, not only test tokens.")
    ] = False,
    accept_key: Annotated[
        list[str] | None, typer.Option(help="Accept this key only; may be given several times.")
    ] = None,
    object_locks: Annotated[
        bool, typer.Option("--object-locks", help="Answer 429 lock_timeout for a busy object.")
    ] = False,
    public_url: Annotated[
        str | None, typer.Option(help="Where browsers find this, if not at the port itself.")
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A name it is reached by besides localhost; may be given several times."),
    ] = None,
    webhook_url: Annotated[
        list[str] | None,
        typer.Option(help="Deliver all events to this address; may be given several times."),
    ] = None,
    webhook_secret: Annotated[
        str | None, typer.Option(help="Sign them with this; without it, one is made and told.")
    ] = None,
    webhook_anywhere: Annotated[
        bool, typer.Option("--webhook-anywhere", help="Deliver beyond this machine, to strangers.")
    ] = False,
) -> None:
    """Run a stateful Stripe to develop and test against. Any key beginning with sk_test_ will do.

    Point the SDK's API address at it. What it holds is in memory and gone when it stops.
    """
    config = Config(
        raw_card_numbers=raw_card_numbers,
        object_locks=object_locks,
        accepted_keys=frozenset(accept_key) if accept_key else None,
        rate_limit_per_s=rate_limit or None,
        endpoint_rate_limit_per_s=rate_limit or None,
        public_url=public_url,
    )
    engine = Engine(config=config, seed=int(time.time()) if fresh_ids else seed)
    sandbox = Sandbox(engine, latency_ms=latency_ms, webhooks_anywhere=webhook_anywhere)
    sandbox.hosts = tuple(allow_host or ())
    notes = _listeners(sandbox, webhook_url or [], webhook_secret)
    gc.set_threshold(*GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_stopped(sandbox, host, port, notes))


async def _until_stopped(sandbox: Sandbox, host: str, port: int, notes: list[str]) -> None:
    """Serve until SIGTERM or SIGINT; say where, then what else there is to know."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        runner, bound_port = await serve(sandbox, host, port)
    except OSError as error:
        typer.echo(f"cannot listen on {host}:{port}: {error.strerror or error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"stripe-sandbox listens on http://{host}:{bound_port}")
    for note in notes:
        typer.echo(note)
    await stopped.wait()
    await runner.cleanup()


def _listeners(sandbox: Sandbox, urls: list[str], secret: str | None) -> list[str]:
    """Make the endpoints asked for, and return what is to be told about them."""
    if secret is not None and not secret.startswith(PREFIX):
        raise typer.BadParameter(f"must begin with {PREFIX}", param_hint="--webhook-secret")
    if secret is not None and not urls:
        raise typer.BadParameter("is of use with --webhook-url", param_hint="--webhook-secret")
    notes = []
    for url in urls:
        try:
            check_url(url)
        except ApiError as error:
            raise typer.BadParameter(str(error), param_hint="--webhook-url") from error
        endpoint = sandbox.engine.webhooks.listen(url, now=sandbox.now(), secret=secret)
        if secret is None:
            notes.append(f"events to {url} are signed with {endpoint.secrets[0].text}")
        if not sandbox.webhooks_anywhere and not is_loopback(url):
            notes.append(f"events to {url} are not sent without --webhook-anywhere")
    return notes


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the fast event loop where there is one."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not made for Windows, so not importable there

    return uvloop.new_event_loop
