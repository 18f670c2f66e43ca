"""The report against a real Prometheus that holds two weeks whose every lift is known."""

import csv
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry

from edge_agent.core.change import Change
from edge_agent.core.figures import Share
from edge_agent.core.overview import share_text
from edge_agent.core.period import PeriodReport, Window
from edge_agent.errors import InputError
from edge_agent.metrics_server import Exposition, serve
from edge_agent.period_report import read_report, window_of
from edge_agent.prometheus_api import PrometheusApi
from tests.accessibility import flaws, sticking_out
from tests.browser import chromium
from tests.counter_history import Bridge, Lifts, lifts_of, machines, write_history
from tests.prometheus import prometheus
from tests.services import free_port

LONDON = ZoneInfo("Europe/London")
HOUR_S, DAY_S = 3600, 86_400
LAST_DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(1)
"""Midnight at which yesterday began; the history ends when it did."""
END_S = int(LAST_DAY.timestamp()) + DAY_S
BEGIN_S = END_S - 15 * DAY_S


def last_day(hour: float) -> int:
    return END_S - DAY_S + int(hour * HOUR_S)


# The first bridge lost its file five days ago. The second, with a ledger of its own, was set up eleven days ago when
# it had counted 5,000 lifts elsewhere. Yesterday the first was away from 9:40 to 10:20, the second from 12 to 15.
FIRST = Bridge(
    "first:9109", BEGIN_S, falls_s=(END_S - 5 * DAY_S + 12 * HOUR_S,), away=((last_day(9.67), last_day(10.33)),)
)
SECOND = Bridge("second:9109", END_S - 11 * DAY_S, start=5000, away=((last_day(12), last_day(15)),))


@dataclass
class Past:
    lifts: Lifts
    url: str

    @property
    def api(self) -> PrometheusApi:
        return PrometheusApi(self.url)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    directory = tmp_path_factory.mktemp("past")
    lifts = lifts_of(BEGIN_S, END_S)
    write_history(directory, lifts, [FIRST, SECOND], (BEGIN_S, END_S), machines(END_S - DAY_S))
    with prometheus(directory, retention="60d") as server:
        yield Past(lifts, server.url)


def shift(from_hour: float = 6, to_hour: float = 14) -> Window:
    return Window(*(datetime.fromtimestamp(last_day(hour), UTC) for hour in (from_hour, to_hour)))


@pytest.fixture(scope="module")
def report(past: Past) -> PeriodReport:
    return read_report(past.api, shift(), 0.2, None)


def truth(past: Past, window: Window) -> Counter[tuple[str, str, str]]:
    return past.lifts.within(window.start.timestamp(), window.end.timestamp())


def told(counted: Counter[tuple[str, str, str]], zone: str | None = None) -> Share:
    here = {key: number for key, number in counted.items() if zone in {None, key[0]} and key[1] != "unknown"}
    return Share(sum(number for key, number in here.items() if key[2] == "high"), sum(here.values()))


def test_every_count_of_the_shift_and_of_those_it_is_held_against_is_true(past: Past, report: PeriodReport) -> None:
    for counted in (report.counted, report.before, report.week_ago):
        shown = {name[1:]: sum(counts.hours) for name, counts in counted.series.items()}
        true = truth(past, counted.window)
        assert shown == {series: true[series] for series in shown}
        assert sum(shown.values()) == true.total()
    assert report.counted.tally.lifts > 400
    assert report.before.tally.lifts == 0  # nobody works at night
    assert (report.before.window, report.week_ago.window) == (shift(-2, 6), shift(6 - 168, 14 - 168))


def test_every_hour_is_true_whichever_bridge_was_away(past: Past, report: PeriodReport) -> None:
    edges = report.counted.window.edges
    assert len(edges) == 9
    for (_, tally), (begin, end) in zip(report.counted.by_hour, pairwise(edges), strict=True):
        assert tally.lifts == truth(past, Window(begin, end)).total(), begin


@pytest.mark.parametrize(
    ("days_back", "days"), [(7, 7), (14, 7), (6, 3), (12, 5)], ids=["week", "first week", "fall", "second bridge"]
)
def test_days_and_weeks_are_true_through_a_lost_file_and_a_new_bridge(past: Past, days_back: int, days: int) -> None:
    start = datetime.fromtimestamp(END_S - days_back * DAY_S, UTC)
    window = Window(start, start + timedelta(days))
    counted = read_report(past.api, window, 0.2, None).counted
    assert {zone: tally.risky for (_, zone), tally in counted.by_zone.items()} == {
        zone: told(truth(past, window), zone) for zone in ("dock-1", "packing", "pallet-line")
    }
    hourly = [tally.lifts for _, tally in counted.by_hour]
    assert hourly == [truth(past, Window(*pair)).total() for pair in pairwise(window.edges)]


