"""The page itself: one file of HTML, style and script; what moves in it is asked for by the script."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from edge_agent.page import Page


def setup_page(cameras: Sequence[str], file: Path, csrf: str) -> Page:
    """cameras: their names, in the order of the file."""
    options = "".join(f"<option>{escape(name)}</option>" for name in cameras)
    return Page(
        title="Hingewatch setup",
        eyebrow="Hingewatch setup",
        heading="Cameras, zones and masks",
        facts=f'{escape(str(file))} · <span id="left"></span>',
        main=_MAIN.replace("{options}", options),
        footer=_FOOTER,
        styles=("report.css", "figures.css", "setup.css"),
        script="setup.js",
        head=f'<meta name="csrf" content="{escape(csrf)}">\n',
    )


_FOOTER: Final = """<p>This page draws people as lines. It shows no picture unless you switch that on: small,
masked areas blank, faces coarse, for two minutes, with your user name in the log. Nothing of it is stored.</p>"""

_MAIN: Final = """<p id="said" role="status"></p>
<div id="parts">
<section id="view" aria-labelledby="view-h"><h2 id="view-h">What is seen</h2>
<p><label for="camera">Camera</label> <select id="camera">{options}</select>
<button type="button" id="show">Show the picture…</button> <b id="shown"></b></p>
<svg id="floor" role="img" aria-label="People as lines, zones and masks"><g id="picture"></g>
<g id="shapes"></g><g id="people"></g></svg>
<p id="hint" class="note"></p>
<ul id="who" class="reasons"></ul>
</section>
<section id="drawn" aria-labelledby="drawn-h"><h2 id="drawn-h">Zones and masks</h2>
<p class="note">A lift belongs to the zone in which the feet stand; where zones overlap, to the first. Masked areas
are blank to everything that looks. Corners are x y, from 0 0 at the top left to 1 1 at the bottom right.</p>
<div id="zones"></div>
<div id="masks"></div>
<ul id="weak" class="reasons" aria-label="What the settings would tell of few people"></ul>
<p class="buttons"><button type="button" id="add-zones">Draw a zone</button>
<button type="button" id="add-masks">Draw a mask</button>
<button type="button" id="undo">Undo</button> <button type="button" id="redo">Redo</button></p>
<p class="buttons"><button type="button" id="save">Save to the file</button>
<button type="button" id="restore">Restore the previous file</button>
<button type="button" id="reload">Load the file again</button></p>
</section>
<section id="placement" aria-labelledby="placement-h"><h2 id="placement-h">Is the camera well placed?</h2>
<div id="advice"></div>
<table><caption class="away">The figures behind this advice</caption>
<thead><tr><th scope="col">Since this page began</th><th scope="col">seen</th></tr></thead>
<tbody id="figures"></tbody></table>
</section>
<section id="health" aria-labelledby="health-h"><h2 id="health-h">All cameras</h2>
<table><caption class="away">State of all cameras</caption>
<thead><tr><th scope="col">Camera</th><th scope="col">state</th><th scope="col">source</th>
<th scope="col">at work</th></tr></thead><tbody id="cameras"></tbody></table>
</section>
</div>
<dialog id="ask" aria-labelledby="ask-h"><h2 id="ask-h">Show the picture for two minutes?</h2>
<p>Whoever stands before this camera will be seen here, small, with a coarse face. Tell them first. Your user name and
the camera are written to the log.</p>
<p class="buttons"><button type="button" id="yes">Show it</button>
<button type="button" id="no">Do not</button></p></dialog>"""
