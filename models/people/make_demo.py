"""Render the demo clip: two people in a warehouse, five lifts, three techniques, exact truth beside it.

python make_demo.py [--preview]
"""

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from body import Body, Posed
from clothing import HI_VIS, Look, Outfit, dress
from film import encode
from motion import Lift, Movement, Timed, move
from person import Shape, Stance
from render import Camera, Light, Renderer, box, mesh
from scene import CARDBOARD, Place, pallet, warehouse

SEED, FPS, SECONDS = 7, 15, 26.0
ASSETS = Path(__file__).resolve().parents[2] / "edge_agent" / "assets"
CAMERA = Camera(np.array([0.0, -7.4, 1.95]), np.array([0.0, 0.0, 0.93]), 1640.0)
BOX_M = np.array([0.36, 0.28, 0.26])
LOAD = (0.0, -0.45, 0.33)  # grip point of a box that stands on a pallet

HINGE = Lift("hinge", 80, 3, 38, shin_limit_deg=6, balance_m=0.05, head_share=0.55, down_s=1.5, hold_s=0.3, up_s=1.5)
SQUAT = Lift("squat", 36, 6, 112, balance_m=0.07, head_share=0.6, down_s=1.45, hold_s=0.3, up_s=1.5)
ROUNDED = Lift(
    "hinge", 86, 64, 24, shin_limit_deg=5, balance_m=0.06, head_share=1.0, down_s=1.4, hold_s=0.3, up_s=1.5
)


def _lift(lift: Lift, at_s: float, box_moves: str) -> Timed:
    return Timed(Lift(**{**lift.__dict__, "box": box_moves}), at_s, LOAD)


@dataclass(frozen=True)
class Actor:
    """One person of the clip: who, where, wearing what, lifting how."""

    shape: Shape
    stance: Stance
    outfit: Outfit
    place: Place
    lifts: tuple[Timed, ...]


ACTORS = (
    Actor(
        Shape(
            gender=0.05,
            age=0.72,
            muscle=0.62,
            weight=0.52,
            tall_m=1.80,
            caucasian=0.8,
            african=0.1,
            asian=0.1,
        ),
        Stance(width_m=0.34, toe_out_deg=14, hands_apart_m=0.37),
        Outfit(
            shirt=(0.05, 0.09, 0.20),
            trousers=(0.10, 0.11, 0.13),
            helmet=(0.85, 0.52, 0.02),
            vest=HI_VIS[0],
            sleeve=1.0,
            shirt_loose_m=0.012,
            shoes=(0.10, 0.06, 0.03),
        ),
        Place(-1.5, 0.1, 76.0),
        (_lift(HINGE, 1.4, "up"), _lift(ROUNDED, 10.6, "down"), _lift(SQUAT, 19.9, "up")),
    ),
    Actor(
        Shape(
            gender=0.95,
            age=0.70,
            muscle=0.55,
            weight=0.45,
            tall_m=1.69,
            cupsize=0.12,
            asian=0.5,
            caucasian=0.4,
            african=0.1,
        ),
        Stance(width_m=0.36, toe_out_deg=18, hands_apart_m=0.37, stagger_m=0.02),
        Outfit(
            skin=(0.78, 0.56, 0.43),
            hair=(0.07, 0.05, 0.04),
            shirt=(0.03, 0.26, 0.26),
            trousers=(0.32, 0.26, 0.17),
            sleeve=0.45,
            shirt_loose_m=0.010,
            shoes=(0.05, 0.05, 0.06),
        ),
        Place(1.5, 0.0, -74.0),
        (_lift(SQUAT, 6.0, "up"), _lift(HINGE, 15.2, "down")),
    ),
)


@dataclass(frozen=True)
class Take:
    """An actor's whole performance, ready to draw."""

    actor: Actor
    body: Body
    look: Look
    movement: Movement
    posed: Posed

    def meshes(self, frame: int) -> list:
        """The person and the box at one frame."""
        place = self.actor.place
        vertices, normals = place.moved(self.posed.vertices[frame]), place.turned(self.posed.normals[frame])
        person = mesh(vertices, normals, self.look.texture, (self.look.colours, self.look.materials))
        grip = self.movement.load_at
        if self.movement.held[frame]:
            grip = (self.posed.joints["finger3-1.L"][frame] + self.posed.joints["finger3-1.R"][frame]) / 2
        parcel = box(
            place.moved(grip + np.array([0, 0, -0.06])), BOX_M, place.yaw_deg, ((0.50, 0.34, 0.19), CARDBOARD)
        )
        return [(person, self.body.faces), (parcel, None)]


