"""The generated pages are fresh, and what must be documented is."""

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from payment_service.api import problems
from payment_service.domain import errors
from payment_service.settings import Settings, load_settings, secret_fields
from tests.house.tree import ROOT, SRC, dotted, name_of, read, shipped
from tests.manifests.commands import commands_of

# A fence, or a span within a line.
CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
TARGET = re.compile(r"^make ([a-z]+)", re.MULTILINE)


def test_the_generated_pages_are_fresh() -> None:
    check = subprocess.run(
        [sys.executable, str(ROOT / "docs/generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert check.returncode == 0, check.stdout + check.stderr


def test_the_example_environment_has_every_setting_once_and_no_other() -> None:
    lines = read(ROOT / ".env.example").splitlines()
    names = [found[1] for line in lines if (found := re.match(r"#?([A-Z_]+)=", line))]

    assert names == [name.upper() for name in Settings.model_fields]
    assert all(not line or line.startswith("#") for line in lines), "all of it is commented out"


def test_the_example_environment_says_the_defaults_of_development() -> None:
    given = {}
    for line in read(ROOT / ".env.example").splitlines():
        if found := re.match(r"#([A-Z_]+)=(.*)", line):
            given[found[1]] = found[2]

    assert load_settings(given) == load_settings({})


def test_the_guide_to_rotation_has_a_section_for_every_secret() -> None:
    headings = re.findall(r"^## .*$", read(ROOT / "docs/guides/rotate-secrets.md"), re.MULTILINE)
    named = {name for heading in headings for name in re.findall(r"`([A-Z_]+)`", heading)}

    assert {field.upper() for field in secret_fields()} - named == set()


def test_every_refusal_stands_in_the_tree_of_errors_and_says_what_it_is() -> None:
    for path in shipped():
        if path.is_relative_to(SRC / "payment_service") and path.stem != "__main__":
            importlib.import_module(dotted(path))
    refusals = list(_tree(errors.Refusal))
    drawn = f"{errors.__doc__} {problems.__doc__}".split()

    assert [kind.__name__ for kind in refusals if kind.__name__ not in drawn] == []
    assert [kind.__name__ for kind in refusals if not kind.__doc__] == []


def test_every_refusal_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in _tree(errors.Refusal)]

    assert sorted(codes) == sorted(set(codes))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def _tree(kind: type[errors.Refusal]) -> list[type[errors.Refusal]]:
    return [kind, *chain.from_iterable(map(_tree, kind.__subclasses__()))]


def test_the_commands_in_the_guides_exist() -> None:
    named = [
        f"{name_of(page)}: {program} {command}"
        for page, code in _code()
        for program, command in re.findall(r"(?<!service/)(payment-service) ([a-z][a-z-]+)", code)
        if command not in commands_of(program)
    ]

    assert named == []


def test_the_targets_in_the_guides_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    named = {
        target
        for _, code in _code()
        for target in re.findall(r"^make ([a-z]+)", code, re.MULTILINE)
    }

    assert "run" in named
    assert named - targets == set()


def test_the_files_and_folders_of_manifests_in_the_guides_exist() -> None:
    named = {
        path.rstrip("./")
        for _, code in _code()
        for path in re.findall(
            r"(?<![\w/.])(k8s[\w-]*(?:/[\w.-]+)?|compose\.yaml|Dockerfile)", code
        )
    }

    assert {"k8s", "k8s-development"} <= named
    assert [path for path in named if not (ROOT / path).exists()] == []


def _code() -> Iterator[tuple[Path, str]]:
    """Give every piece of code in the documents for people who run it."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs/guides").glob("*.md"))):
        for fence, span in re.findall(
            r"^```\w*\n(.*?)^```|`([^`\n]+)`", read(page), re.MULTILINE | re.DOTALL
        ):
            yield page, (fence or span).replace("\\\n", " ")
