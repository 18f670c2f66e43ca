"""Training frames of simulated lifts: a seeded, resumable generator of short sequences with exact truth.

    python dataset.py OUT_FOLDER [--sequences 500] [--seed 1] [--frames 10] [--upright 2] [--unusual 0] [--dropped 0]

A sequence is one person, one camera, one lift: upright frames first, then some across the lift. Each frame is a
JPEG crop around the person and a line of `truth.jsonl`; joints are in pixels of the crop.
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import arms
import cv2
import numpy as np
from body import SPINE, Body, Posed
from clothing import Look, Outfit, dress
from film import Film
from motion import LEAST_HEAD_DEG, Lift, Movement, Timed, move
from person import Shape, Stance
from render import Camera, Light, Renderer, box, mesh
from scene import CARDBOARD, Place, barbell, random_hall

FEW = 8  # fewer frames of a lift than this are taken about its bottom
DROPPED_DEG = (10.0, 40.0)  # further than the trunk; a neck flexes by about 45
CROP_PX = 320
FRAME_WIDTH, FRAME_HEIGHT = 1920, 1080
PAIRED = {
    "shoulder": "upperarm01",
    "wrist": "wrist",
    "hip": "upperleg01",
    "knee": "lowerleg01",
    "ankle": "foot",
}
JOINTS = {"head": "head", "neck": "neck01"} | {bone: bone for bone in SPINE}
JOINTS |= {f"{side}_{name}": f"{b}.{side[0].upper()}" for name, b in PAIRED.items() for side in ("left", "right")}


@dataclass(frozen=True)
class Sequence:
    """Everything random about one sequence, drawn before the first pixel."""

    body: Body
    look: Look
    timed: Timed
    movement: Movement
    posed: Posed
    place: Place
    camera: Camera
    light: Light
    hall: np.ndarray
    parcel_m: np.ndarray
    obstacle: np.ndarray | None
    bystander: tuple[np.ndarray, np.ndarray] | None
    outfit: Outfit
    upright_frames: int


@dataclass(frozen=True)
class Takes:
    """How many frames of each lift are drawn, and of the same person standing before it."""

    across: int = 10
    upright: int = 2
    unusual: float = 0.0  # share of people who hold their arms elsewhere and bend their spine in other places
    dropped: float = 0.0  # share of people whose head goes further than the trunk, chin to the chest

    def times(self, lift: Lift, at_s: float, rng: np.random.Generator) -> np.ndarray:
        """(upright + across,) seconds."""
        upright = np.sort(rng.uniform(0.0, at_s - 0.3, self.upright))
        share = (np.arange(self.across) + rng.uniform(0.2, 0.8, self.across)) / self.across
        if self.across < FEW:
            share = 0.5 + 0.55 * (share - 0.5)
        return np.concatenate([upright, at_s + lift.length_s * share])


def sample_lift(stance: Stance, rng: np.random.Generator) -> Lift:
    """Any leg strategy crossed with any spine flexion from −5 to 80°, as far as this spine goes."""
    legs = str(rng.choice(["hinge", "squat", "semi"], p=[0.4, 0.4, 0.2]))
    low, high = [(-5, 20), (20, 35), (35, 80)][rng.choice(3, p=[0.48, 0.14, 0.38])]
    return Lift.sample(legs, min(float(rng.uniform(low, high)), stance.most_flexion_deg), rng)


def sample_camera(body: Body, rng: np.random.Generator) -> Camera:
    """All around the person, 2.5–10 m away and 2–45° up, who is 110–700 px tall in the frame."""
    # Half of the views lie within 35° of side-on, where an answer is expected; the rest anywhere.
    from_side = rng.uniform(-35, 35) if rng.random() < 0.5 else rng.uniform(-90, 90)
    around = np.deg2rad(from_side + rng.choice([0, 180]))
    up, far = np.deg2rad(rng.uniform(2, 45)), rng.uniform(2.5, 10)
    target = np.array([0.0, 0.0, 0.5 * body.height_m])
    eye = target + far * np.array([np.cos(up) * np.cos(around), np.cos(up) * np.sin(around), np.sin(up)])
    tall_px = float(np.exp(rng.uniform(np.log(110), np.log(700))))
    focal_px = tall_px * far / body.height_m
    return Camera(eye, target, focal_px, FRAME_WIDTH, FRAME_HEIGHT, roll_deg=float(rng.normal(0, 1.5)))


def sample(seed: int, number: int, takes: Takes) -> tuple[Sequence, np.random.Generator]:
    """The sequence with this number; the generator returned goes on to the pixels' noise."""
    rng = np.random.default_rng([seed, number])
    shape, stance = Shape.sample(rng), Stance.sample(rng)
    own = np.random.default_rng([seed, number, 1])  # apart, so that the rest stays as it is without them
    unusual = own.random() < takes.unusual
    body = Body(shape, stance.bending_elsewhere(own) if unusual else stance)
    outfit = Outfit.sample(rng)
    look = dress(body, outfit, rng)
    lift = sample_lift(body.stance, rng)
    if unusual:
        lift = arms.elsewhere(lift, own)
    if own.random() < takes.dropped:
        lift = replace(lift, head_share=1 + float(own.uniform(*DROPPED_DEG)) / max(lift.trunk_deg, LEAST_HEAD_DEG))
    timed = Timed(lift, 2.0)
    movement = move(body, [timed], takes.times(lift, timed.at_s, rng), rng)
    place = Place(0.0, 0.0, rng.uniform(-12, 12))
    camera = sample_camera(body, rng)
    depth, height = rng.uniform(0.12, 0.4), rng.uniform(0.08, 0.4)
    sequence = Sequence(
        body=body,
        look=look,
        timed=timed,
        movement=movement,
        posed=body.posed(movement.pose),
        place=place,
        camera=camera,
        light=Light.sample(rng),
        hall=random_hall(camera.eye, rng),
        parcel_m=np.array([max(body.stance.hands_apart_m - 0.02, 0.12), depth, height]),
        obstacle=_obstacle(camera, rng) if rng.random() < 0.25 else None,
        bystander=_bystander(camera, rng) if rng.random() < 0.15 else None,
        outfit=outfit,
        upright_frames=takes.upright,
    )
    return sequence, rng


