"""A parametric body posed from named angles, its feet planted and its weight over them.

Body frame: x to the person's left, −y ahead, z up, origin on the floor midway between the ankles.
A `Pose` holds one value per frame in every field; `Body.posed` turns it into vertices and joints.
"""

from dataclasses import dataclass, fields, replace
from functools import cache

import anny
import numpy as np
import torch

SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
NECK = ("neck01", "neck02", "neck03", "head")
SIDES = (("L", 1.0), ("R", -1.0))
# Shares of body mass (de Leva 1996, rounded): all above the hips, both thighs, both shanks and feet.
UPPER_MASS, THIGH_MASS, SHANK_MASS = 0.62, 0.27, 0.11


@dataclass(frozen=True)
class Shape:
    """Phenotype of one body, in anny's units: 0…1, age 2/3 a young adult and 1 an old one."""

    gender: float = 0.0
    age: float = 0.7
    muscle: float = 0.6
    weight: float = 0.5
    height: float = 0.55
    proportions: float = 0.6
    cupsize: float = 0.4
    firmness: float = 0.6
    african: float = 0.33
    asian: float = 0.33
    caucasian: float = 0.33
    tall_m: float = 1.76  # the body is scaled to this height

    @staticmethod
    def sample(rng: np.random.Generator) -> "Shape":
        """An adult of 18 to 65 years, either sex, any common build."""
        african, asian, caucasian = rng.dirichlet([0.6, 0.6, 0.6])
        female = rng.random() < 0.5
        return Shape(
            gender=rng.uniform(0.85, 1) if female else rng.uniform(0, 0.15),
            tall_m=float(np.clip(rng.normal(1.64 if female else 1.77, 0.07), 1.46, 1.98)),
            age=rng.uniform(0.64, 0.9),
            muscle=rng.uniform(0.3, 0.85),
            weight=rng.uniform(0.25, 0.85),
            height=rng.uniform(0.35, 0.75),
            proportions=rng.uniform(0.3, 0.8),
            cupsize=rng.uniform(0.1, 0.6),
            firmness=rng.uniform(0.3, 0.8),
            african=float(african),
            asian=float(asian),
            caucasian=float(caucasian),
        )


@dataclass(frozen=True)
class Pose:
    """A movement: every field is an array with one value per frame; angles in degrees, lengths in metres."""

    trunk: np.ndarray  # inclination of mid-hip→mid-shoulder against vertical, forward positive
    spine: np.ndarray  # thoracolumbar flexion relative to standing
    knee: np.ndarray  # flexion relative to standing
    balance: np.ndarray  # centre of mass ahead of the ankles
    shin_limit: np.ndarray  # the shins lean forward no further than this, whatever balance asks
    head: np.ndarray  # pitch of the head against vertical
    twist: np.ndarray  # thorax turned against the pelvis, left positive
    bend: np.ndarray  # thorax bent sideways, left positive
    grasp: np.ndarray  # 0 arms hang … 1 hands at `hand`
    hand: np.ndarray  # (T, 3) point midway between the hands
    load: np.ndarray  # mass in the hands as a share of body mass

    @staticmethod
    def standing(frames: int) -> "Pose":
        """Upright, arms hanging."""
        zero = {f.name: np.zeros(frames) for f in fields(Pose)}
        zero |= {
            "trunk": np.full(frames, 2.0),
            "balance": np.full(frames, 0.03),
            "hand": np.zeros((frames, 3)),
        }
        zero["shin_limit"] = np.full(frames, 60.0)
        return Pose(**zero)


@dataclass(frozen=True)
class Stance:
    """How one person stands and moves all the time: the part of a pose that does not change with time."""

    width_m: float = 0.3
    toe_out_deg: float = 12.0
    stagger_m: float = 0.0
    hands_apart_m: float = 0.36
    arm_spread_m: float = 0.14
    slump_deg: float = 0.0  # a stoop kept even when upright: truth stays relative to it
    spine_shares: tuple[float, ...] = (0.14, 0.27, 0.26, 0.20, 0.13)

    @staticmethod
    def sample(rng: np.random.Generator) -> "Stance":
        """A random adult's way to stand."""
        shares = rng.dirichlet(np.array(Stance.spine_shares) * 40)
        return Stance(
            width_m=rng.uniform(0.18, 0.48),
            toe_out_deg=rng.uniform(2, 28),
            stagger_m=float(np.clip(rng.normal(0, 0.04), -0.15, 0.15)),
            hands_apart_m=rng.uniform(0.18, 0.5),
            arm_spread_m=rng.uniform(0.08, 0.2),
            slump_deg=float(np.clip(rng.normal(2, 5), -6, 14)),
            spine_shares=tuple(float(s) for s in shares),
        )


