"""Draws docs/pictures: `.venv/bin/python -m scripts.docs.pictures`. ``tests/test_docs_site.py`` compares."""

from collections.abc import Callable, Mapping
from typing import Final

from scripts.docs import chain, in_the_picture, placement
from scripts.docs.drawing import Picture
from scripts.docs.measured import ROOT

FOLDER: Final = ROOT / "docs/pictures"
DRAWN: Final[Mapping[str, Callable[[], Picture]]] = {
    "architecture.svg": chain.architecture,
    "trust.svg": chain.trust,
    "alert-at-night.svg": chain.alert_at_night,
    "view-from-above.svg": placement.view_from_above,
    "what-the-camera-sees.svg": placement.what_the_camera_sees,
    "height-and-distance.svg": placement.height_and_distance,
    "size-in-the-picture.svg": in_the_picture.size_in_the_picture,
    "nothing-in-the-way.svg": in_the_picture.nothing_in_the_way,
    "zones-and-masks.svg": in_the_picture.zones_and_masks,
}


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, draw in DRAWN.items():
        (FOLDER / name).write_text(draw().svg, encoding="utf-8")
