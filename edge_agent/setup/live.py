"""What the page asks for a few times a second: lines, numbers and words about the cameras, never a picture."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edge_agent.camera import redact
from edge_agent.core.light import Light
from edge_agent.core.placement import Placement
from edge_agent.core.records import View
from edge_agent.setup.watch import Aim, Aims

_VIEWS: Mapping[View, str] = {"side": "the side", "oblique": "obliquely", "end": "front or back"}


def live_of(aims: Aims, name: str) -> dict[str, Any]:
    """One camera's people and placement, and how all cameras are."""
    aim = aims.cameras[name]
    return {
        "size_px": aim.size_px,
        "bodies": [asdict(body) for body in aim.bodies],
        "advice": aim.placement.advice(),
        "figures": _figures(aim.placement),
        "picture_s": aim.shutter.left_s,
        "cameras": [_health(each, aims.device) for each in aims.cameras.values()],
    }


def _figures(placement: Placement) -> list[tuple[str, str]]:
    """Name and value of each number behind the advice."""
    height_px, looks = placement.height_px, placement.looks
    views = [f"{count} from {_VIEWS[view]}" if view != "oblique" else f"{count} {_VIEWS[view]}"
             for view, count in placement.views.most_common()]  # fmt: skip
    untold = [f"{count} {word.replace('_', ' ')}" for word, count in placement.untold.most_common()]
    return [
        ("Looks with somebody in them", f"{placement.occupied} of {looks}"),
        ("Height of people standing", "–" if height_px is None else f"{height_px:.0f} of {placement.picture_px} px"),
        ("Grey levels", _lit(placement.light)),
        ("Bends seen", ", ".join([str(placement.bends), *views])),
        ("Bends that could not be told", ", ".join([str(placement.untold.total()), *untold])),
    ]


def _lit(light: Light) -> str:
    return "–" if light.levels is None else f"{light.levels:.0f} of 256, noise {light.noise:.1f}"


def _health(aim: Aim, device: str) -> tuple[str, str, str, str]:
    """Name, state, source, and how it works or why it does not."""
    state = aim.camera.state
    why = aim.camera.why_down or aim.camera.error or aim.trouble
    if state == "up" and not aim.trouble:
        width, height = aim.size_px
        work = f"{width} × {height} px, {aim.rate_hz:.1f} looks a second, {aim.look_ms:.0f} ms each, on {device}"
    else:
        work = f"{why.what}: {why.fix}" if why else "–"
    return aim.name, state, redact(aim.settings.source), work
