"""A parametric body posed from named angles, its feet planted and its weight over them.

Body frame: x to the person's left, −y ahead, z up, origin on the floor midway between the ankles.
A `Pose` holds one value per frame in every field; `Body.posed` turns it into vertices and joints.
"""

from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import anny
import numpy as np
import torch
from limbs import SIDES, Joints, Limbs, hip_over_feet, middle, moved_hip, plant_legs, reach, shrug
from person import Shape, Stance
from scipy.sparse import csr_array
from turns import ahead_deg, rot, unit

SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
CURVE = (-0.4, -0.6, 0.0, 0.5, 0.5)  # how a rounder or flatter back spreads over SPINE: nothing in sum
NECK = ("neck01", "neck02", "neck03", "head")


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
    limbs: Limbs | None = None  # feet that step, hands that go their own ways; None: planted and hanging

    @staticmethod
    def standing(frames: int) -> "Pose":
        """Upright, arms hanging."""
        zero: dict[str, Any] = {f.name: np.zeros(frames) for f in fields(Pose) if f.name != "limbs"}
        zero |= {
            "trunk": np.full(frames, 2.0),
            "balance": np.full(frames, 0.03),
            "hand": np.zeros((frames, 3)),
        }
        zero["shin_limit"] = np.full(frames, 60.0)
        return Pose(**zero)


@dataclass(frozen=True)
class Posed:
    """Vertices (T, V, 3) with normals, and named joints {bone: (T, 3)}, in the body frame.

    ``head_deg`` is the pitch at which the head ended up, which a neck's range may keep from where it should.
    """

    vertices: np.ndarray
    normals: np.ndarray
    joints: Joints
    shin_deg: np.ndarray
    head_deg: np.ndarray


@cache
def anny_model() -> anny.Anny:
    """The body model; its first construction on a machine takes minutes, later ones seconds."""
    torch.set_num_threads(1)
    return anny.Anny(phenotypes="all", skinning_method="lbs")


@cache
def _faces() -> np.ndarray:
    return anny_model().get_triangular_faces().numpy()


@cache
def _neighbours() -> csr_array:
    """(V, V): for each vertex the mean of those that it shares an edge with, one of two faces twice."""
    faces = _faces()
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ends = np.concatenate([edges, edges[:, ::-1]]).T
    count = np.bincount(ends[0])
    return csr_array((1 / count[ends[0]], ends), shape=(len(count), len(count)))


