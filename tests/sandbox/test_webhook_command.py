"""The options of the command that are about webhooks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from tests.sandbox.account import KEY
from tests.sandbox.receiver import receiver
from tests.sandbox.telling import SECRET

COMMAND = [sys.executable, "-m", "stripe_sandbox", "--port", "0"]
SAID_FIRST = "stripe-sandbox listens on "


@asynccontextmanager
async def running(*options: str, lines: int = 1) -> AsyncIterator[list[str]]:
    """Run the command, and give what it says: first where it listens."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            yield [(await process.stdout.readline()).decode().strip() for _ in range(lines)]
    finally:
        process.terminate()
        await process.communicate()


async def make_customer(said: str) -> None:
    """Have something happen that is told."""
    url = f"{said.removeprefix(SAID_FIRST)}/v1/customers"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, headers={"Authorization": KEY}) as answer,
    ):
        assert answer.status == 200


async def test_events_go_to_all_addresses_with_no_further_call() -> None:
    async with receiver() as first, receiver() as second:
        urls = ("--webhook-url", first.url, "--webhook-url", second.url)
        async with running(*urls, "--webhook-secret", SECRET) as [said]:
            await make_customer(said)

            assert (await first.event()).id == (await second.event()).id


async def test_a_secret_that_was_not_given_is_told() -> None:
    async with (
        receiver() as took,
        running("--webhook-url", took.url, lines=2) as [said, told],
    ):
        assert told.startswith(f"events to {took.url} are signed with whsec_")
        await make_customer(said)

        assert (await took.event(secret=told.split()[-1])).type == "customer.created"


async def test_that_strangers_are_not_posted_to_is_told() -> None:
    options = ("--webhook-url", "https://shop.example/", "--webhook-secret", SECRET)
    async with running(*options, lines=2) as [_, told]:
        assert told == "events to https://shop.example/ are not sent without --webhook-anywhere"


@pytest.mark.parametrize(
    "options",
    [
        ("--webhook-url", "shop.example"),
        ("--webhook-secret", SECRET),
        ("--webhook-url", "http://localhost:1/", "--webhook-secret", "secret"),
    ],
)
def test_a_bad_option_is_refused(options: tuple[str, ...]) -> None:
    run = subprocess.run(
        [*COMMAND, *options], capture_output=True, text=True, check=False, timeout=20
    )

    assert run.returncode == 2
    assert "--webhook-" in run.stderr
