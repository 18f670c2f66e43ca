"""Fast drawing of a clip: what never moves is drawn once; every frame draws only where people and things are.

Redrawing is exact, not an approximation: between a person and the floor lies everything that the person's shadow
can fall on, so the picture changes only within the box around the person and the person's shadow on the floor.
"""

import moderngl
import numpy as np
from body import Body
from clothing import Look
from render import FLOATS, FORMAT, NAMES, Camera, Light, Renderer, sun_matrix
from script import Performance
from turns import rot

_MARGIN_PX, _BLOCK_PX = 6, 32
_EXPOSURES = 3  # of one frame: at 2 m/s and the slowest shutter the copies of a limb lie 5 cm apart
Area = tuple[int, int, int, int]


class Skin:
    """One dressed body, skinned a frame at a time straight into the world, in single precision.

    `detail_m` merges vertices that are closer than the camera can tell: faces, fingers and toes have half of them.
    """

    def __init__(self, body: Body, look: Look, detail_m: float) -> None:
        kept, self.faces = _coarse(body, detail_m)
        self.weights = np.ascontiguousarray(body.weights[kept].astype(np.float32).T)
        self.rest = np.ascontiguousarray(body.rest[kept].T.astype(np.float32))
        self.normals = np.ascontiguousarray(body.normals[kept].T.astype(np.float32))
        self.heads = body.heads
        self.still = np.empty((len(kept), 7), np.float32)
        self.still[:, 0:3], self.still[:, 3:6] = look.texture[kept], look.colours[kept]
        self.still[:, 6] = look.materials[kept]

    def at(self, shown: Performance, frame: int) -> np.ndarray:
        """Positions and normals (V, 6) in the world."""
        turn = rot("z", shown.path.yaw_deg[frame])
        turns = turn @ shown.rotations[:, frame]
        heads = np.stack([shown.joints[b][frame] for b in shown.body.bones]) @ turn.T + shown.path.at[frame]
        shift = heads - np.einsum("jab,jb->ja", turns, self.heads)
        bones = np.concatenate([turns.reshape(-1, 9), shift], axis=1).astype(np.float32)
        blend = bones.T @ self.weights
        rows = np.empty((self.rest.shape[1], 6), np.float32)
        for axis in range(3):
            x, y, z = blend[3 * axis : 3 * axis + 3]
            rows[:, axis] = x * self.rest[0] + y * self.rest[1] + z * self.rest[2] + blend[9 + axis]
            rows[:, 3 + axis] = x * self.normals[0] + y * self.normals[1] + z * self.normals[2]
        return rows


def _coarse(body: Body, cell_m: float) -> tuple[np.ndarray, np.ndarray]:
    """One vertex of every cell of a grid (and of the bone that moves it most), and the triangles that are left."""
    cells = np.column_stack([np.floor(body.rest / cell_m).astype(int), body.weights.argmax(axis=1)])
    _, kept, new = np.unique(cells, axis=0, return_index=True, return_inverse=True)
    faces = new.ravel()[body.faces]
    a, b, c = faces.T
    return kept, faces[(a != b) & (b != c) & (a != c)]


