"""Draw the pictures of docs/setup-page.md: `.venv/bin/python -m scripts.page.setup`.

Needs `make setup-test`. The demo clip, whose people are simulated, goes through the real networks three times; then
it stands still, and Chromium shows the page with a zone being drawn, and with the picture switched on.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from playwright.sync_api import Page, expect

from edge_agent.camera import Camera
from edge_agent.core.records import Frame
from edge_agent.pose.eyes import Eyes
from edge_agent.settings import PoseSettings
from edge_agent.setup.listening import Listening
from edge_agent.setup.server import SetupServer
from edge_agent.setup.site_file import SiteFile
from edge_agent.setup.watch import Aims
from tests.browser import SIZES, chromium
from tests.demo_clip import demo_frames
from tests.setup_site import Clock

FOLDER = Path("docs/page")
SITE = """\
site: leeds
cameras:
  - name: dock-3
    source: rtsp://viewer:${DOCK_3_PASSWORD}@192.0.2.10/stream1
    zones:
      - {name: pallet-line, workers: 6, polygon: [[0.03, 0.55], [0.46, 0.55], [0.46, 0.97], [0.03, 0.97]]}
    masks:
      - [[0.82, 0.0], [1.0, 0.0], [1.0, 0.3], [0.82, 0.3]]
"""
PLAYS, GAP_S, STILL_S = 3, 3.0, 12.3
"""At the end somebody is bent."""


def main() -> None:
    """Write them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, patch.object(Camera, "state", "up"), chromium() as browser:
        path = Path(scratch) / "site.yaml"
        path.write_text(SITE)
        file, clock = SiteFile(path, {"DOCK_3_PASSWORD": ""}), Clock()
        aims = Aims(file.read().settings, Eyes(PoseSettings()), clock)
        watch(aims)
        with Listening(SetupServer(file, aims, clock.now_s + 3600, clock), 0) as address:
            width, height = SIZES["laptop"]
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(address)
            expect(page.locator("#people .feet").first).to_be_attached()
            draw(page)
            shoot(page, folder / "setup-lines.png")
            aims.cameras["dock-3"].shutter.open()
            aims.cameras["dock-3"].look(still())
            clock.now_s += 7
            page.reload()
            expect(page.locator("#picture image")).to_have_count(1)
            page.wait_for_timeout(1000)  # the picture is loaded anew a few times a second: let one be there
            shoot(page, folder / "setup-picture.png")


def watch(aims: Aims) -> None:
    """As if the camera had been watched for a minute."""
    for frame in plays():
        aims.cameras["dock-3"].look(frame)


def plays() -> Iterator[Frame]:
    """The clip again and again, the last time as far as it stands still."""
    begin_s = last_s = 0.0
    for play in range(PLAYS):
        for frame in demo_frames(STILL_S if play == PLAYS - 1 else float("inf")):
            last_s = begin_s + frame.time_s
            yield replace(frame, time_s=last_s)
        begin_s = last_s + GAP_S


def still() -> Frame:
    """The last frame once more."""
    *_, last = plays()
    return last


def draw(page: Page) -> None:
    """A second zone, not saved yet."""
    page.click("#add-zones")
    box = page.locator("#floor").bounding_box()
    assert box is not None
    for x, y in ((0.56, 0.56), (0.95, 0.56), (0.97, 0.95), (0.54, 0.95)):
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    page.fill("#zones-1-name", "packing")


def shoot(page: Page, path: Path) -> None:
    """Down to where each run has figures of its own: how fast this machine is."""
    page.evaluate(
        "document.querySelector('.facts').firstChild.textContent = '/etc/hingewatch/site.yaml · '; scrollTo(0, 0)"
    )
    box = page.locator("#health").bounding_box()
    assert box is not None
    clip = {"x": 0, "y": 0, "width": SIZES["laptop"][0], "height": box["y"] - 4}
    page.screenshot(path=path, full_page=True, clip=clip)


if __name__ == "__main__":
    main()
