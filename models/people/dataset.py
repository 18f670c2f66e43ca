"""Training frames of simulated lifts: a seeded, resumable generator of short sequences with exact truth.

    python dataset.py OUT_FOLDER [--sequences 500] [--seed 1] [--frames 10] [--upright 2] [--unusual 0] [--dropped 0]

A sequence is one person, one camera, one lift: upright frames first, then some across the lift. Each frame is a
JPEG crop around the person and a line of `truth.jsonl`; joints are in pixels of the crop.
"""

import argparse
import json
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
from body import SPINE
from cores import on_each_core
from film import Film
from render import Renderer, box, mesh
from rich.progress import track
from scene import CARDBOARD, barbell
from sequences import Sequence, Takes, sample

CROP_PX = 320
PAIRED = {
    "shoulder": "upperarm01",
    "wrist": "wrist",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
}
JOINTS = {"head": "head", "neck": "neck01"} | {bone: bone for bone in SPINE}
JOINTS |= {f"{side}_{name}": f"{b}.{side[0].upper()}" for name, b in PAIRED.items() for side in ("left", "right")}


def _parcel(sequence: Sequence, frame: int) -> list:
    """The box where it rests (on a crate where it must) or in the hands; nothing for an empty lift."""
    lift = sequence.timed.lift
    if lift.load == "none":
        return []
    size, place, joints = sequence.parcel_m, sequence.place, sequence.posed.joints
    grip = sequence.movement.load_at
    if sequence.movement.held[frame]:
        grip = (joints["finger3-1.L"][frame] + joints["finger3-1.R"][frame]) / 2
    if lift.load == "barbell":
        disc_m = 0.225 if lift.box == "kept" else min(0.225, sequence.movement.load_at[2])
        return [barbell(place.moved(grip), disc_m, place.yaw_deg)]
    look = ((0.5, 0.35, 0.2), CARDBOARD)
    rows = [box(place.moved(grip - [0, 0, 0.2 * size[2]]), size, place.yaw_deg, look)]
    if lift.box == "kept":
        return rows
    top = sequence.movement.load_at[2] - 0.7 * size[2]
    if top > 0.04:
        under = sequence.movement.load_at * [1, 1, 0] + [0, 0, top / 2]
        rows.append(box(place.moved(under), np.array([size[0], size[1], top]), place.yaw_deg, look))
    return rows