class Stage:
    """A camera, a light and a hall for a whole clip, and the people who move in it."""

    def __init__(self, renderer: Renderer, camera: Camera, light: Light, hall: np.ndarray) -> None:
        self.renderer, self.camera, self.light = renderer, camera, light
        self.sun = sun_matrix(light, np.array([0.0, 0.0, 0.8]))
        self.hall = renderer.gl.buffer(hall.astype("f4").tobytes())
        self.people: list[_Person] = []
        self._shadows([])
        self.still = self._drawn([], (0, 0, camera.width, camera.height))

    def enter(self, skin: Skin, shown: Performance) -> None:
        """Bring a person on."""
        self.people.append(_Person(self.renderer.gl, skin, shown))

    def leave(self) -> None:
        """Free everything that was uploaded."""
        for person in self.people:
            for buffer in person.buffers:
                buffer.release()
        self.hall.release()

    def exposed(self, number: int, open_share: float) -> np.ndarray:
        """The picture (H, W, 3) of a shutter that opens at a frame, for this share of the time to the next."""
        if not open_share:
            return self.frame(number)
        moments = number + open_share * np.linspace(0, 1, _EXPOSURES)
        return np.mean([self.frame(at) for at in moments], axis=0).round().astype(np.uint8)

    def frame(self, number: float) -> np.ndarray:
        """The picture (H, W, 3) at one frame, or between two."""
        points = [person.pose(number) for person in self.people]
        seen = zip(map(self._area, points), self.people, strict=True)
        areas = [(area, [person]) for area, person in seen if area is not None]
        self._shadows(self.people)
        picture = self.still.copy()
        for area, people in _merged(areas):
            x0, y0, x1, y1 = area
            picture[y0:y1, x0:x1] = self._drawn(people, area)
        return picture

    def visible_share(self, number: int, who: int) -> float:
        """The share of a person's own pixels in one frame that neither things nor other people hide."""
        renderer, person = self.renderer, self.people[who]
        others = [p for p in self.people if p is not person]
        for p in self.people:
            p.pose(number)
        renderer.canvas((self.camera.width, self.camera.height))[1].use()
        renderer.gl.clear()
        renderer.depth_program["sun"].write(self.camera.matrix().T.astype("f4").tobytes())
        self._depths([person], [])
        renderer.gl.depth_func = "<="
        alone = self._count(person)
        self._depths(others, [self.hall, *(p.things for p in self.people if p.things)])
        left = self._count(person)
        renderer.gl.depth_func = "<"
        return left / max(alone, 1)

    def _count(self, person: "_Person") -> int:
        query = self.renderer.gl.query(samples=True)
        with query:
            self._depths([person], [])
        return int(query.samples)

    def _area(self, points: np.ndarray) -> Area | None:
        """Where in the picture these points or their shadows on the floor are; None outside of it."""
        sun = self.light.sun_from / self.light.sun_from[2]
        points = np.concatenate([points, points - points[:, 2:] * sun])
        size = np.array([self.camera.width, self.camera.height])
        if ((points - self.camera.eye) @ self.camera.axes()[2]).min() < 0.3:
            return 0, 0, int(size[0]), int(size[1])
        seen = self.camera.project(points)
        low, high = seen.min(axis=0) - _MARGIN_PX, seen.max(axis=0) + _MARGIN_PX
        if (high < 0).any() or (low > size).any():
            return None
        blocks = np.minimum((np.ceil((np.minimum(high, size) - np.maximum(low, 0)) / _BLOCK_PX)) * _BLOCK_PX, size)
        x0, y0 = np.clip(np.floor(low), 0, size - blocks).astype(int)
        return int(x0), int(y0), int(x0 + blocks[0]), int(y0 + blocks[1])

    def _shadows(self, people: list["_Person"]) -> None:
        renderer = self.renderer
        renderer.shadow_pass.use()
        renderer.shadow_pass.clear()
        renderer.depth_program["sun"].write(self.sun.T.astype("f4").tobytes())
        self._depths(people, [self.hall, *(p.things for p in people if p.things)])

    def _depths(self, people: list["_Person"], soups: list[moderngl.Buffer]) -> None:
        """Draw distances only, as seen along whatever the depth program looks along."""
        program, unused = self.renderer.depth_program, f"{4 * (FLOATS - 3)}x"
        for rows in soups:
            self.renderer.render(program, [(rows, f"3f {unused}", "in_position")], None)
        for p in people:
            self.renderer.render(program, [(p.moving, "3f 12x", "in_position")], p.faces)

    def _drawn(self, people: list["_Person"], area: Area) -> np.ndarray:
        """One area of the picture with these people in it, and everybody's shadow."""
        renderer, size = self.renderer, (area[2] - area[0], area[3] - area[1])
        drawn, flat = renderer.canvas(size)
        drawn.use()
        drawn.clear(*(self.light.sky * 0.6), 1.0)
        renderer.shadow.use(0)
        renderer.set_view(self.camera.cropped(area), self.light, self.sun)
        for rows in [self.hall, *(p.things for p in people if p.things)]:
            renderer.render(renderer.program, [(rows, FORMAT, *NAMES)], None)
        renderer.gl.enable(moderngl.CULL_FACE)
        for p in people:
            content = [(p.moving, "3f 3f", *NAMES[:2]), (p.still, "3f 3f 1f", *NAMES[2:])]
            renderer.render(renderer.program, content, p.faces)
        renderer.gl.disable(moderngl.CULL_FACE)
        renderer.gl.copy_framebuffer(flat, drawn)
        return np.frombuffer(flat.read(components=3, alignment=1), np.uint8).reshape(size[1], size[0], 3)[::-1]


class _Person:
    """A performance and its buffers: what never changes is uploaded once."""

    def __init__(self, gl: moderngl.Context, skin: Skin, shown: Performance) -> None:
        self.gl, self.skin, self.shown = gl, skin, shown
        self.moving = gl.buffer(reserve=len(skin.still) * 24, dynamic=True)
        self.still = gl.buffer(skin.still.tobytes())
        self.faces = gl.buffer(skin.faces.astype("i4").tobytes())
        self.things: moderngl.Buffer | None = None

    @property
    def buffers(self) -> list[moderngl.Buffer]:
        return [b for b in (self.moving, self.still, self.faces, self.things) if b]

    def pose(self, at: float) -> np.ndarray:
        """Fill the buffers for a frame, or between two; return points (N, 3) all around body and things."""
        frame = int(at)
        rows = self.skin.at(self.shown, frame)
        if at > frame and frame + 1 < len(self.shown.path.at):
            rows += (at - frame) * (self.skin.at(self.shown, frame + 1) - rows)
        self.moving.write(rows.tobytes())
        things = self.shown.prop_rows(at)
        if self.things:
            self.things.release()
        self.things = self.gl.buffer(np.concatenate(things).astype("f4").tobytes()) if things else None
        return np.concatenate([rows[::5, 0:3], *(t[:, 0:3] for t in things)])


def _merged(areas: list[tuple[Area, list]]) -> list[tuple[Area, list]]:
    """Areas that overlap become one, with the people of both."""
    for i, (a, people) in enumerate(areas):
        for j, (b, others) in enumerate(areas[:i]):
            if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]:
                both = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
                rest = [area for k, area in enumerate(areas) if k not in (i, j)]
                return _merged([*rest, (both, people + others)])
    return areas
