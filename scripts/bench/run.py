"""The whole benchmark: beside MediaPipe Pose, by people in view, on live streams. `make bench` runs it.

Usage: python -m scripts.bench.run VIDEO OUT.json
Writes OUT.json and, beside it, OUT.html. Exit code 0: done. 1: failed while running. 2: bad input.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge_agent.bench import machine, versions
from edge_agent.bound import CountedEyes
from edge_agent.output import check_writable, write_json
from edge_agent.settings import PoseSettings
from scripts.bench import compare, streams
from scripts.bench.command import ended
from scripts.bench.crowd import crowd
from scripts.bench.page import write_whole_report

SCHEMA = "hingewatch.bench-whole/1"
BUSY_CORES = 0.3
"""Beyond this the streams' servers and the broker are not all that runs beside the agent."""
KEYS = (
    "ratio_to_mediapipe",
    "share_of_bound",
    "cameras_ok",
    "latency_p99_ms",
    "rss_mb",
    "rss_slope_mb_per_h",
    "rss_slope_stderr_mb_per_h",
    "idle_camera_core_share",
)


def main() -> None:
    """Measure, show and write."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure what the agent costs on this machine.")
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("output", type=Path, metavar="OUT.json")
    asked = parser.parse_args()
    report = asked.output.with_suffix(".html")
    check_writable((asked.output, report), asked.video)
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    figures = whole(asked.video) | {"began_at": began_at}
    write_json(figures, asked.output)
    write_whole_report(report, figures)
    show(figures)


def whole(video: Path) -> dict[str, Any]:
    """All parts, one after the other."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with tempfile.TemporaryDirectory() as name, Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def tell(now: str) -> None:
            bar.update(task, description=now)

        runs = compare.compare(video, Path(name), tell)
        tell("0 to 8 people in view")
        people = crowd(CountedEyes(PoseSettings()), Console(quiet=True))
        live = streams.measure(video, Path(name), tell)
    return assembled(video, runs, people, live)


def assembled(
    video: Path, runs: dict[str, list[dict[str, Any]]], people: list[dict[str, Any]], live: dict[str, Any]
) -> dict[str, Any]:
    """The JSON: KEYS first, then where and how, then every part in full."""
    comparison, held = compare.concluded(runs), live["hold"]
    found = comparison | {
        "cameras_ok": live["cameras_ok"],
        "latency_p99_ms": held["latency_ms"]["sum_p99"],
        "rss_mb": held["rss_mb"],
        "rss_slope_mb_per_h": held["rss_slope_mb_per_h"],
        "rss_slope_stderr_mb_per_h": held["rss_slope_stderr_mb_per_h"],
        "idle_camera_core_share": live["idle"]["cores"],
    }
    mediapipe: Mapping[str, str] = runs[compare.POSE][0]["versions"]
    others = max(step["other_cores"] for step in (live["idle"], held, *live["steps"]))
    return {
        "schema": SCHEMA,
        "command": " ".join(["python -m scripts.bench.run", video.name, *sys.argv[2:]]),
        "video": video.name,
        "machine": machine(),
        "versions": versions() | {"mediapipe": mediapipe["mediapipe"]},
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "most_other_cores": others,
        **{key: found[key] for key in KEYS},
        "comparison": comparison | {"runs": runs},
        "people": people,
        "streams": live,
    }


def show(figures: Mapping[str, Any]) -> None:
    """The keys, and what they hide."""
    table = Table(title=f"{figures['video']}: {figures['machine']}", box=None, show_header=False)
    for key in KEYS:
        table.add_row(key, str(figures[key]))
    console = Console()
    console.print(table)
    held = figures["streams"]["hold"]
    console.print(f"Lifts in the steady run: {held['latency_ms']['to_outbox']['count']}; {held['seconds']} s of it")
    if figures["most_other_cores"] > BUSY_CORES:
        taken = f"other programs took up to {figures['most_other_cores']:.1f} of {os.cpu_count()} cores"
        console.print(f"[yellow]Not a machine at rest: {taken}, so it can watch more cameras than told[/]")
    if not held["ok"]:
        console.print(f"[red]The steady run with {held['cameras']} cameras was late: {held['late_share']:.1%}[/]")


if __name__ == "__main__":
    sys.exit(ended(main))
