"""Every setting that is a secret: from the environment or a file, and never shown or repeated.

These tests walk all secrets there are, so a new one is held to the same without a line here.
"""

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from payment_service.cli import app
from payment_service.logs import configure_logs
from payment_service.setting_files import FILE_BYTES_MAX, file_setting
from payment_service.settings import InvalidSettings, Settings, load_settings, secret_fields

SECRETS = [name.upper() for name in secret_fields()]
# No secret may look like this: a control character, and a word to look for.
WORD = "verysecret"
WRONG = f"{WORD}\x01{WORD}"
# What secrets look like, with the word in it: one of these must do for each.
FORMS = (
    WORD,
    f"sk_test_{WORD}",
    f"whsec_{WORD}",
    f"mongodb://user:{WORD}@127.0.0.1/payments",
    WORD * 4,
    f'issuer = [{{issuer = "https://id", audience = "us", secret = "{WORD * 4}"}}]',
)
# What a secret needs beside it.
BESIDE = {
    "AUTH_JWT_SECRET": {
        "AUTH": "jwt",
        "AUTH_JWT_ISSUER": "https://id.example.com/",
        "AUTH_JWT_AUDIENCE": "payment-service",
    },
    "ORDER_SERVICE_CLIENT_SECRET": {
        "ORDER_SERVICE_TOKEN_URL": "http://login/token",
        "ORDER_SERVICE_CLIENT_ID": "us",
    },
}


def _fits(name: str, form: str) -> bool:
    try:
        load_settings({**BESIDE.get(name, {}), name: form})
    except InvalidSettings:
        return False
    return True


RIGHT = {
    name: next(form for form in FORMS if _fits(name, form))
    for name in SECRETS
    if any(_fits(name, form) for form in FORMS)
}
USABLE = sorted(RIGHT)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def mounted(folder: Path, content: str | bytes) -> str:
    path = folder / "mounted"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def refused(environ: dict[str, str]) -> InvalidSettings:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ)
    assert caught.value.__cause__ is None
    return caught.value


def test_the_secrets_are_found() -> None:
    assert {"STRIPE_SECRET_KEY", "MONGODB_URI", "ORDER_SERVICE_CLIENT_SECRET"} <= set(SECRETS)
    assert set(SECRETS) - set(USABLE) <= {"MONGODB_URI"}, "a secret of another form: add it above"


@pytest.mark.parametrize("name", USABLE)
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_file_is_as_good_as_the_environment(tmp_path: Path, name: str, end: str) -> None:
    beside = BESIDE.get(name, {})
    path = mounted(tmp_path, RIGHT[name] + end)

    by_file = load_settings({**beside, file_setting(name): f" {path} "})

    assert by_file == load_settings({**beside, name: RIGHT[name]})
    assert getattr(by_file, name.lower()).get_secret_value() == RIGHT[name]


