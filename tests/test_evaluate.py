"""Labelled clips in, figures and a page out: the real program on the project's own clip, and pages made by hand."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from edge_agent.core.scoring import ScoredClip, score
from edge_agent.evaluation import Evaluation, LeftOut
from edge_agent.evaluation_report import MOST_ROWS, write_evaluation_report
from tests.demo_clip import DEMO_CLIP, true_lifts
from tests.demo_day import PROGRAM
from tests.labelled import clip, done, scored, told


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=180, check=False)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Any, str]:
    """The demo clip with its exact truth, between a clip that is missing and one that was cut off."""
    folder = tmp_path_factory.mktemp("evaluated")
    truth = json.loads(DEMO_CLIP.with_suffix(".truth.json").read_text())
    (folder / "demo.mp4").symlink_to(DEMO_CLIP)
    (folder / "half.mp4").write_bytes(DEMO_CLIP.read_bytes()[: DEMO_CLIP.stat().st_size // 8])
    labels = {"gone": truth["demo"], **truth, "half": truth["demo"]}
    (folder / "labels.json").write_text(json.dumps(labels))
    page = folder / "page.html"
    said = run("evaluate", folder / "labels.json", folder, "--json", "-", "--report", page)
    return said, json.loads(said.stdout), page.read_text()


def test_every_lift_of_the_demo_clip_is_found_and_judged_rightly(
    evaluated: tuple[subprocess.CompletedProcess[str], Any, str],
) -> None:
    _, account, _ = evaluated
    lifts = len(true_lifts())
    figures = account["figures"]
    assert account["schema"] == "hingewatch.evaluation/1"
    for name in ("recall", "precision", "coverage", "technique_accuracy"):
        assert (figures[name]["part"], figures[name]["whole"]) == (lifts, lifts), name
    assert figures["macro_f1"] == 1
    assert figures["false_lifts"]["count"] == 0
    assert figures["false_lifts"]["watched_s"] == pytest.approx(26, abs=0.1)
    assert set(account["by"]) == {"technique", "view", "view_from_side_deg"}


def test_each_found_lift_has_a_row_to_compute_everything_again(
    evaluated: tuple[subprocess.CompletedProcess[str], Any, str],
) -> None:
    _, account, _ = evaluated
    rows, figures = account["lifts"], account["figures"]
    assert len(rows) == len(true_lifts())
    assert {row["clip"] for row in rows} == {"demo"}
    errors = [row["told_spine_flexion_deg"] - row["spine_flexion_deg"] for row in rows]
    assert figures["spine_flexion_deg"]["mae"] == pytest.approx(sum(map(abs, errors)) / len(rows), abs=1e-3)
    starts = [abs(row["start_error_s"]) for row in rows]
    assert figures["start_s"]["mae"] == pytest.approx(sum(starts) / len(rows), abs=1e-3)
    assert all(row["conditions"]["view"] == "side" and 0 < row["confidence"] <= 1 for row in rows)


def test_clips_that_cannot_be_read_are_named_and_fail_the_command_in_the_end(
    evaluated: tuple[subprocess.CompletedProcess[str], Any, str],
) -> None:
    said, account, page = evaluated
    assert said.returncode == 1
    assert "error: 2 of 3 clips could not be evaluated: gone, half" in said.stderr
    assert "Traceback" not in said.stderr
    assert [clip["clip"] for clip in account["left_out"]] == ["gone", "half"]
    assert account["clips"] == {
        "labelled": 3, "evaluated": 1, "rendered": 1, "real": 0, "without_lifts": 0, "subjects": 0,
    }  # fmt: skip
    assert "Left out: <b>half</b>" in page


def test_the_terminal_shows_figures_with_counts_and_intervals(
    evaluated: tuple[subprocess.CompletedProcess[str], Any, str],
) -> None:
    said, _, _ = evaluated
    assert re.search(r"Lifts found +100\.0% +5 of 5 +56\.6 – 100\.0%", said.stderr)
    assert re.search(r"rounded back +· +· +1 +· +·", said.stderr)


def test_labels_are_never_overwritten(tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text('{"a": {"technique": null, "view": "side", "lifts": []}}')
    said = run("evaluate", labels, tmp_path, "--json", labels)
    assert said.returncode == 2
    assert "is the input itself" in said.stderr


def page_of(folder: Path, *clips: ScoredClip, left_out: tuple[LeftOut, ...] = ()) -> str:
    path = folder / "page.html"
    write_evaluation_report(path, Evaluation("site <b>&</b>.json", "full", clips, left_out))
    return path.read_text()


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<body>") :]).split())


def test_the_page_is_well_formed_stands_alone_and_lets_no_label_become_markup(tmp_path: Path) -> None:
    wild = {"clothing": "<i>vest", "distance_<b>": 3.0}
    lift = done(5, "half <u>way", spine_flexion_deg=30.0, exact=True, conditions=wild)
    judged = done(15, "squat", spine_flexion_deg=5.0, exact=True, conditions=wild)
    said = [told(5, spine_flexion_deg=28.0), told(15, spine_flexion_deg=9.0), told(25)]
    one = score(clip(lift, judged, done(35), name="<clip>", conditions=wild), said, 60.0)
    page = page_of(tmp_path, one, left_out=(LeftOut("<gone>", "is & was", "look"),))
    assert "<script" not in page
    assert not re.search(r"""(src|href|@import|url\()\s*=?""", page)
    body = page[page.index("<body>") : page.index("</html>")]
    tree = ElementTree.fromstring(body.replace("&#160;", " "))
    for name in ("Told against true spine flexion", "Errors of start and end"):
        assert tree.find(f".//svg[@role='img'][@aria-label='{name}']") is not None
    assert not tree.findall(".//i")
    assert not tree.findall(".//u")


def test_the_page_says_what_its_figures_do_not_reach(tmp_path: Path) -> None:
    cut_off, unclear = done(1, partial=True), done(25, "borderline")
    busy = clip(cut_off, done(5), done(15), unclear, subjects=frozenset({"one"}))
    seen = score(busy, [told(5, "unknown"), told(15), told(25)], 60.0)
    still = score(clip(name="walking", rendered=True), [], 300.0)
    said = text_of(page_of(tmp_path, seen, still))
    for sentence in (
        "Clips of simulated people: 1 . Clips of real people: 1 .",
        "Both kinds are mixed in every figure here",
        "Different people named by the labels ( subject ): 1 .",
        "Whom they show is not said of 1 of 2 clips",
        "none of hinge, squat, rounded_back: 1 borderline.",
        "Told as “unknown”: 1 found lift.",
        "Cut off by their clip's start or end: 1 labelled lift. They need not be found; 0 of them were",
        "angles not compared: 3 found lifts.",
        "too coarse to time by: 3 found lifts.",
        "Movement without any lift: 5 min 00 s in 1 clip. That is less than an hour",
    ):
        assert sentence in said, sentence


def test_a_page_about_nothing_is_a_page(tmp_path: Path) -> None:
    said = text_of(page_of(tmp_path, left_out=(LeftOut("gone", "does not exist", "check the path"),)))
    assert "Lifts found – 0 of 0" in said
    assert "Left out: gone : does not exist." in said


def test_wrong_missed_and_false_lifts_are_listed_but_not_without_end(tmp_path: Path) -> None:
    wrong = scored(*[("hinge", "squat")] * (MOST_ROWS + 7), name="long day")
    page = page_of(tmp_path, wrong)
    assert page.count("<td>long day</td>") == MOST_ROWS
    assert "7 more are in the JSON" in page
    few = page_of(tmp_path, score(clip(done(5), name="dock"), [told(25, "squat")], 60.0))
    assert "dock 0:05.0 Hinge Not found – dock 0:25.0 No lift happened Squat 90.0%" in text_of(few)
    assert "Worth a look" not in page_of(tmp_path, scored(("hinge", "hinge")))
