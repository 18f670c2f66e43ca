"""Dashboards as Grafana reads them: generated, complete, and answered by a real Prometheus with history."""

import itertools
import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isnan
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text

from edge_agent.core.figures import Share
from scripts.dashboards.ask import Question, View, ask, dashboards, panels, questions
from scripts.dashboards.draw import drawn
from scripts.dashboards.generate import DASHBOARDS, FOLDER, as_json
from scripts.dashboards.look import PALETTE
from scripts.dashboards.render import render
from scripts.dashboards.runbooks import runbook_url, runbooks
from tests.dashboard_history import History, history
from tests.prometheus import prometheus

DAY_S = 86_400
ALL = {(name, panel["title"]): panel for name, told in dashboards().items() for panel in panels(told)}
PANELS = pytest.mark.parametrize(("name", "title"), ALL, ids=lambda part: part)
FLAG = "Quality"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    with history(tmp_path_factory.mktemp("history")) as running:
        yield running


def view(company: History, site: str = ".*") -> View:
    chosen = {"site": site, "zone": company.zones[0], "utc_offset": "3600"}
    return View(company.end_s, company.days * DAY_S, chosen)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_committed_files_are_what_the_code_makes(name: str) -> None:
    assert (FOLDER / f"{name}.json").read_text() == as_json(DASHBOARDS[name]()), (
        "python -m scripts.dashboards.generate"
    )


def test_there_is_no_other_file() -> None:
    assert {path.stem for path in FOLDER.glob("*")} == set(DASHBOARDS)


@PANELS
def test_every_number_has_unit_words_for_nothing_and_a_way_on(name: str, title: str) -> None:
    panel = ALL[name, title]
    config = panel["fieldConfig"]
    assert len(panel["description"]) > 20
    assert config["defaults"]["noValue"]
    assert panel["links"][0]["url"] in {runbook_url(runbook) for runbook in runbooks()}
    set_units = {override["matcher"]["options"] for override in config["overrides"] if sets(override, "unit")}
    names = {target["refId"] for target in panel["targets"]} if "unit" not in config["defaults"] else set()
    columns = [
        step["options"]["renameByName"] for step in panel.get("transformations", []) if step["id"] == "organize"
    ]
    shown = {columns[0][f"Value #{ref}"] for ref in names} if columns and names else names
    assert shown <= set_units


def sets(override: dict[str, Any], what: str) -> bool:
    return what in {one["id"] for one in override["properties"]}


def refs(panel: dict[str, Any]) -> set[str]:
    return {target["refId"] for target in panel["targets"]}