def test_a_period_that_begins_and_ends_within_an_hour_is_true_too(past: Past) -> None:
    window = shift(6.25, 8.75)
    counted = read_report(past.api, window, 0.2, "leeds").counted
    assert counted.tally.lifts == truth(past, window).total()
    assert [f"{start:%H:%M}" for start, _ in counted.by_hour] == ["06:15", "07:15", "08:15"]


def test_changes_carry_their_interval(past: Past, report: PeriodReport) -> None:
    zones = {zone.zone: zone for zone in report.zones}
    line = zones["pallet-line"]
    assert (line.week_ago.after, line.week_ago.before) == tuple(
        told(truth(past, window), "pallet-line") for window in (shift(), report.week_ago.window)
    )
    assert line.week_ago.words == "more than before"  # it was made worse there
    assert line.before.words == "too few to compare"
    assert report.zones[0] is line
    assert zones["packing"].flag.reasons[0].endswith("lifts could not be told: shares speak of the rest only")


def test_what_is_wrong_with_the_data_is_told(report: PeriodReport) -> None:
    quality = report.quality
    assert quality.bridge is not None
    assert quality.bridge.down_s == pytest.approx(30 * 60, abs=120)
    assert quality.bridge.unknown_s == pytest.approx(35 * 60, abs=120)  # Prometheus looks back five minutes by itself
    assert quality.agents is not None
    assert {each.who: round(each.down_s / 60) for each in quality.agents} == {
        ("leeds", "box-1"): 0,
        ("leeds", "box-2"): 30,
    }
    assert quality.cameras is not None
    assert {each.who[1]: round(each.down_s / 60) for each in quality.cameras} == {"dock": 0, "hall": 60}
    assert quality.blind_s == {("box-2:9108", "hall"): HOUR_S}
    assert quality.reasons == {"view": 29 + 12}  # every ten minutes until it was started again, then every fifteen
    assert (quality.given_up, quality.refused) == ({"low": 3}, {"too_old": 4})
    assert report.flag.level == "poor"
    assert "camera hall of box-2:9108 was down for 1 h 00 min" in report.flag.reasons
    assert "3 lifts were given up by agents whose outbox was full" in report.flag.reasons


def test_what_prometheus_does_not_know_is_not_called_nought(past: Past) -> None:
    start = datetime.fromtimestamp(END_S - 4 * DAY_S + 6 * HOUR_S, UTC)
    quality = read_report(past.api, Window(start, start + timedelta(hours=8)), 0.2, None).quality
    assert (quality.agents, quality.cameras, quality.blind_s, quality.given_up) == (None, None, None, None)
    assert quality.bridge is not None
    assert quality.bridge.unknown_s == 8 * HOUR_S


