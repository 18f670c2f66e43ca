"""Rotations, frames and two-bone limbs, for many frames at once."""

import numpy as np


def rot(axis: str, degrees: np.ndarray | float) -> np.ndarray:
    """Rotation matrices (…, 3, 3) about x, y or z; +x leans forward."""
    a = np.deg2rad(np.asarray(degrees, dtype=float))
    c, s = np.cos(a), np.sin(a)
    m = np.zeros((*a.shape, 3, 3))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    k = 3 - i - j
    m[..., i, i] = m[..., j, j] = c
    m[..., i, j], m[..., j, i], m[..., k, k] = -s, s, 1.0
    return m


def unit(v: np.ndarray) -> np.ndarray:
    """Vectors (…, 3) at length one."""
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def ahead_deg(up: np.ndarray) -> np.ndarray:
    """How far vectors (…, 3) that point up lean ahead, which is −y in the body frame; leaning back is negative."""
    return np.degrees(np.arctan2(-up[..., 1], up[..., 2]))


def frame(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Right-handed frames whose third axis is `along` and whose first is `across` made orthogonal to it."""
    z = unit(along)
    across = np.broadcast_to(across, z.shape)
    x = unit(across - (across * z).sum(-1, keepdims=True) * z)
    return np.stack([x, np.cross(z, x), z], axis=-1)


def two_bones(start: np.ndarray, end: np.ndarray, lengths: tuple[float, float], pole: np.ndarray) -> np.ndarray:
    """The joint between two bones from `start` towards `end`, bulging towards `pole` (law of cosines)."""
    a, b = lengths
    d = end - start
    dist = np.clip(np.linalg.norm(d, axis=-1, keepdims=True), abs(a - b) * 1.02, (a + b) * 0.9995)
    d = unit(d)
    out = unit(pole - (pole * d).sum(-1, keepdims=True) * d)
    along = (a * a - b * b + dist * dist) / (2 * dist)
    return start + along * d + np.sqrt(np.maximum(a * a - along * along, 0)) * out
