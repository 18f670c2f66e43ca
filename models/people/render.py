"""A small headless renderer: posed bodies and boxes, a sun with shadows, a camera with exact projection."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import moderngl
import numpy as np

FLOATS = 13  # position, normal, texture position, colour (3 each), material (1)

_HERE = Path(__file__).parent
FORMAT, NAMES = "3f 3f 3f 3f 1f", ("in_position", "in_normal", "in_texture", "in_colour", "in_material")


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; `window` (x0, y0, x1, y1) is the part of its image that is drawn, in its pixels."""

    eye: np.ndarray
    target: np.ndarray
    focal_px: float
    width: int = 1280
    height: int = 720
    window: tuple[float, float, float, float] | None = None
    roll_deg: float = 0.0

    def axes(self) -> np.ndarray:
        """Rows: right, down, ahead."""
        ahead = (self.target - self.eye) / np.linalg.norm(self.target - self.eye)
        right = np.cross(ahead, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        down, roll = np.cross(ahead, right), np.deg2rad(self.roll_deg)
        turned = np.cos(roll) * right + np.sin(roll) * down
        return np.stack([turned, np.cross(ahead, turned), ahead])

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels (…, 2) of world points (…, 3) in the whole image, whatever the window."""
        seen = (points - self.eye) @ self.axes().T
        centre = np.array([self.width / 2, self.height / 2])
        return self.focal_px * seen[..., :2] / np.maximum(seen[..., 2:], 1e-3) + centre

    def matrix(self) -> np.ndarray:
        """World → clip space of the window."""
        x0, y0, x1, y1 = self.window or (0.0, 0.0, float(self.width), float(self.height))
        near, far = 0.1, 60.0
        axes = self.axes()
        cx, cy = self.width / 2, self.height / 2
        clip = np.zeros((4, 4))
        clip[0, 0], clip[0, 2] = 2 * self.focal_px / (x1 - x0), (2 * cx - x0 - x1) / (x1 - x0)
        clip[1, 1], clip[1, 2] = -2 * self.focal_px / (y1 - y0), -(2 * cy - y0 - y1) / (y1 - y0)
        clip[2, 2], clip[2, 3] = (far + near) / (far - near), -2 * far * near / (far - near)
        clip[3, 2] = 1.0
        world = np.eye(4)
        world[:3, :3], world[:3, 3] = axes, -axes @ self.eye
        return clip @ world

    def cropped(self, window: tuple[float, float, float, float]) -> "Camera":
        """The same camera, drawing only a window of its image."""
        return replace(self, window=window)


@dataclass(frozen=True)
class Light:
    """A sun (or a strong lamp) and the soft light from above and below."""

    sun_from: np.ndarray = field(default_factory=lambda: np.array([-0.35, -0.55, 0.9]))
    sun: np.ndarray = field(default_factory=lambda: np.array([0.62, 0.60, 0.55]))
    sky: np.ndarray = field(default_factory=lambda: np.array([0.42, 0.45, 0.50]))
    ground: np.ndarray = field(default_factory=lambda: np.array([0.20, 0.19, 0.18]))

    @staticmethod
    def sample(rng: np.random.Generator) -> "Light":
        """Any lamp above the floor, warm or cold, strong or weak."""
        around, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9)
        tint = 1 + rng.normal(0, 0.06, 3)
        return Light(
            sun_from=np.array([np.cos(around), np.sin(around), rng.uniform(0.6, 2.0)]),
            sun=strength * tint,
            sky=(1.05 - 0.6 * strength) * rng.uniform(0.5, 1.0) * (1 + rng.normal(0, 0.05, 3)),
            ground=np.full(3, rng.uniform(0.08, 0.35)),
        )


def mesh(vertices: np.ndarray, normals: np.ndarray, texture: np.ndarray, look: tuple) -> np.ndarray:
    """Vertex rows (V, 13) for the shader; `look` is (colours, materials)."""
    rows = np.empty((len(vertices), FLOATS), np.float32)
    rows[:, 0:3], rows[:, 3:6], rows[:, 6:9] = vertices, normals, texture
    rows[:, 9:12], rows[:, 12] = look
    return rows


def box(centre: np.ndarray, size: np.ndarray, yaw_deg: float, look: tuple) -> np.ndarray:
    """A box as 36 vertex rows; `look` is (colour, material)."""
    quads = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        for sign in (-1.0, 1.0):
            corner = np.zeros((6, 3))
            corner[:, axis] = sign
            corner[:, u] = sign * np.array([-1, 1, 1, -1, 1, -1])
            corner[:, v] = [-1, -1, 1, -1, 1, 1]
            quads.append((corner, np.eye(3)[axis] * sign))
    local = np.concatenate([c for c, _ in quads]) * np.asarray(size) / 2
    normals = np.concatenate([np.tile(n, (6, 1)) for _, n in quads])
    a = np.deg2rad(yaw_deg)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    colour, material = look
    return mesh(local @ turn.T + centre, normals @ turn.T, local, (np.tile(colour, (36, 1)), np.full(36, material)))


class Renderer:
    """Draws triangle soups and indexed meshes at one image size."""

    def __init__(self, width: int, height: int, samples: int = 4, shadow_size: int = 2048) -> None:
        self.gl = moderngl.create_context(standalone=True, backend="egl")
        self.size = (width, height)
        self.program = self._program("scene.vert", "scene.frag")
        self.depth_program = self._program("depth.vert", "depth.frag")
        self.samples = samples
        self.canvases: dict[tuple[int, int], tuple[moderngl.Framebuffer, moderngl.Framebuffer]] = {}
        self.drawn, self.flat = self.canvas(self.size)
        self.shadow = self.gl.depth_texture((shadow_size, shadow_size))
        self.shadow.compare_func = "<="
        self.shadow.repeat_x = self.shadow.repeat_y = False
        self.shadow_pass = self.gl.framebuffer(depth_attachment=self.shadow)
        self.gl.enable(moderngl.DEPTH_TEST)

    def _program(self, vertex: str, fragment: str) -> moderngl.Program:
        return self.gl.program(
            vertex_shader=(_HERE / vertex).read_text(), fragment_shader=(_HERE / fragment).read_text()
        )

    def canvas(self, size: tuple[int, int]) -> tuple[moderngl.Framebuffer, moderngl.Framebuffer]:
        """What is drawn on, and what its samples are then averaged into; kept for the next picture of this size."""
        if size not in self.canvases:
            colour = self.gl.renderbuffer(size, 4, samples=self.samples)
            depth = self.gl.depth_renderbuffer(size, samples=self.samples)
            self.canvases[size] = self.gl.framebuffer(colour, depth), self.gl.simple_framebuffer(size, 4)
        return self.canvases[size]

    def draw(self, camera: Camera, light: Light, meshes: list, around: np.ndarray) -> np.ndarray:
        """An RGB image (H, W, 3) of meshes [(rows, faces or None)]; shadows fall within 6 m of `around`."""
        buffers = [(self.gl.buffer(rows.tobytes()), self._indices(faces)) for rows, faces in meshes]
        sun = sun_matrix(light, around)
        self.shadow_pass.use()
        self.shadow_pass.clear()
        self.depth_program["sun"].write(sun.T.astype("f4").tobytes())
        for rows, faces in buffers:
            unused = 4 * (FLOATS - 3)
            self.render(self.depth_program, [(rows, f"3f {unused}x", "in_position")], faces)
        self.drawn.use()
        self.drawn.clear(*(light.sky * 0.6), 1.0)
        self.shadow.use(0)
        self.set_view(camera, light, sun)
        for rows, faces in buffers:
            self.render(self.program, [(rows, FORMAT, *NAMES)], faces)
        self.gl.copy_framebuffer(self.flat, self.drawn)
        image = np.frombuffer(self.flat.read(components=3), np.uint8).reshape(self.size[1], self.size[0], 3)
        for rows, faces in buffers:
            rows.release()
            if faces is not None:
                faces.release()
        return image[::-1]

    def visible_share(self, camera: Camera, others: np.ndarray | None, person: tuple) -> float:
        """The share of a person's own pixels in the window that other vertex rows do not hide."""
        if others is None:
            return 1.0
        rows, faces = (self.gl.buffer(part.tobytes()) for part in (person[0], person[1].astype("i4")))
        content = f"3f {4 * (FLOATS - 3)}x", "in_position"
        self.flat.use()
        self.flat.clear()
        self.depth_program["sun"].write(camera.matrix().T.astype("f4").tobytes())
        self.render(self.depth_program, [(rows, *content)], faces)
        self.gl.depth_func = "<="
        counts = []
        for hidden_by in (None, others):
            if hidden_by is not None:
                blocks = self.gl.buffer(hidden_by.tobytes())
                self.render(self.depth_program, [(blocks, *content)], None)
                blocks.release()
            query = self.gl.query(samples=True)
            with query:
                self.render(self.depth_program, [(rows, *content)], faces)
            counts.append(query.samples)
        self.gl.depth_func = "<"
        rows.release()
        faces.release()
        return counts[1] / max(counts[0], 1)

    def _indices(self, faces: np.ndarray | None) -> moderngl.Buffer | None:
        return None if faces is None else self.gl.buffer(faces.astype("i4").tobytes())

    def render(self, program: moderngl.Program, content: list, faces: moderngl.Buffer | None) -> None:
        """Draw uploaded triangles; `content` says what the buffers hold."""
        array = self.gl.vertex_array(program, content, faces)
        array.render()
        array.release()

    def set_view(self, camera: Camera, light: Light, sun: np.ndarray) -> None:
        """Where the next triangles are seen from, and how they are lit."""
        self.program["camera"].write(camera.matrix().T.astype("f4").tobytes())
        self.program["sun"].write(sun.T.astype("f4").tobytes())
        self.program["eye"] = tuple(camera.eye)
        self.program["sun_from"] = tuple(light.sun_from / np.linalg.norm(light.sun_from))
        self.program["sun_colour"], self.program["sky"] = tuple(light.sun), tuple(light.sky)
        self.program["ground"] = tuple(light.ground)


def sun_matrix(light: Light, around: np.ndarray, reach_m: float = 6.5) -> np.ndarray:
    """Orthographic view from the sun onto the neighbourhood of a point."""
    ahead = -light.sun_from / np.linalg.norm(light.sun_from)
    right = np.cross(ahead, [0.0, 1.0, 0.01])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(right, ahead), ahead])
    matrix = np.eye(4)
    matrix[:3, :3] = axes / np.array([[reach_m], [reach_m], [reach_m * 1.6]])
    matrix[:3, 3] = -matrix[:3, :3] @ around
    return matrix
