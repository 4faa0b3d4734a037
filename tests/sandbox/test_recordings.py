"""The sandbox answers what the real API was recorded to answer."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.sandbox.recordings import Player, differing

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = sorted((ROOT.parent / "shared" / "recorded").glob("*.yaml"))
# Recordings are not ours to give away, so they may be missing.
MISSING = pytest.param(
    None, marks=pytest.mark.skip(reason="no recordings beside the project, in shared/recorded")
)


@pytest.mark.parametrize(
    "path", RECORDINGS or [MISSING], ids=lambda path: path.stem if path else "none"
)
def test_answers_are_as_recorded(path: Path) -> None:
    recording = yaml.safe_load(path.read_text(encoding="utf-8"))
    player = Player(recording)

    differences = player.play()

    assert differences == []
    assert player.steps_played() == recording["recorded_steps"]


@pytest.mark.parametrize(
    ("found", "wanted", "problem"),
    [
        ({"a": 1}, {"a": 2}, ".a is 1, not 2"),
        ({"a": True}, {"a": 1}, ".a is True, not 1"),
        ({}, {"a": 1}, ".a is missing"),
        ({"a": None}, {"a": "*"}, ".a is null"),
        ({"a": "pi_1"}, {"a": "cus_*"}, ".a is 'pi_1', not like 'cus_*'"),
        ({"a": [1]}, {"a": [1, 2]}, ".a is [1], not [1, 2]"),
        ({"a": {"b": 1}}, {"a": {}}, ".a is {'b': 1}, not {}"),
        ({"metadata": {"b": "1", "c": "2"}}, {"metadata": {"b": "1"}}, None),
    ],
)
def test_the_comparison_sees_differences(
    found: object, wanted: object, problem: str | None
) -> None:
    problems = list(differing(found, wanted, ""))

    if problem is None:
        assert problems == [".metadata is {'b': '1', 'c': '2'}, not {'b': '1'}"]
    else:
        assert problems == [problem]
