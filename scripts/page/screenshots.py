"""Draw the pictures of docs/page.md and docs/report.md: `.venv/bin/python -m scripts.page.screenshots`.

Needs `make setup-test`. A made-up site's four weeks go through a real broker and bridge, and two weeks of another
into a real Prometheus; Chromium shows what the bridge serves and the command writes. It is always the same evening,
so that the pictures change only when the pages do.
"""

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from unittest.mock import patch
from zoneinfo import ZoneInfo

from playwright.sync_api import Browser

from edge_agent.period_report import Wanted, write_period_report
from edge_agent.settings import BridgeSettings
from tests.browser import SIZES, chromium
from tests.counter_history import Bridge as History
from tests.counter_history import lifts_of, machines, write_history
from tests.prometheus import prometheus
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
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        report(browser, Path(scratch), folder)


def report(browser: Browser, scratch: Path, folder: Path) -> None:
    """A shift and a week out of a real Prometheus."""
    end_s = int(datetime(2026, 11, 26, tzinfo=UTC).timestamp())
    begin_s = end_s - 15 * 86_400
    write_history(scratch, lifts_of(begin_s, end_s), [History("bridge:9109", begin_s)], (begin_s, end_s),
                  machines(end_s - 86_400))  # fmt: skip
    with prometheus(scratch, retention="10y") as server:
        for name, start, end in (
            ("shift", "2026-11-25T06:00", "2026-11-25T14:00"),
            ("week", "2026-11-19", "2026-11-26"),
        ):
            page = scratch / f"{name}.html"
            write_period_report(Wanted(server.url, start, end, page), BridgeSettings(), None)
            text = page.read_text().replace(server.url, "http://prometheus:9090")  # else each run draws another port
            page.write_text(text)
            shoot(browser, page.as_uri(), "laptop", folder / f"report-{name}.png")


def shoot(browser: Browser, url: str, size: str, path: Path, scheme: Literal["light", "dark"] = "light") -> None:
    """The whole page, as long as it is."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    page.goto(url)
    page.screenshot(path=path, full_page=True)
    page.close()


if __name__ == "__main__":
    main()
