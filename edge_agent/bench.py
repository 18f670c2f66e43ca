"""What one clip costs this machine: CPU time of every stage of a frame's journey.

CPU time, not elapsed time: it is what a box with several cameras runs out of, and other programs hardly disturb
it. ``time.process_time`` counts all threads of the process, OpenVINO's included. Frames are decoded first and
stages run one after the other, so whatever is spent between a stage's begin and end belongs to that stage.
"""

import os
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_agent import __version__
from edge_agent.agent import Watch
from edge_agent.core.records import Frame
from edge_agent.core.technique import TechniqueThresholds
from edge_agent.frames import read_video
from edge_agent.output import write_json
from edge_agent.pose.eyes import STAGES, Eyes
from edge_agent.settings import CameraSettings, Settings

SCHEMA = "hingewatch.bench/1"
MOST_FRAMES = 300
"""Twenty seconds at the default rate; as decoded pictures they take 0.8 GB at 1280x720."""

MIND, SPIN = "mind", "spin"
"""``mind`` is everything that is no network: tracking, motion, postures, the back's profile, lifts and verdicts.
``spin`` is what OpenVINO's other threads burn between the networks' stages: they go on waiting busily for a while.
"""

_PARTS = (*STAGES, MIND, SPIN)
# The first inferences of a process cost more: memory is first touched, kernels are made.
_WARM_UP_FRAMES = 5
_VERSIONS = ("openvino", "numpy", "opencv-python-headless", "av")


@dataclass(frozen=True, slots=True)
class Cost:
    """What the first ``frames`` analysed frames of a clip cost, CPU seconds.

    ``person_frames``: one for each followed person in each frame. ``cpu_s``: by stage, ``decode`` included; that
    one has paid for the pictures that the rate limit then left out, too. ``first_frame_s``: the part of it that the
    first frame took after decoding, when everywhere is searched for people. ``runs``: how often each stage ran.
    """

    frames: int
    person_frames: int
    cpu_s: dict[str, float]
    first_frame_s: float
    runs: dict[str, int]

    @property
    def after_decode_s(self) -> float:
        """All stages but decoding."""
        return sum(self.cpu_s[part] for part in _PARTS)


class StageClock:
    """The CPU time spent in each stage, by all threads and by the calling one; a StageTimer for Eyes."""

    def __init__(self) -> None:
        self.cpu_s: defaultdict[str, float] = defaultdict(float)
        self.own_s: defaultdict[str, float] = defaultdict(float)
        self.runs: Counter[str] = Counter()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add what is spent inside to ``stage``."""
        begin_s, own_begin_s = time.process_time(), time.thread_time()
        try:
            yield
        finally:
            self.own_s[stage] += time.thread_time() - own_begin_s
            self.cpu_s[stage] += time.process_time() - begin_s
            self.runs[stage] += 1


def bench_file(video: Path, settings: Settings, output: Path | None) -> None:
    """Measure one clip; a table goes to the terminal, JSON to ``output`` (``-``: stdout).

    Raises InputError when the clip cannot be read or the output cannot be written.
    """
    console = Console(stderr=True)
    eyes = Eyes(settings.pose)
    cost = measure(video, eyes, console)
    if output:
        write_json(as_dict(video, eyes, cost), output)
    console.print(_table(video, cost))
    console.print(
        f"The first frame, searched everywhere for people, took {cost.first_frame_s * 1000:.0f} CPU ms of it"
    )
    console.print(f"{_machine()}, networks on {', '.join(sorted(set(eyes.devices.values())))}")


def measure(video: Path, eyes: Eyes, console: Console, most_frames: int = MOST_FRAMES) -> Cost:
    """Decode, warm up, then take each frame on its journey as ``run`` and ``analyze`` do."""
    camera = CameraSettings(name="clip", source=str(video))
    clock = StageClock()
    with clock("decode"):
        frames = list(islice(read_video(video, camera.height_px, camera.rate_hz), most_frames))
    beginner = Watch(camera, eyes, TechniqueThresholds())
    for frame in frames[:_WARM_UP_FRAMES]:
        beginner.look(frame)
    untimed, eyes.timer = eyes.timer, clock
    try:
        people, first_frame_s = _look_at_all(frames, Watch(camera, eyes, TechniqueThresholds()), clock, console)
    finally:
        eyes.timer = untimed
    return Cost(len(frames), people, _by_stage(clock), first_frame_s, {stage: clock.runs[stage] for stage in STAGES})


def _by_stage(clock: StageClock) -> dict[str, float]:
    """The networks' stages ran inside "look": the rest of it is mind where it was spent by the calling thread."""
    cpu_s = {stage: clock.cpu_s[stage] for stage in ("decode", *STAGES)}
    rest_s = clock.cpu_s["look"] - sum(clock.cpu_s[stage] for stage in STAGES)
    cpu_s[MIND] = clock.own_s["look"] - sum(clock.own_s[stage] for stage in STAGES)
    cpu_s[SPIN] = rest_s - cpu_s[MIND]
    return cpu_s


