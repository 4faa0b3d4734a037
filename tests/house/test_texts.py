"""What stands in the files: no machine, no registry, no unowned promise, and links that lead on."""

import re
from urllib.parse import unquote

from tests.house.tree import ROOT, name_of, read, texts

# Written in pieces, so that this file does not find itself.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("anaconda", "org"),
    )
)
INDEX_OPTIONS = tuple("--" + option for option in ("index-url", "extra-index-url", "find-links"))
MACHINE_PATH = re.compile(r"(?<![\w.:/~$}{-])/(?:Users|home|root|work|mnt)/\w")
UNOWNED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b(?!\(#\d)")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)")
TICK_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name_of(path)}:{number} {match[0]}"
        for path in texts()
        for number, line in enumerate(read(path).splitlines(), start=1)
        if (match := pattern.search(line))
    ]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the business of the machine that installs them."""
    words = "|".join(map(re.escape, (*REGISTRIES, *INDEX_OPTIONS)))

    assert found(re.compile(words, re.IGNORECASE)) == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert found(MACHINE_PATH) == []


def test_nothing_is_put_off_without_an_issue() -> None:
    allowed = ("CONTRIBUTING.md", "pyproject.toml")  # they state the rule

    assert [line for line in found(UNOWNED) if not line.startswith(allowed)] == []


def test_links_between_our_documents_lead_somewhere() -> None:
    broken = [
        f"{name_of(page)} -> {target}"
        for page in texts()
        if page.suffix == ".md"
        for target, _anchor in LINK.findall(TICK_FENCE.sub("", read(page)))
        if not (page.parent / unquote(target)).exists()
    ]

    assert broken == []


def test_the_changelog_speaks_of_this_or_the_next_version() -> None:
    changelog = read(ROOT / "CHANGELOG.md")

    assert re.search(r"^## (?:\[?Unreleased\]?|\[?\d+\.\d+\.\d+\]?)", changelog, re.MULTILINE)


def test_the_license_is_there() -> None:
    assert read(ROOT / "LICENSE").startswith("MIT License\n\nCopyright (c) 2026 ")
