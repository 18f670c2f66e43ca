"""Lifts by the hour: each in the hour in which it happened, exactly once, for as long as it may matter."""

import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge_agent import hours
from edge_agent.core.remembered import DAY_S
from edge_agent.core.tally import Tally
from edge_agent.ledger import Ledger, Room
from tests.lift_events import NOON, an_event

ROOMY = Room(2**31)
LONDON, KATHMANDU = ZoneInfo("Europe/London"), ZoneInfo("Asia/Kathmandu")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    ledger = Ledger(path, ROOMY)
    yield ledger
    ledger.close()


def all_hours(ledger: Ledger) -> dict[int, int]:
    rows: Counter[int] = Counter()
    for row in hours.by_hour(ledger.read, 0, 2**40):
        rows[row.start_s] += row.lifts
    return dict(rows)


def test_a_lift_counts_in_the_hour_of_its_bucket_however_late_it_comes(ledger: Ledger) -> None:
    ledger.count([an_event(bucket_start=NOON)], NOON + 20 * DAY_S)
    ledger.count([an_event(bucket_start=NOON + 3300)], NOON + 20 * DAY_S)
    ledger.count([an_event(bucket_start=NOON + 3600)], NOON + 3600)
    assert all_hours(ledger) == {NOON: 2, NOON + 3600: 1}


def test_what_is_delivered_twice_or_refused_is_in_no_hour(ledger: Ledger) -> None:
    event = an_event()
    for _ in range(3):
        ledger.count([event], NOON)
    assert ledger.count([an_event(bucket_start=NOON - 91 * DAY_S)], NOON) == ["too_old"]
    assert all_hours(ledger) == {NOON: 1}


def test_hours_sum_up_to_the_counters(ledger: Ledger) -> None:
    chance = random.Random(4)
    for _ in range(500):
        event = an_event(
            zone=chance.choice(("dock-1", "dock-2")),
            technique=chance.choice(("hinge", "rounded_back", "unknown")),
            risk=chance.choice(("low", "high")),
            bucket_start=NOON - 300 * chance.randrange(5000),
        )
        for _ in range(chance.choice((1, 1, 2))):
            ledger.count([event], NOON)
    by_zone = {
        (row.site, row.zone, row.technique, row.risk): row.lifts for row in hours.by_zone(ledger.read, 0, 2**40)
    }
    assert by_zone == {series: lifts for series, lifts in ledger.lifts(NOON).items() if lifts}
    assert Tally.of(hours.by_hour(ledger.read, 0, 2**40)).lifts == 500


def test_a_failure_in_the_middle_leaves_neither_count_nor_hour(ledger: Ledger) -> None:
    ledger._database.execute("CREATE TRIGGER full BEFORE INSERT ON hours BEGIN SELECT RAISE(ABORT, 'disk'); END")
    event = an_event()
    with pytest.raises(sqlite3.Error):
        ledger.count([event], NOON)
    assert (all_hours(ledger), ledger.lifts(NOON)) == ({}, {})
    ledger._database.execute("DROP TRIGGER full")
    assert ledger.count([event], NOON) == ["counted"]
    assert all_hours(ledger) == {NOON: 1}


def test_two_replicas_that_share_the_ledger_fill_one_table(path: Path) -> None:
    first, second = (Ledger(path, ROOMY, shared=True) for _ in range(2))
    events = [an_event(bucket_start=NOON + 300 * (number % 24)) for number in range(100)]
    threads = [
        threading.Thread(target=lambda each=each: [each.count([event], NOON) for event in events])
        for each in (first, second)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all_hours(first) == all_hours(second) == {NOON: 52, NOON + 3600: 48}
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("moment", "zone", "start"),
    [
        ("2026-11-24T12:55:00+00:00", UTC, "2026-11-24T12:00:00+00:00"),
        ("2026-11-24T12:55:00+00:00", KATHMANDU, "2026-11-24T12:15:00+00:00"),  # 18:00 there
        ("2026-11-24T12:10:00+00:00", KATHMANDU, "2026-11-24T11:15:00+00:00"),
        ("2026-10-25T00:30:00+00:00", LONDON, "2026-10-25T00:00:00+00:00"),  # 01:30, the first time
        ("2026-10-25T01:30:00+00:00", LONDON, "2026-10-25T01:00:00+00:00"),  # 01:30, the second time
        ("2026-07-01T10:20:00+00:00", ZoneInfo("Australia/Lord_Howe"), "2026-07-01T09:30:00+00:00"),
    ],
    ids=["utc", "quarter", "quarter before", "clocks back, first", "clocks back, again", "half"],
)
def test_an_hour_begins_when_it_does_on_the_wall(moment: str, zone: tzinfo, start: str) -> None:
    unix_s = int(datetime.fromisoformat(moment).timestamp())
    assert hours.hour_start(unix_s, zone) == datetime.fromisoformat(start).timestamp()


def test_hours_go_when_no_event_of_theirs_would_be_taken_in_any_more(ledger: Ledger) -> None:
    for day in range(3 * hours.KEEP_DAYS):
        ledger.count([an_event(bucket_start=NOON + day * DAY_S)], NOON + day * DAY_S)
    kept = all_hours(ledger)
    assert len(kept) == hours.KEEP_DAYS + 1
    last = NOON + (3 * hours.KEEP_DAYS - 1) * DAY_S
    assert ledger.count([an_event(bucket_start=min(kept))], last) == [
        "counted"
    ]  # the oldest that is kept may still grow
    assert all_hours(ledger)[min(kept)] == 2


def test_a_clock_that_is_wrong_for_a_moment_does_not_empty_the_table(ledger: Ledger) -> None:
    for day in range(30):
        ledger.count([an_event(bucket_start=NOON + day * DAY_S)], NOON + day * DAY_S)
    far = NOON + 1000 * DAY_S
    ledger.count([an_event(bucket_start=far)], far)
    assert len(all_hours(ledger)) > 27


def test_a_ledger_from_before_there_were_hours_begins_them_now_and_says_so(path: Path) -> None:
    old = Ledger(path, ROOMY)
    old.count([an_event()], NOON)
    old.close()
    with sqlite3.connect(path) as file:
        file.executescript("DROP TABLE hours; DROP TABLE hours_since")
        (now_s,) = file.execute("SELECT CAST(strftime('%s') AS INTEGER)").fetchone()
    file.close()
    ledger = Ledger(path, ROOMY)
    assert all_hours(ledger) == {}
    assert hours.since_s(ledger.read) >= now_s
    assert ledger.count([an_event()], NOON) == ["counted"]
    assert ledger.lifts(NOON)["north", "dock-1", "hinge", "low"] == 2
    assert all_hours(ledger) == {NOON: 1}
    since_s = hours.since_s(ledger.read)
    ledger.close()
    ledger = Ledger(path, ROOMY)
    assert hours.since_s(ledger.read) == since_s
    ledger.close()