def _look_at_all(frames: Sequence[Frame], watch: Watch, clock: StageClock, console: Console) -> tuple[int, float]:
    """How many people were followed, summed over the frames; CPU seconds of the first frame."""
    people, first_frame_s = 0, 0.0
    # drawn once a second: the bar's own thread is counted too
    for frame in track(frames, "measuring", console=console, transient=True, refresh_per_second=1):
        with clock("look"):
            look = watch.look(frame)
        people += len(look.people)
        first_frame_s = first_frame_s or clock.cpu_s["look"]
    return people, first_frame_s


def as_dict(video: Path, eyes: Eyes, cost: Cost) -> dict[str, Any]:
    """The figures with all that is needed to compare them with others."""
    return {
        "schema": SCHEMA,
        "video": video.name,
        "versions": {"hingewatch": __version__, "python": platform.python_version()}
        | {name: version(name) for name in _VERSIONS},
        "machine": _machine(),
        "device": eyes.devices,
        "frames": cost.frames,
        "person_frames": cost.person_frames,
        "runs": cost.runs,
        "cpu_ms": {stage: round(spent_s * 1000, 3) for stage, spent_s in cost.cpu_s.items()},
        "cpu_ms_first_frame": round(cost.first_frame_s * 1000, 3),
        "cpu_ms_after_decode": round(cost.after_decode_s * 1000, 3),
        "cpu_ms_per_frame": _each_ms(cost.after_decode_s, cost.frames),
        "cpu_ms_per_person_frame": _each_ms(cost.after_decode_s, cost.person_frames),
    }


def _each_ms(spent_s: float, count: int) -> float | None:
    return round(spent_s * 1000 / count, 3) if count else None


def _machine() -> str:
    """Processor and number of cores."""
    try:
        about = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        about = []
    named = (line.partition(":")[2].strip() for line in about if line.startswith("model name"))
    return f"{next(named, platform.machine())}, {os.cpu_count()} cores"


def _table(video: Path, cost: Cost) -> Table:
    title = f"{video.name}: {cost.frames} frames, {cost.person_frames} person-frames"
    table = Table("stage", title=title, box=None)
    for column in "runs", "CPU ms per run", "per frame", "per person-frame":
        table.add_column(column, justify="right")
    rows = [(stage, cost.cpu_s[stage], cost.runs.get(stage, cost.frames)) for stage in ("decode", *_PARTS)]
    for stage, spent_s, runs in [*rows, ("total after decode", cost.after_decode_s, cost.frames)]:
        each = (_each_ms(spent_s, count) for count in (runs, cost.frames, cost.person_frames))
        table.add_row(stage, str(runs), *("-" if ms is None else f"{ms:.2f}" for ms in each))
    return table
