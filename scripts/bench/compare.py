"""CPU time per person-frame: Hingewatch beside MediaPipe Pose, on the same frames, in turns.

The machine is never quite at rest, so the programs take turns and each round gives one ratio; the median counts.
"""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from edge_agent.bench import MOST_FRAMES
from edge_agent.errors import RunError
from edge_agent.frames import read_video
from edge_agent.settings import CameraSettings
from scripts.bench.live import AGENT

ROUNDS = 3
HERE = Path(__file__).parent
MEDIAPIPE = HERE.parents[1] / "build" / "mediapipe-venv" / "bin" / "python"
OURS, POSE, POSE_AND_MASK = "hingewatch", "mediapipe pose", "mediapipe pose and mask"

Run = Mapping[str, Any]
"""What one program printed."""


def compare(video: Path, folder: Path, tell: Callable[[str], None]) -> dict[str, list[dict[str, Any]]]:
    """Each program's runs, round by round. Raises InputError for the clip, RunError for a program that fails."""
    frames = folder / "frames.npy"
    save_frames(video, frames)
    commands: dict[str, list[str | Path]] = {
        OURS: [*AGENT, "bench", video.absolute(), "--json", "-"],
        POSE: [MEDIAPIPE, HERE / "mediapipe_pose.py", frames, "pose"],
        POSE_AND_MASK: [MEDIAPIPE, HERE / "mediapipe_pose.py", frames, "pose_and_mask"],
    }
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for number in range(ROUNDS):
        for name, command in commands.items():
            tell(f"{name}, round {number + 1} of {ROUNDS}")
            runs[name].append(measured(command))
    frames.unlink()
    return runs


def save_frames(video: Path, path: Path) -> None:
    """The very pictures that the agent looks at, as RGB: for MediaPipe's own environment, which has no PyAV."""
    camera = CameraSettings(name="clip", source=str(video))
    frames = islice(read_video(video, camera.height_px, camera.rate_hz), MOST_FRAMES)
    np.save(path, np.stack([frame.image[:, :, ::-1] for frame in frames]))


def measured(command: Sequence[str | Path]) -> dict[str, Any]:
    """The JSON that one program prints. Raises RunError with its own complaints when it fails."""
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parents[1])  # noqa: S603
    if said.returncode:
        raise RunError(f"{Path(command[0]).name} failed: {said.stderr.strip()}", "see its message above")
    figures: dict[str, Any] = json.loads(said.stdout)
    return figures


def each_ms(run: Run) -> float:
    """CPU milliseconds per person-frame; of ours, everything after decoding. NaN where nobody was followed."""
    spent_ms: float = run["cpu_ms_after_decode"] if "cpu_ms_after_decode" in run else run["cpu_ms"]
    people: int = run["person_frames"]
    return spent_ms / people if people else float("nan")


def ratios(runs: Mapping[str, Sequence[Run]]) -> dict[str, list[float]]:
    """Ours over theirs, round by round."""
    return {
        name: [round(each_ms(us) / each_ms(them), 3) for us, them in zip(runs[OURS], runs[name], strict=True)]
        for name in (POSE, POSE_AND_MASK)
    }


def middle(runs: Sequence[Run]) -> Run:
    """The run of the median cost."""
    return sorted(runs, key=each_ms)[len(runs) // 2]


def concluded(runs: Mapping[str, Sequence[Run]]) -> dict[str, Any]:
    """Medians of the rounds."""
    against = ratios(runs)
    return {
        "ratio_to_mediapipe": round(median(against[POSE]), 3),
        "ratio_to_mediapipe_with_mask": round(median(against[POSE_AND_MASK]), 3),
        "ratios": against,
        "cpu_ms_per_person_frame": {name: round(median(map(each_ms, rounds)), 2) for name, rounds in runs.items()},
        "share_of_bound": round(median(run["share_of_bound"] for run in runs[OURS]), 4),
    }