@pytest.mark.parametrize("name", SECRETS)
def test_both_at_once_are_refused_and_both_named(tmp_path: Path, name: str) -> None:
    path = mounted(tmp_path, RIGHT.get(name, WORD))

    error = refused({name: RIGHT.get(name, WORD), file_setting(name): path})

    said = {problem.name: problem.message for problem in error.problems}
    assert said[file_setting(name)] == f"is set, and so is {name}: set one of them"
    assert WORD not in str(error)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "names a file that is empty"),
        (b"\n", "names a file that is empty"),
        (f"{WORD}\n\n".encode(), "names a file whose content begins or ends with white space"),
        (f" {WORD}".encode(), "names a file whose content begins or ends with white space"),
        (WORD.encode() + b"\xff", "names a file that is not UTF-8 text"),
        (WORD.encode() * FILE_BYTES_MAX, f"names a file of more than {FILE_BYTES_MAX} bytes"),
    ],
)
def test_a_file_without_a_secret_is_refused_by_its_reason(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    error = refused({file_setting(name): mounted(tmp_path, content)})

    said = {problem.name: problem.message for problem in error.problems}
    assert said[file_setting(name)] == message
    assert WORD not in f"{error} {error!r}"


def test_what_is_no_readable_regular_file_is_refused_without_its_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    reasons = {
        str(tmp_path): "does not name a regular file",
        str(tmp_path / "pipe"): "does not name a regular file",
        str(tmp_path / WORD): "names a file that cannot be read: No such file or directory",
        str(tmp_path / "loop"): (
            "names a file that cannot be read: Too many levels of symbolic links"
        ),
        f"{WORD}\0": "must be a file's path",
        # Somebody took the file's setting for the secret's.
        f"sk_live_{WORD}": "names a file that cannot be read: No such file or directory",
    }
    example = "STRIPE_SECRET_KEY_FILE=/run/secrets/stripe_secret_key"
    for path, reason in reasons.items():
        error = refused({"STRIPE_SECRET_KEY_FILE": path})
        assert str(error).splitlines()[1:] == [
            f"  STRIPE_SECRET_KEY_FILE: {reason}, for example {example}"
        ]


def test_a_link_is_followed_as_kubernetes_makes_them(tmp_path: Path) -> None:
    mounted(tmp_path, RIGHT["STRIPE_SECRET_KEY"])
    (tmp_path / "..data").symlink_to(tmp_path)
    (tmp_path / "key").symlink_to("..data/mounted")

    settings = load_settings({"STRIPE_SECRET_KEY_FILE": str(tmp_path / "key")})

    assert settings.stripe_secret_key.get_secret_value() == RIGHT["STRIPE_SECRET_KEY"]


def test_a_wrong_secret_in_a_file_is_said_of_the_file(tmp_path: Path) -> None:
    error = refused({"STRIPE_SECRET_KEY_FILE": mounted(tmp_path, f"sk_live_{WORD}")})

    (problem,) = error.problems
    assert (problem.name, problem.message) == (
        "STRIPE_SECRET_KEY_FILE",
        "names a file whose content is a live key, which only ENVIRONMENT=production may use",
    )


def test_other_settings_have_no_file(tmp_path: Path) -> None:
    assert load_settings({"PORT_FILE": mounted(tmp_path, "1")}) == load_settings({})


# ---------------------------------------------------------------- never shown


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("by_file", [False, True])
def test_a_wrong_secret_is_not_repeated(tmp_path: Path, name: str, *, by_file: bool) -> None:
    how = {file_setting(name): mounted(tmp_path, WRONG)} if by_file else {name: WRONG}

    error = refused(how)
    ran = CliRunner().invoke(app, ["settings"], env=how)

    assert (file_setting(name) if by_file else name) in {p.name for p in error.problems}
    assert ran.exit_code == 2
    assert WORD not in f"{error} {error!r} {error.problems!r} {ran.output}"


@pytest.mark.parametrize("name", USABLE)
@pytest.mark.parametrize("by_file", [False, True])
def test_a_right_secret_is_not_shown(tmp_path: Path, name: str, *, by_file: bool) -> None:
    value = RIGHT[name]
    environ = {**BESIDE.get(name, {}), name: value}
    if by_file:
        environ = {**BESIDE.get(name, {}), file_setting(name): mounted(tmp_path, value)}
    settings = load_settings(environ)
    out = io.BytesIO()
    configure_logs("debug", "json", out=out)

    ran = CliRunner().invoke(app, ["settings"], env=environ)
    structlog.get_logger().info("a.b", settings=settings, all=settings.model_dump())

    assert value in settings.secret_values()
    assert ran.exit_code == 0
    assert f"{name}=**********" in ran.output
    shown = (
        f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
        f"{settings.warnings()} {ran.output} {out.getvalue().decode()}"
    )
    assert WORD not in shown


def test_every_setting_that_sounds_secret_is_one() -> None:
    sounding = {"key", "secret", "token", "password", "uri"}
    names = {name for name in Settings.model_fields if sounding & set(name.split("_"))}

    open_to_all = {
        "order_service_token_url",
        "auth_jwt_public_key",
        "allow_http_token_urls",
        "order_proof_public_key",
    }
    assert names - set(secret_fields()) == open_to_all
