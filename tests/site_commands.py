"""Every command that the documentation tells people to type: where it stands, and what is known of each kind."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import typer.main
import yaml

from edge_agent.cli import app

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^( *)```(?:sh|bash|console)\b[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s+)#(?: .*)?$", re.MULTILINE)
_SPAN = re.compile(r"`(edge-agent [^`]+)`")


@dataclass(frozen=True, slots=True)
class Command:
    """One line to type, continuation lines joined, without its comment. ``page``: path in the repository."""

    page: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"

    @property
    def parts(self) -> list[list[str]]:
        """The words of each program in it: what pipes and && join."""
        words = shlex.split(self.text.replace("$(", "( "))
        return [part for part in _split(words, {"|", "&&", ";"}) if part]


def pages() -> list[str]:
    """Every page of the site, in the order of its navigation: paths in the repository."""
    return list(_leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))


def commands(page: str) -> list[Command]:
    """Those in a page's shell blocks, in order."""
    told = []
    for _, block in _BLOCK.findall((ROOT / page).read_text(encoding="utf-8")):
        joined = re.sub(r"\\\n\s*", "", _COMMENT.sub("", block.replace("$ ", "")))
        told += [Command(page, line.strip()) for line in joined.splitlines() if line.strip()]
    return told


def spans(page: str) -> list[str]:
    """Commands of ours that stand within a sentence."""
    return _SPAN.findall((ROOT / page).read_text(encoding="utf-8"))


def understood(words: Sequence[str], *, whole: bool = True) -> None:
    """Read the words after ``edge-agent`` as the program does, and do nothing. Raises click's own complaint.

    whole: all that must be given is; else only names of commands and options are looked at.
    """
    command: Any = _program()
    rest = list(words)
    while getattr(command, "commands", None) and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    if whole:
        command.make_context(command.name, rest)
        return
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "--debug"}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in known]
    assert not unknown, f"edge-agent knows no {unknown}"


@cache
def _program() -> click.Command:
    return typer.main.get_command(app)  # type: ignore[return-value, unused-ignore]


def _leaves(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for entry in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else ():
        yield from _leaves(entry)


def _split(words: list[str], at: set[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        if word in at:
            yield part
            part = []
        else:
            part.append(word)
    yield part
