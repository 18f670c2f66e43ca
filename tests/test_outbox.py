"""The outbox loses nothing that it was given, and says so when it has to give something up."""

import resource
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from edge_agent.core.events import LiftEvent
from edge_agent.errors import InputError
from edge_agent.outbox import RETRY_S, Outbox
from edge_agent.rescue import MOST_ASIDE
from edge_agent.settings import OutboxSettings, PrivacySettings
from edge_agent.telemetry import AgentLabels, AgentTelemetry
from tests.lift_events import NOON, an_event

FIVE_MIN_S = 300


class Box:
    """An outbox that can be closed and opened again, and its metrics."""

    def __init__(
        self, path: Path, *, min_lifts: int = 1, max_events: int = 1000, keep_acknowledged_s: float = 2000
    ) -> None:
        self.settings = OutboxSettings(path=path, max_events=max_events, keep_acknowledged_s=keep_acknowledged_s)
        self.privacy = PrivacySettings(bucket_s=FIVE_MIN_S, min_lifts=min_lifts)
        self.open()

    def open(self) -> None:
        self.registry = CollectorRegistry()
        self.telemetry = AgentTelemetry(self.registry, AgentLabels(unknown_reasons=("view",)))
        self.outbox = Outbox(self.settings, self.privacy, self.telemetry)

    def reopen(self) -> None:
        self.outbox.close()
        self.open()

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"edge_agent_{name}", labels)

    def ready(self) -> set[str]:
        return {event.event_id for event in self.outbox.head(1000)}


def ids(events: list[LiftEvent]) -> set[str]:
    return {event.event_id for event in events}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.sqlite"


def test_held_events_survive_a_restart_and_leave_with_the_lift_that_completes_their_pool(path: Path) -> None:
    box = Box(path, min_lifts=3)
    early = [an_event(), an_event()]
    for event in early:
        box.outbox.hold(event)
    assert box.outbox.release(NOON + FIVE_MIN_S) == ()
    box.reopen()

    last = an_event(bucket_start=NOON + FIVE_MIN_S)
    box.outbox.hold(last)
    released = box.outbox.release(NOON + 2 * FIVE_MIN_S)

    assert ids(list(released)) == ids([*early, last]) == box.ready()
    assert {event.bucket_start for event in released} == {NOON + FIVE_MIN_S}


def test_a_ready_event_stays_until_it_is_acknowledged(path: Path) -> None:
    box = Box(path)
    events = [an_event() for _ in range(3)]
    for event in events:
        box.outbox.hold(event)
    box.outbox.release(NOON + FIVE_MIN_S)

    first = box.outbox.head(1)[0]
    box.reopen()
    assert box.ready() == ids(events)
    box.outbox.delivered([first.event_id])

    assert box.ready() == ids(events) - {first.event_id}
    assert box.metric("outbox_events", state="ready") == 2
    assert box.outbox.oldest_age_s(NOON + FIVE_MIN_S + 40) == 40


def test_the_time_from_release_to_the_brokers_answer_is_measured_and_survives_a_restart(path: Path) -> None:
    box = Box(path)
    for _ in range(2):
        box.outbox.hold(an_event())
    box.outbox.release(time.time() - 7.75)
    box.reopen()
    box.outbox.delivered([event.event_id for event in box.outbox.head(2)] + ["unknown"])

    assert box.metric("delivery_seconds_count") == 2
    assert box.metric("delivery_seconds_bucket", le="2.5") == 0
    assert (box.metric("delivery_seconds_sum") or 0) >= 2 * 7.7, "not rounded to seconds"


def test_a_lifts_latency_shows_only_when_its_bucket_has_ended(path: Path) -> None:
    box = Box(path)
    box.telemetry.lift_latency.observe(0.04)
    assert box.metric("lift_latency_seconds_count") == 0

    box.outbox.release(NOON + FIVE_MIN_S)
    assert box.metric("lift_latency_seconds_count") == 1
    assert box.metric("lift_latency_seconds_sum") == pytest.approx(0.04)


def test_a_refused_event_goes_to_the_end_of_the_line(path: Path) -> None:
    box = Box(path)
    for _ in range(3):
        box.outbox.hold(an_event())
    box.outbox.release(NOON + FIVE_MIN_S)
    first, second, third = box.outbox.head(3)

    box.outbox.postpone(first.event_id)

    assert box.outbox.head(3) == (second, third, first)


