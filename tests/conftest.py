"""What every test stands on: no network but loopback, and none of the machine's own settings."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from payment_service.setting_files import file_setting
from payment_service.settings import Settings, secret_fields

# How long an example takes, or to think of one, is the machine's business: it may be busy with
# other things, and none of these tests is about time.
_UNTIMED = [HealthCheck.too_slow]
settings.register_profile("any_machine", deadline=None, suppress_health_check=_UNTIMED)
settings.load_profile("any_machine")

_HERE = frozenset({"", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_OTHERS_ALSO_READ = ("NODE_ENV", "STRIPE_LOG", "NO_COLOR", "FORCE_COLOR", *_PROXIES)


class NetworkIsClosed(AssertionError):
    """A test reached for something outside this machine."""


@pytest.fixture(scope="session", autouse=True)
def _nothing_from_the_machine() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        files = (file_setting(name.upper()) for name in secret_fields())
        for name in (*map(str.upper, Settings.model_fields), *files, *_OTHERS_ALSO_READ):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _sockets_stay_on_this_machine() -> Iterator[None]:
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _refuse_strangers(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _refuse_strangers(address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_strangers((host,))
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield


def _refuse_strangers(address: Any) -> None:
    """Let through what stays here: loopback by any of its names, and sockets that are files."""
    host = address[0] if isinstance(address, tuple) else None
    name = host.decode() if isinstance(host, bytes) else host
    if name is not None and name not in _HERE and not name.startswith("127."):
        raise NetworkIsClosed(f"tests may not reach {name}")
