"""A small headless renderer: posed bodies and boxes, one shader, a sun with shadows, a camera with exact projection."""

from dataclasses import dataclass, field, replace

import moderngl
import numpy as np

SHADOW_SIZE = 2048
FLOATS = 13  # position, normal, texture position, colour (3 each), material (1)

_VERTEX = """
#version 330
uniform mat4 camera; uniform mat4 sun;
in vec3 in_position; in vec3 in_normal; in vec3 in_texture; in vec3 in_colour; in float in_material;
out vec3 position; out vec3 normal; out vec3 texture_at; out vec3 colour; out float material; out vec4 in_sun;
void main() {
    position = in_position; normal = in_normal; texture_at = in_texture; colour = in_colour; material = in_material;
    in_sun = sun * vec4(in_position, 1.0);
    gl_Position = camera * vec4(in_position, 1.0);
}
"""
_FRAGMENT = """
#version 330
uniform vec3 eye; uniform vec3 sun_from; uniform vec3 sun_colour; uniform vec3 sky; uniform vec3 ground;
uniform sampler2DShadow shadow;
in vec3 position; in vec3 normal; in vec3 texture_at; in vec3 colour; in float material; in vec4 in_sun;
out vec4 pixel;
float hash(vec3 p) { p = fract(p * 0.3183099 + 0.1); p *= 17.0; return fract(p.x * p.y * p.z * (p.x + p.y + p.z)); }
float noise(vec3 x) {
    vec3 i = floor(x), f = fract(x); f = f * f * (3.0 - 2.0 * f);
    return mix(mix(mix(hash(i), hash(i + vec3(1,0,0)), f.x), mix(hash(i + vec3(0,1,0)), hash(i + vec3(1,1,0)), f.x), f.y),
               mix(mix(hash(i + vec3(0,0,1)), hash(i + vec3(1,0,1)), f.x),
                   mix(hash(i + vec3(0,1,1)), hash(i + vec3(1,1,1)), f.x), f.y), f.z);
}
float lit() {
    vec3 at = in_sun.xyz * 0.5 + 0.5;
    if (any(lessThan(at, vec3(0.003))) || any(greaterThan(at, vec3(0.997)))) return 1.0;
    float sum = 0.0;
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++)
        sum += texture(shadow, vec3(at.xy + vec2(i, j) * 0.0009, at.z - 0.0022));
    return sum / 9.0;
}
void main() {
    vec3 n = normalize(normal), base = colour; float shine = 0.05; vec3 t = texture_at;
    if (material < 0.5) { base *= 0.93 + 0.14 * noise(t * 40.0); shine = 0.12; }              // skin
    else if (material < 1.5) {                                                                // cloth
        vec3 fold = vec3(noise(t * 14.0), noise(t * 14.0 + 7.0), noise(t * 14.0 + 13.0)) - 0.5;
        n = normalize(n + 0.55 * fold); base *= 0.86 + 0.22 * noise(t * 90.0); shine = 0.02; }
    else if (material < 2.5) { base *= 0.6 + 0.8 * noise(t * vec3(160.0, 160.0, 30.0)); shine = 0.15; }  // hair
    else if (material < 3.5) { base *= t.z < 0.035 ? 0.55 : 1.0; shine = 0.15; }              // shoe
    else if (material < 4.5) { shine = 0.5; }                                                 // hard hat, metal
    else if (material < 5.5) {                                                                // cardboard
        base *= 0.92 + 0.10 * noise(t * 45.0) + 0.05 * sin(t.z * 900.0);
        if (abs(t.x) < 0.028 && n.z > -0.5) base = mix(base, vec3(0.62, 0.50, 0.36), 0.75); }
    else if (material < 6.5) {                                                                // floor
        base *= 0.80 + 0.22 * noise(t * 1.7) + 0.12 * noise(t * 11.0) + 0.05 * noise(t * 70.0); shine = 0.10; }
    else if (material < 7.5) { base *= 0.88 + 0.10 * sin(t.x * 26.0) + 0.05 * noise(t * 3.0); }  // corrugated wall
    else { base *= 0.7 + 0.3 * noise(t * vec3(6.0, 60.0, 60.0)); }                            // wood
    vec3 view = normalize(eye - position);
    float sun_on = max(dot(n, sun_from), 0.0) * lit();
    vec3 hemi = mix(ground, sky, 0.5 + 0.5 * n.z);
    float gloss = pow(max(dot(n, normalize(sun_from + view)), 0.0), 24.0) * shine * sun_on;
    float rim = 0.85 + 0.15 * max(dot(n, view), 0.0);
    vec3 light = base * (hemi * rim + sun_colour * sun_on) + sun_colour * gloss;
    pixel = vec4(pow(clamp(light, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
}
"""
_DEPTH_VERTEX = """
#version 330
uniform mat4 sun; in vec3 in_position;
void main() { gl_Position = sun * vec4(in_position, 1.0); }
"""
_FORMAT, _NAMES = "3f 3f 3f 3f 1f", ("in_position", "in_normal", "in_texture", "in_colour", "in_material")


