"""The command `stripe-sandbox`: listens until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from stripe_sandbox.engine import Config, Engine
from stripe_sandbox.http import Sandbox, serve

# What a sandbox keeps is never garbage, and it keeps everything: to walk all of it every few
# seconds would stop it for a tenth of a second. So only the young are collected.
GC_THRESHOLDS = (700, 10, 1_000_000)


def main() -> None:
    """Run the command."""
    typer.run(listen)


def listen(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 12111,
    latency_ms: Annotated[
        float, typer.Option(min=0, help="How long Stripe takes over each request.")
    ] = 0,
    rate_limit: Annotated[
        int,
        typer.Option(
            min=0, help="Requests a second, of the account and per endpoint; 0 is no limit."
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(help="Seed of all ids and other chance.")] = 0,
    raw_card_numbers: Annotated[
        bool, typer.Option("--raw-card-numbers", help="Take card numbers, not only test tokens.")
    ] = False,
    accept_key: Annotated[
        list[str] | None, typer.Option(help="Accept this key only; may be given several times.")
    ] = None,
    object_locks: Annotated[
        bool, typer.Option("--object-locks", help="Answer 429 lock_timeout for a busy object.")
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
    )
    sandbox = Sandbox(Engine(config=config, seed=seed), latency_ms=latency_ms)
    gc.set_threshold(*GC_THRESHOLDS)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_stopped(sandbox, host, port))


async def _until_stopped(sandbox: Sandbox, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
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
    await stopped.wait()
    await runner.cleanup()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the fast event loop where there is one."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not made for Windows, so not importable there

    return uvloop.new_event_loop