class Body:
    """One person's rest mesh and the way it is posed."""

    def __init__(self, shape: Shape, stance: Stance | None = None) -> None:
        model = anny_model()
        kwargs = {f.name: float(getattr(shape, f.name)) for f in fields(Shape) if f.name != "tall_m"}
        with torch.no_grad():
            tensors = model.get_tensor_inputs(None, kwargs, None, None)
            rest = model.get_rest_model(model._get_phenotype_blendshape_coefficients(*tensors[1:]))
        self.shape, self.stance = shape, stance or Stance()
        self.bones = list(model.bone_labels)
        self.parents = list(model.bone_parents)
        self.faces, self.neighbours = _faces(), _neighbours()
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
        self.upper_arm_m, self.forearm_m = (float(np.linalg.norm(d)) for d in (shoulder - elbow, elbow - grip))
        self.arm_m = self.upper_arm_m + self.forearm_m
        triangles = self.rest[self.faces]
        face_normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
        normals = np.zeros_like(self.rest)
        for corner in range(3):
            np.add.at(normals, self.faces[:, corner], face_normals)
        self.normals = unit(normals + 1e-12)

    # --- posing -------------------------------------------------------------------------------------

    def posed(self, pose: Pose) -> Posed:
        """Solve pelvis, legs and arms for every frame, then skin the mesh."""
        return self._skinned(*self.solved(pose))

    def solved(self, pose: Pose) -> tuple[np.ndarray, Joints, np.ndarray]:
        """World rotations (J, T, 3, 3) of the bones, joints, and shin inclination where the feet are planted."""
        turns = self._trunk_turns(pose, np.zeros(len(pose.trunk)))
        lean = self._lean(self._joints(turns))
        turns = self._trunk_turns(pose, pose.trunk - lean)
        joints = self._joints(turns)
        hip, shin = hip_over_feet(self, pose, joints)
        if pose.limbs is not None:
            turns |= shrug(pose.limbs)
            hip = moved_hip(self, pose.limbs, hip)
        root = hip - middle(joints, "upperleg01")
        joints = self._joints(turns, root)
        plant_legs(self, pose.limbs, turns, joints)
        reach(self, pose, turns, joints)
        return *self._chain(turns, root), shin

    def drops(self, joints: Joints) -> Joints:
        """Hips and shoulders below standing, hips behind and knees ahead of the ankles, in metres."""
        hip, shoulder, knee, ankle = (
            middle(joints, bone) for bone in ("upperleg01", "upperarm01", "lowerleg01", "foot")
        )
        return {
            "hip_drop_m": self.head_of("upperleg01.L")[2] - hip[:, 2],
            "shoulder_drop_m": self.head_of("upperarm01.L")[2] - shoulder[:, 2],
            "hip_behind_ankle_m": hip[:, 1] - ankle[:, 1],
            "knee_ahead_of_ankle_m": ankle[:, 1] - knee[:, 1],
        }

    def knee_deg(self, joints: Joints) -> np.ndarray:
        """Knee flexion (T,) as the legs ended up, mean of both, relative to the straight standing leg."""
        bends = []
        for side, _ in SIDES:
            hip, knee, ankle = (joints[f"{b}.{side}"] for b in ("upperleg01", "lowerleg01", "foot"))
            cosine = (unit(knee - hip) * unit(ankle - knee)).sum(-1)
            bends.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))) - self.rest_knee_deg)
        return np.mean(bends, axis=0)

    def shank_deg(self, joints: Joints) -> np.ndarray:
        """Inclination (T,) of the shanks against vertical as they ended up, knees forward positive, mean of both."""
        leans = []
        for side, _ in SIDES:
            knee, ankle = (joints[f"{b}.{side}"] for b in ("lowerleg01", "foot"))
            leans.append(ahead_deg(knee - ankle))
        return np.mean(leans, axis=0)

    def shoulders(self, pose: Pose) -> np.ndarray:
        """Midpoint (T, 3) of the shoulders, before the arms are solved: where a load can be reached from."""
        return middle(self.solved(replace(pose, grasp=np.zeros_like(pose.grasp)))[1], "upperarm01")

    def _trunk_turns(self, pose: Pose, pelvis: np.ndarray) -> Joints:
        """Local rotations of pelvis, spine and neck for a pelvis pitch in degrees."""
        turns = {"root": rot("x", pelvis)}
        for bone, share, curve in zip(SPINE, self.stance.spine_shares, CURVE, strict=True):
            still = share * self.stance.slump_deg + curve * self.stance.curve_deg
            flexed = rot("x", share * pose.spine + still)
            turns[bone] = flexed @ rot("z", share * pose.twist) @ rot("y", share * pose.bend)
        nod = pose.head - pelvis - pose.spine - self.stance.slump_deg
        turns |= {bone: rot("x", np.clip(nod, -60, 45) / len(NECK)) for bone in NECK}
        return turns

    def _chain(self, turns: Joints, root: np.ndarray) -> tuple[np.ndarray, Joints]:
        """World rotations (J, T, 3, 3) and joints for local turns ("=bone" gives a world rotation)."""
        frames = len(root)
        rotations = np.empty((len(self.bones), frames, 3, 3))
        joints: Joints = {}
        for j, (bone, parent) in enumerate(zip(self.bones, self.parents, strict=True)):
            above = np.broadcast_to(np.eye(3), (frames, 3, 3)) if parent < 0 else rotations[parent]
            rotations[j] = turns.get(f"={bone}", above)
            if bone in turns:
                rotations[j] = above @ turns[bone]
            if parent < 0:
                joints[bone] = self.heads[j] + root
            else:
                joints[bone] = joints[self.bones[parent]] + above @ (self.heads[j] - self.heads[parent])
        return rotations, joints

    def _joints(self, turns: Joints, root: np.ndarray | None = None) -> Joints:
        frames = len(next(iter(turns.values())))
        return self._chain(turns, np.zeros((frames, 3)) if root is None else root)[1]

    def _lean(self, joints: Joints) -> np.ndarray:
        return ahead_deg(middle(joints, "upperarm01") - middle(joints, "upperleg01"))

    def _skinned(self, rotations: np.ndarray, joints: Joints, shin: np.ndarray) -> Posed:
        """Linear blend skinning of all frames as one matrix product."""
        heads = np.stack([joints[b] for b in self.bones])
        shift = heads - np.einsum("jtab,jb->jta", rotations, self.heads)
        bones, frames = rotations.shape[:2]
        flat = np.concatenate([rotations.reshape(bones, frames, 9), shift], axis=-1)
        blended = (self.weights @ flat.reshape(bones, -1).astype(np.float32)).reshape(-1, frames, 12)
        turn, offset = blended[..., :9].reshape(-1, frames, 3, 3), blended[..., 9:]
        rest, rest_normals = self.rest.astype(np.float32), self.normals.astype(np.float32)
        vertices = np.einsum("vtab,vb->tva", turn, rest, optimize=True) + offset.swapaxes(0, 1)
        normals = np.einsum("vtab,vb->tva", turn, rest_normals, optimize=True)
        crown = rotations[self.bones.index("head")] @ [0.0, 0.0, 1.0]
        return Posed(vertices, normals, joints, shin, ahead_deg(crown))
