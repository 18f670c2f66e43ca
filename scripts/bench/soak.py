"""A steady run of hours: what memory does, and whether a camera that comes and goes disturbs the others.

Usage: python -m scripts.bench.soak VIDEO OUT.json [--cameras 8] [--minutes 60]
One camera more loses its power every minute, for five seconds. Writes OUT.json and, beside it, OUT.html.
Exit code 0: done. 1: failed while running. 2: bad input. `make soak` runs it.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from edge_agent.bench import machine, versions
from edge_agent.errors import InputError
from edge_agent.output import check_writable, write_json
from scripts.bench.command import ended
from scripts.bench.live import FLAPPING, flapping, served, spread
from scripts.bench.page import or_dash, write_soak_report
from scripts.bench.streams import OWN_MOMENTS, hold, moving

SCHEMA = "hingewatch.soak/1"
CAMERAS, MINUTES = 8, 60.0


def main() -> None:
    """Run, show and write."""
    parser = argparse.ArgumentParser(prog="soak", description="Run live cameras for an hour and watch the agent.")
    parser.add_argument("video", type=Path, metavar="VIDEO")
    parser.add_argument("output", type=Path, metavar="OUT.json")
    parser.add_argument("--cameras", type=int, default=CAMERAS)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    asked = parser.parse_args()
    if asked.minutes <= 0 or asked.cameras < 1:
        raise InputError("nothing to watch", "ask for one camera or more, and for more than no minutes")
    report = asked.output.with_suffix(".html")
    check_writable((asked.output, report), asked.video)
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    held = soaked(asked.video, asked.cameras, asked.minutes)
    figures = assembled(asked.video, asked.minutes, held) | {"began_at": began_at}
    write_json(figures, asked.output)
    write_soak_report(report, figures)
    show(held)


def soaked(video: Path, cameras: int, minutes: float) -> dict[str, Any]:
    """What `streams.hold` tells of such a run. Raises RunError."""
    with tempfile.TemporaryDirectory() as name:
        files = moving(video, Path(name), 60 * minutes, min(cameras, OWN_MOMENTS))
        with served(files) as addresses, flapping(files[0]) as flaps:
            sources = spread(addresses, cameras) | {FLAPPING: flaps}
            return hold(Path(name), sources, 60 * minutes, lambda waits: track(waits, "steady run"))


def assembled(video: Path, minutes: float, held: dict[str, Any]) -> dict[str, Any]:
    """The JSON: where and how, and what was held."""
    options = f"--cameras {held['cameras']} --minutes {minutes:g}"
    return {
        "schema": SCHEMA,
        "command": f"python -m scripts.bench.soak {video.name} soak.json {options}",
        "video": video.name,
        "machine": machine(),
        "versions": versions(),
        "hold": held,
    }


def show(held: dict[str, Any]) -> None:
    """What matters of it, in four lines."""
    grew, error = or_dash(held["rss_slope_mb_per_h"]), or_dash(held["rss_slope_stderr_mb_per_h"])
    Console().print(
        f"{held['cameras']} cameras, {held['late_share']:.2%} late, {held['cores']:.2f} cores; "
        f"others took {held['other_cores']:.2f}",
        f"memory {held['rss_mb']:.0f} MB, growing by {grew} MB an hour (standard error {error})",
        f"99% of lifts told within {or_dash(held['latency_ms']['sum_p99'])} ms",
        f"the camera without power came back {held['reconnects_of_flapping']} times; "
        f"the others were blind for {held['blind_s_of_others']} s",
        sep="\n",
    )


if __name__ == "__main__":
    sys.exit(ended(main))
