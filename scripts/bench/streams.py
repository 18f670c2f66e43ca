"""How many live cameras one box can take, how late its lifts are told, and what memory it keeps.

What is late: a frame that a newer one overtook before anybody had looked at it, or that came late because it was
decoded too slowly. Servers and broker work on the same machine; their CPU time is not the agent's, but they take it
from the agent.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.bench.figures import MOST_LATE, SOURCE_HZ, between, late_share, next_try, quantile_ms, slope
from scripts.bench.live import FLAPPING, Reading, looped, served, spread, watching

SETTLE_S, WATCH_S, HOLD_S = 8.0, 20.0, 90.0
OWN_MOMENTS = 16
"""So many cameras begin at a moment each; more send what one of these does, in step with it."""
STILL_SETTLE_S = 20.0
"""A camera is known to be still ten seconds after the last stir."""
LONGEST_WARM_UP_S = 600.0
STILL = ("-f", "lavfi", "-i", "smptebars=size=640x360:rate=15,noise=alls=4:allf=t")
"""A picture of all grey levels in which nothing moves, with a sensor's noise."""

Tell = Callable[[str], None]
"""Of what is measured now."""

Shown = Callable[[Sequence[float]], Iterable[float]]
"""The same waits, in seconds, while a bar shows how many are over."""


@dataclass(frozen=True, slots=True)
class Load:
    """What so many cameras asked of the box.

    cores: CPU seconds of the agent a second, decoding included. other_cores: of all else that ran on the machine.
    """

    cameras: int
    frames_per_s: float
    late_share: float
    cores: float
    other_cores: float
    rss_mb: float
    first_frame_s: float

    @property
    def ok(self) -> bool:
        """Whether the box keeps up."""
        return self.late_share < MOST_LATE and self.frames_per_s > 0


def load_of(cameras: int, before: Reading, after: Reading, first_frame_s: float) -> Load:
    """What happened between two readings."""
    seconds, watched_s = after.at_s - before.at_s, after.shown_s - before.shown_s
    frames = after.frames - before.frames
    dropped = {reason: count - before.dropped.get(reason, 0.0) for reason, count in after.dropped.items()}
    cores = (after.cpu_s - before.cpu_s) / seconds
    return Load(
        cameras,
        round(frames / watched_s, 1),
        round(late_share(SOURCE_HZ * cameras * watched_s, frames, dropped), 4),
        round(cores, 4),
        round((after.machine_s - before.machine_s) / seconds - cores, 2),
        round(after.rss_mb, 1),
        round(first_frame_s, 2),
    )


def measure(video: Path, folder: Path, tell: Tell) -> dict[str, Any]:
    """Idle camera, more and more cameras, then `HOLD_S` with as many as the box can take. Raises RunError.

    As many as it can take: late neither when they were tried nor in the steady run, which is made again with one less
    until it is not. Beside so many, as many still cameras are tried at last.
    """
    still_files = _clips(folder / "still", WATCH_S, 1, *STILL)
    files = moving(video, folder, HOLD_S, OWN_MOMENTS)
    with served(still_files) as still_addresses, served(files) as addresses:
        tell("one still camera")
        idle = _step(folder, spread(still_addresses, 1), STILL_SETTLE_S)
        steps = _steps(folder, addresses, tell)
        most = max((step.cameras for step in steps if step.ok), default=0)
        for cameras_ok in range(most, -1, -1):
            tell(f"{max(1, cameras_ok)} cameras for {HOLD_S / 60:.1f} min")
            held = hold(folder, spread(addresses, max(1, cameras_ok)), HOLD_S)
            if held["ok"]:
                break
        tell(f"{cameras_ok} cameras and as many still ones")
        still = {f"still-{name}": url for name, url in spread(still_addresses, cameras_ok).items()}
        mixed = _step(folder, spread(addresses, max(1, cameras_ok)) | still, STILL_SETTLE_S)
    return {
        "cameras_ok": cameras_ok,
        "idle": as_dict(idle),
        "steps": [as_dict(step) for step in steps],
        "hold": held,
        "half_still": as_dict(mixed),
    }


def as_dict(load: Load) -> dict[str, Any]:
    """With the verdict."""
    return {name: getattr(load, name) for name in (*Load.__slots__, "ok")}


