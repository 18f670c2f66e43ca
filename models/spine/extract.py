"""Show the simulated frames to the real pose network and keep what it saw, errors and all.

Usage: python models/spine/extract.py FRAMES_DIR OUT.npz [--mirrored] [--landmarker full] [--people NAMES.txt]
(in the product's own environment)
FRAMES_DIR is made by ``models/people/dataset.py``. With --mirrored each frame is looked at in a mirror too, where the
network errs anew.
"""

import argparse
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.progress import track

from edge_agent.core import crop
from edge_agent.core.bodyview import BodyView, body_view
from edge_agent.core.posture import measure
from edge_agent.core.records import Image, Pose
from edge_agent.core.spine import back_profile
from edge_agent.core.tracking import Sighting
from edge_agent.pose.eyes import Eyes
from edge_agent.pose.network import cores
from edge_agent.settings import PoseSettings

SEED = 0
# The true joints only say roughly where to look, as a track does: off by a few per cent of the body's reach.
CROP_NOISE = 0.03
LEAST_SCORE = 0.5
GREY = np.zeros(3, np.float32)
TRUTHS = (
    "spine_flexion_deg", "trunk_inclination_deg", "knee_flexion_deg", "shin_inclination_deg", "view_from_side_deg",
    "twist_deg", "head_pitch_deg", "hip_drop_m", "shoulder_drop_m", "visibility", "elevation_deg", "distance_m",
    "person_px", "shirt_loose_m", "hood_m", "lift_spine_deg", "lift_trunk_deg", "upper_back_share",
)  # fmt: skip
WORDS = ("sequence", "technique", "legs", "load", "clothing", "phase")


def located(eyes: Eyes, image: Image, truth: dict, rng: np.random.Generator) -> Pose:
    """The pose as a tracker would have it: a look after a rough first one."""
    joints = {name: np.array(xy, np.float32) for name, xy in truth["joints_px"].items()}
    hip = (joints["left_hip"] + joints["right_hip"]) / 2
    shoulder = (joints["left_shoulder"] + joints["right_shoulder"]) / 2
    reach = 1.08 * float(np.hypot(*(np.array(list(joints.values())) - hip).T).max())
    hip, shoulder = (point + rng.normal(0, CROP_NOISE * reach, 2) for point in (hip, shoulder))
    place = crop.around(
        hip.astype(np.float32), shoulder.astype(np.float32), reach * float(np.exp(rng.normal(0, 0.05)))
    )
    seen = Sighting(eyes.locate(image, [place], [False])[0], GREY)
    return eyes.locate(image, [crop.around(seen.hip, seen.shoulder, seen.reach_px)], [True])[0]


def in_mirror(image: Image, truth: dict) -> tuple[Image, dict]:
    """The frame with left and right changed over, and where its joints are then."""
    right = image.shape[1] - 1
    joints = {name: [right - x, y] for name, (x, y) in truth["joints_px"].items()}
    return np.ascontiguousarray(image[:, ::-1]), truth | {"joints_px": joints, "mirrored": True}


def frames_of(folder: Path, people: Path | None) -> list[dict]:
    """The truth of all frames, or of those of the people who are named in a file."""
    truths = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    names = set(people.read_text().split()) if people else None
    return [truth for truth in truths if names is None or truth["sequence"] in names]


def looks_of(truth: dict, folder: Path, *, mirrored: bool) -> Iterator[tuple[Image, dict]]:
    """The frame, and on request its mirror image."""
    truth = truth | {"mirrored": False}
    image = np.asarray(cv2.imread(str(folder / truth["file"])), np.uint8)
    yield image, truth
    if mirrored:
        yield in_mirror(image, truth)


def seen(eyes: Eyes, args: argparse.Namespace, frame: dict) -> list[tuple[BodyView, dict]]:
    """What the network makes of a frame, beside its truth; nothing where it finds nobody whose dowel it can lay.

    The noise comes from the frame's own name: it is the same in whatever order frames are looked at.
    """
    rng, found = np.random.default_rng([SEED, zlib.crc32(frame["file"].encode())]), []
    for image, truth in looks_of(frame, args.frames, mirrored=args.mirrored):
        pose = located(eyes, image, truth, rng)
        view = body_view(pose, measure(pose, 0.0))
        if view is not None and back_profile(pose) is not None and pose.score >= LEAST_SCORE:
            found.append((view, truth))
    return found


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("frames", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--mirrored", action="store_true", help="look at each frame in a mirror too")
    parser.add_argument("--landmarker", default="full", choices=("lite", "full", "heavy"))
    parser.add_argument("--people", type=Path, help="only these, a name (sequence) a line")
    return parser.parse_args()


def main() -> None:
    """Look at as many frames side by side as there are cores, and keep what was seen."""
    args = arguments()
    eyes, frames = Eyes(PoseSettings(landmarker=args.landmarker)), frames_of(args.frames, args.people)
    with ThreadPoolExecutor(cores()) as pool:
        seen_frames = pool.map(partial(seen, eyes, args), frames)
        looks = [look for looks in track(seen_frames, args.frames.name, total=len(frames)) for look in looks]
    if not looks:
        raise SystemExit(f"nobody was seen in {args.frames}: is it a folder that dataset.py wrote?")
    views, truths = zip(*looks, strict=True)
    arrays: dict[str, Any] = {name: np.array([truth[name] for truth in truths], np.float32) for name in TRUTHS}
    words: dict[str, Any] = {name: np.array([truth[name] for truth in truths]) for name in (*WORDS, "mirrored")}
    shown: dict[str, Any] = {
        "mask": np.array([np.rint(view.mask * 255).astype(np.uint8) for view in views]),
        "values": np.array([view.values for view in views]),
    }
    np.savez_compressed(args.out, **shown, **arrays, **words)  # neighbouring masks are alike


if __name__ == "__main__":
    main()