def perform(actor: Actor, times: np.ndarray, rng: np.random.Generator) -> Take:
    """Pose an actor at all times of the clip."""
    body = Body(actor.shape, actor.stance)
    look = dress(body, actor.outfit, rng)
    movement = move(body, list(actor.lifts), times, rng)
    return Take(actor, body, look, movement, body.posed(movement.pose))


def truth(takes: list[Take]) -> dict:
    """What happens in the clip, in the exact label format of the scorer."""
    people = []
    for take in takes:
        place = take.actor.place
        lifts = []
        for timed in take.actor.lifts:
            lift, peak = timed.lift, timed.bottom_s
            lifts.append(
                {
                    "start": round(timed.start_s, 2),
                    "peak": round(peak, 2),
                    "end": round(timed.end_s, 2),
                    "technique": lift.technique,
                    "spine_flexion_deg": lift.spine_deg,
                    "trunk_inclination_deg": lift.trunk_deg,
                    "knee_flexion_deg": lift.knee_deg,
                    "shin_inclination_deg": round(float(take.posed.shin_deg[round(peak * FPS)]), 1),
                    "view_from_side_deg": round(place.view_from_side_deg(CAMERA.eye), 1),
                }
            )
        x = CAMERA.project(place.moved(np.array([0.0, 0.1, 0.9])))[0] / CAMERA.width
        people.append({"x": round(float(x), 3), "lifts": lifts})
    return {"demo": {"view": "side", "duration_s": SECONDS, "people": people}}


def main() -> None:
    """Render every frame and pipe it to ffmpeg."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preview", type=Path, help="draw only a few frames, as PNG, into this folder")
    preview = parser.parse_args().preview
    rng = np.random.default_rng(SEED)
    hall = [warehouse(rng)]
    under = [(a.place.moved(np.array([0.0, LOAD[1], 0.0])), a.place.yaw_deg) for a in ACTORS]
    hall += [pallet(at[0], at[1], yaw_deg) for at, yaw_deg in under]
    times = np.arange(int(SECONDS * FPS)) / FPS
    takes = [perform(actor, times, rng) for actor in ACTORS]
    renderer = Renderer(CAMERA.width, CAMERA.height)

    def frame(i: int) -> np.ndarray:
        moving = [m for take in takes for m in take.meshes(i)]
        return renderer.draw(CAMERA, Light(), [(np.concatenate(hall), None), *moving], np.array([0.0, 0.5, 1.0]))

    if preview:
        _preview(frame, takes, preview)
        return
    ASSETS.mkdir(exist_ok=True)
    command = f"ffmpeg -y -loglevel error -f rawvideo -pix_fmt rgb24 -s 1280x720 -r {FPS} -i -"
    command += " -c:v libx264 -preset veryslow -crf 23 -pix_fmt yuv420p -movflags +faststart -map_metadata -1"
    encode([*command.split(), str(ASSETS / "demo.mp4")], map(frame, range(len(times))))
    (ASSETS / "demo.truth.json").write_text(json.dumps(truth(takes), indent=1) + "\n")


def _preview(frame, takes: list[Take], folder: Path) -> None:
    import cv2  # noqa: PLC0415 - only the preview writes pictures

    folder.mkdir(parents=True, exist_ok=True)
    moments = [0.5, *sorted(t.bottom_s for a in ACTORS for t in a.lifts), 9.8]
    for take in takes:
        hands = (take.posed.joints["finger3-1.L"] + take.posed.joints["finger3-1.R"]) / 2
        for timed in take.actor.lifts:
            i = round(timed.bottom_s * FPS)
            print(timed.lift.technique, "hands off the load by", np.round(hands[i] - LOAD, 3))
    for moment in moments:
        cv2.imwrite(str(folder / f"demo-{moment:05.2f}.png"), frame(round(moment * FPS))[..., ::-1])


if __name__ == "__main__":
    main()
