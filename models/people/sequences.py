"""Everything random about a training sequence, drawn before its first pixel: who, in what, where, seen from where."""

from dataclasses import dataclass, replace

import arms
import numpy as np
from body import Body, Posed
from clothing import Look, Outfit, dress
from motion import LEAST_HEAD_DEG, Lift, Movement, Timed, move
from person import Shape, Stance
from render import Camera, Light, box, mesh
from scene import CARDBOARD, Place, random_hall

FEW = 8  # fewer frames of a lift than this are taken about its bottom
DROPPED_DEG = (10.0, 40.0)  # further than the trunk; a neck flexes by about 45
FRAME_WIDTH, FRAME_HEIGHT = 1920, 1080


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
    lift = arms.elsewhere(lift, own) if unusual else lift
    lift = _with_head_dropped(lift, own) if own.random() < takes.dropped else lift
    timed = Timed(lift, 2.0)
    movement = move(body, [timed], takes.times(lift, timed.at_s, rng), rng)
    place = Place(0.0, 0.0, rng.uniform(-12, 12))
    camera = sample_camera(body, rng)
    parcel_m = np.array([max(body.stance.hands_apart_m - 0.02, 0.12), rng.uniform(0.12, 0.4), rng.uniform(0.08, 0.4)])
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
        parcel_m=parcel_m,
        obstacle=_obstacle(camera, rng) if rng.random() < 0.25 else None,
        bystander=_bystander(camera, rng) if rng.random() < 0.15 else None,
        outfit=outfit,
        upright_frames=takes.upright,
    )
    return sequence, rng


def _with_head_dropped(lift: Lift, rng: np.random.Generator) -> Lift:
    """The same lift with the chin towards the chest."""
    return replace(lift, head_share=1 + float(rng.uniform(*DROPPED_DEG)) / max(lift.trunk_deg, LEAST_HEAD_DEG))


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
