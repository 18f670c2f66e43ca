"""What a simulated person wears: colour and material of every vertex, and cloth that stands off the skin."""

from dataclasses import dataclass

import numpy as np
from body import Body

SKIN, CLOTH, HAIR, SHOE, HARD = 0.0, 1.0, 2.0, 3.0, 4.0  # material numbers the shader knows
SKIN_TONES = (
    (0.87, 0.68, 0.57),
    (0.78, 0.56, 0.43),
    (0.62, 0.42, 0.30),
    (0.42, 0.27, 0.19),
    (0.29, 0.18, 0.13),
)
HAIR_COLOURS = ((0.08, 0.06, 0.05), (0.20, 0.12, 0.07), (0.45, 0.30, 0.14), (0.55, 0.53, 0.50))
HI_VIS = ((0.95, 0.45, 0.05), (0.80, 0.92, 0.10))
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Outfit:
    """Colours in linear 0…1; looseness in metres that the cloth stands off the skin."""

    skin: Colour = SKIN_TONES[0]
    hair: Colour = HAIR_COLOURS[1]
    shirt: Colour = (0.2, 0.3, 0.5)
    trousers: Colour = (0.15, 0.17, 0.22)
    shoes: Colour = (0.06, 0.05, 0.05)
    helmet: Colour | None = None
    vest: Colour | None = None
    gloves: Colour | None = None
    back_support: Colour | None = None
    hood_m: float = 0.0  # how far a hood that lies on the shoulders stands off the neck
    jacket: bool = False  # the shirt is a jacket: it reaches over the seat
    long_hair: bool = False
    sleeve: float = 0.6  # 0 none … 0.5 to the elbow … 1 to the wrist
    shirt_loose_m: float = 0.012
    trousers_loose_m: float = 0.012
    wrinkle_m: float = 0.004

    @staticmethod
    def sample(rng: np.random.Generator) -> "Outfit":
        """Random work or everyday clothes."""

        def colour() -> Colour:
            r, g, b = np.clip(rng.uniform(0.02, 0.7) * rng.dirichlet([9, 9, 9]) * 3, 0, 0.95)
            return float(r), float(g), float(b)

        def maybe(p: float, value: Colour) -> Colour | None:
            return value if rng.random() < p else None

        jacket = bool(rng.random() < 0.3)
        return Outfit(
            skin=SKIN_TONES[rng.integers(len(SKIN_TONES))],
            hair=HAIR_COLOURS[rng.integers(len(HAIR_COLOURS))],
            shirt=colour(),
            trousers=colour(),
            shoes=colour(),
            helmet=maybe(0.25, colour()),
            vest=maybe(0.35, HI_VIS[rng.integers(2)]),
            gloves=maybe(0.3, colour()),
            back_support=maybe(0.08, (0.04, 0.04, 0.05)),
            hood_m=float(rng.uniform(0.03, 0.07)) if rng.random() < (0.4 if jacket else 0.08) else 0.0,
            jacket=jacket,
            long_hair=bool(rng.random() < 0.2),
            sleeve=1.0 if jacket else float(rng.choice([0.45, 1.0])),
            shirt_loose_m=rng.uniform(0.012, 0.05) if jacket else rng.uniform(0.002, 0.035),
            trousers_loose_m=rng.uniform(0.002, 0.025),
            wrinkle_m=rng.uniform(0.0, 0.008),
        )


@dataclass(frozen=True)
class Look:
    """Per-vertex colour (V, 3) and material (V,), and the rest positions (V, 3) that carry the textures."""

    colours: np.ndarray
    materials: np.ndarray
    texture: np.ndarray


def _smoothed(body: Body, mask: np.ndarray, rounds: int) -> np.ndarray:
    """Laplacian smoothing of the masked rest vertices: cloth bridges toes, navels and muscles."""
    points, neighbours = body.rest.copy(), body.neighbours[mask]
    for _ in range(rounds):
        points[mask] = 0.5 * points[mask] + 0.5 * (neighbours @ points)
    return points