def edge_agent(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from edge_agent.cli import main; main()", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@dataclass
class Written:
    html: Path
    rows: list[dict[str, str]]
    said: str


@pytest.fixture(scope="module")
def written(past: Past, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("written")
    (folder / "site.yaml").write_text("site: leeds\nbridge: {time_zone: Europe/London, target_risky_share: 0.25}\n")
    day = f"{datetime.fromtimestamp(last_day(12), LONDON):%Y-%m-%d}"
    done = edge_agent(
        "report", "--prometheus", past.url, "--from", f"{day}T06:00", "--to", f"{day}T14:00",
        "--out", folder / "shift.html", "--config", folder / "site.yaml",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with (folder / "shift.csv").open() as table:
        return Written(folder / "shift.html", list(csv.DictReader(table)), done.stderr)


def london_shift(weeks_ago: int = 0) -> Window:
    day = datetime.fromtimestamp(last_day(12), LONDON).replace(minute=0) - timedelta(7 * weeks_ago)
    return Window(day.replace(hour=6), day.replace(hour=14))


def test_the_table_holds_every_lift_of_every_hour_of_the_sites_own_time(past: Past, written: Written) -> None:
    for period, window in (
        ("this", london_shift()),
        ("week_ago", london_shift(1)),
        ("before", london_shift().before),
    ):
        rows = [row for row in written.rows if row["period"] == period]
        for begin, end in pairwise(window.edges):
            hour = [row for row in rows if row["hour_start"] == begin.isoformat(timespec="minutes")]
            shown = {(row["zone"], row["technique"], row["risk"]): int(row["lifts"]) for row in hour}
            assert shown == dict(truth(past, Window(begin, end)))
        assert sum(int(row["lifts"]) for row in rows) == truth(past, window).total()
    assert {row["site"] for row in written.rows} == {"leeds"}


def test_the_command_says_what_it_found_and_wrote(past: Past, written: Written) -> None:
    true = truth(past, london_shift())
    share = told(true)
    assert f"{true.total()} lifts, {share.part} risky of {share.whole} told: {share_text(share)}" in written.said
    assert "shift.html" in written.said
    assert "shift.csv" in written.said


def test_the_page_shows_the_same_in_a_browser_and_on_paper(past: Past, written: Written, tmp_path: Path) -> None:
    true = truth(past, london_shift())
    share, week_ago = told(true), told(truth(past, london_shift(1)))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda made: asked.append(made.url))
        page.goto(written.html.as_uri())
        assert [int(each) for each in page.locator("#all dd").all_text_contents()] == [
            share.part, share.whole, true.total() - share.whole, true.total(),
        ]  # fmt: skip
        rows = {
            row.locator("th").inner_text(): row.locator("td").all_inner_texts()
            for row in page.locator("#changes tbody tr").all()
        }
        assert rows["lifts"] == [
            str(each.total()) for each in (true, truth(past, london_shift().before), truth(past, london_shift(1)))
        ]
        assert rows["share of risky"][::2] == [share_text(share), share_text(week_ago)]
        change = Change(week_ago, share)
        assert change.value is not None
        assert rows["change of the share since"][2].startswith(f"{round(100 * change.value):+d} (".replace("-", "−"))
        for row in page.locator("#zones tbody tr").all():
            of_zone = told(true, row.locator("th").inner_text())
            assert row.locator("td").nth(1).inner_text() == f"{of_zone.part} of {of_zone.whole}"
        hours = [int(row.locator("td").nth(1).inner_text()) for row in page.locator("#course tbody tr").all()]
        assert hours == [told(truth(past, Window(*pair))).whole for pair in pairwise(london_shift().edges)]
        assert (said, asked) == ([], [written.html.as_uri()])
        assert flaws(page) == []
        page.emulate_media(media="print", color_scheme="light")
        page.set_viewport_size({"width": 688, "height": 1000})  # A4 within its margins, CSS pixels
        assert sticking_out(page) == []
        paper = page.pdf(path=tmp_path / "shift.pdf", prefer_css_page_size=True)
    sheets = len(re.findall(rb"/Type\s*/Page\b", paper))
    assert 1 <= sheets <= 4


def test_a_week_is_drawn_by_day_and_by_hour_of_the_week(past: Past, tmp_path: Path) -> None:
    start = datetime.fromtimestamp(END_S - 7 * DAY_S, UTC)
    done = edge_agent(
        "report", "--prometheus", past.url, "--from", f"{start:%Y-%m-%d}", "--to", f"{start + timedelta(7):%Y-%m-%d}",
        "--out", tmp_path / "week.html",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    week = Window(start, start + timedelta(7))
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.goto((tmp_path / "week.html").as_uri())
        assert page.locator("#course tbody tr").count() == 7
        shown = sum(int(text) for text in page.locator(".heat td").all_inner_texts() if text != "·")
        assert shown == told(truth(past, week)).part
        assert "the week before" in page.locator("#changes thead").inner_text()
        assert page.locator("#changes thead th").count() == 3
        assert flaws(page) == []


@pytest.mark.parametrize(
    ("start", "end", "what", "fix"),
    [
        ("2026-11-02", "2026-11-01", "--from 2026-11-02 is not before --to 2026-11-01", "the other way round?"),
        ("2026-11-01", "2026-11-01", "is not before", "other way"),
        ("2026-11-01", "2999-01-01", "--to 2999-01-01 is still to come", "report what is over"),
        ("2026-01-01", "2026-11-01", "more than 31 days", "a month at most"),
        ("yesterday", "2026-11-01", "--from yesterday is no time", "write 2026-11-23, or 2026-11-23T06:00"),
        ("2026-11-01", "0001-01-01T00:00+14:00", "is no time", "write"),
    ],
)
def test_times_that_make_no_period_are_said(start: str, end: str, what: str, fix: str) -> None:
    with pytest.raises(InputError) as caught:
        window_of(start, end, LONDON, 1_795_700_000.0)
    assert what in caught.value.what
    assert fix in caught.value.fix


def test_a_time_with_an_offset_is_taken_as_it_is_and_others_as_the_sites_own() -> None:
    window = window_of("2026-07-01T06:00", "2026-07-01T12:00+02:00", LONDON, 1_795_700_000.0)
    assert [moment.astimezone(UTC).hour for moment in (window.start, window.end)] == [5, 10]


def test_a_month_may_be_reported_and_the_one_in_which_clocks_go_back_too() -> None:
    month = window_of("2026-10-01", "2026-11-01", LONDON, 1_795_700_000.0)
    assert len(month.edges) == 31 * 24 + 2


def test_the_week_in_which_clocks_change_has_an_hour_more() -> None:
    week = Window(datetime(2026, 10, 19, tzinfo=LONDON), datetime(2026, 10, 26, tzinfo=LONDON))
    assert len(week.edges) == 7 * 24 + 2
    assert (
        week.week_ago
        == week.before
        == Window(datetime(2026, 10, 12, tzinfo=LONDON), datetime(2026, 10, 19, tzinfo=LONDON))
    )


def failure(url: str, tmp_path: Path, *more: str | Path, start: str = "2026-11-01", out: str = "x.html") -> str:
    done = edge_agent(
        "report", "--prometheus", url, "--from", start, "--to", "2026-11-02", "--out", tmp_path / out, *more
    )
    assert done.returncode in {1, 2}
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert list(tmp_path.glob("*.html")) == []
    return done.stderr


def test_a_prometheus_that_is_not_there_is_said(tmp_path: Path) -> None:
    said = failure(f"http://127.0.0.1:{free_port()}", tmp_path)
    assert "does not answer: " in said
    assert "fix: check the address, and that Prometheus runs there" in said


def test_an_address_that_is_something_else_is_said(tmp_path: Path) -> None:
    port, stop = serve(Exposition(CollectorRegistry()), "127.0.0.1", 0, prefix="other")
    said = failure(f"http://127.0.0.1:{port}", tmp_path)
    stop()
    assert "refuses (404)" in said
    assert "fix: check the address: host, port and path" in said


@pytest.mark.parametrize(
    "url", ["localhost:9090", "ftp://x", "http://", "http://[::1", "http://x:99999999", "http://a b"]
)
def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(InputError) as caught:
        PrometheusApi(url)
    assert caught.value.fix == "give it as http://host:9090"


def test_a_password_in_the_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    said = failure("http://user:hunter2@127.0.0.1:9090", tmp_path)
    assert "holds a password" in said
    assert "hunter2" not in said


def test_a_time_of_which_prometheus_knows_nothing_is_said(past: Past, tmp_path: Path) -> None:
    said = failure(past.url, tmp_path, start="2026-10-30")
    assert "has no lifts between 2026-10-30 00:00 and 2026-11-02 00:00 (UTC)" in said
    assert "fix: check the times, that it reads the bridge's page, and that it keeps data for so long" in said


def test_a_site_that_is_misspelt_is_said_with_those_there_are(past: Past, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("site: leads\n")
    day = f"{datetime.fromtimestamp(last_day(0), UTC):%Y-%m-%d}"
    done = edge_agent(
        "report", "--prometheus", past.url, "--from", f"{day}T06:00", "--to", f"{day}T14:00",
        "--out", tmp_path / "x.html", "--config", tmp_path / "site.yaml",
    )  # fmt: skip
    assert done.returncode == 1
    assert "has no lifts of site leads" in done.stderr
    assert ", but of leeds" in done.stderr


def test_a_page_that_cannot_be_written_is_said_before_prometheus_is_asked(tmp_path: Path) -> None:
    assert "choose a file in a folder that exists" in failure("http://127.0.0.1:1", tmp_path, out="no/such/x.html")
    assert "is not called .html" in failure("http://127.0.0.1:1", tmp_path, out="x.pdf")


def test_a_week_asks_prometheus_few_questions(past: Past) -> None:
    asked: list[str] = []

    class Counting(PrometheusApi):
        def _ask(self, what: str, parameters: Mapping[str, str]) -> list[Mapping[str, Any]]:
            asked.append(parameters["query"])
            return super()._ask(what, parameters)

    start = datetime.fromtimestamp(END_S - 7 * DAY_S, UTC)
    read_report(Counting(past.url), Window(start, start + timedelta(7)), 0.2, None)
    assert len(asked) < 40, asked
