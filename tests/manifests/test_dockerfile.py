"""The Dockerfile as a linter and an operator read it; tests/e2e/test_image.py runs it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from payment_service.settings import Settings
from tests.parts.dockerfile import ROOT, image_environ, instructions, last_stage

# What the image sets for Python and the shell rather than for us.
NOT_OURS = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    linted = subprocess.run(
        [hadolint, "--failure-threshold", "style", ROOT / "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (linted.returncode, linted.stdout) == (0, "")


def test_every_stage_starts_from_one_pinned_image() -> None:
    started = {one.text.split()[0] for one in instructions() if one.word == "FROM"}

    assert len(started) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+(@sha256:[0-9a-f]{64})?", started.pop())


def test_it_starts_in_exec_form_so_that_signals_arrive() -> None:
    assert last_stage("ENTRYPOINT")[0].listed == ["payment-service"]
    assert last_stage("CMD")[0].listed == ["serve"]
    assert last_stage("STOPSIGNAL")[0].text == "SIGTERM"


def test_it_runs_as_a_number_that_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", last_stage("USER")[-1].text)


def test_the_last_stage_installs_nothing() -> None:
    steps = [one.text for one in last_stage("RUN")]

    assert [step for step in steps if re.search(r"\b(apt|apt-get|pip|apk|curl|wget)\b", step)] == []


def test_what_it_sets_is_a_setting() -> None:
    settings = {*map(str.upper, Settings.model_fields), "NODE_ENV"}

    assert image_environ().keys() - NOT_OURS <= settings


def test_its_label_says_the_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    labels = last_stage("LABEL")[0].pairs
    assert labels["org.opencontainers.image.version"] == project["version"]


def test_what_it_copies_is_there_and_not_ignored() -> None:
    copies = [one.text.split() for one in instructions() if one.word == "COPY"]
    sources = {source for *some, _target in copies if "--from=build" not in some for source in some}
    let_through = (ROOT / ".dockerignore").read_text().splitlines()

    assert "src" in sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if f"!{source}" not in let_through] == []
