"""Draws the dashboards: ``python -m scripts.dashboards.render [--url URL --site SITE --zone ZONE] [FOLDER]``.

Without an address: over months of a simulated company, as ``docs/dashboards`` shows them.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scripts.dashboards.ask import DAY_S, View, ask, dashboards, panels, questions
from scripts.dashboards.draw import drawn
from tests.dashboard_history import history

DOCS: Final = Path(__file__).parents[2] / "docs" / "dashboards"


def main() -> None:
    """Draw them all."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path, nargs="?", default=DOCS)
    words.add_argument("--url", help="a Prometheus that has the rules and lifts")
    words.add_argument("--site", default="site-2")
    words.add_argument("--zone", default="zone-4")
    given = words.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with _asked(given.url) as (url, end_s):
        for name in dashboards():
            site = given.site if name == "zone-detail" else ".*"
            chosen = {"site": site, "zone": given.zone, "utc_offset": "3600"}
            render(url, name, View(end_s, 90 * DAY_S, chosen), given.folder / f"{name}.png")


def render(url: str, name: str, view: View, file: Path) -> None:
    """One dashboard as a picture."""
    dashboard = dashboards()[name]
    answers = {
        panel["id"]: {question.ref: ask(url, question) for question in questions(panel, view)}
        for panel in panels(dashboard)
    }
    drawn(dashboard, answers).savefig(file, dpi=90)


@contextmanager
def _asked(url: str | None) -> Iterator[tuple[str, int]]:
    if url is not None:
        yield url, int(time.time())
        return
    with tempfile.TemporaryDirectory() as directory, history(Path(directory), zones=6, days=90) as running:
        yield running.url, running.end_s


if __name__ == "__main__":
    main()