def _folds(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth random field of about ±1 over the body: folds a hand's breadth apart."""
    field = np.zeros(len(points))
    for _ in range(10):
        field += np.sin(points @ rng.normal(0, 26, 3) + rng.uniform(0, 6.28))
    return field / 3.2


def dress(body: Body, outfit: Outfit, rng: np.random.Generator) -> Look:
    """Colour the body, and move its clothed rest vertices off the skin."""
    part = _Parts(body, outfit)
    skin_normals, texture = body.normals, body.rest.copy()
    colours = np.tile(np.array(outfit.skin), (len(body.rest), 1))
    materials = np.full(len(body.rest), SKIN)
    lift = np.zeros(len(body.rest))
    wear = [
        (part.trousers, outfit.trousers, CLOTH, outfit.trousers_loose_m, 6),
        (part.shirt, outfit.shirt, CLOTH, outfit.shirt_loose_m + 0.004, 40),
        (part.vest, outfit.vest, CLOTH, outfit.shirt_loose_m + 0.008, 0),
        (part.stripes, (0.85, 0.87, 0.86), CLOTH, outfit.shirt_loose_m + 0.008, 0),
        (part.shoes, outfit.shoes, SHOE, 0.008, 12),
        (part.hair, outfit.hair, HAIR, 0.012, 4),
        (part.back_support, outfit.back_support, CLOTH, outfit.shirt_loose_m + 0.006, 20),
        (part.helmet, outfit.helmet, HARD, 0.030, 6),
        (part.gloves, outfit.gloves, CLOTH, 0.003, 2),
    ]
    for mask, colour, material, loose, rounds in wear:
        if colour is None or not mask.any():
            continue
        colours[mask], materials[mask], lift[mask] = colour, material, loose
        if rounds:
            body.rest = _smoothed(body, mask, rounds)
    colours[part.lips] *= (0.92, 0.68, 0.68)
    colours[part.eyes] = (0.05, 0.04, 0.04)
    cloth = materials == CLOTH
    lift[cloth] += outfit.wrinkle_m * _folds(texture, rng)[cloth]
    lift += outfit.hood_m * part.hood
    body.rest = body.rest + skin_normals * lift[:, None]
    body.rest[:, 2] -= body.rest[part.shoes, 2].min()
    return Look(colours, materials, texture)


class _Parts:
    """Which vertices each garment covers, from the bone that moves them most and where they are at rest."""

    def __init__(self, body: Body, outfit: Outfit) -> None:
        names = np.array(body.bones)[body.weights.argmax(axis=1)]
        x, y, z = np.abs(body.rest[:, 0]), body.rest[:, 1], body.rest[:, 2]

        def moved_by(*prefixes: str) -> np.ndarray:
            return np.char.startswith(names, prefixes[0]) | (
                moved_by(*prefixes[1:]) if len(prefixes) > 1 else np.zeros(len(names), bool)
            )

        hem = body.head_of("spine05")[2] + (-0.14 if outfit.jacket else 0.02)
        arm = moved_by("upperarm", "lowerarm")
        wrist_x, shoulder_x = body.head_of("wrist.L")[0], body.head_of("upperarm01.L")[0]
        sleeve = arm & (x < shoulder_x + outfit.sleeve * (wrist_x - shoulder_x) * 0.97)
        seat = ("upperleg01",) if outfit.jacket else ()
        trunk = moved_by("spine", "clavicle", "shoulder", "root", "pelvis", "breast", *seat) & (z > hem)
        collar = body.head_of("neck01")[2] + 0.02
        self.shirt = (trunk & (z < collar)) | sleeve
        self.trousers = (moved_by("upperleg", "lowerleg", "pelvis", "root", "spine") & ~self.shirt) & (z < hem + 0.1)
        self.shoes = moved_by("foot", "toe") | (moved_by("lowerleg02") & (z < body.head_of("foot.L")[2] + 0.04))
        self.gloves = moved_by("wrist", "finger", "metacarpal")
        self.vest = trunk & (z < collar - 0.02) & (x < shoulder_x * 0.98)
        waist = body.head_of("spine05")[2]
        self.back_support = trunk & (np.abs(z - waist - 0.05) < 0.10)
        nape = body.head_of("neck01")
        self.hood = np.exp(-((x / 0.11) ** 2) - ((z - nape[2] + 0.04) / 0.09) ** 2) * (self.shirt & (y > nape[1]))
        chest = body.head_of("spine02")[2]
        band = (np.abs(z - chest) < 0.03) | (np.abs(z - chest + 0.14) < 0.03)
        self.stripes = self.vest & band if outfit.vest else np.zeros(len(names), bool)
        self.eyes = moved_by("eye")
        head = moved_by("head", "neck03")
        top, front, back = z[head].max(), y[head].min(), y[head].max()
        chin = body.head_of("head")[2] - 0.05
        up, behind = (z - chin) / (top - chin), (y - front) / (back - front)
        self.hair = (
            head & ~self.eyes & ((up > 0.86) | ((behind > 0.52) & (up > 0.30)) | ((behind > 0.4) & (up > 0.6)))
        )
        if outfit.long_hair:
            neck = moved_by("neck", "spine01") & (z > nape[2] - 0.10) & (x < 0.09)
            self.hair |= (head | neck) & (y > nape[1] + 0.02) & (z > nape[2] - 0.10)
        self.helmet = head & (up > 0.76)
        self.lips = head & (np.abs(up - 0.22) < 0.03) & (behind < 0.2) & (x < 0.026)
