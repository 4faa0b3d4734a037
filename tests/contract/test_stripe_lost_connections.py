"""A connection to Stripe that ends: after the request has left it is doubt, before that nothing.

Over real sockets: what a library raises for each way in which a peer can go is for it to decide.
"""

import asyncio
import datetime as dt
import gc
import socket
import ssl
import struct
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import stripe
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from payment_service.adapters.stripe import StripeGateway, TimeLimits, open_stripe
from payment_service.domain.news import NoNews, NotExecuted
from payment_service.domain.steps import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateCustomer,
    CreateRefund,
    GatewayStep,
)
from tests.contract.test_stripe_gateway import CREATE
from tests.parts.processes import free_port

# Longer than anything on loopback takes; a peer that says nothing is waited for so long.
LIMIT_S = 1.0
STEPS: list[GatewayStep] = [
    CREATE,
    ConfirmIntent("key-1", "ord_1", "pi_1", "pm_1", None),
    CaptureIntent("key-1", "ord_1", "pi_1", None),
    CancelIntent("key-1", "ord_1", "pi_1", "abandoned"),
    CreateRefund("key-1", "ord_1", "ref_1", "pi_1", 100, None),
    CreateCustomer("key-1", "jane@example.com", None),
]
Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Behaviour = Callable[[Writer], Awaitable[None]]
ANSWER = b'{"id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 10000}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


async def reset(writer: Writer) -> None:
    """Send a TCP reset: the peer has crashed, or a load balancer has forgotten the connection."""
    writer.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    writer.transport.abort()


async def close(writer: Writer) -> None:
    writer.close()


async def half_close(writer: Writer) -> None:
    writer.write_eof()


async def cut_tls(writer: Writer) -> None:
    """End the connection without TLS's good-bye."""
    writer.transport.abort()


def after(*parts: bytes, then: Behaviour) -> Behaviour:
    async def behave(writer: Writer) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        await asyncio.sleep(0.01)  # so that they are read apart
        await then(writer)

    return behave


async def silent(writer: Writer) -> None:
    """Say nothing, and leave the connection open."""


