"""The generated pages are fresh, and what must be documented is."""

import importlib
import re
import subprocess
import sys
from itertools import chain

from payment_service.api import problems
from payment_service.domain import errors
from payment_service.settings import Settings, load_settings, secret_fields
from tests.house.tree import ROOT, SRC, dotted, read, shipped


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
