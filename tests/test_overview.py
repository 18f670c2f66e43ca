"""What the overview makes of counts: shares that say something, verdicts that allow for chance, honest flags."""

import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry

from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.core.fleet import AgentHealth, AgentState, health_of
from edge_agent.core.overview import (
    BridgeState,
    Counted,
    Overview,
    Plan,
    overview,
    share_text,
    shift_start,
    verdict,
)
from edge_agent.core.tally import HourCount, Tally, ZoneCount
from edge_agent.hours import hour_start
from edge_agent.ledger import Ledger, Room
from edge_agent.overview_html import overview_document
from edge_agent.overview_page import OverviewPage
from edge_agent.settings import BridgeSettings
from tests.lift_events import an_event

LONDON = ZoneInfo("Europe/London")
PLAN = Plan(LONDON, (6, 14, 22), 0.2)
AT = datetime(2026, 11, 26, 15, 30, tzinfo=LONDON)
WATCHED = AgentHealth(("dock-1", "dock-2"), cameras=2, cameras_up=2)
UP = AgentState("north", "edge-1", True, AT.timestamp(), WATCHED)


def at(hour: int, days_ago: int = 0) -> int:
    return int((AT.replace(hour=hour, minute=0) - timedelta(days_ago)).timestamp())


def told(start_s: int, risky: int, others: int, unknown: int = 0) -> list[HourCount]:
    return [
        HourCount(start_s, "rounded_back", "high", risky),
        HourCount(start_s, "squat", "medium", others),
        HourCount(start_s, "unknown", "medium", unknown),
    ]


def in_zone(zone: str, risky: int, others: int, unknown: int = 0) -> list[ZoneCount]:
    return [ZoneCount("north", zone, row.technique, row.risk, row.lifts) for row in told(0, risky, others, unknown)]


def seen(
    hours: list[HourCount] | None = None,
    zones: list[ZoneCount] | None = None,
    state: BridgeState | None = None,
    since: datetime = AT - timedelta(60),
) -> Overview:
    named = [("north", "dock-1"), ("north", "dock-2")]
    counted = Counted(hours or [], zones or [], [], named, int(since.timestamp()))
    return overview(counted, state or BridgeState([UP], True, True, 0), PLAN, AT)


def test_today_begins_at_midnight_and_the_shift_when_it_begins() -> None:
    rows = [*told(at(23, 1), 9, 9), *told(at(13), 1, 40), *told(at(14), 2, 30), *told(at(15), 3, 20, unknown=4)]
    view = seen(rows)
    assert (view.today.tally.risky.part, view.today.tally.risky.whole, view.today.tally.lifts) == (6, 96, 100)
    assert (view.shift.tally.risky.part, view.shift.tally.risky.whole) == (5, 55)
    assert view.shift.start.hour == 14
    assert [day.tally.lifts for day in view.trend[-2:]] == [18, 100]
    assert [day.whole for day in view.trend] == [True] * 13 + [False]


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2026-11-26T15:30", "2026-11-26T14:00"),
        ("2026-11-26T14:00", "2026-11-26T14:00"),
        ("2026-11-26T05:59", "2026-11-25T22:00"),
        ("2026-10-25T05:30", "2026-10-24T22:00"),  # the night of nine hours
    ],
)
def test_a_night_shift_began_yesterday(now: str, start: str) -> None:
    moments = (datetime.fromisoformat(each).replace(tzinfo=LONDON) for each in (now, start))
    assert shift_start(next(moments), PLAN) == next(moments)


@pytest.mark.parametrize(
    ("risky", "others", "said"),
    [
        (9, 20, "few"),
        (30, 0, "above"),
        (60, 140, "above"),
        (45, 155, "unsure"),
        (20, 180, "within"),
        (6, 24, "unsure"),
    ],
)
def test_a_verdict_allows_for_chance_and_for_too_few(risky: int, others: int, said: str) -> None:
    assert verdict(Tally.of(told(0, risky, others)), PLAN.target) == said


def test_unknown_lifts_count_neither_way() -> None:
    tally = Tally.of([*told(0, 10, 30, unknown=60), HourCount(0, "unknown", "high", 5)])
    assert (tally.risky.part, tally.risky.whole, tally.unknown.part, tally.lifts) == (10, 40, 65, 105)
    assert share_text(tally.risky) == "25 % (14–40 %)"


def test_zones_are_ranked_by_what_is_sure_and_those_with_too_few_come_last() -> None:
    rows = [*in_zone("few", 20, 2), *in_zone("busy", 200, 300), *in_zone("small", 20, 20), *in_zone("good", 1, 400)]
    names = [zone.zone for zone in seen(zones=rows).zones]
    assert names == ["busy", "small", "good", "few", "dock-1", "dock-2"]


def test_the_heat_map_holds_four_of_each_weekday_and_not_today() -> None:
    view = seen([*told(at(9, 7), 3, 4), *told(at(9, 14), 2, 4), *told(at(9), 50, 0)])
    assert {cell: tally.risky.part for cell, tally in view.heat.cells.items()} == {(9, 3): 5}
    assert (view.heat.hours, view.heat.most) == (range(9, 10), 5)