def flagged(told: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Of each panel, whether it holds the flag, or the one on its right is nothing but the flag."""
    for panel, beside in itertools.zip_longest(panels(told), panels(told)[1:]):
        same_row = beside is not None and beside["gridPos"]["y"] == panel["gridPos"]["y"]
        yield panel["title"], FLAG in refs(panel) or (same_row and refs(beside) == {FLAG})


@pytest.mark.parametrize("name", dashboards())
def test_beside_every_number_stands_whether_to_believe_it(name: str) -> None:
    assert [title for title, is_flagged in flagged(dashboards()[name]) if not is_flagged] == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_colours_are_those_that_colour_blind_people_tell_apart(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text()
    assert set(re.findall(r"#[0-9A-Fa-f]{6}\b", text)) <= set(PALETTE)
    named = set(re.findall(r'"(?:color|fixedColor)": "(\w[^"]*)"', text))
    assert named <= {"text"}
    assert set(re.findall(r'"mode": "(continuous-\w+|palette-\w+)"', text)) <= {"continuous-blues"}


def answered(company: History, name: str, title: str, **chosen: str) -> Iterator[tuple[Question, list[Any]]]:
    site = company.sites[0] if name == "zone-detail" else ".*"
    for question in questions(ALL[name, title], view(company, **{"site": site, **chosen})):
        yield question, ask(company.url, question)


@PANELS
def test_every_query_finds_data_in_months_of_history(company: History, name: str, title: str) -> None:
    for question, answer in answered(company, name, title):
        assert answer, question
        assert not any(isnan(value) for series in answer for _, value in series.points), f"not a number: {question}"


def test_every_trend_goes_back_as_far_as_the_history(company: History) -> None:
    for (name, title), panel in ALL.items():
        if panel["type"] == "timeseries" and "timeFrom" not in panel:
            for question, answer in answered(company, name, title):
                days = [point[0] / DAY_S for series in answer for point in series.points]
                assert max(days) - min(days) >= company.days - 3, question


def test_every_choice_that_a_reader_has_is_there(company: History) -> None:
    for told in dashboards().values():
        for variable in told["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]).groups()  # type: ignore[union-attr]
                words = {"match[]": selector.replace("$site", company.sites[0]), "end": company.end_s, "start": 0}
                url = f"{company.url}/api/v1/label/{label}/values?{urllib.parse.urlencode(words)}"
                with urllib.request.urlopen(url) as reply:
                    values = json.load(reply)["data"]
                assert values == list(company.sites if label == "site" else company.zones)


def by_zone(company: History, title: str) -> dict[str, dict[tuple[str, str], float]]:
    """The numbers of one of the overview's tables, by query and (site, zone)."""
    return {
        question.ref: {(one.labels["site"], one.labels["zone"]): one.points[0][1] for one in answer}
        for question, answer in answered(company, "safety-overview", title)
    }


def test_the_counts_are_those_of_the_counters_and_the_intervals_are_wilsons(company: History) -> None:
    rows = by_zone(company, "Zones, last seven days, the surely worst first")
    counted = ask(company.url, Question("", "", COUNTERS, company.end_s, company.end_s, 0))
    assert counted
    for one in counted:
        zone = one.labels["site"], one.labels["zone"]
        # the last quarter of an hour has not ended
        assert abs(one.points[0][1] - rows["Told"][zone]) <= 30
        share = Share(round(rows["Risky"][zone]), round(rows["Told"][zone]))
        assert share.interval is not None
        assert rows["Share"][zone] == pytest.approx(share.value)
        assert (rows["From"][zone], rows["To"][zone]) == pytest.approx(share.interval, abs=1e-4)


COUNTERS = (
    'sum by (site, zone) (ergo_lifts_total{technique!="unknown"} - ergo_lifts_total{technique!="unknown"} offset 1w)'
)


def test_a_day_stands_at_its_own_date(company: History) -> None:
    """Hardly anybody works on Sundays."""
    days = {
        question.ref: answer[0].points
        for question, answer in answered(company, "safety-overview", "Technique mix, day by day")
    }
    for ref in ("Hinge", "Squat", "RoundedBack"):
        whole = days[ref][1:-1]
        least = sorted(whole, key=lambda point: point[1])[: len(whole) // 7]
        assert {datetime.fromtimestamp(at, UTC).strftime("%a") for at, _ in least} == {"Sun"}
        day = ask(
            company.url, Question("", "", RAW.format(ref=TECHNIQUE[ref]), int(whole[9][0]), int(whole[9][0]), 0)
        )
        assert whole[9][1] == pytest.approx(day[0].points[0][1], abs=30)


TECHNIQUE = {"Hinge": "hinge", "Squat": "squat", "RoundedBack": "rounded_back"}
RAW = 'sum(ergo_lifts_total{{technique="{ref}"}} offset -1d) - sum(ergo_lifts_total{{technique="{ref}"}})'


def test_before_and_after_finds_the_change_where_there_was_one(company: History) -> None:
    ends = by_zone(company, "Before and after the change")
    for zone, change in ends["Change"].items():
        changed = zone[1] == company.zones[1]
        assert ends["ChangeFrom"][zone] < change < ends["ChangeTo"][zone]
        assert (ends["ChangeTo"][zone] < 0) == changed, (zone, change)


def test_hours_are_on_the_clock_that_was_chosen(company: History) -> None:
    """The delivery on Mondays at six by UTC is at seven by UTC+1."""
    ((_, answer),) = answered(company, "safety-overview", "Risky lifts by hour and weekday")
    busiest = max(answer, key=lambda one: one.points[0][1])
    assert (busiest.labels["weekday"], busiest.labels["hour"]) == ("1", "7")


@pytest.mark.parametrize("name", dashboards())
def test_a_dashboard_can_be_looked_at_without_grafana(company: History, name: str, tmp_path: Path) -> None:
    picture = tmp_path / "dashboard.png"
    render(company.url, name, view(company, company.sites[0] if name == "zone-detail" else ".*"), picture)
    assert picture.stat().st_size > 50_000


def test_a_picture_of_nothing_says_what_that_means() -> None:
    told = dashboards()["zone-detail"]
    figure = drawn(told, {panel["id"]: {ref: [] for ref in refs(panel)} for panel in panels(told)})
    words = {" ".join(text.get_text().split()) for text in figure.findobj(Text)}
    assert {panel["fieldConfig"]["defaults"]["noValue"] for panel in panels(told)} <= words


def test_where_nothing_was_seen_no_panel_shows_a_number(tmp_path: Path) -> None:
    with prometheus(tmp_path, interval="1s") as empty:
        nowhere = History(empty.url, 1_790_164_800, 60, ["site-1"], ["zone-1"])
        for name, title in ALL:
            for question, answer in answered(nowhere, name, title):
                assert answer == [], question