def test_a_full_outbox_gives_up_the_oldest_low_risk_events_and_counts_them(path: Path) -> None:
    box = Box(path, max_events=3)
    kept = [an_event(risk="high"), an_event(risk="medium")]
    low = [an_event(), an_event(), an_event()]
    for event in (kept[0], low[0], low[1]):
        box.outbox.hold(event)
    box.outbox.release(NOON + FIVE_MIN_S)
    for event in (kept[1], low[2]):
        box.outbox.hold(replace(event, bucket_start=NOON + FIVE_MIN_S))
    box.outbox.release(NOON + 2 * FIVE_MIN_S)

    assert box.ready() == ids([*kept, low[2]])
    assert box.metric("outbox_dropped_events_total", risk="low") == 2
    assert box.metric("outbox_dropped_events_total", risk="high") == 0


def test_a_failing_disk_is_counted_and_the_event_is_written_later(path: Path) -> None:
    box = Box(path)
    box.outbox._database.execute("PRAGMA query_only = ON")
    event = an_event()
    box.outbox.hold(event)
    assert box.metric("outbox_write_errors_total") == 1

    box.outbox._database.execute("PRAGMA query_only = OFF")
    box.reopen()
    box.outbox.release(NOON + FIVE_MIN_S)

    assert box.ready() == {event.event_id}


def test_a_full_disk_is_logged_once_and_tried_again_not_sooner_than_after_a_pause(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [1000.0]
    monkeypatch.setattr("edge_agent.outbox.time.monotonic", lambda: now_s[0])
    box = Box(path)
    box.outbox._database.execute("PRAGMA query_only = ON")
    with capture_logs() as logs:
        box.outbox.hold(an_event())
        for _ in range(50):  # the frame loop goes on meanwhile
            box.outbox.release(NOON + FIVE_MIN_S)
        assert box.metric("outbox_write_errors_total") == 1

        now_s[0] += RETRY_S
        box.outbox.release(NOON + FIVE_MIN_S)
        assert box.metric("outbox_write_errors_total") == 2

        now_s[0] += RETRY_S
        box.outbox._database.execute("PRAGMA query_only = OFF")
        box.outbox.release(NOON + FIVE_MIN_S)
    assert len(box.ready()) == 1
    assert [line["event"] for line in logs] == ["outbox write failed, kept in memory", "outbox can be written again"]


def test_what_a_full_disk_takes_with_it_is_counted_as_lost(path: Path) -> None:
    box = Box(path, max_events=2)
    box.outbox._database.execute("PRAGMA query_only = ON")
    with capture_logs() as logs:
        for risk in ("medium", "high", "high"):  # memory has the outbox's own limit
            box.outbox.hold(an_event(risk=risk))
        box.telemetry.end_bucket(NOON, 1)
        assert box.metric("outbox_dropped_events_total", risk="medium") == 1
        box.outbox.close()
    box.telemetry.end_bucket(NOON, 1)
    assert box.metric("outbox_dropped_events_total", risk="high") == 2
    assert logs[-1]["event"] == "lifts lost: the outbox could not be written to the end"
    assert logs[-1]["fix"]


def test_no_metric_moves_with_a_single_lift(path: Path) -> None:
    box = Box(path)
    box.outbox.release(NOON)
    box.telemetry.lift_unknown("view")
    box.outbox.hold(an_event(technique="unknown"))
    box.outbox.release(NOON + 1)
    assert box.metric("lifts_total", technique="unknown") == 0
    assert box.metric("outbox_events", state="held") == 0
    assert box.outbox.shown_depth() == (0, 0)
    assert box.outbox.depth() == (1, 0)

    box.outbox.release(NOON + FIVE_MIN_S)
    assert box.outbox.shown_depth() == (0, 1)
    assert box.metric("lifts_total", technique="unknown") == 1
    assert box.metric("lifts_unknown_total", reason="view") == 1


def test_how_lifts_were_judged_is_told_no_sooner_than_their_events_leave(path: Path) -> None:
    box = Box(path, min_lifts=3)
    for minute, (held, told) in enumerate([(1, 0), (2, 0), (3, 3), (1, 3)]):
        box.outbox.hold(an_event(technique="unknown", bucket_start=NOON + minute * FIVE_MIN_S))
        box.telemetry.lift_unknown("view")
        box.outbox.release(NOON + (minute + 1) * FIVE_MIN_S)

        assert box.outbox.depth()[0] == held % 3
        assert box.metric("lifts_total", technique="unknown") == told
        assert box.metric("lifts_unknown_total", reason="view") == told


def test_a_full_outbox_does_not_tell_the_moment_of_a_lift(path: Path) -> None:
    """An observer who reads the page after every lift of a bucket sees nothing move."""
    box = Box(path, max_events=4)
    for minute in range(2):
        for _ in range(3):
            box.outbox.hold(an_event(bucket_start=NOON + minute * FIVE_MIN_S))
        box.outbox.release(NOON + (minute + 1) * FIVE_MIN_S + 0.5)

    def page() -> dict[tuple[str, str], float]:
        box.telemetry.outbox_oldest_age.set_function(lambda: box.outbox.oldest_age_s(NOON + 3 * FIVE_MIN_S))
        return {(s.name, str(s.labels)): s.value for family in box.registry.collect() for s in family.samples}

    before = page()
    for _ in range(3):
        box.outbox.hold(an_event(bucket_start=NOON + 2 * FIVE_MIN_S))
        box.outbox.release(NOON + 2 * FIVE_MIN_S + 10)
        assert page() == before

    box.outbox.release(NOON + 3 * FIVE_MIN_S)
    assert len(box.ready()) == 4
    assert box.metric("outbox_dropped_events_total", risk="low") == 2 + 3


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    box = Box(path)
    box.outbox.hold(an_event())
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


def _from_a_newer_version(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()


def _a_directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(_from_a_newer_version, "another version"), (_a_directory, "cannot write")],
)
def test_a_file_that_cannot_be_used_is_named_with_what_to_do(path: Path, spoil: object, said: str) -> None:
    path.parent.mkdir()
    assert callable(spoil)
    spoil(path)

    with pytest.raises(InputError, match=said) as refused:
        Box(path)

    assert str(path) in refused.value.what
    assert refused.value.fix


