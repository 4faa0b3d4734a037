"""The files of the project as the house tests read them: what is written, not what is made."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"

# What is made, kept or fetched, rather than written.
_NOT_OURS = frozenset(
    {".git", ".venv", "venv", "var", "build", "dist", "node_modules", "__pycache__", ".hypothesis"}
)
_TEXT = frozenset(
    {".md", ".py", ".toml", ".txt", ".yaml", ".yml", ".json", ".example", ".sh", ".cfg", ".ini"}
    | {".js", ".css", ".html", ".ts", ".tsx", ".sql", ".mmd", ""}
)


@cache
def texts() -> tuple[Path, ...]:
    """Give every file a person may read."""
    return tuple(path for path in _walk(ROOT) if path.suffix in _TEXT)


@cache
def modules() -> tuple[Path, ...]:
    """Give every Python file: the packages, the tests, the benches, the tools."""
    return tuple(path for path in texts() if path.suffix == ".py")


@cache
def shipped() -> tuple[Path, ...]:
    return tuple(path for path in modules() if path.is_relative_to(SRC))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a binary file without a suffix
        return ""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def dotted(path: Path) -> str:
    """Give the name under which a shipped file is imported."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _walk(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in _NOT_OURS or path.name.endswith((".egg-info", "_cache")):
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file() and not path.name.startswith(".coverage"):
            yield path
