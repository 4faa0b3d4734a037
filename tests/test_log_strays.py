"""What Python would print by itself is a line like any other: in a process of its own."""

import json
import subprocess
import sys

SECRET = "sk_test_verysecret"

PROGRAM = f"""
import asyncio, logging, sys, threading, warnings
from payment_service.logs import catch_strays, configure_logs

configure_logs("info", "json", email_key=b"a key for tests")
catch_strays()
secret = {SECRET!r}

warnings.simplefilter("always")
warnings.warn(f"do not use {{secret}}")

def in_a_thread():
    raise ValueError(secret)
thread = threading.Thread(target=in_a_thread, name="a-thread")
thread.start()
thread.join()

class Dying:
    def __del__(self):
        raise ValueError(secret)
Dying()

async def lost():
    async def fails():
        raise ValueError(secret)
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    loop = asyncio.get_running_loop()
    loop.call_soon(in_a_thread)
    await asyncio.sleep(0.01)
asyncio.run(lost())

raise RuntimeError(f"the end of {{secret}}")
"""


def test_nothing_goes_past_the_log() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )

    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(line["event"], line["level"]) for line in lines[:3]] == [
        (lines[0]["event"], "warning"),
        ("thread.crashed", "error"),
        ("exception.lost", "error"),
    ]
    assert "UserWarning: do not use sk_test_[hidden]" in lines[0]["event"]
    assert lines[0]["logger"] == "py.warnings"
    assert {line.get("logger") for line in lines[3:-1]} == {"asyncio"}
    assert len(lines[3:-1]) == 2
    assert lines[-1]["event"] == "process.crashed"
    assert lines[-1]["exception"].endswith("RuntimeError: the end of sk_test_[hidden]")
    assert all("[hidden]" in json.dumps(line) for line in lines)
    assert ran.stderr == ""
    assert ran.returncode == 1
    assert SECRET not in ran.stdout