WAYS: dict[str, Behaviour] = {
    "reset": reset,
    "closed": close,
    "half closed": half_close,
    "silent": silent,
    "reset in the status line": after(b"HTTP/1.1 2", then=reset),
    "closed in the status line": after(b"HTTP/1.1 2", then=close),
    "reset in the headers": after(b"HTTP/1.1 200 OK\r\nContent-Ty", then=reset),
    "closed in the headers": after(b"HTTP/1.1 200 OK\r\nContent-Ty", then=close),
    "reset in the body": after(HEAD % len(ANSWER), ANSWER[:20], then=reset),
    "closed in the body": after(HEAD % len(ANSWER), ANSWER[:20], then=close),
    "half closed in the body": after(HEAD % len(ANSWER), ANSWER[:20], then=half_close),
    "closed in a chunk": after(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\n{", then=close
    ),
    "closed between chunks": after(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", then=close
    ),
    "closed after 100 Continue": after(b"HTTP/1.1 100 Continue\r\n\r\n", then=close),
    "not HTTP": after(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", then=close),
    "a bad length": after(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", then=close),
    "a body that is no gzip": after(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", then=close
    ),
    "a body nested too deeply": after(HEAD % 200_000, b"[" * 200_000, then=close),
    "an answer without an end": after(b"HTTP/1.1 200 OK\r\n\r\n" + ANSWER[:40], then=close),
}


@dataclass
class Peer:
    """Somebody at Stripe's address: reads a whole request, then behaves as told.

    heard: how many requests it has read whole. answers: to so many of them it answers well first.
    """

    behave: Behaviour
    answers: int = 0
    heard: int = 0
    port: int = 0
    open: set[Writer] = field(default_factory=set)

    async def take(self, reader: Reader, writer: Writer) -> None:
        self.open.add(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
                await reader.readexactly(length)
                self.heard += 1
                if self.heard > self.answers:
                    await self.behave(writer)
                    await reader.read()
                    break
                writer.write(HEAD % len(ANSWER) + ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open.discard(writer)
            writer.close()


@asynccontextmanager
async def peer_that(
    behave: Behaviour, *, answers: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Peer]:
    peer = Peer(behave, answers)
    listener = await asyncio.start_server(peer.take, "127.0.0.1", 0, ssl=tls)
    peer.port = listener.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        listener.close()
        for writer in tuple(peer.open):
            writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def gateway_to(
    base: str, *, trusted: ssl.SSLContext | None = None
) -> AsyncIterator[StripeGateway]:
    http = None
    if trusted is not None:
        http = stripe.AIOHTTPClient(timeout=90, connector=aiohttp.TCPConnector(ssl=trusted))
    limits = TimeLimits(charge_s=LIMIT_S, refund_s=LIMIT_S, write_s=LIMIT_S, read_s=LIMIT_S)
    gateway = open_stripe(
        api_key="sk_test_x", api_base=base, service="ours", limits=limits, http=http
    )
    try:
        yield gateway
    finally:
        await gateway.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_charge_that_was_read_and_not_answered_is_doubt(way: str) -> None:
    async with (
        peer_that(WAYS[way]) as peer,
        gateway_to(f"http://127.0.0.1:{peer.port}") as gateway,
    ):
        news = await gateway.ask(CREATE)

        assert type(news) is NoNews
        assert news.dead_end is None
        assert peer.heard == 1, "asking again is not for a library to decide"
        with warnings.catch_warnings():
            # The SDK does not let go of an answer whose body cannot be read; being collected does,
            # and warns whichever test runs then.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
@pytest.mark.parametrize("way", ["reset", "closed"])
async def test_whatever_was_read_and_not_answered_is_doubt(way: str, step: GatewayStep) -> None:
    async with (
        peer_that(WAYS[way]) as peer,
        gateway_to(f"http://127.0.0.1:{peer.port}") as gateway,
    ):
        assert type(await gateway.ask(step)) is NoNews
        assert peer.heard == 1


@pytest.mark.parametrize("way", ["reset", "closed", "half closed"])
async def test_a_charge_over_a_connection_that_was_used_before_is_doubt_when_it_ends(
    way: str,
) -> None:
    async with (
        peer_that(WAYS[way], answers=1) as peer,
        gateway_to(f"http://127.0.0.1:{peer.port}") as gateway,
    ):
        await gateway.ask(CREATE)

        assert type(await gateway.ask(CREATE)) is NoNews
        assert peer.heard == 2


# ---------------------------------------------------------------- over TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a certificate for localhost that signed itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def speaking(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("behave", [cut_tls, close, after(b"HTTP/1.1 200 OK\r\n", then=cut_tls)])
async def test_a_charge_whose_tls_connection_is_cut_is_doubt(
    certificate: Path, behave: Behaviour
) -> None:
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with (
        peer_that(behave, tls=speaking(certificate)) as peer,
        gateway_to(f"https://localhost:{peer.port}", trusted=trusted) as gateway,
    ):
        assert type(await gateway.ask(CREATE)) is NoNews
        assert peer.heard == 1


async def test_a_peer_whose_certificate_is_not_trusted_was_told_nothing(certificate: Path) -> None:
    async with (
        peer_that(close, tls=speaking(certificate)) as peer,
        gateway_to(
            f"https://localhost:{peer.port}", trusted=ssl.create_default_context()
        ) as gateway,
    ):
        assert await gateway.ask(CREATE) == NotExecuted("unreachable")
        assert peer.heard == 0


# ---------------------------------------------------------------- never made


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
async def test_what_could_not_be_sent_was_not_done(step: GatewayStep) -> None:
    async with gateway_to(f"http://127.0.0.1:{free_port()}") as gateway:
        assert await gateway.ask(step) == NotExecuted("unreachable")


async def test_a_peer_that_ends_the_tls_handshake_was_told_nothing() -> None:
    async def hang_up(_reader: Reader, writer: Writer) -> None:
        writer.transport.abort()

    listener = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with gateway_to(f"https://localhost:{port}") as gateway:
        assert await gateway.ask(CREATE) == NotExecuted("unreachable")
    listener.close()