def test_two_agents_cannot_share_one_outbox(path: Path) -> None:
    first = Box(path)
    with pytest.raises(InputError, match="in use by another process"):
        Box(path)
    first.outbox.close()


def test_what_the_broker_acknowledged_is_kept_until_the_same_connection_answers_again_later(path: Path) -> None:
    box = Box(path, keep_acknowledged_s=0.01)
    events = [an_event() for _ in range(3)]
    for event in events:
        box.outbox.hold(event)
    box.outbox.release(NOON + FIVE_MIN_S)
    in_order = [event.event_id for event in box.outbox.head(3)]

    box.outbox.delivered(in_order[:2])
    assert [event.event_id for event in box.outbox.head(3)] == in_order[2:]
    assert box.outbox.depth() == (0, 1)
    box.outbox.send_again()  # the connection was lost, perhaps with the broker
    assert [event.event_id for event in box.outbox.head(3)] == in_order
    assert box.metric("outbox_sent_again_events_total") == 2

    box.outbox.delivered(in_order)
    time.sleep(0.02)
    box.outbox.delivered(())  # the broker has lived on: it has written its file
    box.outbox.send_again()
    assert box.outbox.depth() == (0, 0)


def test_what_was_acknowledged_before_a_restart_is_sent_once_more_unless_that_is_a_week_ago(path: Path) -> None:
    now_s = time.time()
    for released_at_s, sent_again in ((now_s, 1), (now_s - 8 * 86_400, 0)):
        box = Box(path)
        event = an_event(bucket_start=int(released_at_s) - 2 * FIVE_MIN_S)
        box.outbox.hold(event)
        box.outbox.release(released_at_s)
        box.outbox.delivered([event.event_id])
        box.reopen()
        assert box.outbox.depth() == (0, sent_again)
        box.outbox.close()
        path.unlink()


def test_after_a_lost_connection_nothing_becomes_safe_while_the_disk_cannot_take_it_back(path: Path) -> None:
    """The next connection's answers say nothing of what the lost one's broker still knows."""
    box = Box(path, keep_acknowledged_s=0.01)
    event = an_event()
    box.outbox.hold(event)
    box.outbox.release(NOON + FIVE_MIN_S)
    box.outbox.delivered([event.event_id])
    path_of_log = path.with_name("outbox.sqlite-wal")
    with nothing_may_grow_beyond(min(path.stat().st_size, path_of_log.stat().st_size)), pytest.raises(sqlite3.Error):
        box.outbox.send_again()
    time.sleep(0.05)
    box.outbox.delivered([])
    box.outbox.send_again()
    assert box.ready() == {event.event_id}


