"""What mkdocs does differently here: pages are built from where they lie in the repository, none is copied.

On the site every file keeps its place in the repository, so a link that leads somewhere there leads somewhere here;
only the addresses are shorter. mkdocs-gen-files and mkdocs-same-dir were looked at: the one writes copies whose links
must then be rewritten, the other takes the whole repository for pages, environments included.
"""

import re
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[2]
BESIDE_DOCS: Final = (
    "*.md", "LICENSE", "configs/*.yaml", "deploy/**/*.md", "edge_agent/agent.py", "grafana/**/*.md", "models/**/*.md",
)  # fmt: skip
"""Pages outside docs/, and files that pages link to. One more is one pattern more, and its place in mkdocs.yml."""

FOUND_FIRST: Final = {"docs/configuration.md": 4, "docs/metrics.md": 2, "DESIGN.md": 0.3, "CHANGELOG.md": 0.3}
"""How much a page weighs in the search, where it is not 1: what a word means comes before how it came about."""

_FLOWCHART: Final = re.compile(r"^```mermaid\n.*?^```$", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Every file under its place in the repository; the theme's own stay."""
    for file in [each for each in files if each.src_dir == config.docs_dir]:
        files.remove(file)
        files.append(_file(f"docs/{file.src_uri}", config))
    for pattern in BESIDE_DOCS:
        for path in sorted(ROOT.glob(pattern)):
            files.append(_file(path.relative_to(ROOT).as_posix(), config))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """What the search makes of the page. A flow chart would take a script from elsewhere to draw."""
    page.meta["search"] = {"boost": FOUND_FIRST.get(page.file.src_uri, 1)}
    if _FLOWCHART.search(markdown):
        raise PluginError(f"{page.file.src_uri} has a mermaid chart: draw it in scripts/docs/chain.py instead")
    return markdown


def _file(place: str, config: MkDocsConfig) -> File:
    short = "readme.md" if place == "README.md" else place.removeprefix("docs/")
    address = File(short, str(ROOT), config.site_dir, config.use_directory_urls).dest_uri
    return File(place, str(ROOT), config.site_dir, config.use_directory_urls, dest_uri=address)
