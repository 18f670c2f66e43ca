"""A real Prometheus that holds weeks of a simulated fleet's history, the recording rules filled in for all of it.

Blocks are made by promtool once and kept in build/history, under a name that changes with what they are made from.
"""

import hashlib
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from edge_agent.fleet.agent_history import agent_pages, agents_history
from edge_agent.fleet.history import Scrapes, bridge_history, up_history
from edge_agent.fleet.layout import Fleet, FleetSize, draw_fleet
from edge_agent.fleet.openmetrics import openmetrics
from edge_agent.fleet.work import Span
from tests.lift_events import NOON
from tests.prometheus import Prometheus, running_prometheus
from tests.services import program

ROOT: Final = Path(__file__).parents[1]
KEPT: Final = ROOT / "build" / "history"
RULES: Final = tuple(sorted((ROOT / "grafana" / "rules").glob("*.yml")))
DAY_S: Final = 86_400
_LONG_BLOCKS: Final = "--max-block-duration=486h"
"""promtool reads its whole input once for each block, and makes blocks of two hours unless told otherwise."""

_SMALL: Final = FleetSize(sites=2, zones_per_site=4, agents_per_site=2)


@dataclass(frozen=True, slots=True)
class Past:
    """What the history holds. Times are unix times in seconds; it ends on a Tuesday noon unless said otherwise.

    The bridge's page is read every ``step_s`` for ``days``, those of the agents, which have some 180 series each,
    every ``agents_step_s`` for ``agents_days``. The intervention comes half-way.
    """

    size: FleetSize = _SMALL
    seed: int = 7
    end_s: int = NOON
    days: int = 56
    step_s: int = 300
    agents_days: int = 7
    agents_step_s: int = 150

    @property
    def first_s(self) -> int:
        return self.end_s - self.days * DAY_S

    @property
    def intervention_s(self) -> int:
        return self.end_s - self.days * DAY_S // 2

    @property
    def fleet(self) -> Fleet:
        return draw_fleet(self.seed, self.size, self.intervention_s)


class History(Prometheus):
    """A Prometheus whose now is ``past.end_s``."""

    def __init__(self, url: str, past: Past) -> None:
        super().__init__(url)
        self.past = past

    def at(self, expression: str, time_s: float | None = None) -> list[dict[str, Any]]:
        """The instant vector at a time: ``[{"metric": {...}, "value": [time, "text"]}]``; None: at the end."""
        when_s = self.past.end_s if time_s is None else time_s
        return self._ask("query", query=expression, time=str(when_s))

    def value_at(self, expression: str, time_s: float | None = None) -> float | None:
        """The only sample's value; None when there is no sample."""
        samples = self.at(expression, time_s)
        return float(samples[0]["value"][1]) if samples else None

    def over(self, expression: str, first_s: float, end_s: float, step_s: float) -> list[dict[str, Any]]:
        """The range: ``[{"metric": {...}, "values": [[time, "text"], ...]}]``."""
        return self._ask("query_range", query=expression, start=str(first_s), end=str(end_s), step=str(step_s))

    def _ask(self, endpoint: str, **fields: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/api/v1/{endpoint}?{urllib.parse.urlencode(fields)}") as reply:
            answer = json.load(reply)
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


@contextmanager
def prometheus_of(directory: Path, past: Past, rule_files: Sequence[Path] = RULES) -> Iterator[History]:
    """Run it on a copy of the blocks in ``directory``, which must not hold any, until the block ends."""
    tsdb = directory / "tsdb"
    shutil.copytree(_blocks(past, rule_files), tsdb)
    with _running(tsdb) as url:
        yield History(url, past)


def _blocks(past: Past, rule_files: Sequence[Path]) -> Path:
    """The folder of the finished blocks. Interrupted work is begun anew."""
    kept = KEPT / _digest(past, rule_files)
    if not kept.exists():
        unfinished = kept.with_name(f"{kept.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        _import(past, unfinished)
        _fill_in(past, unfinished, rule_files)
        unfinished.rename(kept)
    return kept


def _digest(past: Past, rule_files: Sequence[Path]) -> str:
    made_from = sorted((ROOT / "edge_agent").glob("**/*telemetry.py"))
    made_from += [*sorted((ROOT / "edge_agent" / "fleet").glob("*.py")), ROOT / "edge_agent/site_page.py"]
    digest = hashlib.sha256(repr(past).encode() + Path(__file__).read_bytes())
    for path in (*made_from, *rule_files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _import(past: Past, tsdb: Path) -> None:
    fleet = past.fleet
    bridge = Scrapes(Span(past.first_s, past.end_s), past.step_s)
    agents = Scrapes(Span(past.end_s - past.agents_days * DAY_S, past.end_s), past.agents_step_s)
    pages = agent_pages(fleet, agents)
    texts = {
        "bridge": openmetrics(bridge_history(fleet, bridge), bridge.times_s),
        "agents": openmetrics([*agents_history(fleet, pages), up_history(pages)], agents.times_s),
    }
    for name, text in texts.items():
        written = tsdb.with_name(f"{tsdb.name}.{name}.om")
        with written.open("w") as file:
            file.writelines(text)
        _promtool("openmetrics", written, tsdb)
        written.unlink()


def _fill_in(past: Past, tsdb: Path, rule_files: Sequence[Path]) -> None:
    """Rules that read others come after those: promtool itself fills all in from what was there before."""
    times = f"--start={past.first_s}", f"--end={past.end_s}", f"--eval-interval={past.step_s}s"
    for number, rules in enumerate(layers(_recorded(rule_files))):
        file = tsdb.with_name(f"{tsdb.name}.{number}.yml")
        file.write_text(yaml.safe_dump({"groups": [{"name": f"layer-{number}", "rules": rules}]}))
        with _running(tsdb) as url:
            _promtool("rules", f"--url={url}", f"--output-dir={tsdb}", *times, file)
        file.unlink()


def _recorded(rule_files: Iterable[Path]) -> list[dict[str, Any]]:
    groups = [group for file in rule_files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "record" in rule]


def layers(rules: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Rules in an order in which each comes after all that it reads. Raises ValueError where they read each other."""
    left = list(rules)
    while left:
        names = {rule["record"] for rule in left}
        ready = [rule for rule in left if not names & set(re.findall(r"[A-Za-z_][\w:]*", rule["expr"]))]
        if not ready:
            raise ValueError(f"these rules read each other: {sorted(names)}")
        yield ready
        left = [rule for rule in left if rule not in ready]


def _promtool(*words: str | Path) -> None:
    command = [program("promtool"), "tsdb", "create-blocks-from", _LONG_BLOCKS, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _running(tsdb: Path) -> Iterator[str]:
    """Prometheus on these blocks, which it keeps whatever their age; it scrapes nothing. Yields its address."""
    config = tsdb.with_name(f"{tsdb.name}.prometheus.yml")
    config.write_text("global: {}\n")
    options = (f"--storage.tsdb.path={tsdb}", "--storage.tsdb.retention.time=100y")
    try:
        with running_prometheus(config, *options, patience_s=120) as url:
            yield url
    finally:
        config.unlink()