def moving(video: Path, folder: Path, needed_s: float, cameras: int) -> list[Path]:
    """The clip as so many cameras would send it, long enough for a run of so many seconds."""
    return _clips(folder / "moving", needed_s, cameras, "-stream_loop", "-1", "-i", str(video))


def _clips(folder: Path, needed_s: float, cameras: int, *source: str) -> list[Path]:
    folder.mkdir()
    return looped(folder, max(needed_s, SETTLE_S + WATCH_S) + 120, cameras, *source)


def _steps(folder: Path, addresses: Sequence[str], tell: Tell) -> list[Load]:
    """More and more cameras, then the numbers between; fewest first."""
    steps: list[Load] = []
    while (cameras := next_try({step.cameras: step.ok for step in steps})) is not None:
        tell(f"{cameras} cameras")
        steps.append(_step(folder, spread(addresses, cameras)))
    return sorted(steps, key=lambda step: step.cameras)


def _step(folder: Path, sources: Mapping[str, str], settle_s: float = SETTLE_S) -> Load:
    with watching(folder, sources) as agent:
        time.sleep(settle_s)
        before = agent.read()
        time.sleep(WATCH_S)
        return load_of(len(sources), before, agent.read(), agent.first_frame_s)


def hold(folder: Path, sources: Mapping[str, str], hold_s: float, shown: Shown = tuple) -> dict[str, Any]:
    """Memory over time, latencies and lateness of a steady run; the warm-up is at most a third of it."""
    with watching(folder, sources) as agent:
        time.sleep(SETTLE_S)
        readings = [agent.read()]
        for wait_s in shown(waits(hold_s)):
            time.sleep(wait_s)
            readings.append(agent.read())
    first, last = readings[0], readings[-1]
    load = load_of(len(sources.keys() - {FLAPPING}), first, last, agent.first_frame_s)
    return {
        **as_dict(load),
        **memory(readings, hold_s),
        "latency_ms": latencies(first, last),
        "reconnects_of_flapping": round(last.reconnects - first.reconnects),
        "blind_s_of_others": round(last.blind_s - first.blind_s, 1),
    }


def waits(hold_s: float) -> list[float]:
    """Between readings: about a hundred of them, but no more than one a second."""
    count = max(1, min(100, int(hold_s)))
    return [hold_s / count] * count


def memory(readings: Sequence[Reading], hold_s: float) -> dict[str, Any]:
    """Its course, and a straight line through what follows the warm-up."""
    begin_s, warm_up_s = readings[0].at_s, min(LONGEST_WARM_UP_S, hold_s / 3)
    course = [(round(one.at_s - begin_s, 1), round(one.rss_mb, 2)) for one in readings]
    warm = [(at_s, rss_mb) for at_s, rss_mb in course if at_s >= warm_up_s]
    line = slope([at_s for at_s, _ in warm], [rss_mb for _, rss_mb in warm])
    return {
        "seconds": round(hold_s),
        "warm_up_s": round(warm_up_s),
        "rss_slope_mb_per_h": None if line is None else round(line.per_h, 2),
        "rss_slope_stderr_mb_per_h": None if line is None else round(line.stderr_per_h, 2),
        "rss": course,
    }


def latencies(before: Reading, after: Reading) -> dict[str, Any]:
    """From the frame that let a lift be judged to the outbox, from release to the broker's answer, and their sum.

    The sum of two percentiles is no percentile of the sum, but for the 99th it errs on the side of late. What is
    held back for privacy, and the 0.7 s in which the end of a lift is waited for, are in neither.
    """
    parts = {
        "to_outbox": between(before.to_outbox, after.to_outbox),
        "to_broker": between(before.to_broker, after.to_broker),
    }
    told: dict[str, Any] = {
        name: {f"p{100 * share:.0f}": _rounded(quantile_ms(part, share)) for share in (0.5, 0.95, 0.99)}
        | {"count": round(part.get(float("inf"), 0.0))}
        for name, part in parts.items()
    }
    p99 = [told[name]["p99"] for name in parts]
    return told | {"sum_p99": None if None in p99 else round(sum(p99), 1)}


def _rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 1)
