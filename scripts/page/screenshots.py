"""Draw the pictures of docs/page.md: `.venv/bin/python -m scripts.page.screenshots` (needs `make setup-test`).

A made-up site's four weeks go through a real broker and bridge; Chromium shows what the bridge then serves. It is
always the same evening, so that the pictures change only when the page does.
"""

import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Literal
from unittest.mock import patch
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser

from tests.browser import SIZES, chromium
from tests.site_history import as_if_counted_for_long, known_lifts, publish, running_site

FOLDER = Path("docs/page")
EVENING = datetime(2026, 11, 26, 19, 40, tzinfo=ZoneInfo("Europe/London"))


def main() -> None:
    """Write them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (
        patch("time.time", EVENING.timestamp),
        tempfile.TemporaryDirectory() as scratch,
        running_site(Path(scratch)) as (bridge, agent),
        chromium() as browser,
    ):
        publish(agent, known_lifts(EVENING), bridge.port)
        as_if_counted_for_long(bridge, EVENING.timestamp())
        for size in SIZES:
            shoot(browser, f"http://127.0.0.1:{bridge.port}/", size, folder / f"overview-{size}.png")
        shoot(browser, f"http://127.0.0.1:{bridge.port}/", "laptop", folder / "overview-dark.png", "dark")


def shoot(browser: Browser, url: str, size: str, path: Path, scheme: Literal["light", "dark"] = "light") -> None:
    """The whole page, as long as it is."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(url)
    page.screenshot(path=path, full_page=True)
    page.close()


if __name__ == "__main__":
    main()