def window(sequence: Sequence, frame: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """A square around the person in the whole image, with a random margin and a random shift."""
    seen = sequence.camera.project(sequence.place.moved(sequence.posed.vertices[frame]))
    low, high = seen.min(axis=0), seen.max(axis=0)
    side = float((high - low).max()) * rng.uniform(1.35, 1.8)
    x, y = (low + high) / 2 + rng.uniform(-0.08, 0.08, 2) * side - side / 2
    return float(x), float(y), float(x + side), float(y + side)


def draw(renderer: Renderer, sequence: Sequence, frame: int, view: tuple) -> tuple[np.ndarray, float]:
    """The crop, and the share of the person's pixels that nothing else hides and the crop contains."""
    place, posed = sequence.place, sequence.posed
    vertices, normals = place.moved(posed.vertices[frame]), place.turned(posed.normals[frame])
    person = (
        mesh(vertices, normals, sequence.look.texture, (sequence.look.colours, sequence.look.materials)),
        sequence.body.faces,
    )
    others = [*_parcel(sequence, frame), *([] if sequence.obstacle is None else [sequence.obstacle])]
    camera = sequence.camera.cropped(view)
    meshes = [(np.concatenate([sequence.hall, *others]), None), person]
    meshes += [sequence.bystander] if sequence.bystander else []
    image = renderer.draw(camera, sequence.light, meshes, np.array([0.0, 0.0, 0.8]))
    return image, renderer.visible_share(camera, np.concatenate(others) if others else None, person)


def truth(sequence: Sequence, frame: int, view: tuple, size: int) -> dict:
    """What is exactly known about one frame."""
    lift, pose, joints = sequence.timed.lift, sequence.movement.pose, sequence.posed.joints
    scale = size / (view[2] - view[0])
    camera, place = sequence.camera, sequence.place
    at = camera.project(place.moved(np.array([joints[bone][frame] for bone in JOINTS.values()])))
    to_crop = dict(zip(JOINTS, (at - view[:2]) * scale, strict=True))
    far = np.linalg.norm(camera.eye - camera.target)
    numbers = {
        "spine_flexion_deg": pose.spine[frame],
        "trunk_inclination_deg": pose.trunk[frame],
        "knee_flexion_deg": sequence.body.knee_deg(joints)[frame],
        "shin_inclination_deg": sequence.posed.shin_deg[frame],
        "head_pitch_deg": sequence.posed.head_deg[frame],
        "twist_deg": pose.twist[frame],
        **{name: metres[frame] for name, metres in sequence.body.drops(joints).items()},
        "slump_deg": sequence.body.stance.slump_deg,
        "upper_back_share": sequence.body.stance.upper_back_share,
        "view_from_side_deg": place.view_from_side_deg(camera.eye),
        "elevation_deg": np.degrees(np.arcsin((camera.eye[2] - camera.target[2]) / far)),
        "distance_m": far,
        "person_px": camera.focal_px * sequence.body.height_m / far,
        "shirt_loose_m": sequence.outfit.shirt_loose_m,
        "hood_m": sequence.outfit.hood_m,
        "lift_trunk_deg": lift.trunk_deg,
        "lift_spine_deg": lift.spine_deg,
        "lift_knee_deg": lift.knee_deg,
    }
    return {
        **{name: round(float(value), 3) for name, value in numbers.items()},
        "phase": "upright" if frame < sequence.upright_frames else "lift",
        "technique": lift.technique,
        "legs": lift.legs,
        "load": lift.load,
        "arms": lift.arms,
        "moves_load": lift.box,
        "clothing": "jacket" if sequence.outfit.jacket else "vest" if sequence.outfit.vest else "shirt",
        "held": bool(sequence.movement.held[frame]),
        "female": sequence.body.shape.gender > 0.5,
        "joints_px": {name: [round(float(v), 1) for v in at] for name, at in to_crop.items()},
    }


def generate(folder: Path, count: int, seed: int, takes: Takes) -> None:
    """Write sequences not there yet, one on each core; truth is appended when all frames of one are on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = folder / "truth.jsonl"
    done = {json.loads(line)["sequence"] for line in lines.read_text().splitlines()} if lines.exists() else set()
    missing = [number for number in range(count) if name_of(seed, number) not in done]
    drawn = on_each_core(partial(write, folder, seed, takes), missing)
    for rows in track(drawn, f"people of seed {seed}", total=len(missing)):
        with lines.open("a") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)


def name_of(seed: int, number: int) -> str:
    """What a sequence is called, and its files after it."""
    return f"s{seed}-{number:05d}"


def write(folder: Path, seed: int, takes: Takes, number: int) -> list[dict]:
    """Write all frames of one sequence; the truth of each."""
    sequence, rng = sample(seed, number, takes)
    film, name = Film.sample(rng), name_of(seed, number)
    rows = []
    for frame in range(takes.upright + takes.across):
        view = window(sequence, frame, rng)
        image, visible = draw(renderer(), sequence, frame, view)
        image = film.photographed(image, min(CROP_PX, view[2] - view[0]), rng)
        file = f"{name}-{frame:02d}.jpg"
        cv2.imwrite(str(folder / file), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, film.jpeg_quality])
        row = {"file": file, "sequence": name, "frame": frame, "size_px": len(image)}
        row |= {"window_px": [round(v, 1) for v in view], "visibility": round(visible, 3)}
        rows.append(row | truth(sequence, frame, view, len(image)))
    return rows


@cache
def renderer() -> Renderer:
    """This process's renderer."""
    return Renderer(CROP_PX, CROP_PX, shadow_size=768)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sequences", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--frames", type=int, default=10, help="of each lift")
    parser.add_argument("--upright", type=int, default=2, help="frames of the person standing")
    parser.add_argument("--unusual", type=float, default=0.0, help="share with arms and spine elsewhere, 0 to 1")
    parser.add_argument("--dropped", type=float, default=0.0, help="share whose head drops below the trunk, 0 to 1")
    args = parser.parse_args()
    takes = Takes(args.frames, args.upright, args.unusual, args.dropped)
    generate(args.folder, args.sequences, args.seed, takes)


if __name__ == "__main__":
    main()
