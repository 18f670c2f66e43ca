"""How many live cameras one box can take: the real agent on real RTSP streams, more of them step by step.

Usage: streams.py VIDEO OUT.json
VIDEO is sent in a loop by a GStreamer RTSP server (`make setup-test` installs it), once for each camera. What is late
is a frame that a newer one overtook before anybody had looked at it. The server's own work is on the same machine,
but not in the agent's CPU time.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

STEPS = (1, 2, 4, 6, 8, 12, 16)
SETTLE_S, WATCH_S = 12.0, 30.0
MOST_LATE = 0.01
SERVER = Path(__file__).parents[2] / "tests" / "rtsp_server.py"
STILL = ("-f", "lavfi", "-i", "color=gray:size=640x360:rate=15")


@dataclass(frozen=True, slots=True)
class Load:
    """What so many cameras asked of the box in ``WATCH_S`` seconds."""

    cameras: int
    frames_per_s: float
    late_share: float
    cores: float
    rss_mb: float

    @property
    def ok(self) -> bool:
        """Whether the box keeps up."""
        return self.late_share < MOST_LATE and self.frames_per_s > 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The agent's counters at one moment, seconds and megabytes."""

    at_s: float
    frames: float
    late: float
    cpu_s: float
    rss_mb: float


def main(video: Path, output: Path) -> None:
    """Measure, show and write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        moving = looped(folder / "moving.mp4", "-stream_loop", "-1", "-i", str(video))
        still = looped(folder / "still.mp4", *STILL)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("one still camera", total=len(STEPS) + 1)
            idle = load(folder, still, 1)
            loads: list[Load] = []
            for cameras in STEPS:
                bar.update(task, advance=1, description=f"{cameras} cameras")
                loads.append(load(folder, moving, cameras))
                if not loads[-1].ok:
                    break
    cameras_ok = max((step.cameras for step in loads if step.ok), default=0)
    figures = {
        "video": video.name,
        "cameras_ok": cameras_ok,
        "idle_camera_core_share": round(idle.cores, 4),
        "rss_mb": max(step.rss_mb for step in loads),
        "steps": [asdict(step) for step in loads],
    }
    output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    show(video, loads, idle)


def looped(path: Path, *source: str) -> Path:
    """Three minutes of it as H.264, 15 pictures a second, 640x360: longer than any step lasts."""
    encode = ["-t", "180", "-an", "-vf", "scale=640:360,fps=15", "-c:v", "libx264", "-preset", "veryfast", "-g", "30"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *source, *encode, str(path)], check=True)  # noqa: S603, S607
    return path


def load(folder: Path, video: Path, cameras: int) -> Load:
    """Let the agent watch so many streams of the video."""
    with served(video) as address, agent(folder, address, cameras) as (process, page):
        time.sleep(SETTLE_S)
        before = reading(process, page)
        time.sleep(WATCH_S)
        after = reading(process, page)
    seconds, frames, late = after.at_s - before.at_s, after.frames - before.frames, after.late - before.late
    return Load(
        cameras,
        round(frames / seconds, 1),
        round(late / max(frames + late, 1), 4),
        round((after.cpu_s - before.cpu_s) / seconds, 4),
        round(after.rss_mb, 1),
    )


@contextmanager
def served(video: Path) -> Iterator[str]:
    """The address of a server; every client has the video from its start."""
    command = ["/usr/bin/python3", str(SERVER), str(video)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


@contextmanager
def agent(folder: Path, address: str, cameras: int) -> Iterator[tuple[int, str]]:
    """The agent's process number and the address of its metrics page."""
    names = [f"camera-{number}" for number in range(cameras)]
    port = 19108
    site = {
        "cameras": [{"name": name, "source": address} for name in names],
        "metrics": {"port": port},
        "outbox": {"path": str(folder / "outbox.sqlite")},
    }
    settings = folder / "site.yaml"
    settings.write_text(yaml.safe_dump(site), encoding="utf-8")
    program = Path(sys.executable).with_name("edge-agent")
    with (folder / "agent.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen([program, "run", "--config", settings], stderr=log)  # noqa: S603
        try:
            yield process.pid, f"http://127.0.0.1:{port}/metrics"
        finally:
            process.terminate()
            process.wait(30)


def reading(process: int, page: str) -> Reading:
    """Counters from the agent's own page, CPU time and memory from the kernel."""
    with urllib.request.urlopen(page, timeout=10) as answer:  # noqa: S310
        samples = [
            sample for family in text_string_to_metric_families(answer.read().decode()) for sample in family.samples
        ]
    spent = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    rss_kb = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    late = (one for one in samples if one.labels.get("reason") == "newer_frame")
    return Reading(
        time.monotonic(),
        sum(one.value for one in samples if one.name == "edge_agent_frames_total"),
        sum(one.value for one in late if one.name == "edge_agent_frames_dropped_total"),
        (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK"),
        rss_kb / 1024,
    )


def show(video: Path, loads: list[Load], idle: Load) -> None:
    """One row for each step."""
    table = Table(title=f"{video.name}, 640x360, 15 frames/s, over RTSP", box=None)
    for column in "cameras", "frames/s", "late", "cores", "memory MB":
        table.add_column(column, justify="right")
    for name, step in [("1 still", idle), *((str(step.cameras), step) for step in loads)]:
        late = f"[{'green' if step.ok else 'red'}]{step.late_share:.1%}[/]"
        table.add_row(name, f"{step.frames_per_s:.1f}", late, f"{step.cores:.2f}", f"{step.rss_mb:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
