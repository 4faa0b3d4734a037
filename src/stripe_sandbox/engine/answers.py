"""What a fault makes of an answer: another one, or something else on the connection."""

from __future__ import annotations

from stripe_sandbox.engine.errors import Ordered, internal, lock_timeout
from stripe_sandbox.engine.exchange import Delivery
from stripe_sandbox.engine.state import Entry
from stripe_sandbox.faults import Fault


def check_replayed(fault: Fault | None) -> None:
    """Raise what a fault puts in place of a replay. The saved answer stays as it is."""
    match None if fault is None else fault.kind:
        case "answer":
            assert fault is not None
            raise Ordered(fault.status, fault.body)
        case "lock_timeout":
            raise lock_timeout(saved=False)
        case "error_500_before" | "error_500_after":
            raise internal()
        case "error_503_after_key_forgotten":
            raise internal(503)


def delivery(
    entry: Entry, status: int, headers: dict[str, str], body: bytes, fault: Fault | None
) -> Delivery:
    """Turn an answer into what the connection shows of it, and note it in the log."""
    kind = None if fault is None else fault.kind
    wait_s = 0.0 if fault is None else fault.wait_s
    match kind:
        case "timeout_before" | "timeout_after":
            return Delivery(0, {}, b"", "timeout", wait_s)
        case "reset_before" | "reset_after":
            return Delivery(0, {}, b"", "reset", wait_s)
        case "truncated_200":
            entry.status = status
            return Delivery(status, headers, body[: len(body) // 2], "truncated", wait_s)
    entry.status = status
    return Delivery(status, headers, body, "answer", wait_s)