def _bystander(camera: Camera, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Somebody else, upright or bent, farther from the camera or to the side: (vertex rows, faces)."""
    body = Body(Shape.sample(rng), Stance.sample(rng))
    look = dress(body, Outfit.sample(rng), rng)
    lift = sample_lift(body.stance, rng)
    pose = move(body, [Timed(lift, 2.0)], np.array([rng.uniform(0.0, 2.0 + lift.length_s)]), rng).pose
    posed = body.posed(pose)
    away = -(camera.eye - camera.target) * [1, 1, 0]
    a = np.arctan2(away[1], away[0]) + rng.uniform(-1.6, 1.6)
    far = rng.uniform(0.9, 3.0)
    place = Place(far * float(np.cos(a)), far * float(np.sin(a)), rng.uniform(0, 360))
    vertices, normals = place.moved(posed.vertices[0]), place.turned(posed.normals[0])
    return mesh(vertices, normals, look.texture, (look.colours, look.materials)), body.faces


def _obstacle(camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """A crate or post between camera and person that hides part of the body."""
    toward = (camera.eye - camera.target) * [1, 1, 0]
    aside = np.array([-toward[1], toward[0], 0]) / np.linalg.norm(toward)
    at = toward / np.linalg.norm(toward) * rng.uniform(0.9, 1.6) + aside * rng.normal(0, 0.5)
    size = np.array([rng.uniform(0.08, 0.7), rng.uniform(0.08, 0.5), rng.uniform(0.2, 1.0)])
    if rng.random() < 0.3:
        size = np.array([0.1, 0.1, 3.0])
    look = (tuple(rng.uniform(0.05, 0.7, 3)), rng.choice([CARDBOARD, 4.0]))
    return box(np.array([at[0], at[1], size[2] / 2]), size, rng.uniform(0, 90), look)


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
    to_crop = {
        name: (camera.project(place.moved(joints[bone][frame])) - view[:2]) * scale for name, bone in JOINTS.items()
    }
    far = np.linalg.norm(camera.eye - camera.target)
    numbers = {
        "spine_flexion_deg": pose.spine[frame],
        "trunk_inclination_deg": pose.trunk[frame],
        "knee_flexion_deg": sequence.body.knee_deg(sequence.posed)[frame],
        "shin_inclination_deg": sequence.posed.shin_deg[frame],
        "head_pitch_deg": sequence.posed.head_deg[frame],
        "twist_deg": pose.twist[frame],
        **{name: metres[frame] for name, metres in sequence.body.drops(sequence.posed).items()},
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
    """Write sequences not there yet; each one's truth is appended when all its frames are on disk."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = folder / "truth.jsonl"
    done = {json.loads(line)["sequence"] for line in lines.read_text().splitlines()} if lines.exists() else set()
    renderer = Renderer(CROP_PX, CROP_PX, shadow_size=768)
    for number in range(count):
        name = f"s{seed}-{number:05d}"
        if name in done:
            continue
        sequence, rng = sample(seed, number, takes)
        film = Film.sample(rng)
        rows = []
        for frame in range(takes.upright + takes.across):
            view = window(sequence, frame, rng)
            image, visible = draw(renderer, sequence, frame, view)
            image = film.photographed(image, min(CROP_PX, view[2] - view[0]), rng)
            file = f"{name}-{frame:02d}.jpg"
            cv2.imwrite(str(folder / file), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, film.jpeg_quality])
            row = {"file": file, "sequence": name, "frame": frame, "size_px": len(image)}
            row |= {"window_px": [round(v, 1) for v in view], "visibility": round(visible, 3)}
            rows.append(row | truth(sequence, frame, view, len(image)))
        with lines.open("a") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)


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
