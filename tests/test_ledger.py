"""The bridge's memory over months: no id forgotten while its event would be accepted, no counter that falls."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.ledger import AGENT_DAYS, DAY_S, REMEMBER_DAYS, ZONE_DAYS, Ledger, RefusedError
from tests.lift_events import NOON, an_event

ROOMY = 2**31
HINGE = ("north", "dock-1", "hinge", "low")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bridge.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    ledger = Ledger(path, ROOMY)
    yield ledger
    ledger.close()


def days(number: float) -> float:
    return number * DAY_S


def remembered(ledger: Ledger) -> int:
    (count,) = ledger._database.execute("SELECT count(*) FROM seen").fetchone()
    return int(count)


def refusal(ledger: Ledger, now_s: float, **changes: object) -> str:
    with pytest.raises(RefusedError) as refused:
        ledger.count(an_event(**changes), now_s)
    return refused.value.reason


def test_a_replay_counts_twice_at_no_time(ledger: Ledger) -> None:
    event = an_event()
    assert ledger.count(event, NOON)
    for day in range(REMEMBER_DAYS + 1):
        assert not ledger.count(event, NOON + days(day))
        ledger.count(an_event(bucket_start=int(NOON + days(day))), NOON + days(day))  # and life goes on
    for day in (REMEMBER_DAYS + 1, REMEMBER_DAYS + 2, 1000):
        with pytest.raises(RefusedError, match="too_old"):
            ledger.count(event, NOON + days(day))
    assert ledger.lifts(NOON + days(REMEMBER_DAYS))[HINGE] == 1 + REMEMBER_DAYS + 1


def test_an_agent_that_was_offline_for_weeks_loses_nothing_and_repeats_nothing(ledger: Ledger) -> None:
    kept = [an_event(bucket_start=int(NOON + days(day))) for day in range(60)]
    back = NOON + days(80)
    assert all(ledger.count(event, back) for event in kept)
    assert not any(ledger.count(event, back + days(9)) for event in kept)


def test_an_id_is_kept_for_as_long_as_its_bucket_not_its_arrival_is_young(ledger: Ledger) -> None:
    ahead = an_event(bucket_start=int(NOON + days(0.9)))  # a box whose time zone is wrong
    assert ledger.count(ahead, NOON)
    assert not ledger.count(ahead, NOON + days(REMEMBER_DAYS + 0.9))
    assert refusal(ledger, NOON, bucket_start=int(NOON + days(7.01))) == "in_future"
    assert refusal(ledger, NOON, bucket_start=253_402_300_799) == "in_future"
    assert refusal(ledger, NOON, bucket_start=0) == "too_old"


def test_old_ids_are_forgotten_day_by_day(ledger: Ledger) -> None:
    for day in range(REMEMBER_DAYS * 3):
        ledger.count(an_event(bucket_start=int(NOON + days(day))), NOON + days(day))
    assert remembered(ledger) == REMEMBER_DAYS + 1


def test_a_clock_that_is_wrong_for_a_moment_does_not_empty_the_memory(ledger: Ledger) -> None:
    events = [an_event(bucket_start=int(NOON + days(day))) for day in range(30)]
    now_s = NOON + days(29)
    for event in events:
        ledger.count(event, now_s)
    assert refusal(ledger, now_s + days(10_000)) == "too_old"
    assert ledger.count(an_event(bucket_start=int(now_s + days(10_000))), now_s + days(10_000))
    assert not any(ledger.count(event, now_s) for event in events[4:])


def test_forged_zones_take_no_room_from_known_zones_and_other_sites(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.ledger.MAX_ZONES", 8)
    monkeypatch.setattr("edge_agent.ledger.MAX_ZONES_PER_SITE", 5)
    ledger.declare("north", ["dock-1"], NOON)
    for number in range(4):
        ledger.declare("north", [f"forged-{number}"], NOON)
    assert refusal(ledger, NOON, zone="forged-9") == "too_many_zones"
    assert ledger.count(an_event(), NOON)  # the known zone goes on
    assert ledger.count(an_event(site="south"), NOON)  # and so does another site
    assert len(ledger.lifts(NOON)) == 6 * 12
    assert remembered(ledger) == 2  # what was refused left nothing behind


def test_a_silent_zone_makes_room_and_its_counters_never_fall(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.ledger.MAX_ZONES_PER_SITE", 2)
    for zone in ("dock-1", "dock-1", "dock-2"):
        ledger.count(an_event(zone=zone), NOON)
    later = NOON + days(ZONE_DAYS)
    ledger.declare("north", ["dock-2"], later)
    assert refusal(ledger, later, zone="dock-3", bucket_start=int(later)) == "too_many_zones"

    later += days(1)
    assert HINGE not in ledger.lifts(later)
    assert ledger.count(an_event(zone="dock-3", bucket_start=int(later)), later)
    assert refusal(ledger, later, bucket_start=int(later)) == "too_many_zones"

    monkeypatch.setattr("edge_agent.ledger.MAX_ZONES_PER_SITE", 3)
    assert ledger.count(an_event(bucket_start=int(later)), later)
    assert ledger.lifts(later)[HINGE] == 3


def test_forged_agents_make_room_when_they_fall_silent(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.ledger.MAX_AGENTS_PER_SITE", 3)
    ledger.heard("north", "edge-1", NOON, online=True, at_s=NOON)
    for number in range(2):
        ledger.heard("north", f"forged-{number}", NOON, online=True, at_s=NOON)
    with pytest.raises(RefusedError, match="too_many_agents"):
        ledger.heard("north", "edge-2", NOON, online=True, at_s=NOON)
    ledger.heard("south", "edge-1", NOON, online=True, at_s=NOON)

    later = NOON + days(AGENT_DAYS) + 1
    ledger.heard("north", "edge-1", later, at_s=later)
    assert set(ledger.agents(later)) == {("north", "edge-1")}
    ledger.heard("north", "edge-2", later, online=True, at_s=later)
    assert set(ledger.agents(later)) == {("north", "edge-1"), ("north", "edge-2")}


def test_a_chattering_agent_costs_one_write_a_second(ledger: Ledger) -> None:
    for hundredth in range(300):
        ledger.heard("north", "edge-1", NOON + hundredth / 100, online=True, at_s=NOON + hundredth / 100)
    assert ledger._database.total_changes < 6
    ledger.heard("north", "edge-1", NOON + 3, online=False, at_s=NOON + 3)
    assert not ledger.agents(NOON + 3)["north", "edge-1"].online


def test_an_agent_heard_while_our_clock_was_ahead_is_not_up_for_ever(ledger: Ledger) -> None:
    ledger.heard("north", "edge-1", NOON + days(365), online=True, at_s=NOON + days(365))
    ledger.heard("north", "edge-1", NOON, at_s=NOON)
    assert ledger.agents(NOON)["north", "edge-1"].seen_at_s == NOON


def test_a_full_ledger_refuses_events_and_goes_on_when_there_is_room(path: Path) -> None:
    ledger = Ledger(path, 2**18)

    def fill() -> None:
        while True:
            ledger.count(an_event(), NOON)

    with pytest.raises(RefusedError, match="state_full"):
        fill()
    counted = ledger.lifts(NOON)[HINGE]
    assert path.with_name(f"{path.name}-wal").stat().st_size < 2**23
    assert 2**18 / counted < 130  # bytes for each lift, as REMEMBER_DAYS says
    later = NOON + days(REMEMBER_DAYS + 1)
    assert ledger.count(an_event(bucket_start=int(later)), later)  # the old ids are forgotten
    assert ledger.lifts(later)[HINGE] == counted + 1
    ledger.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.stat().st_size < 2**19


def test_counters_of_a_file_from_before_zones_were_noted_are_shown(path: Path) -> None:
    with sqlite3.connect(path) as old:
        old.execute(
            "CREATE TABLE lifts (site, zone, technique, risk, lifts, PRIMARY KEY (site, zone, technique, risk))"
        )
        old.execute("INSERT INTO lifts VALUES ('north', 'dock-1', 'hinge', 'low', 7)")
    old.close()
    ledger = Ledger(path, ROOMY)
    (day,) = ledger._database.execute("SELECT named_on_day FROM zones").fetchone()
    assert ledger.lifts(days(day)) == {HINGE: 7}
    ledger.close()
