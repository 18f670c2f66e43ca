"""The documentation as a site: whole, without dead links, and without a word to anybody else."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import SIZES, chromium
from tests.site_commands import ROOT, pages

MKDOCS = ROOT / "build/docs-venv/bin/mkdocs"
LOADING = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""What a browser fetches by itself. A link is followed by people only."""
ELSEWHERE = re.compile(r"^\s*(?:\w+:)?//")
STYLE_URL = re.compile(r"(?:url\(|@import\s+)[\"']?([^\"')\s]+)")


def build(project: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    command: list[str | Path] = [MKDOCS, "build", "--strict", "--site-dir", site]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Fetched(HTMLParser):
    """Addresses that a page has the browser fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "link" and given.get("rel") in {"canonical", "prev", "next"}:
            return
        self.addresses += [address] if (address := given.get(LOADING.get(tag, ""))) else []
        self.addresses += STYLE_URL.findall(given.get("style") or "")


def test_every_page_of_the_docs_is_in_the_navigation_once() -> None:
    written = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    written |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "grafana/runbooks").glob("*.md")}
    missing = written - set(pages())
    assert not missing, f"add a line to `nav` in mkdocs.yml for {missing}"
    assert len(pages()) == len(set(pages()))


def test_the_site_has_every_page_and_its_start(site: Path) -> None:
    assert len(list(site.rglob("*.html"))) == len(pages()) + 1, "404.html besides"
    assert "Hingewatch" in (site / "index.html").read_text(encoding="utf-8")
    assert "```" not in re.sub(r"(?s)<code.*?</code>", "", "".join(_texts(site, "*.html"))), "a fence that is none"


def test_what_is_wrong_with_a_page_stops_the_build_and_is_named(tmp_path: Path) -> None:
    for name in ("docs", "grafana", "deploy", "models", "scripts/docs", "configs", "edge_agent/assets"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for path in (*ROOT.glob("*.md"), ROOT / "LICENSE", ROOT / "mkdocs.yml", ROOT / "edge_agent/agent.py"):
        shutil.copy(path, tmp_path / path.relative_to(ROOT))
    with (tmp_path / "docs/index.md").open("a") as home:
        home.write("\n[gone](gone.md) [gone too](operations.md#gone-too)\n")
    (tmp_path / "docs/forgotten.md").write_text("# Forgotten\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    for told in ("gone.md", "#gone-too", "docs/forgotten.md"):
        assert told in done.stdout + done.stderr

    with (tmp_path / "docs/index.md").open("a") as home:
        home.write("\n```mermaid\nflowchart LR\n```\n")
    done = build(tmp_path, tmp_path / "site")
    assert "draw it in scripts/docs/chain.py" in done.stdout + done.stderr


def test_no_page_and_no_style_fetches_anything_from_elsewhere(site: Path) -> None:
    fetched = [address for text in _texts(site, "*.html") for address in Fetched(text).addresses]
    styles = [*_texts(site, "*.css"), *_texts(site, "*.svg")]
    fetched += [address for text in styles for address in STYLE_URL.findall(text)]
    assert len(fetched) > 100
    assert [address for address in fetched if ELSEWHERE.match(address)] == []
    assert Fetched('<script src="https://cdn.example/x.js"></script>').addresses == ["https://cdn.example/x.js"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


class Reader:
    """A page of a browser that notes what it asks for and what goes wrong."""

    def __init__(self, browser: Browser, size: str) -> None:
        width, height = SIZES[size]
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.asked: list[str] = []
        self.errors: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def close(self, site: Path) -> None:
        """Nothing went wrong, and nothing but the site's own files was asked for."""
        self.page.close()
        assert self.errors == []
        assert [url for url in self.asked if not url.startswith((site.as_uri(), "data:", "blob:", "about:"))] == []


@pytest.mark.parametrize("size", ["phone", "laptop"])
def test_pages_are_shown_without_a_server_or_an_error(browser: Browser, site: Path, size: str) -> None:
    reader = Reader(browser, size)
    for name in ("index", "camera-placement", "readme", "configuration", "grafana/runbooks/CameraDown"):
        reader.page.goto((site / f"{name}.html").as_uri())
        expect(reader.page.locator("h1")).to_be_visible()
        complete = "all => all.every(one => one.complete && one.naturalWidth > 0)"
        assert reader.page.locator("article img").evaluate_all(complete), f"a picture of {name} is missing"
        assert reader.page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), f"{name} is too wide"
    reader.close(site)


def test_a_settings_name_is_found_without_a_server(browser: Browser, site: Path) -> None:
    reader = Reader(browser, "laptop")
    reader.page.goto((site / "index.html").as_uri())
    reader.page.locator("input.md-search__input").click()
    reader.page.locator("input.md-search__input").press_sequentially("keep_acknowledged_s")
    expect(reader.page.locator(".md-search-result__item").first).to_contain_text("Configuration")
    reader.close(site)


def _texts(site: Path, pattern: str) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(site.rglob(pattern))]
