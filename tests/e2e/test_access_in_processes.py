"""What an operator sets up: keys by the command line, and a port for those who watch."""

import asyncio
import getpass
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import jwt
import pytest
from aiohttp import web

from payment_service.adapters.sqlite import open_store
from payment_service.composing import open_access
from payment_service.domain.errors import CredentialsRefused
from payment_service.settings import load_settings
from payment_service.storage.collections import AUDIT, COLLECTIONS
from tests.parts.http import Caller
from tests.parts.identity_provider import (
    AUDIENCE,
    ISSUER,
    SETTING_OF_THE_MARK,
    IdentityProvider,
    public_pem,
)
from tests.parts.processes import Program, free_port, stack


def command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end."""
    return subprocess.run(
        [sys.executable, "-m", "payment_service", *arguments],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_key_is_made_used_listed_and_revoked() -> None:
    port = str(free_port())
    with stack({"AUTH": "api-key", "METRICS_PORT": port}) as running:
        path = {"SQLITE_PATH": running.service.environ["SQLITE_PATH"]}
        wish = ["keys", "create", "--name", "checkout", "--scopes", "payment.read"]

        running.service.stop()
        made = command(*wish, "--expires-in", "90d", "--by", "Olga P.", "--reason", "new", **path)
        text = made.stdout.strip()
        running.service.start()
        async with aiohttp.ClientSession() as http:
            service, watched = Caller(http, running.service_url), Caller(http, _local(port))
            bearer = {"Authorization": f"Bearer {text}"}
            read = await service.ask("GET", "/payment/payments", headers=bearer)
            wrote = await service.ask("POST", "/payment/customer", {}, bearer)
            nobody = await service.ask("GET", "/payment/payments")
            metrics = await watched.ask("GET", "/metrics")
            hidden = await service.ask("GET", "/metrics", headers=bearer)
            probes = [(await watched.ask("GET", f"/{name}")).status for name in ("livez", "readyz")]
        running.service.stop()
        listed = command("keys", "list", **path)
        revoked = command("keys", "revoke", text.split("_")[1], **path)
        gone = command("keys", "list", **path)
        noted = await audit(path["SQLITE_PATH"])
        log = running.service.log()

    assert (read.status, wrote.status, nobody.status) == (200, 403, 401)
    assert (
        'http_requests_total{method="GET",route="/payment/payments",status="200"}' in metrics.body
    )
    assert (hidden.status, probes) == (404, [200, 200])
    assert "\tactive\tpayment.read\t" in listed.stdout
    assert "checkout" in listed.stdout
    assert (revoked.returncode, "\trevoked\t" in gone.stdout) == (0, True)
    key_id = text.split("_")[1]
    assert noted == [
        ("api_key.revoked", key_id, getpass.getuser(), ""),
        ("api_key.created", key_id, "Olga P.", "new"),
    ]
    secret = text.split("_")[2]
    assert secret not in log + listed.stdout + gone.stdout + revoked.stdout


async def audit(path: str) -> list[tuple[str, str, str, str]]:
    """Return what the audit holds, the newest first."""
    store = open_store(path, COLLECTIONS)
    page = await store.page(
        AUDIT, equal={}, created_from=None, created_to=None, cursor=None, limit=10
    )
    await store.close()
    return [(one.what, one.subject, one.who, one.why) for one in page.items]


@asynccontextmanager
async def publishing(provider: IdentityProvider) -> AsyncIterator[str]:
    """Publish the keys of an identity provider over HTTP."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=await provider.fetch(), content_type="application/json")

    app = web.Application()
    app.router.add_get("/keys", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"{_local(str(runner.addresses[0][1]))}/keys"
    await runner.cleanup()


async def test_a_token_is_checked_with_the_keys_that_its_provider_publishes() -> None:
    provider = IdentityProvider(lambda: datetime.now(UTC))
    async with publishing(provider) as url, aiohttp.ClientSession() as http:
        environ = {
            "AUTH": "jwt",
            "AUTH_JWT_JWKS_URL": url,
            "AUTH_JWT_ISSUER": ISSUER,
            "AUTH_JWT_AUDIENCE": AUDIENCE,
            **SETTING_OF_THE_MARK,
        }
        with stack(environ) as running:
            service = Caller(http, running.service_url)

            async def status(token: str, method: str = "GET", body: object = None) -> int:
                bearer = {"Authorization": f"Bearer {token}"}
                path = "/payment/payments" if method == "GET" else "/payment/customer"
                return (await service.ask(method, path, body, bearer)).status

            heard = [
                await status(provider.token()),
                await status(provider.token(kid="key-2")),
                await status(provider.user("ann@shop.example")),
                await status(
                    provider.user("ann@shop.example"), "POST", {"email": "b@shop.example"}
                ),
                await status(provider.user("ann@shop.example"), "POST", {"email": "x" * 60_000}),
                await status("forged", "POST", {"email": "x" * 60_000}),
                await status(provider.token()),  # the connection is still good
            ]
            code = await asyncio.to_thread(running.service.stop)
            log = running.service.log()

    assert heard == [200, 401, 200, 404, 400, 401, 200]
    assert (code, provider.fetches) == (0, 1)
    assert "Unclosed" not in log


async def test_two_providers_are_known_by_a_file_and_each_by_its_own_keys(tmp_path: Path) -> None:
    one, two = (IdentityProvider(lambda: datetime.now(UTC)) for _ in range(2))
    two.kids = ["key-2"]
    other = "https://other.example.com"
    async with (
        publishing(one) as url,
        publishing(two) as other_url,
        aiohttp.ClientSession() as http,
    ):
        file = tmp_path / "issuers.toml"
        file.write_text(
            f"""[[issuer]]
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
jwks_url = "{url}"

[[issuer]]
issuer = "{other}"
audience = ["machines"]
jwks_url = "{other_url}"
service_claim = "gty=client-credentials"
"""
        )
        with stack({"AUTH": "jwt", "AUTH_JWT_ISSUERS_FILE": str(file)}) as running:
            service = Caller(http, running.service_url)

            async def told(token: str) -> tuple[int, str | None]:
                bearer = {"Authorization": f"Bearer {token}"}
                heard = await service.ask("GET", "/payment/payments", headers=bearer)
                return heard.status, heard.body.get("code")

            heard = [
                await told(one.token(scope="payment.read payment.service")),
                await told(one.token()),  # the mark of the other issuer
                await told(two.token(kid="key-2", iss=other, aud="machines", sub=None, azp="x")),
                await told(two.token(kid="key-2")),
                await told(one.token(iss=other, aud="machines")),
            ]
            running.service.stop()
            log = running.service.log()

    invalid = 401, "credentials_invalid"
    ok = 200, None
    assert heard == [ok, (403, "neither_user_nor_service"), ok, invalid, invalid]
    assert log.count("credentials.refused") == 3
    assert (one.fetches, two.fetches) == (1, 1)


@pytest.mark.parametrize(
    "source", [{"AUTH_JWT_PUBLIC_KEY": public_pem("key-1").decode()}, {"AUTH_JWT_SECRET": "x" * 32}]
)
async def test_a_key_that_is_set_checks_tokens_without_asking_anybody(
    source: dict[str, str],
) -> None:
    provider = IdentityProvider(lambda: datetime.now(UTC))
    named = {"AUTH_JWT_ISSUER": ISSUER, "AUTH_JWT_AUDIENCE": AUDIENCE, **SETTING_OF_THE_MARK}
    signed = {
        "AUTH_JWT_PUBLIC_KEY": provider.token(),
        "AUTH_JWT_SECRET": jwt.encode(provider.claims(), "x" * 32, algorithm="HS256"),
    }

    async with open_access(load_settings({"AUTH": "jwt,api-key", **named, **source})) as access:
        assert access is not None
        assert access.api_keys
        assert access.tokens is not None
        for name, token in signed.items():
            if name in source:
                identity = await access.tokens.read(token, datetime.now(UTC))
                assert identity.scopes == {"payment.admin"}
            else:
                with pytest.raises(CredentialsRefused):
                    await access.tokens.read(token, datetime.now(UTC))


async def test_where_nobody_is_asked_there_is_no_access_to_check() -> None:
    async with open_access(load_settings({})) as access:
        assert access is None


def test_what_cannot_be_done_with_a_key_is_said(tmp_path: Path) -> None:
    path = {"SQLITE_PATH": str(tmp_path / "p.sqlite3")}

    def create(*more: str) -> str:
        ran = command("keys", "create", "--name", "x", *more, **path)
        assert ran.returncode == 2
        assert "Traceback" not in ran.stderr
        return ran.stderr

    assert "there is no scope" in create("--scopes", "payment.everything")
    assert "is no time such as 90d" in create("--scopes", "payment.read", "--expires-in", "soon")
    nameless = command("keys", "create", "--name", "", "--scopes", "payment.read", **path)
    assert (nameless.returncode, "name: must have" in nameless.stderr) == (2, True)
    unknown = command("keys", "revoke", "nope", **path)
    assert (unknown.returncode, "There is no such API key." in unknown.stderr) == (1, True)


def test_production_does_not_start_before_it_is_said_who_may_call() -> None:
    ran = command("serve", ENVIRONMENT="production", STRIPE_SECRET_KEY="rk_live_abcdef123456")

    assert ran.returncode == 2
    assert "AUTH: is not set" in ran.stderr


def test_a_taken_port_of_the_watchers_names_its_setting(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        for name in ("serve", "worker"):
            ran = command(
                name,
                PORT=str(free_port()),
                METRICS_PORT=taken,
                SQLITE_PATH=str(tmp_path / "p.sqlite3"),
            )

            assert ran.returncode == 2
            assert f"port {taken} on 127.0.0.1 is in use; set METRICS_PORT" in ran.stderr


async def test_a_worker_alone_can_be_watched(tmp_path: Path) -> None:
    port = str(free_port())
    environ = {
        "METRICS_PORT": port,
        "SQLITE_PATH": str(tmp_path / "p.sqlite3"),
        "LOG_FORMAT": "json",
    }
    worker = Program(
        ["payment_service", "worker"], f"{_local(port)}/readyz", environ, tmp_path / "log"
    )
    worker.start()
    try:
        async with aiohttp.ClientSession() as http:
            watched = Caller(http, _local(port))
            metrics = await watched.ask("GET", "/metrics")
            nothing = await watched.ask("GET", "/payment/payments")
    finally:
        code = worker.stop()

    assert "payment_service_worker_last_round_timestamp_seconds" in metrics.body
    assert (nothing.status, code) == (404, 0)


def _local(port: str) -> str:
    return f"http://127.0.0.1:{port}"
