"""Is the code still ours? Sizes, names, docstrings, and what a room may reach for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT, SRC, dotted, modules, name_of, parsed, read, shipped

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

# Words that say nothing about what is inside.
EMPTY_NAMES = frozenset(
    {"service", "manager", "utils", "helpers", "common", "base", "handler", "data", "info"}
)

# Who may look at the environment: the one reader, and the doors that hand it the environment.
READS_THE_ENVIRONMENT = frozenset(
    {
        "payment_service.settings",
        "payment_service.main",
        "payment_service.cli",
        "stripe_sandbox.cli",
    }
)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_files_are_found() -> None:
    names = {name_of(path) for path in modules()}

    assert {"src/payment_service/settings.py", "tests/house/test_shape.py"} <= names


def test_no_file_is_too_long_to_read_at_once() -> None:
    lengths = {name_of(path): len(read(path).splitlines()) for path in modules()}

    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES_MAX} == {}


def test_no_function_is_too_long_to_see_at_once() -> None:
    too_long = {
        f"{name_of(path)}:{found.lineno} {found.name}": length
        for path in modules()
        for found in functions(parsed(path))
        if (length := (found.end_lineno or found.lineno) - found.lineno + 1) > FUNCTION_LINES_MAX
    }

    assert too_long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name_of(path)
        for path in modules()
        if not ast.get_docstring(parsed(path))
        and not (path.name == "__init__.py" and path not in shipped() and not read(path).strip())
    ]

    assert silent == []


def test_no_name_says_nothing() -> None:
    files = [name_of(path) for path in modules() if path.stem.lower() in EMPTY_NAMES]
    folders = {
        name_of(path.parent)
        for path in modules()
        if not EMPTY_NAMES.isdisjoint(path.relative_to(ROOT).parts[:-1])
    }
    classes = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and node.name.lower().strip("_") in EMPTY_NAMES
    ]

    assert (files, folders, classes) == ([], set(), [])


def test_no_test_replaces_our_own_code() -> None:
    """If a test must patch, the code lacks a parameter."""
    mocks = [
        name_of(path)
        for path in modules()
        if path.is_relative_to(ROOT / "tests")
        and any("mock" in name.split(".") for name in imported(parsed(path)))
    ]

    assert mocks == []


def test_only_the_doors_and_settings_look_at_the_environment() -> None:
    looking = {
        dotted(path)
        for path in shipped()
        for node in ast.walk(parsed(path))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and _takes_environment(node))
    }

    assert looking - READS_THE_ENVIRONMENT == set()


def _takes_environment(node: ast.ImportFrom) -> bool:
    return any(alias.name in {"environ", "environb", "getenv"} for alias in node.names)


def test_assertions_are_never_stripped() -> None:
    """A contradiction is an assertion: it must stop the payment wherever the code runs."""
    stripping = "PYTHON" + "OPTIMIZE"
    suspects = [
        name_of(path)
        for path in [*shipped(), *ROOT.glob("Makefile"), *ROOT.glob("Dockerfile*"), *_manifests()]
        if stripping in (text := read(path)) or " -O" in text or '"-O' in text
    ]

    assert __debug__
    assert suspects == []


def _manifests() -> list[Path]:
    return [*ROOT.glob("*.y*ml"), *ROOT.glob("k8s*/*.yaml"), *ROOT.glob(".ci/*")]


@pytest.mark.parametrize("package", ["payment_service", "stripe_sandbox"])
def test_every_folder_of_code_is_a_package(package: str) -> None:
    bare = {
        name_of(path.parent)
        for path in shipped()
        if path.is_relative_to(SRC / package) and not (path.parent / "__init__.py").exists()
    }

    assert bare == set()
