"""The bridge's memory over months: no id forgotten while its event would be accepted, no counter that falls."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.core.events import LiftEvent
from edge_agent.core.remembered import DAY_S, REMEMBER_DAYS
from edge_agent.ledger import AGENT_DAYS, ZONE_DAYS, Ledger, RefusedError, Room
from tests.lift_events import NOON, an_event

ROOMY = Room(2**31)
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
    (count,) = ledger._database.execute("SELECT count(*) FROM ids").fetchone()
    return int(count)


def became(ledger: Ledger, event: LiftEvent, now_s: float) -> str:
    (result,) = ledger.count([event], now_s)
    return result


def refusal(ledger: Ledger, now_s: float, **changes: object) -> str:
    return became(ledger, an_event(**changes), now_s)


def test_a_replay_counts_twice_at_no_time(ledger: Ledger) -> None:
    event = an_event()
    assert became(ledger, event, NOON) == "counted"
    for day in range(REMEMBER_DAYS + 1):
        assert became(ledger, event, NOON + days(day)) == "duplicate"
        ledger.count([an_event(bucket_start=int(NOON + days(day)))], NOON + days(day))  # and life goes on
    for day in (REMEMBER_DAYS + 1, REMEMBER_DAYS + 2, 1000):
        assert became(ledger, event, NOON + days(day)) == "too_old"
    assert ledger.lifts(NOON + days(REMEMBER_DAYS))[HINGE] == 1 + REMEMBER_DAYS + 1


def test_an_agent_that_was_offline_for_weeks_loses_nothing_and_repeats_nothing(ledger: Ledger) -> None:
    kept = [an_event(bucket_start=int(NOON + days(day))) for day in range(60)]
    back = NOON + days(80)
    assert ledger.count(kept, back) == ["counted"] * 60
    assert ledger.count(kept, back + days(9)) == ["duplicate"] * 60


def test_an_id_is_kept_for_as_long_as_its_bucket_not_its_arrival_is_young(ledger: Ledger) -> None:
    ahead = an_event(bucket_start=int(NOON + days(0.9)))  # a box whose time zone is wrong
    assert became(ledger, ahead, NOON) == "counted"
    assert became(ledger, ahead, NOON + days(REMEMBER_DAYS + 0.9)) == "duplicate"
    assert refusal(ledger, NOON, bucket_start=int(NOON + days(7.01))) == "in_future"
    assert refusal(ledger, NOON, bucket_start=253_402_300_799) == "in_future"
    assert refusal(ledger, NOON, bucket_start=0) == "too_old"


def test_old_ids_are_forgotten_day_by_day(ledger: Ledger) -> None:
    for day in range(REMEMBER_DAYS * 3):
        ledger.count([an_event(bucket_start=int(NOON + days(day)))], NOON + days(day))
    assert remembered(ledger) == REMEMBER_DAYS + 1


def test_a_clock_that_is_wrong_for_a_moment_does_not_empty_the_memory(ledger: Ledger) -> None:
    events = [an_event(bucket_start=int(NOON + days(day))) for day in range(30)]
    now_s = NOON + days(29)
    ledger.count(events, now_s)
    assert refusal(ledger, now_s + days(10_000)) == "too_old"
    assert became(ledger, an_event(bucket_start=int(now_s + days(10_000))), now_s + days(10_000)) == "counted"
    assert set(ledger.count(events[4:], now_s)) == {"duplicate"}


def test_forged_zones_take_no_room_from_known_zones_and_other_sites(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_room", Room(2**30, max_zones=8))
    monkeypatch.setattr("edge_agent.ledger.MAX_ZONES_PER_SITE", 5)
    ledger.declare("north", ["dock-1"], NOON)
    for number in range(4):
        ledger.declare("north", [f"forged-{number}"], NOON)
    assert refusal(ledger, NOON, zone="forged-9") == "too_many_zones"
    assert became(ledger, an_event(), NOON) == "counted"  # the known zone goes on
    assert became(ledger, an_event(site="south"), NOON) == "counted"  # and so does another site
    assert len(ledger.lifts(NOON)) == 6 * 12
    assert remembered(ledger) == 2  # what was refused left nothing behind


def test_a_silent_zone_makes_room_and_its_counters_never_fall(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.ledger.MAX_ZONES_PER_SITE", 2)
    for zone in ("dock-1", "dock-1", "dock-2"):
        ledger.count([an_event(zone=zone)], NOON)
    later = NOON + days(ZONE_DAYS)
    ledger.declare("north", ["dock-2"], later)
    assert refusal(ledger, later, zone="dock-3", bucket_start=int(later)) == "too_many_zones"

    later += days(1)
    assert HINGE not in ledger.lifts(later)
    assert became(ledger, an_event(zone="dock-3", bucket_start=int(later)), later) == "counted"
    assert refusal(ledger, later, bucket_start=int(later)) == "too_many_zones"

    monkeypatch.setattr("edge_agent.ledger.MAX_ZONES_PER_SITE", 3)
    assert became(ledger, an_event(bucket_start=int(later)), later) == "counted"
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
    ledger = Ledger(path, Room(2**18))

    while became(ledger, an_event(), NOON) != "state_full":
        pass
    counted = ledger.lifts(NOON)[HINGE]
    assert path.with_name(f"{path.name}-wal").stat().st_size < 2**23
    assert 2**18 / counted < 50  # bytes for each lift, as REMEMBER_DAYS says
    later = NOON + days(REMEMBER_DAYS + 1)
    assert became(ledger, an_event(bucket_start=int(later)), later) == "counted"  # the old ids are forgotten
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


def test_what_comes_together_is_counted_once_each_and_what_is_refused_takes_nothing_with_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.ledger.MAX_ZONES_PER_SITE", 1)
    known, twice = an_event(), an_event()
    ledger.count([known], NOON)
    old = an_event(bucket_start=0)
    forged = an_event(zone="forged")
    told = ledger.count([twice, known, old, twice, forged, an_event()], NOON)
    assert told == ["counted", "duplicate", "too_old", "duplicate", "too_many_zones", "counted"]
    assert ledger.lifts(NOON)[HINGE] == 3
    assert remembered(ledger) == 3
    assert ledger.count([forged], NOON) == ["too_many_zones"]


def test_what_was_to_be_committed_together_is_counted_again_from_the_start_when_it_failed(ledger: Ledger) -> None:
    events = [an_event(), an_event(zone="dock-2")]

    class PowerOffError(Exception):
        """In the middle of it."""

    def lose_power() -> None:
        with ledger.together():
            assert ledger.count(events, NOON) == ["counted"] * 2
            ledger.heard("north", "edge-1", NOON, online=True, at_s=NOON)
            raise PowerOffError

    with pytest.raises(PowerOffError):
        lose_power()
    assert ledger.lifts(NOON) == {}
    assert ledger.agents(NOON) == {}
    assert ledger.count(events, NOON) == ["counted"] * 2
    assert ledger.lifts(NOON)[HINGE] == 1
    assert len(ledger.lifts(NOON)) == 2 * 12


def test_ids_that_an_older_version_remembered_are_remembered(path: Path) -> None:
    old = an_event()
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE seen (event_id TEXT PRIMARY KEY, day INTEGER NOT NULL) WITHOUT ROWID")
        file.execute("CREATE INDEX seen_by_day ON seen (day)")
        file.execute("INSERT INTO seen VALUES (?, ?)", (old.event_id, old.bucket_start // DAY_S))
    file.close()
    for _ in range(2):
        ledger = Ledger(path, ROOMY)
        assert became(ledger, old, NOON) == "duplicate"
        assert remembered(ledger) == 1
        ledger.close()
