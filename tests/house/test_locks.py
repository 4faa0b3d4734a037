"""Every package that is installed is known by its hash, and people run what is shipped."""

import re

import pytest

from tests.house.tree import ROOT, read

REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(\[[^\]]*\])?==([^\s;\\]+)")


def locked(name: str) -> dict[str, str]:
    """Give name and version of all requirements, each of which must have a hash."""
    text = read(ROOT / "requirements" / name).replace("\\\n", " ")
    versions = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pinned = REQUIREMENT.match(line)
        assert pinned, f"not pinned: {line[:60]}"
        assert re.search(r" --hash=sha256:[0-9a-f]{64}\b", line), f"without a hash: {line[:60]}"
        versions[pinned[1].lower()] = pinned[3]
    return versions


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    assert "stripe" in locked(name)


def test_what_is_tested_is_what_is_shipped() -> None:
    runtime, dev = locked("runtime.txt"), locked("dev.txt")

    assert {name: dev.get(name) for name in runtime} == runtime
