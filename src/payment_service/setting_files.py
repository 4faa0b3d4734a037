"""Secrets from files, as Docker and Kubernetes mount them: `<NAME>_FILE` names the file.

Whoever may read a file is not looked at: Kubernetes mounts secrets as 0644 and Docker as 0444, so a
warning would stand in every log and be read by nobody. Neither content nor path is ever repeated: a
path may be the secret itself, in the wrong place.
"""

import os
import stat
from collections.abc import Iterable, Mapping

SUFFIX = "_FILE"
# Several certificates and keys fit; what is longer is another file than was meant.
FILE_BYTES_MAX = 64 * 1024


class UnusableFile(Exception):
    """A file that holds no secret; says why, in words that follow the setting's name."""


def file_setting(name: str) -> str:
    """Return the name of the setting that names the file."""
    return f"{name}{SUFFIX}"


def example_path(name: str) -> str:
    """Return where such a file commonly is."""
    return f"/run/secrets/{name.lower()}"


def read_secrets(
    environ: Mapping[str, str], names: Iterable[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the secrets among `names` that files hold, and what is wrong, by the secret's name."""
    found: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for name in names:
        path = environ.get(file_setting(name), "").strip()
        if not path:
            continue
        if environ.get(name, "").strip():
            wrong[name] = f"is set, and so is {name}: set one of them"
            continue
        try:
            found[name] = read_secret(path)
        except UnusableFile as error:
            wrong[name] = str(error)
    return found, wrong


def read_secret(path: str) -> str:
    """Return what the file holds, without the newline at its end. Raises UnusableFile."""
    try:
        content = _content(path)
    except ValueError:
        raise UnusableFile("must be a file's path") from None
    except OSError as error:
        raise UnusableFile(f"names a file that cannot be read: {error.strerror}") from None
    if len(content) > FILE_BYTES_MAX:
        raise UnusableFile(f"names a file of more than {FILE_BYTES_MAX} bytes")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise UnusableFile("names a file that is not UTF-8 text") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise UnusableFile("names a file that is empty")
    if text != text.strip():
        raise UnusableFile("names a file whose content begins or ends with white space")
    return text


def _content(path: str) -> bytes:
    # A named pipe without a writer would hold up the start for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnusableFile("does not name a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(FILE_BYTES_MAX + 1)
    finally:
        os.close(descriptor)
