"""One line of the doctor's table, and the table."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

State = Literal["ok", "warn", "fail"]
Facts = Mapping[str, str | float | None]
"""Figures for programs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line; ``fix`` is empty where nothing need be done, ``facts`` holds the figures for programs."""

    check: str
    state: State
    detail: str
    fix: str = ""
    facts: Facts = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the agent cannot do its work because of this."""
        return self.state == "fail"


def show(findings: Sequence[Finding], console: Console) -> None:
    """Print a table for people."""
    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    table = Table("", "check", box=None)
    table.add_column("what was seen", overflow="fold")
    for finding in findings:
        colour = colours[finding.state]
        cure = f"\n[bold]fix:[/bold] {escape(finding.fix)}" if finding.fix else ""
        table.add_row(f"[{colour}]{finding.state}[/]", escape(finding.check), escape(finding.detail) + cure)
    console.print(table)


def show_json(findings: Sequence[Finding]) -> None:
    """Print the same for programs."""
    print(json.dumps([asdict(finding) for finding in findings], indent=2))