@dataclass(frozen=True)
class Camera:
    """A pinhole camera; `window` (x0, y0, x1, y1) is the part of its image that is drawn, in its pixels."""

    eye: np.ndarray
    target: np.ndarray
    focal_px: float
    width: int = 1280
    height: int = 720
    window: tuple[float, float, float, float] | None = None

    def axes(self) -> np.ndarray:
        """Rows: right, down, ahead."""
        ahead = (self.target - self.eye) / np.linalg.norm(self.target - self.eye)
        right = np.cross(ahead, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(ahead, right), ahead])

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
    return mesh(
        local @ turn.T + centre, normals @ turn.T, local, (np.tile(colour, (36, 1)), np.full(36, material))
    )


class Renderer:
    """Draws triangle soups and indexed meshes at one image size."""

    def __init__(self, width: int, height: int, samples: int = 4) -> None:
        self.gl = moderngl.create_context(standalone=True, backend="egl")
        self.size = (width, height)
        self.program = self.gl.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self.depth_program = self.gl.program(
            vertex_shader=_DEPTH_VERTEX, fragment_shader="#version 330\nvoid main() {}"
        )
        self.drawn = self.gl.framebuffer(
            self.gl.renderbuffer(self.size, 4, samples=samples),
            self.gl.depth_renderbuffer(self.size, samples=samples),
        )
        self.flat = self.gl.simple_framebuffer(self.size, 4)
        self.shadow = self.gl.depth_texture((SHADOW_SIZE, SHADOW_SIZE))
        self.shadow.compare_func = "<="
        self.shadow.repeat_x = self.shadow.repeat_y = False
        self.shadow_pass = self.gl.framebuffer(depth_attachment=self.shadow)
        self.gl.enable(moderngl.DEPTH_TEST)

    def draw(self, camera: Camera, light: Light, meshes: list, around: np.ndarray) -> np.ndarray:
        """An RGB image (H, W, 3) of meshes [(rows, faces or None)]; shadows fall within 6 m of `around`."""
        buffers = [(self.gl.buffer(rows.tobytes()), self._indices(faces)) for rows, faces in meshes]
        sun = _sun_matrix(light, around)
        self.shadow_pass.use()
        self.shadow_pass.clear()
        self.depth_program["sun"].write(sun.T.astype("f4").tobytes())
        for rows, faces in buffers:
            unused = 4 * (FLOATS - 3)
            self._render(self.depth_program, [(rows, f"3f {unused}x", "in_position")], faces)
        self.drawn.use()
        self.drawn.clear(*(light.sky * 0.6), 1.0)
        self.shadow.use(0)
        self._set(camera, light, sun)
        for rows, faces in buffers:
            self._render(self.program, [(rows, _FORMAT, *_NAMES)], faces)
        self.gl.copy_framebuffer(self.flat, self.drawn)
        image = np.frombuffer(self.flat.read(components=3), np.uint8).reshape(self.size[1], self.size[0], 3)
        for rows, faces in buffers:
            rows.release()
            if faces is not None:
                faces.release()
        return image[::-1]

    def _indices(self, faces: np.ndarray | None) -> moderngl.Buffer | None:
        return None if faces is None else self.gl.buffer(faces.astype("i4").tobytes())

    def _render(self, program: moderngl.Program, content: list, faces: moderngl.Buffer | None) -> None:
        array = self.gl.vertex_array(program, content, faces)
        array.render()
        array.release()

    def _set(self, camera: Camera, light: Light, sun: np.ndarray) -> None:
        self.program["camera"].write(camera.matrix().T.astype("f4").tobytes())
        self.program["sun"].write(sun.T.astype("f4").tobytes())
        self.program["eye"] = tuple(camera.eye)
        self.program["sun_from"] = tuple(light.sun_from / np.linalg.norm(light.sun_from))
        self.program["sun_colour"], self.program["sky"] = tuple(light.sun), tuple(light.sky)
        self.program["ground"] = tuple(light.ground)


def _sun_matrix(light: Light, around: np.ndarray, reach_m: float = 6.5) -> np.ndarray:
    """Orthographic view from the sun onto the neighbourhood of a point."""
    ahead = -light.sun_from / np.linalg.norm(light.sun_from)
    right = np.cross(ahead, [0.0, 1.0, 0.01])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(right, ahead), ahead])
    matrix = np.eye(4)
    matrix[:3, :3] = axes / np.array([[reach_m], [reach_m], [reach_m * 1.6]])
    matrix[:3, 3] = -matrix[:3, :3] @ around
    return matrix
