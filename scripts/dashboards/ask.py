"""Asks Prometheus what a dashboard's panels ask, from the same JSON that Grafana reads."""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[2] / "grafana" / "dashboards"
DAY_S: Final = 86_400
MOST_POINTS: Final = 1000
"""How many points Grafana asks for on a panel of usual width."""
_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600, "d": DAY_S, "w": 7 * DAY_S}


@dataclass(frozen=True, slots=True)
class View:
    """What a reader has chosen. end_s: unix time; range_s: how far back; variables: by name, without ``$``."""

    end_s: int
    range_s: int
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One query of a panel, ready to be asked. step_s: 0 for an instant query."""

    ref: str
    legend: str
    expr: str
    start_s: int
    end_s: int
    step_s: int


@dataclass(frozen=True, slots=True)
class Series:
    """One answer. points: (unix time, value), oldest first; an instant query has one."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


def dashboards() -> dict[str, dict[str, Any]]:
    """The committed dashboards by file name; that of the runbooks asks nothing."""
    read = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
    return {name: told for name, told in read.items() if any("targets" in panel for panel in told["panels"])}


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that ask something."""
    return [panel for panel in dashboard["panels"] if panel.get("targets")]


def questions(panel: Mapping[str, Any], view: View) -> Iterator[Question]:
    """What Grafana would ask for this panel."""
    start_s = _start(panel.get("timeFrom"), view)
    range_s = view.end_s - start_s
    step_s = max(_seconds(panel.get("interval", "1m")), range_s // MOST_POINTS)
    filled = {"__range": f"{range_s}s", **view.variables}
    for target in panel["targets"]:
        expr = re.sub(r"\$(\w+)", lambda match: filled[match[1]], target["expr"])
        # a range begins at a whole step, so that days are days
        first_s, step = (view.end_s, 0) if target.get("instant") else (start_s // step_s * step_s, step_s)
        last_s = view.end_s if not step else view.end_s // step_s * step_s
        yield Question(target["refId"], target.get("legendFormat", ""), expr, first_s, last_s, step)


def ask(url: str, question: Question) -> list[Series]:
    """Prometheus's answer. Raises OSError, urllib's HTTPError among them, when it has none."""
    if question.step_s:
        times = {"start": question.start_s, "end": question.end_s, "step": question.step_s}
        path, words = "query_range", {"query": question.expr, **times}
    else:
        path, words = "query", {"query": question.expr, "time": question.end_s}
    body = urllib.parse.urlencode(words).encode()
    with urllib.request.urlopen(f"{url}/api/v1/{path}", body) as reply:  # noqa: S310  the caller's own Prometheus
        told = json.load(reply)["data"]
    return [
        Series(one["metric"], tuple((float(at), float(value)) for at, value in one.get("values") or [one["value"]]))
        for one in told["result"]
    ]


def _start(time_from: str | None, view: View) -> int:
    if time_from is None:
        return view.end_s - view.range_s
    if time_from == "now/d":
        return view.end_s // DAY_S * DAY_S
    return view.end_s - _seconds(time_from)


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * _UNITS_S[duration[-1]]