def test_an_hour_that_comes_twice_when_clocks_go_back_is_one_row() -> None:
    first = int(datetime.fromisoformat("2026-10-25T00:30:00+00:00").timestamp())
    rows = [row for moment in (first, first + 3600) for row in told(hour_start(moment, LONDON), 1, 0)]
    counted = Counted(rows, [], [], [], 0)
    view = overview(counted, BridgeState([UP], True, True, 0), PLAN, datetime(2026, 10, 26, 12, tzinfo=LONDON))
    assert {cell: tally.risky.part for cell, tally in view.heat.cells.items()} == {(1, 6): 2}
    assert view.trend[-2].tally.lifts == 2


def test_good_data_carries_a_good_flag() -> None:
    view = seen(told(at(9), 10, 90), in_zone("dock-1", 10, 90))
    assert {view.today.flag.level, view.heat.flag.level, *(zone.flag.level for zone in view.zones)} == {"good"}


def test_whoever_does_not_see_is_named_beside_the_numbers_it_spoils() -> None:
    silent = AgentState("north", "edge-2", False, at(13), AgentHealth(("dock-2",), 1, 1))
    view = seen(zones=in_zone("dock-1", 1, 1), state=BridgeState([UP, silent], True, True, 0))
    assert view.today.flag.level == "caution"
    assert view.today.flag.reasons == ("agent edge-2 of north is silent since 13:00",)
    flags = {zone.zone: zone.flag for zone in view.zones}
    assert flags["dock-1"].level == "good"
    assert flags["dock-2"].level == "caution"
    only = seen(state=BridgeState([silent], True, True, 0))
    assert only.today.flag.level == "poor"


def test_cameras_that_are_down_are_told() -> None:
    half = AgentState("north", "edge-1", True, AT.timestamp(), AgentHealth(("dock-1",), 2, 1))
    view = seen(state=BridgeState([half], True, True, 0))
    assert view.today.flag.reasons == ("1 of 2 cameras of agent edge-1 of north is down",)
    blind = AgentState("north", "edge-1", True, AT.timestamp(), AgentHealth(("dock-1",), 2, 0))
    assert seen(state=BridgeState([blind], True, True, 0)).today.flag.level == "poor"


@pytest.mark.parametrize(("unknown", "level"), [(20, "good"), (60, "caution"), (120, "poor")])
def test_the_more_is_unknown_the_less_a_share_is_trusted(unknown: int, level: str) -> None:
    assert seen(told(at(9), 10, 90, unknown)).today.flag.level == level


def test_figures_that_began_late_or_stand_still_say_so() -> None:
    late = seen(since=AT.replace(hour=12, minute=0))
    assert late.since is not None
    assert late.today.flag.reasons == ("counted since 12:00 only",)
    assert late.shift.flag.level == "good"
    assert not any(day.whole for day in late.trend)
    assert seen(state=BridgeState([UP], False, True, 0)).today.flag.level == "poor"
    assert seen(state=BridgeState([UP], True, False, 0)).today.flag.level == "poor"
    assert seen(state=BridgeState([], True, True, 0)).today.flag.reasons == ("no agent is known to watch now",)


def test_a_forged_health_record_grows_nothing() -> None:
    record = {"cameras": 10**30, "cameras_up": True, "outbox_held": -5, "outbox_ready": "many"}
    assert health_of(record, ["dock-1"]) == AgentHealth(("dock-1",), 1_000_000, 0, 0)
    assert health_of({"cameras": 3}, []) == AgentHealth()


def test_while_the_disk_fails_the_page_shows_what_was_last_read_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.overview_page.KEEP_DRAWN_S", -1.0)
    ledger = Ledger(tmp_path / "bridge.sqlite", Room(2**30))
    telemetry = BridgeTelemetry(CollectorRegistry())
    page = OverviewPage(ledger, {}, telemetry, BridgeSettings())
    ledger.count([an_event(zone="packing", bucket_start=int(time.time()))], time.time())
    assert "<h3>packing</h3>" in page.document().text
    ledger.close()
    failing = page.document().text
    assert "<h3>packing</h3>" in failing
    assert "cannot read its own state: these are older figures" in failing
    assert next(iter(telemetry.storage_errors.collect())).samples[0].value == 1


def test_late_lifts_of_a_day_that_is_over_are_shown_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.overview_page.KEEP_DRAWN_S", -1.0)
    now_s = time.time()
    ledger = Ledger(tmp_path / "bridge.sqlite", Room(2**30))
    page = OverviewPage(ledger, {}, BridgeTelemetry(CollectorRegistry()), BridgeSettings())

    def shown() -> bool:
        return '<h3>packing</h3><p class="share few"><b>too few: 1 of 30 told</b>' in page.document().text

    page.document()
    ledger.count([an_event(zone="packing", bucket_start=int(now_s) - 5 * 86_400)], now_s)
    assert not shown()
    monkeypatch.setattr("edge_agent.overview_page.REREAD_S", -1.0)
    assert shown()
    ledger.close()


def test_the_page_is_drawn_of_nothing_and_of_a_site_of_a_thousand_zones() -> None:
    empty = overview(Counted((), (), (), (), 0), BridgeState([], True, True, 0), PLAN, AT)
    assert "No zone is known yet" in overview_document(empty).text
    rows = [row for number in range(1000) for row in in_zone(f"zone-{number}", number % 40, 60)]
    document = overview_document(seen(told(at(9), 3, 100), rows))
    assert "902 more zones are not shown here" in document.text
    assert len(document.text) < 200_000
