"""What one clip costs this machine: CPU time of every stage of a frame's journey.

CPU time, not elapsed time: it is what a box with several cameras runs out of, and other programs hardly disturb
it. ``time.process_time`` counts all threads of the process, OpenVINO's included. Frames are decoded first and
stages run one after the other, so whatever is spent between a stage's begin and end belongs to that stage. Every
two seconds of the clip the networks alone (``bound``) take their turn, so that both meet the same machine.
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
from edge_agent.bench_report import write_bench_report
from edge_agent.bound import CountedEyes, RawNetworks
from edge_agent.core.backlog import Backlog
from edge_agent.core.records import Frame
from edge_agent.core.technique import TechniqueThresholds
from edge_agent.frames import read_video
from edge_agent.output import check_writable, write_json
from edge_agent.pose.eyes import STAGES, Eyes
from edge_agent.settings import CameraSettings, Settings

SCHEMA = "hingewatch.bench/2"
MOST_FRAMES = 300
"""Twenty seconds at the default rate; as decoded pictures they take 0.8 GB at 1280x720."""

MIND, SPIN = "mind", "spin"
"""``mind`` is everything that is no network: tracking, motion, postures, the back's profile, lifts and verdicts.
``spin`` is what other threads burn between the networks' stages: OpenVINO's and OpenCV's, given more than one, go on
waiting busily for a while.
"""

_PARTS = (*STAGES, MIND, SPIN)
# The first inferences of a process cost more: memory is first touched, kernels are made.
_WARM_UP_FRAMES = 5
_TURN_FRAMES = 30
_VERSIONS = ("openvino", "numpy", "opencv-python-headless", "av")


@dataclass(frozen=True, slots=True)
class Cost:
    """What the first ``frames`` analysed frames of a clip cost, CPU seconds.

    ``person_frames``: one for each followed person in each frame, looked at or passed over (``core.cadence``).
    ``cpu_s``: by stage, ``decode`` included, which has paid for the pictures that the rate limit then left out, too.
    ``first_frame_s``: the part of it that the first frame took after decoding, when people are searched everywhere.
    ``runs``: how often each stage ran, ``pictures``: about how many pictures its network was asked; ``bound_s``: what
    so many answers cost of the network alone.
    """

    frames: int
    person_frames: int
    cpu_s: dict[str, float]
    first_frame_s: float
    runs: dict[str, int]
    pictures: dict[str, int]
    bound_s: dict[str, float]

    @property
    def after_decode_s(self) -> float:
        """All stages but decoding."""
        return sum(self.cpu_s[part] for part in _PARTS)

    @property
    def share_of_bound(self) -> float:
        """What the networks alone cost, as a share of all stages but decoding; 1 cannot be beaten."""
        return sum(self.bound_s.values()) / self.after_decode_s


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


def bench_file(video: Path, settings: Settings, output: Path | None, report: Path | None = None) -> None:
    """Measure one clip; a table goes to the terminal, JSON to ``output`` (``-``: stdout), a page to ``report``.

    Raises InputError when the clip cannot be read or a file cannot be written.
    """
    check_writable((output, report), video)
    console = Console(stderr=True)
    eyes = CountedEyes(settings.pose)
    cost = measure(video, eyes, console)
    figures = as_dict(video, eyes, cost)
    if output:
        write_json(figures, output)
    if report:
        write_bench_report(report, figures)
    console.print(_table(video, cost))
    console.print(
        f"The first frame, searched everywhere for people, took {cost.first_frame_s * 1000:.0f} CPU ms of it"
    )
    console.print(f"The networks alone are {cost.share_of_bound:.0%} of it")
    console.print(f"{machine()}, networks on {', '.join(sorted(set(eyes.devices.values())))}")


def measure(video: Path, eyes: CountedEyes, console: Console, most_frames: int = MOST_FRAMES) -> Cost:
    """Decode, then measure the frames. Raises InputError for a clip that cannot be read."""
    camera = CameraSettings(name="clip", source=str(video))
    begin_s = time.process_time()
    frames = list(islice(read_video(video, camera.height_px, camera.rate_hz), most_frames))
    return measure_frames(frames, eyes, console, time.process_time() - begin_s)


def measure_frames(frames: Sequence[Frame], eyes: CountedEyes, console: Console, decode_s: float = 0.0) -> Cost:
    """Warm up, then take each frame on its journey as ``run`` and ``analyze`` do."""
    beginner = _new_watch(eyes)
    for frame in frames[:_WARM_UP_FRAMES]:
        beginner.look(frame)
    turns = _Turns(eyes)
    clock = StageClock()
    clock.cpu_s["decode"] = decode_s
    untimed, eyes.timer = eyes.timer, clock
    try:
        people, first_frame_s = _look_at_all(frames, turns, clock, console)
    finally:
        eyes.timer = untimed
    runs = {stage: clock.runs[stage] for stage in STAGES}
    return Cost(len(frames), people, _by_stage(clock), first_frame_s, runs, turns.pictures, dict(turns.bound_s))


def _new_watch(eyes: Eyes) -> Watch:
    return Watch(CameraSettings(name="clip", source="clip"), eyes, TechniqueThresholds())


class _Turns:
    """The networks alone, after every so many frames: asked for what was asked since their last turn."""

    def __init__(self, eyes: CountedEyes) -> None:
        self.eyes = eyes
        self.bound_s: defaultdict[str, float] = defaultdict(float)
        self._raw = RawNetworks(eyes)
        self._begin = eyes.pictures.copy()
        self._answered = eyes.pictures.copy()

    @property
    def pictures(self) -> dict[str, int]:
        """By stage, since this was made."""
        return {stage: self.eyes.pictures[stage] - self._begin[stage] for stage in STAGES}

    def take(self) -> None:
        """Catch up with the eyes."""
        asked = self.eyes.pictures - self._answered
        self._answered = self.eyes.pictures.copy()
        for stage, spent_s in self._raw.answer(asked).items():
            self.bound_s[stage] += spent_s


def _by_stage(clock: StageClock) -> dict[str, float]:
    """The networks' stages ran inside "look": the rest of it is mind where it was spent by the calling thread."""
    cpu_s = {stage: clock.cpu_s[stage] for stage in ("decode", *STAGES)}
    rest_s = clock.cpu_s["look"] - sum(clock.cpu_s[stage] for stage in STAGES)
    cpu_s[MIND] = clock.own_s["look"] - sum(clock.own_s[stage] for stage in STAGES)
    cpu_s[SPIN] = rest_s - cpu_s[MIND]
    return cpu_s


