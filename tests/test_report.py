"""The report is one page that needs nothing else, says why, and never lets a file's name become markup."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from edge_agent.errors import InputError
from edge_agent.report import MAX_BINS, PersonSeries, write_report

LIFT: dict[str, Any] = {
    "person": 0,
    "start_s": 1.0,
    "peak_s": 2.0,
    "end_s": 3.0,
    "center_x": 0.5,
    "technique": "rounded_back",
    "confidence": 0.93,
    "view": "oblique",
    "view_from_side_deg": 38,
    "trunk_inclination_deg": 68.0,
    "spine_flexion_deg": 48.0,
    "knee_flexion_deg": None,
    "reasons": ["The back's outline <bulges> by 48°"],
}


def analysis(*lifts: dict[str, Any], duration_s: float = 10.0) -> dict[str, Any]:
    return {
        "schema": "hingewatch.analysis/1",
        "video": "dock <script>alert(1)</script> & co.mp4",
        "duration_s": duration_s,
        "fps": 15.0,
        "frames": int(15 * duration_s),
        "people": 1,
        "lifts": list(lifts),
    }


def flat(count: int, gap: range = range(0)) -> PersonSeries:
    """Ten degrees throughout; the spine is not seen in the gap."""
    angles: list[float | None] = [10.0] * count
    spine = [None if index in gap else 10.0 for index in range(count)]
    return PersonSeries([index / 15 for index in range(count)], angles, angles, spine)


def written(tmp_path: Path, content: dict[str, Any], *people: PersonSeries) -> str:
    path = tmp_path / "report.html"
    write_report(path, content, dict(enumerate(people)))
    return path.read_text(encoding="utf-8")


def curves(page: str) -> list[list[tuple[float, float]]]:
    lines = re.findall(r'<polyline class="curve" points="([^"]+)"', page)
    return [[tuple(map(float, point.split(","))) for point in line.split()] for line in lines]  # type: ignore[misc]


def test_each_lift_is_shaded_labelled_and_explained(tmp_path: Path) -> None:
    page = written(tmp_path, analysis(LIFT, LIFT | {"technique": "squat", "start_s": 5, "end_s": 8}), flat(150))
    assert page.count('class="wash"') == 2
    assert ">1 Rounded back</text>" in page
    assert ">2 Squat</text>" in page
    assert "The back&#x27;s outline &lt;bulges&gt; by 48°" in page
    for cell in ("93%", "68°", "48°", "–", "oblique, 38°", "0:01.0 – 0:03.0"):
        assert f">{cell}</td>" in page
    assert "<h2>Person 0</h2>" in page  # the number that JSON, terminal and video give
    assert page.count("<td>0</td>") == 2
    assert "2 lifts · 1 person · 0:10.0 · 15 frames per second" in page


def test_the_page_is_well_formed_and_needs_nothing_else(tmp_path: Path) -> None:
    page = written(tmp_path, analysis(LIFT), flat(150), flat(0))
    assert "<script" not in page
    assert not re.search(r"""(src|href|@import|url\()\s*=?""", page)
    body = page[page.index("<body>") : page.index("</html>")]
    tree = ElementTree.fromstring(body)
    assert len(tree.findall(".//svg[@role='img'][@aria-label]")) == 2


def test_what_was_not_seen_is_a_gap_not_a_line(tmp_path: Path) -> None:
    page = written(tmp_path, analysis(LIFT), flat(150, gap=range(50, 80)))
    assert len(curves(page)) == 2 + 2  # trunk, knee, and the spine in two pieces
    assert "Spine flexion – not seen" in written(tmp_path, analysis(LIFT), flat(150, gap=range(150)))


def test_an_hour_is_thinned_out_but_keeps_every_peak(tmp_path: Path) -> None:
    series = flat(54_000)
    series.trunk_inclination_deg[31_007] = 85.0
    page = written(tmp_path, analysis(LIFT, duration_s=3600), series)
    trunk = curves(page)[0]
    assert len(trunk) <= 2 * MAX_BINS + 2
    (peak,) = [x for x, y in trunk if y == min(y for _, y in trunk)]
    assert peak == pytest.approx(40 + 31_007 / 54_000 * 910, abs=1)
    assert len(page) < 100_000


def test_without_a_lift_the_page_says_so(tmp_path: Path) -> None:
    page = written(tmp_path, analysis())
    assert "No lift was found" in page
    assert "<table" not in page


def test_a_folder_that_does_not_exist_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot write"):
        write_report(tmp_path / "no" / "report.html", analysis(), {})
