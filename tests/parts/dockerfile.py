"""The Dockerfile, read as its builder reads it, so that tests run its very words."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continued lines joined, and the stage it stands in (counted from 0)."""

    stage: int
    word: str
    text: str

    @property
    def listed(self) -> list[str]:
        """The exec form. Raises ValueError for the shell form, which hides signals."""
        words: list[str] = json.loads(self.text)
        return words

    @property
    def pairs(self) -> dict[str, str]:
        """The names and values of ENV, LABEL and ARG."""
        found = re.findall(r'([\w.]+)=(?:"([^"]*)"|(\S+))', self.text)
        return {name: quoted or bare for name, quoted, bare in found}


def instructions() -> list[Instruction]:
    """Return every instruction of the Dockerfile in its order."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    stage, read = -1, []
    for line in lines.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        stage += word == "FROM"
        read.append(Instruction(stage, word, " ".join(rest.split())))
    return read


def last_stage(word: str) -> list[Instruction]:
    """Return the instructions with this word that shape what is run."""
    every = instructions()
    return [one for one in every if one.word == word and one.stage == every[-1].stage]


def image_environ() -> dict[str, str]:
    """Return the environment that the image gives to every process in it."""
    return {name: value for one in last_stage("ENV") for name, value in one.pairs.items()}
