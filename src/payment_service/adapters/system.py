"""The machine's own time, for where Stripe's is not needed, and its chance."""

import os
from collections.abc import Callable
from datetime import UTC, datetime

# Crockford's base 32: in ASCII order, and without letters that are taken for digits. In lower case
# no row of it can look like a key or token to whoever hides those in the log.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME_LENGTH = 10  # 50 bits of milliseconds last for 35,000 years
_CHANCE_LENGTH = 26  # 130 bits; the port promises 128
_CHANCE_BYTES = 17
# Asking the kernel costs more than all the rest of an id, so chance is fetched for many at once.
_POOL_BYTES = 256 * _CHANCE_BYTES


def wall_time() -> datetime:
    """Return what the machine's clock says in UTC, cut to whole milliseconds."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class RandomIds:
    """Identities as `ports.Ids` promises them: time first, then chance.

    now: where the time comes from, if not from the machine.
    """

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self._now = now or wall_time
        self._pool = b""

    def new(self, prefix: str) -> str:
        """Return a new identity."""
        time = _base32(int(self._now().timestamp() * 1000), _TIME_LENGTH)
        chance = _base32(self._chance(), _CHANCE_LENGTH)
        return f"{prefix}_{time}{chance}"

    def _chance(self) -> int:
        if not self._pool:
            self._pool = os.urandom(_POOL_BYTES)
        taken, self._pool = self._pool[:_CHANCE_BYTES], self._pool[_CHANCE_BYTES:]
        return int.from_bytes(taken, "big")


def _base32(number: int, length: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))
