"""``--watch``: through each camera with the agent's own eyes, for as long as was asked.

What is told of it are shares and sizes; nothing of a single person, and no lift: those leave by the outbox alone.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import structlog
from rich.progress import Progress

from edge_agent.agent import Look, Watch
from edge_agent.camera import Camera
from edge_agent.core.light import Light
from edge_agent.core.records import Frame
from edge_agent.core.view_quality import LINES, Sight, ViewQuality, advice, body_of, quality_of
from edge_agent.doctor.finding import Facts, Finding
from edge_agent.errors import HingewatchError
from edge_agent.frames import DropReason, SilentTelemetry
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.network import InferenceError, cores
from edge_agent.settings import CameraSettings, Settings
from edge_agent.side_by_side import side_by_side

log = structlog.get_logger()

_WAIT_S: Final = 0.5
_SLACK_S: Final = 10.0
_VIEWS: Final = {
    "side": "from the side",
    "oblique": "obliquely",
    "end": "from front or back",
    "unknown": "half hidden",
}


@dataclass(frozen=True, slots=True)
class Watching:
    """For how long, and whether no agent runs beside, who needs the box's cores as well."""

    seconds: float
    alone: bool


class _Late(SilentTelemetry):
    """Counts the pictures that were due, and overtaken by newer ones."""

    def __init__(self) -> None:
        self.pictures = 0

    def dropped(self, camera: str, reason: DropReason) -> None:
        del camera
        self.pictures += reason == "newer_frame"


@dataclass(slots=True)
class _Seen:
    """What one camera showed."""

    sights: list[Sight] = field(default_factory=list)
    failed: int = 0
    late: int = 0
    light: Light = field(default_factory=Light)


def look_through(
    settings: Settings, cameras: Sequence[CameraSettings], watch: Watching, progress: Progress
) -> Iterator[Finding]:
    """All cameras at once, as the agent has to: how often each is looked at depends on the others."""
    try:
        eyes = Eyes(settings.pose)
    except HingewatchError as error:
        yield Finding("view", "fail", error.what, error.fix)
        return
    log.warning("cameras are looked through", cameras=len(cameras), seconds=watch.seconds, user=os.getuid())
    turns = threading.Semaphore(cores())

    def see(camera: CameraSettings) -> _Seen:
        return _see(camera, Watch(camera, eyes, settings.technique.thresholds), watch.seconds, turns)

    limit_s = max(camera.open_timeout_s for camera in cameras) + watch.seconds + _SLACK_S
    with _clock(progress, watch.seconds):
        seen = side_by_side(see, cameras, limit_s)
    for camera, one in zip(cameras, seen, strict=True):
        yield _finding(camera, one or _Seen(), watch)


def _see(camera: CameraSettings, watch: Watch, seconds: float, turns: threading.Semaphore) -> _Seen:
    """For so long from the first picture on."""
    seen, late = _Seen(), _Late()
    source = Camera(camera, late)
    source.start()
    until_s = time.monotonic() + camera.open_timeout_s
    try:
        while time.monotonic() < until_s and source.state != "ended":
            frame = source.newest(_WAIT_S)
            if frame is None:
                continue
            if not seen.sights:  # what a server sends at once at the beginning is not late
                until_s, late.pictures = time.monotonic() + seconds, 0
            try:
                with turns:
                    seen.sights.append(_sight(watch.look(frame), frame))
            except InferenceError:
                seen.failed += 1
            source.rest(watch.due_s)
    finally:
        source.close()
    seen.late, seen.light = late.pictures, watch.light
    return seen


def _sight(look: Look, frame: Frame) -> Sight:
    lines = frame.image.shape[0]
    return Sight(look.time_s, tuple(body_of(one.pose, one.moment.posture, lines) for one in look.people))


@contextmanager
def _clock(progress: Progress, watch_s: float) -> Iterator[None]:
    """A bar that fills with the time."""
    bar, over = progress.add_task("looking through the cameras", total=watch_s), threading.Event()

    def fill() -> None:
        while not over.wait(_WAIT_S):
            progress.advance(bar, _WAIT_S)

    threading.Thread(target=fill, name="progress", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        progress.update(bar, completed=watch_s)


def _finding(camera: CameraSettings, seen: _Seen, watch: Watching) -> Finding:
    check = f"camera {camera.name} view"
    if len(seen.sights) < 2:
        what = f"no two pictures were looked at in {watch.seconds:.0f} s"
        if seen.failed:
            return Finding(check, "fail", f"{what}: inference failed {seen.failed} times", "set pose.device to CPU")
        return Finding(check, "fail", what, "look longer: --watch 60; see this camera's line above")
    quality = quality_of(seen.sights, seen.late, seen.light)
    flaws = list(advice(quality, alone=watch.alone))
    beside = "" if watch.alone else " beside the running agent"
    detail = "; ".join([_described(quality, beside), *(what for what, _ in flaws)])
    return Finding(check, "warn" if flaws else "ok", detail, "; ".join(fix for _, fix in flaws), _facts(quality))


def _described(quality: ViewQuality, beside: str) -> str:
    parts = [f"{quality.looks_per_s:.1f} looks/s{beside}", f"somebody in view {quality.seen_share:.0%} of the time"]
    if quality.height is not None:
        parts.append(f"{quality.height:.0f} of {LINES} lines tall")
    if quality.light.levels is not None:
        parts.append(f"{quality.light.levels:.0f} of 256 grey levels{' with noise' if quality.light.noisy else ''}")
    shares = [f"{share:.0%} {_VIEWS[view]}" for view, share in quality.views.items() if share]
    return ", ".join([*parts, *shares])


def _facts(quality: ViewQuality) -> Facts:
    return {
        **{f"{view}_share": round(share, 3) for view, share in quality.views.items()},
        "looks_per_s": round(quality.looks_per_s, 2),
        "late_share": round(quality.late_share, 3),
        "seen_share": round(quality.seen_share, 3),
        "grey_levels_of_256": None if quality.light.levels is None else round(quality.light.levels),
        "noise_grey_levels": round(quality.light.noise, 2),
        "feet_share": round(quality.feet_share, 3),
        "person_height_px_of_720": None if quality.height is None else round(quality.height),
    }