def test_on_a_nearly_full_disk_all_that_is_kept_can_still_be_sent_again(path: Path) -> None:
    """Each row changes its place, and SQLite writes that beside the file first: not all of it at once."""
    box = Box(path, max_events=2000)
    events = [an_event() for _ in range(1500)]
    for event in events:
        box.outbox.hold(event)
    box.outbox.release(NOON + FIVE_MIN_S)
    in_order = [event.event_id for event in box.outbox.head(2000)]
    box.outbox.delivered(in_order)
    with nothing_may_grow_beyond(path.stat().st_size * 5 // 4):
        box.outbox.send_again()
    assert box.outbox.depth() == (0, 1500)
    assert box.metric("outbox_sent_again_events_total") == 1500
    assert [event.event_id for event in box.outbox.head(2000)] == in_order


@contextmanager
def nothing_may_grow_beyond(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_outbox_first_forgets_what_was_acknowledged_and_that_is_no_loss(path: Path) -> None:
    box = Box(path, max_events=3)
    first = [an_event(risk="high") for _ in range(2)]
    for event in first:
        box.outbox.hold(event)
    box.outbox.release(NOON + FIVE_MIN_S)
    box.outbox.delivered([event.event_id for event in first])
    for _ in range(3):
        box.outbox.hold(an_event(risk="low"))
    box.outbox.release(NOON + 2 * FIVE_MIN_S)

    assert box.outbox.depth() == (0, 3)
    assert box.metric("outbox_dropped_events_total", risk="low") == 0
    box.outbox.send_again()
    assert box.outbox.depth() == (0, 3)


def test_a_file_that_is_no_outbox_at_all_is_put_aside_and_the_agent_goes_on(path: Path) -> None:
    path.parent.mkdir()
    noise = b"this was an outbox once" * 100
    path.write_bytes(noise)

    with capture_logs() as logs:
        box = Box(path)
    box.outbox.hold(an_event())

    assert box.outbox.depth() == (1, 0)
    assert box.metric("outbox_damaged_files_total") == 1
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == noise
    assert [line["log_level"] for line in logs] == ["error"]
    assert str(aside) in logs[0]["kept_as"]


def closed_with(path: Path, count: int) -> tuple[Box, list[LiftEvent], bytearray]:
    """A closed outbox, the ready events in it, and its file's bytes: to be damaged."""
    box, events = Box(path), [an_event() for _ in range(count)]
    for event in events:
        box.outbox.hold(event)
    box.outbox.release(NOON + FIVE_MIN_S)
    box.outbox.close()
    return box, events, bytearray(path.read_bytes())


def test_noise_within_one_event_holds_up_no_other(path: Path) -> None:
    """SQLite finds nothing wrong with such a file."""
    box, events, whole = closed_with(path, 20)
    for number in (3, 11):
        at = whole.index(f'"event_id":"{events[number].event_id}"'.encode()) + 60
        whole[at : at + 8] = b"\xff\xfe{{{{\xfe\xff"
    path.write_bytes(whole)

    box.open()

    assert box.ready() == ids(events) - ids([events[3], events[11]])
    assert box.metric("outbox_damaged_files_total") == 1
    assert box.metric("outbox_rescued_events_total") == 18


def test_a_disk_that_fails_again_and_again_is_not_filled_by_what_was_put_aside(path: Path) -> None:
    path.parent.mkdir()
    for number in range(MOST_ASIDE + 2):
        path.write_bytes(f"noise {number}".encode() * 100)
        Box(path).outbox.close()
    aside = [each.read_bytes()[:7] for each in sorted(path.parent.glob("*.damaged-*[0-9]"))]
    assert aside == [f"noise {number}".encode() for number in range(2, MOST_ASIDE + 2)]


def test_what_is_readable_in_a_damaged_outbox_is_rescued(path: Path) -> None:
    box, events, whole = closed_with(path, 300)
    page = whole.index(f'"event_id":"{events[150].event_id}"'.encode()) // 4096 * 4096
    whole[page : page + 4096] = b"\xff" * 4096
    path.write_bytes(whole)

    box.open()

    rescued = box.ready()
    assert 200 < len(rescued) < 300
    assert rescued < ids(events)
    assert box.metric("outbox_rescued_events_total") == len(rescued)
