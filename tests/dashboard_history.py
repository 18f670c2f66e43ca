"""Months of a company's lifts in a real Prometheus: simulated counters, the real rules over them.

:func:`history` is all that others need.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.dashboard_days import STEP_S, Days, company
from tests.prometheus import running_prometheus
from tests.services import program

RULES: Final = Path(__file__).parents[1] / "grafana" / "rules"
END_S: Final = 1_790_164_800
"""Wednesday, 23 September 2026, 12:00 UTC."""
NEEDED_THROUGHOUT: Final = ("ergo_lifts:max", "ergo_target", "baseline28d")
AFTER_S: Final = 30 * 86_400
"""How long ago something was changed on the floor: the baseline is of the 28 days before."""


@dataclass(frozen=True, slots=True)
class History:
    """A running Prometheus. end_s: the moment that counts as now, unix time; days: how far back it knows."""

    url: str
    end_s: int
    days: int
    sites: Sequence[str]
    zones: Sequence[str]


@contextmanager
def history(
    directory: Path, *, sites: int = 2, zones: int = 2, days: int = 63, minutely_days: int | None = None
) -> Iterator[History]:
    """``days`` of ``sites`` with ``zones`` each, every five minutes; what the rules record is there too.

    minutely_days: what is recorded by the minute (here: five) and not by the quarter only for so long, to save time.
    """
    data = directory / "tsdb"
    data.mkdir(parents=True)
    simulated = Days(END_S, days * 86_400 // STEP_S)
    names = [f"site-{number}" for number in range(1, sites + 1)]
    zone_names = [f"zone-{number}" for number in range(1, zones + 1)]
    for number, lines in enumerate(company(simulated, names, zone_names, END_S - AFTER_S)):
        _import(directory / f"raw-{number}.txt", lines, data)
    recent_s = END_S - (minutely_days or days) * 86_400
    for level in levels():
        for group in level:
            often = group["interval"] == f"{STEP_S}s" and not any(name in str(group) for name in NEEDED_THROUGHOUT)
            start_s = max(simulated.start_s + 900, recent_s if often else 0)
            _backfill(directory, data, [group], (start_s, END_S))
    with _prometheus(data) as url:
        yield History(url, END_S, days, names, zone_names)


def _import(file: Path, lines: Iterator[str], data: Path) -> None:
    with file.open("w") as written:
        written.writelines(lines)
        written.write("# EOF\n")
    _promtool("openmetrics", "--max-block-duration=2000h", str(file), str(data))
    file.unlink()


def _backfill(directory: Path, data: Path, groups: Sequence[Mapping[str, Any]], times: tuple[int, int]) -> None:
    rules = directory / "level.yml"
    rules.write_text(json.dumps({"groups": groups}))
    with _prometheus(data) as url:
        where = [f"--url={url}", f"--start={times[0]}", f"--end={times[1]}", f"--output-dir={data}"]
        _promtool("rules", *where, f"--eval-interval={STEP_S}s", "--max-block-duration=486h", str(rules))


def _promtool(*words: str) -> None:
    command = [program("promtool"), "tsdb", "create-blocks-from", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "level=error" not in done.stderr, done.stderr[-2000:]


def levels() -> list[list[dict[str, Any]]]:
    """The rules in an order in which each finds what it reads: promtool evaluates every rule for itself."""
    waiting = [(group, rule) for group in _groups() for rule in group["rules"]]
    recorded = {rule["record"] for _, rule in waiting}
    found: list[list[dict[str, Any]]] = []
    while waiting:
        missing = {rule["record"] for _, rule in waiting}
        ready = [(group, rule) for group, rule in waiting if not _read_by(rule, recorded) & missing]
        assert ready, missing
        intervals = {group.get("interval", f"{STEP_S}s") for group, _ in ready}
        found.append(
            [
                {"name": name, "interval": name, "rules": [rule for group, rule in ready if _interval(group) == name]}
                for name in sorted(intervals)
            ]
        )
        waiting = [one for one in waiting if one not in ready]
    return found


def _interval(group: Mapping[str, Any]) -> str:
    return str(group.get("interval", f"{STEP_S}s"))


def _read_by(rule: Mapping[str, str], recorded: set[str]) -> set[str]:
    names = set(re.findall(r"[\w:]+", rule["expr"]))
    if "__name__=~" in rule["expr"]:
        names |= {name for name in recorded if name.endswith(":sum28d")}
    return names & recorded


def _groups() -> list[dict[str, Any]]:
    return [group for text in rule_files().values() for group in yaml.safe_load(text)["groups"]]


def rule_files() -> dict[str, str]:
    """The rules by file name, as a site has them that has said when it changed something."""
    told = {path.name: path.read_text() for path in sorted(RULES.glob("*.yml"))}
    told["targets.yml"] = told["targets.yml"].replace("# - {record", "- {record").replace(
        "@ 1790000000", f"@ {END_S - AFTER_S}"
    )  # fmt: skip
    return told


@contextmanager
def _prometheus(data: Path) -> Iterator[str]:
    """Prometheus over these blocks, which scrapes nothing."""
    config = data.parent / "prometheus.yml"
    config.write_text("global: {}\n")
    options = (f"--storage.tsdb.path={data}", "--storage.tsdb.retention.time=3650d")
    with running_prometheus(config, *options, patience_s=120) as url:
        yield url
