"""One clip, offline: the same journey as in ``edge-agent run``, every frame in turn, nothing published."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge_agent.agent import Look, Watch
from edge_agent.core.backlog import Backlog
from edge_agent.core.records import Frame, Lift
from edge_agent.frames import read_video
from edge_agent.output import STDOUT, check_writable, write_json
from edge_agent.overlay import Overlay
from edge_agent.pose.eyes import Eyes
from edge_agent.report import PersonSeries, write_report
from edge_agent.settings import CameraSettings, Settings
from edge_agent.video import VideoInfo, video_info

SCHEMA = "hingewatch.analysis/1"
_LIFT_FIELDS = (
    "person", "start_s", "peak_s", "end_s", "center_x", "technique", "confidence", "view", "view_from_side_deg",
    "trunk_inclination_deg", "spine_flexion_deg", "knee_flexion_deg", "reasons",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where results go; ``json`` ``-`` is stdout."""

    json: Path | None = None
    video: Path | None = None
    report: Path | None = None


@dataclass(slots=True)
class Analysis:
    """What was seen in one clip so far."""

    video: Path
    info: VideoInfo
    people: int = 0
    lifts: list[Lift] = field(default_factory=list)
    series: dict[int, PersonSeries] = field(default_factory=lambda: defaultdict(lambda: PersonSeries([], [], [], [])))
    seen_until_s: float = 0.0

    def add(self, look: Look) -> None:
        """Take one look into the account."""
        self.lifts += look.lifts
        for person in look.people:
            posture = person.moment.posture
            curve = self.series[person.number]
            curve.time_s.append(posture.time_s)
            curve.trunk_inclination_deg.append(posture.trunk_inclination_deg)
            curve.knee_flexion_deg.append(posture.knee_flexion_deg)
            curve.spine_flexion_deg.append(person.spine_flexion_deg)

    def end(self, unfinished: list[Lift], people: int) -> None:
        """The clip is over, wherever it was cut off; with the lifts that were not told yet, or are still going on."""
        self.people = people
        self.lifts += unfinished
        self.info = replace(self.info, duration_s=max(self.info.duration_s, self.seen_until_s))
        self.lifts.sort(key=lambda lift: lift.peak_s)

    def as_dict(self) -> dict[str, Any]:
        """The contract ``hingewatch.analysis/1``."""
        return {
            "schema": SCHEMA,
            "video": self.video.name,
            "duration_s": round(self.info.duration_s, 3),
            "fps": round(self.info.fps, 3),
            "frames": self.info.frames,
            "people": self.people,
            "lifts": [_contract(lift) for lift in self.lifts],
        }


def analyze_file(video: Path, settings: Settings, outputs: Outputs) -> None:
    """Judge every lift of a clip and write what was asked for; a summary goes to the terminal.

    Raises InputError when the clip cannot be read or an output cannot be written.
    """
    check_writable((outputs.json, outputs.video, outputs.report), video)
    console = Console(stderr=True)
    info = video_info(video)
    watch = watcher(settings)(video)
    with ExitStack() as stack:
        overlay = stack.enter_context(Overlay(outputs.video, watch.camera.rate_hz)) if outputs.video else None
        advance = stack.enter_context(_progress(video, info, console))

        def seen(frame: Frame, look: Look) -> None:
            if overlay:
                overlay.add(frame, look)
            advance(frame.time_s)

        analysis = analyze(video, info, watch, seen)
    if outputs.json:
        write_json(analysis.as_dict(), outputs.json)
    if outputs.report:
        write_report(outputs.report, analysis.as_dict(), analysis.series)
    _show(analysis, outputs, console)


def watcher(settings: Settings) -> Callable[[Path], Watch]:
    """Opens the networks once, for a fresh watch on each of many clips. Raises as Eyes does."""
    eyes, thresholds = Eyes(settings.pose), settings.technique.thresholds
    return lambda video: Watch(CameraSettings(name="clip", source=str(video)), eyes, thresholds)


def analyze(video: Path, info: VideoInfo, watch: Watch, seen: Callable[[Frame, Look], None]) -> Analysis:
    """Look at every frame that is due, in order, and hand each on to ``seen`` with what it gave."""
    analysis, kept = Analysis(video, info), Backlog()
    for frame in read_video(video, watch.camera.height_px, watch.camera.rate_hz):
        analysis.seen_until_s = frame.time_s
        due = kept.sift(frame, watch.due_s)
        if due is None:
            continue
        look = watch.look(due)
        for one in (*look.earlier, look):
            analysis.add(one)
        seen(frame, look)
    analysis.end(watch.finish(), watch.people)
    return analysis


def _contract(lift: Lift) -> dict[str, Any]:
    values = asdict(lift)
    return {name: _rounded(values[name]) for name in _LIFT_FIELDS}


def _rounded(value: object) -> object:
    return round(value, 3) if isinstance(value, float) else value


@contextmanager
def _progress(video: Path, info: VideoInfo, console: Console) -> Iterator[Any]:
    columns = TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%")
    quiet = not console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(video.name, total=max(info.duration_s, 0.001))
        yield lambda time_s: bar.update(task, completed=time_s)


def _show(analysis: Analysis, outputs: Outputs, console: Console) -> None:
    table = Table(
        "person", "from s", "to s", "technique", "sure", "why", title=f"{len(analysis.lifts)} lifts", box=None
    )
    for lift in analysis.lifts:
        times = f"{lift.start_s:.1f}", f"{lift.end_s:.1f}"
        sure = f"{lift.confidence:.0%}" if lift.confidence else "-"
        table.add_row(str(lift.person), *times, lift.technique, sure, "; ".join(lift.reasons))
    console.print(table if analysis.lifts else "no lifts seen")
    for path in (outputs.json, outputs.video, outputs.report):
        if path and path != STDOUT:
            console.print(f"wrote {path}", highlight=False, soft_wrap=True)
