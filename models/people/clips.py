"""Whole video clips for evaluation, with exact labels: seeded, resumable.

    python clips.py OUT_FOLDER --clips 60 --seed 901 [--kind KIND] [--width 640 --height 360]

`lifts`: one person, two to four lifts of any technique. `movement`: anything but lifts. `crowd`: three people
who cross each other's ways while some of them lift. `form`: lifts with staggered feet and leaning back at the top.
`shift`: one person who lifts every twenty seconds and walks and stands about in between, for benchmarks.
`OUT_FOLDER/labels.json` says what happens in every clip.
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import casting
import cv2
import numpy as np
from casting import FPS, KINDS, SIZES, Actor, Clip
from clothing import Outfit
from cores import on_each_core
from film import Film, encode
from hall import NOTHING
from motion import Lift, Timed, load_point
from render import Renderer
from stage import Skin, Stage

LEAST_VISIBLE = 0.4  # of a lifter at the bottom
DETAIL_PX = 0.6  # vertices closer than this in the picture are drawn as one
VIEWS = ((30.0, "side"), (65.0, "oblique"), (91.0, "end"))


@dataclass
class Developed:
    """Turns renderings into the pictures of one camera: sharpness, tone, noise that differs in every frame."""

    film: Film
    rng: np.random.Generator
    size: tuple[int, int]

    def __post_init__(self) -> None:
        width, height = self.size
        grain = self.rng.standard_normal((height + 64, width + 64, 1 if self.film.grey else 3), np.float32)
        self.tone = (np.arange(256) * self.film.gain + self.film.offset).round().astype(np.int16)
        self.grain = np.round(grain * self.film.noise).astype(np.int16)

    def picture(self, image: np.ndarray) -> np.ndarray:
        """One frame (H, W, 3) as this camera takes it."""
        film, (width, height) = self.film, self.size
        if film.blur:
            image = cv2.GaussianBlur(image, (0, 0), film.blur * height / 720)
        if film.grey:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        toned = self.tone[image]
        x, y = self.rng.integers(0, 64, 2)
        return np.clip(toned + self.grain[y : y + height, x : x + width], 0, 255).astype(np.uint8)


def staged(clip: Clip, renderer: Renderer) -> tuple[Stage, Clip]:
    """A clip ready to be drawn; what hides too much of somebody who lifts is taken away."""
    camera, (_, rows) = clip.camera, clip.obstacle
    stage = Stage(renderer, camera, clip.light, np.concatenate([clip.hall, rows]))
    for actor in clip.actors:
        far = np.linalg.norm(camera.eye - actor.shown.path.at, axis=1).min()
        detail_m = float(np.clip(DETAIL_PX * far / camera.focal_px, 0.004, 0.013))
        stage.enter(Skin(actor.body, actor.look, detail_m), actor.shown)
    if clip.obstacle[0] != "none" and min(visible(clip, stage), default=1.0) < LEAST_VISIBLE:
        stage.leave()
        return staged(replace(clip, obstacle=NOTHING), renderer)
    return stage, clip


def visible(clip: Clip, stage: Stage) -> list[float]:
    """How much of each lifter is to be seen at the bottom of each lift."""
    return [
        stage.visible_share(actor.shown.frame_at(timed.bottom_s), who)
        for who, actor in enumerate(clip.actors)
        for timed in actor.shown.lifts
    ]


def render(clip: Clip, stage: Stage, rng: np.random.Generator, to: Path) -> None:
    """Draw every frame and pipe it to ffmpeg; the file appears only when it is whole."""
    part, size = to.with_suffix(".part.mp4"), (clip.camera.width, clip.camera.height)
    film = Developed(clip.film, rng, size)
    command = f"ffmpeg -y -loglevel error -f rawvideo -pix_fmt rgb24 -s {size[0]}x{size[1]} -r {FPS} -i -"
    command += f" -c:v libx264 -preset veryfast -threads 1 -crf {clip.crf} -pix_fmt yuv420p -map_metadata -1"
    encode(
        [*command.split(), str(part)],
        (film.picture(stage.exposed(i, clip.film.open_share)) for i in range(clip.frames)),
    )
    part.rename(to)


# --- labels ---------------------------------------------------------------------------------------------


def label(name: str, clip: Clip, shares: list[float]) -> dict:
    """What happens in a clip, in the form that the scorer reads, and under which conditions."""
    people = [_person(clip, actor, f"{name} {number}") for number, actor in enumerate(clip.actors, 1)]
    lifts = [lift for person in people for lift in person["lifts"]]
    for lift, share in zip(lifts, shares, strict=True):
        lift["conditions"]["visible_share"] = round(share, 2)
    first, camera = clip.actors[0], clip.camera
    turned = [lift["view_from_side_deg"] for lift in lifts] or [
        first.shown.path.place(i).view_from_side_deg(camera.eye) for i in range(clip.frames)
    ]
    far = float(np.median([np.linalg.norm(camera.eye - at - [0, 0, camera.target[2]]) for at in first.shown.path.at]))
    return {
        "view": next(name for limit, name in VIEWS if np.median(turned) < limit),
        "duration_s": round(clip.duration_s, 3),
        "people": people,
        "conditions": {
            "elevation_deg": round(float(np.degrees(np.arcsin((camera.eye[2] - camera.target[2]) / far))), 1),
            "distance_m": round(far, 2),
            "height_px": round(camera.focal_px * first.body.height_m / far),
            "occlusion": clip.obstacle[0],
            "background": "racks" if clip.racks else "other",
            "shutter_ms": round(1000 * clip.film.open_share / FPS),
            "kind": clip.kind,
            "crf": clip.crf,
        },
    }


def clothing(outfit: Outfit) -> dict[str, str]:
    """What somebody wears: the one word that matters most to the outline of the back, and what else changes it."""
    plain = "loose" if outfit.shirt_loose_m > 0.02 else "tight" if outfit.shirt_loose_m < 0.01 else "plain"
    head = "helmet" if outfit.helmet else "hood" if outfit.hood_m else "long hair" if outfit.long_hair else "bare"
    return {
        "clothing": "vest" if outfit.vest else "jacket" if outfit.jacket else plain,
        "head": head,
        "back_support": "worn" if outfit.back_support else "none",
    }


def _person(clip: Clip, actor: Actor, subject: str) -> dict:
    lifts = [_lift(clip, actor, timed) for timed in actor.shown.lifts]
    for lift, lean_deg in zip(lifts, actor.shown.leans_deg, strict=False):
        lift["conditions"] |= {
            "lean_back_deg": round(lean_deg, 1),
            "stagger_m": round(abs(actor.body.stance.stagger_m), 3),
        }
    middle = [_x(clip, actor, i) for i in range(clip.frames)]
    return {
        # Who is out of the picture most of the time, as somebody who only crosses it, is at its edge.
        "x": round(float(np.clip(np.median([lift["x"] for lift in lifts] or middle), 0, 1)), 3),
        "subject": subject,
        "lifts": lifts,
        "conditions": {**clothing(actor.outfit), "activities": ", ".join(done[0] for done in actor.done)},
    }


def _lift(clip: Clip, actor: Actor, timed: Timed) -> dict:
    lift, shown, i = timed.lift, actor.shown, actor.shown.frame_at(timed.bottom_s)
    place = shown.path.place(i)
    return {
        "start": round(timed.start_s, 3),
        "peak": round(timed.bottom_s, 3),
        "end": round(timed.end_s, 3),
        "technique": lift.technique,
        "spine_flexion_deg": round(lift.spine_deg, 1),
        "trunk_inclination_deg": round(lift.trunk_deg, 1),
        "knee_flexion_deg": round(float(actor.body.knee_deg(shown.joints)[i]), 1),
        "shin_inclination_deg": round(float(actor.body.shank_deg(shown.joints)[i]), 1),
        "view_from_side_deg": round(place.view_from_side_deg(clip.camera.eye), 1),
        "x": round(_x(clip, actor, i), 3),
        "conditions": {
            "legs": lift.legs,
            "load": _load(lift, clip.totes),
            "hands_m": round(float(load_point(actor.body, lift)[2]), 2),
        },
    }


def _load(lift: Lift, totes: bool) -> str:
    if lift.box == "none":
        return "none"
    return "low" if lift.carried_low else "tote" if totes else "box"


def _x(clip: Clip, actor: Actor, frame: int) -> float:
    at = clip.camera.project(actor.shown.path.at[frame] + [0.0, 0.0, 0.9])
    return float(at[0]) / clip.camera.width


# --- command line ---------------------------------------------------------------------------------------


def generate(folder: Path, kind: str, numbers: range, seed: int, size: tuple[int, int]) -> None:
    """Write the clips that are not there yet, one on each core; a clip is labelled once it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "labels.json"
    labels = json.loads(file.read_text()) if file.exists() else {}
    names = {f"{kind}{seed}-{number:03d}": number for number in numbers}
    missing = {name: number for name, number in names.items() if name not in labels}
    videos = [folder / f"{name}.mp4" for name in missing]
    drawn = on_each_core(partial(draw, kind, seed, size), missing.values(), videos)
    for name, (told, spent_ms) in zip(missing, drawn, strict=True):
        labels[name] = told
        file.with_suffix(".part").write_text(json.dumps(dict(sorted(labels.items())), indent=1) + "\n")
        file.with_suffix(".part").rename(file)
        done, length_s = sum(name in labels for name in names), told["duration_s"]
        print(f"{done}/{len(names)}  {name}  {length_s:4.1f} s  {spent_ms:3.0f} cpu-ms/frame", flush=True)


def draw(kind: str, seed: int, size: tuple[int, int], number: int, video: Path) -> tuple[dict, float]:
    """Write one clip; its labels, and what a frame of it cost, CPU ms."""
    begun_s = time.process_time()
    clip, rng = casting.cast(kind, seed, number, size)
    stage, clip = staged(clip, renderer_of(size))
    render(clip, stage, rng, video)
    labels = label(video.stem, clip, visible(clip, stage))
    stage.leave()
    return labels, 1000 * (time.process_time() - begun_s) / clip.frames


@cache
def renderer_of(size: tuple[int, int]) -> Renderer:
    """This process's renderer."""
    return Renderer(*size, samples=4, shadow_size=1024)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--seed", type=int, default=901)
    parser.add_argument("--kind", choices=KINDS, default="lifts")
    parser.add_argument("--width", type=int, help="pixels; 640 for one person, 1280 for a crowd")
    parser.add_argument("--height", type=int)
    args = parser.parse_args()
    width, height = SIZES[args.kind]
    size = args.width or width, args.height or height
    generate(args.folder, args.kind, range(args.clips), args.seed, size)


if __name__ == "__main__":
    main()
