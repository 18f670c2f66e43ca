"""What every page we write shares: one self-contained HTML file, nothing loaded from anywhere."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from edge_agent.output import write_text

LABELS: Final = {"hinge": "Hinge", "squat": "Squat", "rounded_back": "Rounded back", "unknown": "Unknown"}
"""The techniques' names for people."""


@dataclass(frozen=True, slots=True)
class Page:
    """``title`` and ``heading`` are plain text and are escaped; the rest is HTML. ``styles``: files in ``web/``.

    script: a file in ``web/`` that runs in the page; none in what is written to a file. head: more of the head.
    """

    title: str
    eyebrow: str
    heading: str
    facts: str
    main: str
    footer: str
    styles: tuple[str, ...] = ("report.css",)
    script: str | None = None
    head: str = ""

    @property
    def policy(self) -> str:
        """A Content-Security-Policy under which this page's own style and script run, and nothing else."""
        own = [f"style-src {_hash(self._style)}"]
        if self.script:
            own += [f"script-src {_hash(_asset(self.script))}", "connect-src 'self'"]
        closed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        return "; ".join((closed, *own))

    @property
    def _style(self) -> str:
        return "\n" + "".join(map(_asset, self.styles))

    @property
    def html(self) -> str:
        """The whole file."""
        script = f"<script>{_asset(self.script)}</script>\n" if self.script else ""
        return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(self.title)}</title>
<style>{self._style}</style>
{self.head}</head>
<body>
<header>
<p class="eyebrow">{self.eyebrow}</p>
<h1>{escape(self.heading)}</h1>
<p class="facts">{self.facts}</p>
</header>
<main>
{self.main}
</main>
<footer>
{self.footer}
</footer>
{script}</body>
</html>
"""


def _asset(name: str) -> str:
    return files("edge_agent").joinpath("web", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def write_page(path: Path, page: Page) -> None:
    """Write it. Raises InputError if the file cannot be written."""
    write_text(page.html, path)


def svg(width: int, height: int, summary: str, drawn: str) -> str:
    """A picture inside the page; ``summary`` (plain text) is what a screen reader says of it."""
    return f"""<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(summary)}">
{drawn}</svg>"""


def degrees(angle_deg: float | None) -> str:
    """Whole degrees, – where there is none."""
    return "–" if angle_deg is None else f"{angle_deg:.0f}°"


def clock(time_s: float) -> str:
    """Minutes and seconds."""
    minutes, seconds = divmod(round(time_s, 1), 60)
    return f"{minutes:.0f}:{seconds:04.1f}"