@dataclass(frozen=True)
class Posed:
    """Vertices (T, V, 3) with normals, and named joints {bone: (T, 3)}, in the body frame."""

    vertices: np.ndarray
    normals: np.ndarray
    joints: dict[str, np.ndarray]
    shin_deg: np.ndarray


@cache
def _anny() -> anny.Anny:
    """The body model; its first construction on a machine takes minutes, later ones seconds."""
    torch.set_num_threads(1)
    return anny.Anny(phenotypes="all", skinning_method="lbs")


def _rot(axis: str, degrees: np.ndarray | float) -> np.ndarray:
    """Rotation matrices (…, 3, 3) about x, y or z; +x leans forward."""
    a = np.deg2rad(np.asarray(degrees, dtype=float))
    c, s = np.cos(a), np.sin(a)
    m = np.zeros((*a.shape, 3, 3))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    k = 3 - i - j
    m[..., i, i] = m[..., j, j] = c
    m[..., i, j], m[..., j, i], m[..., k, k] = -s, s, 1.0
    return m


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def _frame(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Right-handed frames whose third axis is `along` and whose first is `across` made orthogonal to it."""
    z = _unit(along)
    across = np.broadcast_to(across, z.shape)
    x = _unit(across - (across * z).sum(-1, keepdims=True) * z)
    return np.stack([x, np.cross(z, x), z], axis=-1)


def _two_bones(
    start: np.ndarray, end: np.ndarray, lengths: tuple[float, float], pole: np.ndarray
) -> np.ndarray:
    """The joint between two bones from `start` towards `end`, bulging towards `pole` (law of cosines)."""
    a, b = lengths
    d = end - start
    dist = np.clip(np.linalg.norm(d, axis=-1, keepdims=True), abs(a - b) * 1.02, (a + b) * 0.9995)
    d = _unit(d)
    out = _unit(pole - (pole * d).sum(-1, keepdims=True) * d)
    along = (a * a - b * b + dist * dist) / (2 * dist)
    return start + along * d + np.sqrt(np.maximum(a * a - along * along, 0)) * out


class Body:
    """One person's rest mesh and the way it is posed."""

    def __init__(self, shape: Shape, stance: Stance | None = None) -> None:
        model = _anny()
        kwargs = {f.name: float(getattr(shape, f.name)) for f in fields(Shape) if f.name != "tall_m"}
        with torch.no_grad():
            tensors = model.get_tensor_inputs(None, kwargs, None, None)
            rest = model.get_rest_model(model._get_phenotype_blendshape_coefficients(*tensors[1:]))
        self.shape, self.stance = shape, stance or Stance()
        self.bones = list(model.bone_labels)
        self.parents = list(model.bone_parents)
        self.faces = model.get_triangular_faces().numpy()
        self.weights = model.dense_vertex_bone_weights.numpy()
        self.rest = rest["rest_vertices"][0].numpy().astype(float)
        self.heads = rest["rest_bone_heads"][0].numpy().astype(float)
        floor, top = self.rest[:, 2].min(), self.rest[:, 2].max()
        scale = shape.tall_m / (top - floor)
        self.rest = (self.rest - [0, 0, floor]) * scale
        self.heads = (self.heads - [0, 0, floor]) * scale
        self.height_m = shape.tall_m
        self._measure()

    def head_of(self, bone: str) -> np.ndarray:
        """Where a bone starts at rest."""
        return self.heads[self.bones.index(bone)]

    def _measure(self) -> None:
        hip, knee, ankle = (self.head_of(f"{b}.L") for b in ("upperleg01", "lowerleg01", "foot"))
        self.thigh_m, self.shank_m = (float(np.linalg.norm(d)) for d in (hip - knee, knee - ankle))
        sagittal = [np.degrees(np.arctan2(-d[1], -d[2])) for d in (knee - hip, ankle - knee)]
        self.rest_knee_deg = float(sagittal[0] - sagittal[1])
        shoulder, elbow, grip = (self.head_of(f"{b}.L") for b in ("upperarm01", "lowerarm01", "finger3-1"))
        self.upper_arm_m, self.forearm_m = (
            float(np.linalg.norm(d)) for d in (shoulder - elbow, elbow - grip)
        )
        self.arm_m = self.upper_arm_m + self.forearm_m
        triangles = self.rest[self.faces]
        face_normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        normals = np.zeros_like(self.rest)
        for corner in range(3):
            np.add.at(normals, self.faces[:, corner], face_normals)
        self.normals = _unit(normals + 1e-12)

    # --- posing -------------------------------------------------------------------------------------

    def posed(self, pose: Pose) -> Posed:
        """Solve pelvis, legs and arms for every frame, then skin the mesh."""
        turns = self._trunk_turns(pose, np.zeros(len(pose.trunk)))
        lean = self._lean(self._joints(turns))
        turns = self._trunk_turns(pose, pose.trunk - lean)
        joints = self._joints(turns)
        hip, shin = self._hip_over_feet(pose, joints)
        root = hip - self._middle(joints, "upperleg01")
        joints = self._joints(turns, root)
        self._plant_legs(turns, joints)
        self._reach(pose, turns, joints)
        rotations, joints = self._chain(turns, root)
        return self._skinned(rotations, joints, shin)

    def shoulders(self, pose: Pose) -> np.ndarray:
        """Midpoint (T, 3) of the shoulders, before the arms are solved: where a load can be reached from."""
        return self._middle(self.posed(replace(pose, grasp=np.zeros_like(pose.grasp))).joints, "upperarm01")

    def _trunk_turns(self, pose: Pose, pelvis: np.ndarray) -> dict[str, np.ndarray]:
        """Local rotations of pelvis, spine and neck for a pelvis pitch in degrees."""
        turns = {"root": _rot("x", pelvis)}
        for bone, share in zip(SPINE, self.stance.spine_shares, strict=True):
            flexed = _rot("x", share * (pose.spine + self.stance.slump_deg))
            turns[bone] = flexed @ _rot("z", share * pose.twist) @ _rot("y", share * pose.bend)
        nod = pose.head - pelvis - pose.spine - self.stance.slump_deg
        turns |= {bone: _rot("x", np.clip(nod, -60, 45) / len(NECK)) for bone in NECK}
        return turns

    def _chain(
        self, turns: dict[str, np.ndarray], root: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """World rotations (J, T, 3, 3) and joints for local turns ("=bone" gives a world rotation)."""
        frames = len(root)
        rotations = np.empty((len(self.bones), frames, 3, 3))
        joints: dict[str, np.ndarray] = {}
        for j, (bone, parent) in enumerate(zip(self.bones, self.parents, strict=True)):
            above = np.broadcast_to(np.eye(3), (frames, 3, 3)) if parent < 0 else rotations[parent]
            rotations[j] = turns[f"={bone}"] if f"={bone}" in turns else above
            if bone in turns:
                rotations[j] = above @ turns[bone]
            if parent < 0:
                joints[bone] = self.heads[j] + root
            else:
                joints[bone] = joints[self.bones[parent]] + above @ (self.heads[j] - self.heads[parent])
        return rotations, joints

    def _joints(self, turns: dict[str, np.ndarray], root: np.ndarray | None = None) -> dict[str, np.ndarray]:
        frames = len(next(iter(turns.values())))
        return self._chain(turns, np.zeros((frames, 3)) if root is None else root)[1]

    @staticmethod
    def _middle(joints: dict[str, np.ndarray], bone: str) -> np.ndarray:
        return (joints[f"{bone}.L"] + joints[f"{bone}.R"]) / 2

    def _lean(self, joints: dict[str, np.ndarray]) -> np.ndarray:
        up = self._middle(joints, "upperarm01") - self._middle(joints, "upperleg01")
        return np.degrees(np.arctan2(-up[:, 1], up[:, 2]))

    def _hip_over_feet(self, pose: Pose, joints: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Mid-hip (T, 3) and shin inclination that put the centre of mass `balance` ahead of the ankles."""
        hip = self._middle(joints, "upperleg01")
        shoulder = self._middle(joints, "upperarm01")[:, 1] - hip[:, 1]
        head = joints["head"][:, 1] - hip[:, 1]
        above = 0.70 * 0.5 * shoulder + 0.12 * head + 0.18 * shoulder
        knee_deg = pose.knee + self.rest_knee_deg
        ahead = (UPPER_MASS * above + pose.load * shoulder) / (1 + pose.load)

        def mass_y(shin: np.ndarray) -> np.ndarray:
            knee = -self.shank_m * np.sin(np.deg2rad(shin))
            hips = knee + self.thigh_m * np.sin(np.deg2rad(knee_deg - shin))
            legs = UPPER_MASS * hips + THIGH_MASS * (knee + hips) / 2 + SHANK_MASS * knee / 2
            return (legs + pose.load * hips) / (1 + pose.load) + ahead

        low, high = np.full_like(pose.knee, -15.0), np.full_like(pose.knee, 48.0)
        for _ in range(30):
            shin = (low + high) / 2
            behind = mass_y(shin) > -pose.balance
            low, high = np.where(behind, shin, low), np.where(behind, high, shin)
        shin = np.minimum(shin, pose.shin_limit)
        y = -self.shank_m * np.sin(np.deg2rad(shin)) + self.thigh_m * np.sin(np.deg2rad(knee_deg - shin))
        reach2 = self._leg_reach2(knee_deg) - (self.stance.width_m / 2 - self.head_of("upperleg01.L")[0]) ** 2
        z = np.sqrt(reach2 - y * y) + self.head_of("foot.L")[2]
        return np.stack([np.zeros_like(y), y, z], axis=-1), shin

    def _leg_reach2(self, knee_deg: np.ndarray) -> np.ndarray:
        a, b = self.thigh_m, self.shank_m
        return a * a + b * b + 2 * a * b * np.cos(np.deg2rad(knee_deg))

    def _plant_legs(self, turns: dict[str, np.ndarray], joints: dict[str, np.ndarray]) -> None:
        """Two-bone legs from the hips to feet that never move."""
        for side, sign in SIDES:
            hip = joints[f"upperleg01.{side}"]
            ankle_z = self.head_of("foot.L")[2]
            ankle = np.array([sign * self.stance.width_m / 2, sign * self.stance.stagger_m / 2, ankle_z])
            foot = _rot("z", sign * self.stance.toe_out_deg)
            ahead, across = foot @ [0.0, -1.0, 0.0], foot @ [1.0, 0.0, 0.0]
            knee = _two_bones(hip, ankle + 0 * hip, (self.thigh_m, self.shank_m), ahead + 0 * hip)
            rest_hip, rest_knee, rest_ankle = (
                self.head_of(f"{b}.{side}") for b in ("upperleg01", "lowerleg01", "foot")
            )
            side_axis = np.array([1.0, 0.0, 0.0])
            thigh = _frame(knee - hip, across) @ _frame(rest_knee - rest_hip, side_axis).T
            shank = _frame(ankle - knee, across) @ _frame(rest_ankle - rest_knee, side_axis).T
            turns |= {f"=upperleg01.{side}": thigh, f"=lowerleg01.{side}": shank}
            turns[f"=foot.{side}"] = np.broadcast_to(foot, thigh.shape)

    def _reach(self, pose: Pose, turns: dict[str, np.ndarray], joints: dict[str, np.ndarray]) -> None:
        """Two-bone arms: hanging, or hands at the load, or anything between."""
        grasp = pose.grasp[:, None]
        for side, sign in SIDES:
            shoulder = joints[f"upperarm01.{side}"]
            hang = shoulder + np.array([sign * self.stance.arm_spread_m * 0.6, -0.10, -0.955 * self.arm_m])
            hold = pose.hand + np.array([sign * self.stance.hands_apart_m / 2, 0.0, 0.0])
            hand = (1 - grasp) * hang + grasp * hold
            pole = np.array([sign * 0.7, 0.6, -0.15])
            elbow = _two_bones(shoulder, hand, (self.upper_arm_m, self.forearm_m), pole + 0 * hand)
            rest = [self.head_of(f"{b}.{side}") for b in ("upperarm01", "lowerarm01", "finger3-1")]
            normal = np.cross(pole, hand - shoulder)
            rest_normal = np.cross(rest[1] - rest[0], rest[2] - rest[1])
            turns[f"=upperarm01.{side}"] = (
                _frame(elbow - shoulder, normal) @ _frame(rest[1] - rest[0], rest_normal).T
            )
            turns[f"=lowerarm01.{side}"] = (
                _frame(hand - elbow, normal) @ _frame(rest[2] - rest[1], rest_normal).T
            )

    def _skinned(self, rotations: np.ndarray, joints: dict[str, np.ndarray], shin: np.ndarray) -> Posed:
        """Linear blend skinning of all frames as one matrix product."""
        heads = np.stack([joints[b] for b in self.bones])
        shift = heads - np.einsum("jtab,jb->jta", rotations, self.heads)
        bones, frames = rotations.shape[:2]
        flat = np.concatenate([rotations.reshape(bones, frames, 9), shift], axis=-1).reshape(
            bones, frames * 12
        )
        blended = (self.weights @ flat.astype(np.float32)).reshape(-1, frames, 12)
        turn, move = blended[..., :9].reshape(-1, frames, 3, 3), blended[..., 9:]
        vertices = np.einsum(
            "vtab,vb->tva", turn, self.rest.astype(np.float32), optimize=True
        ) + move.swapaxes(0, 1)
        normals = np.einsum("vtab,vb->tva", turn, self.normals.astype(np.float32), optimize=True)
        return Posed(vertices, normals, joints, shin)
