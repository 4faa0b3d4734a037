"""A file that is written over in place, under the log of the one that was there, is noticed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_broken_disk import OUTDATED, SETTINGS, Shop, open_shop, refused
from tests.parts.processes import Stack, stack


@pytest.fixture
def running() -> Iterator[Stack]:
    with stack(SETTINGS, webhooks=True) as everything:
        yield everything


def copy_over(path: Path, to: Path) -> None:
    """As `cp` does it: the inode stays, and the log beside it."""
    to.write_bytes(path.read_bytes())


async def with_older_copy(shop: Shop) -> Path:
    """Return a copy of the file from before order-1 was charged; that is folded into the file."""
    shop.running.service.stop()
    copy = shop.file.with_name("older-copy")
    shutil.copy(shop.file, copy)
    shop.running.service.start()
    assert (await shop.pay("order-1")).data["status"] == "succeeded"
    shop.running.service.stop()  # folds the log
    shop.running.service.start()
    assert (await shop.pay("order-2")).data["status"] == "succeeded"
    return copy


async def is_charged_once_after_consent(shop: Shop) -> None:
    assert await refused(shop.running) == OUTDATED
    environ = {**shop.running.service.environ, "SQLITE_ACCEPT_OUTDATED": "true"}
    shop.running.service.environ = environ
    shop.running.service.start()
    for order in ("order-1", "order-2", "order-3"):
        await shop.pay(order)
        assert (await shop.settled(order)).data["status"] == "succeeded"
        assert len(await shop.at_stripe(order)) == 1


async def test_an_older_copy_written_over_a_file_whose_log_is_left_is_not_started_on(
    running: Stack,
) -> None:
    async with open_shop(running) as shop:
        copy = await with_older_copy(shop)
        running.service.kill()
        copy_over(copy, shop.file)

        await is_charged_once_after_consent(shop)


async def test_an_older_copy_written_over_the_file_in_use_is_noticed(running: Stack) -> None:
    async with open_shop(running) as shop:
        copy = await with_older_copy(shop)
        copy_over(copy, shop.file)
        told = await shop.pay("order-3")

        assert told.status in {202, 503}
        await shop.service.until("GET", "/readyz", lambda heard: heard.status == 503, within_s=5)
        assert '"cause":"file_replaced"' in running.service.log()
        running.service.kill()
        await is_charged_once_after_consent(shop)
