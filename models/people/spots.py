"""Where in the hall a camera sees a whole person: places to work, and ways in and out of the picture."""

from dataclasses import dataclass

import numpy as np
from render import Camera
from scene import Place

TALL_M, NEAREST_M = 1.9, 1.7
DISTANCES_M, STEEPEST_DEG = (2.3, 10.0), 46.0


@dataclass(frozen=True)
class Spots:
    """The floor within `reach_m` of the origin as one camera sees it."""

    camera: Camera
    reach_m: float = 2.5

    def sees(self, x: float, y: float, margin: float = 0.09) -> bool:
        """Whether somebody who stands there is in the picture from head to foot, from a fair distance and height."""
        body = np.array([[x, y, 0.0], [x, y, TALL_M]])
        seen = (body - self.camera.eye) @ self.camera.axes()[2]
        to_eye = self.camera.eye - [x, y, TALL_M / 2]
        far = float(np.linalg.norm(to_eye))
        steep = np.degrees(np.arcsin(to_eye[2] / far))
        if seen.min() < NEAREST_M or not DISTANCES_M[0] <= far <= DISTANCES_M[1] or steep > STEEPEST_DEG:
            return False
        share = self.camera.project(body) / [self.camera.width, self.camera.height]
        wide, high = share[:, 0], share[:, 1]
        return bool(wide.min() > margin and wide.max() < 1 - margin and high.min() > 0.01 and high.max() < 0.94)

    def pick(self, rng: np.random.Generator, near: Place | None = None, least_m: float = 0.0) -> tuple[float, float]:
        """A spot in view, as far as this from a place where there is room for it."""
        best, found = -1.0, (0.0, 0.0)
        for _ in range(60):
            far, around = self.reach_m * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
            x, y = float(far * np.cos(around)), float(far * np.sin(around))
            if not self.sees(x, y):
                continue
            gone = np.hypot(x - near.x, y - near.y) if near else np.inf
            if gone >= least_m:
                return x, y
            if gone > best:
                best, found = float(gone), (x, y)
        return found

    def outside(self, rng: np.random.Generator, y_m: float = 0.0) -> tuple[float, float]:
        """Just out of the picture, left or right, on a line across that is this far behind the origin."""
        right = self.camera.axes()[0][:2]
        right = right / np.linalg.norm(right)
        away = -self.camera.eye[:2] / np.linalg.norm(self.camera.eye[:2])
        sign = float(rng.choice([-1.0, 1.0]))
        for far in np.arange(0.5, 9.0, 0.25):
            x, y = sign * far * right + y_m * away
            seen = self.camera.project(np.array([x, y, 1.0]))[0] / self.camera.width
            if not -0.08 < seen < 1.08:
                break
        return float(x), float(y)
