"""CPU time per person-frame: Hingewatch beside MediaPipe Pose, on the same frames, in turns.

Usage: compare.py VIDEO OUT.json
The machine is never quite at rest, so the programs take turns and each round gives one ratio; the median counts.
"""

import json
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_agent.bench import MOST_FRAMES
from edge_agent.errors import HingewatchError
from edge_agent.frames import read_video
from edge_agent.settings import CameraSettings

ROUNDS = 3
HERE = Path(__file__).parent
MEDIAPIPE = HERE.parents[1] / "build" / "mediapipe-venv" / "bin" / "python"
OURS, POSE, POSE_AND_MASK = "hingewatch", "mediapipe pose", "mediapipe pose and mask"


def main(video: Path, output: Path) -> None:
    """Measure, show and write."""
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        frames = Path(folder) / "frames.npy"
        save_frames(video, frames)
        commands: dict[str, list[str | Path]] = {
            OURS: [Path(sys.executable).with_name("edge-agent"), "bench", video, "--json", "-"],
            POSE: [MEDIAPIPE, HERE / "mediapipe_pose.py", frames, "pose"],
            POSE_AND_MASK: [MEDIAPIPE, HERE / "mediapipe_pose.py", frames, "pose_and_mask"],
        }
        turns = [name for _ in range(ROUNDS) for name in commands]
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
        for name in track(turns, video.name, console=Console(stderr=True), transient=True):
            runs[name].append(measured(commands[name]))
    against = ratios(runs)
    figures = {"video": video.name, "rounds": ROUNDS, "ratios": against, "runs": runs}
    output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    show(video, runs, against)


def save_frames(video: Path, path: Path) -> None:
    """The very pictures that the agent looks at, as RGB: for MediaPipe's own environment, which has no PyAV."""
    camera = CameraSettings(name="clip", source=str(video))
    frames = islice(read_video(video, camera.height_px, camera.rate_hz), MOST_FRAMES)
    np.save(path, np.stack([frame.image[:, :, ::-1] for frame in frames]))


def measured(command: list[str | Path]) -> dict[str, Any]:
    """The JSON that one program prints; SystemExit with its own complaints when it fails."""
    said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if said.returncode:
        sys.exit(f"{said.stderr}error: {command[1]} failed\nfix: see its message above")
    figures: dict[str, Any] = json.loads(said.stdout)
    return figures


def each_ms(run: dict[str, Any]) -> float:
    """CPU milliseconds per person-frame; of ours, everything after decoding."""
    spent_ms: float = run["cpu_ms_after_decode"] if "cpu_ms_after_decode" in run else run["cpu_ms"]
    people: int = run["person_frames"]
    return spent_ms / people if people else float("nan")


def ratios(runs: dict[str, list[dict[str, Any]]]) -> dict[str, list[float]]:
    """Ours over theirs, round by round."""
    return {
        name: [round(each_ms(us) / each_ms(them), 3) for us, them in zip(runs[OURS], runs[name], strict=True)]
        for name in (POSE, POSE_AND_MASK)
    }


def show(video: Path, runs: dict[str, list[dict[str, Any]]], against: dict[str, list[float]]) -> None:
    """One row for each program: the median of its rounds."""
    first = runs[OURS][0]
    table = Table(title=f"{video.name}: {first['frames']} frames, {ROUNDS} rounds", box=None)
    table.add_column("program")
    for column in "person-frames", "CPU ms each", "ours / theirs", "by round":
        table.add_column(column, justify="right", no_wrap=True)
    for name, rounds in runs.items():
        ratio = against.get(name, [])
        middle = f"{median(ratio):.2f}" if ratio else ""
        cost = f"{median(map(each_ms, rounds)):.1f}"
        table.add_row(name, str(rounds[0]["person_frames"]), cost, middle, " ".join(map(str, ratio)))
    console = Console()
    console.print(table)
    console.print(f"{first['machine']}; {first['versions']}; {runs[POSE][0]['versions']}", soft_wrap=True)
    console.print("MediaPipe's Pose follows one person: compare on a clip that shows one.")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except HingewatchError as error:
        print(f"error: {error.what}", f"fix: {error.fix}", sep="\n", file=sys.stderr)
        sys.exit(error.exit_code)