def _look_at_all(frames: Sequence[Frame], turns: _Turns, clock: StageClock, console: Console) -> tuple[int, float]:
    """How many people were followed, summed over the frames; CPU seconds of the first frame.

    On a frame that need not be looked at those of the last look are followed.
    """
    watch, kept = _new_watch(turns.eyes), Backlog()
    people, seen, first_frame_s = 0, 0, 0.0
    # drawn once a second: the bar's own thread is counted too
    progress = track(frames, "measuring", console=console, transient=True, refresh_per_second=1)
    for number, frame in enumerate(progress, 1):
        with clock("look"):
            due = kept.sift(frame, watch.due_s)
            if due is not None:
                seen = len(watch.look(due).people)
        people += seen
        first_frame_s = first_frame_s or clock.cpu_s["look"]
        if number % _TURN_FRAMES == 0 or number == len(frames):
            turns.take()
    return people, first_frame_s


def as_dict(video: Path, eyes: Eyes, cost: Cost) -> dict[str, Any]:
    """The figures with all that is needed to compare them with others."""
    return {
        "schema": SCHEMA,
        "video": video.name,
        "versions": versions(),
        "machine": machine(),
        "device": eyes.devices,
        "frames": cost.frames,
        "person_frames": cost.person_frames,
        "runs": cost.runs,
        "pictures": cost.pictures,
        "cpu_ms": {stage: round(spent_s * 1000, 3) for stage, spent_s in cost.cpu_s.items()},
        "cpu_ms_bound": {stage: round(spent_s * 1000, 3) for stage, spent_s in cost.bound_s.items()},
        "share_of_bound": round(cost.share_of_bound, 4),
        "cpu_ms_first_frame": round(cost.first_frame_s * 1000, 3),
        "cpu_ms_after_decode": round(cost.after_decode_s * 1000, 3),
        "cpu_ms_per_frame": _each_ms(cost.after_decode_s, cost.frames),
        "cpu_ms_per_person_frame": _each_ms(cost.after_decode_s, cost.person_frames),
    }


def _each_ms(spent_s: float, count: int) -> float | None:
    return round(spent_s * 1000 / count, 3) if count else None


def versions() -> dict[str, str]:
    """Of all that decides what a frame costs."""
    return {"hingewatch": __version__, "python": platform.python_version()} | {
        name: version(name) for name in _VERSIONS
    }


def machine() -> str:
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
    for column in "runs", "CPU ms per run", "per frame", "per person-frame", "network alone":
        table.add_column(column, justify="right")
    alone_s = cost.bound_s | {"total after decode": sum(cost.bound_s.values())}
    rows = [(stage, cost.cpu_s[stage], cost.runs.get(stage, cost.frames)) for stage in ("decode", *_PARTS)]
    for stage, spent_s, runs in [*rows, ("total after decode", cost.after_decode_s, cost.frames)]:
        each = [_each_ms(spent_s, count) for count in (runs, cost.frames, cost.person_frames)]
        each.append(_each_ms(alone_s[stage], cost.person_frames) if stage in alone_s else None)
        table.add_row(stage, str(runs), *("-" if ms is None else f"{ms:.2f}" for ms in each))
    return table
