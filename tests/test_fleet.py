"""The simulated fleet: what it makes up is like work, and all that follows is the product's own."""

import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from edge_agent.bridge import Bridge
from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.core.events import from_json, to_json
from edge_agent.core.release import Held, releasable
from edge_agent.fleet.history import BRIDGE, Scrapes, bridge_history
from edge_agent.fleet.layout import Fleet, FleetSize, Zone, draw_fleet
from edge_agent.fleet.lift_events import MODEL, events_of
from edge_agent.fleet.load import Load
from edge_agent.fleet.outages import Outage, outages
from edge_agent.fleet.postures import LABELS, POSTURES, label_shares
from edge_agent.fleet.shifts import DAY_S, HOUR_S, WEEK_S, activity, shift_of, week_of, week_start, weekday_of
from edge_agent.fleet.simulate import Clock, Plan, SimulatedAgent, simulate
from edge_agent.fleet.work import Span, lifts_seen, lifts_shown
from edge_agent.ledger import Ledger, Room
from edge_agent.metrics_server import Exposition
from edge_agent.publisher import AgentName
from edge_agent.settings import BridgeSettings, MqttSettings, PrivacySettings
from edge_agent.site_certificates import SiteCertificates
from edge_agent.site_page import SitePage
from tests.lift_events import NOON
from tests.services import Listener, Mosquitto, accepts_connections, free_port, page, sample, wait_for
from tests.test_bridge import BRIDGE_PROCESS
from tests.test_cli import PROGRAM, edge_agent
from tests.test_transport import SiteBroker

FLEET = draw_fleet(7, FleetSize(sites=2, zones_per_site=4, agents_per_site=2))
WEEK = Span(week_start(week_of(NOON) - 2), week_start(week_of(NOON) - 1))
MONDAY_0600 = WEEK.first_s


def a_week(zone: Zone, fleet: Fleet = FLEET) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    return lifts_seen(fleet, zone, WEEK)


def test_the_same_seed_gives_the_same_lifts_and_another_seed_others() -> None:
    again, other = (draw_fleet(seed, FleetSize(sites=2, zones_per_site=4)) for seed in (7, 8))
    assert again == FLEET
    assert np.array_equal(a_week(FLEET.zones[0]), a_week(again.zones[0], again))
    assert not np.array_equal(a_week(FLEET.zones[0]), a_week(other.zones[0], other))


def test_a_larger_fleet_has_the_same_first_site() -> None:
    larger = draw_fleet(7, FleetSize(sites=5, zones_per_site=4))
    assert larger.zones[: len(FLEET.zones)] == FLEET.zones


def test_spans_that_overlap_agree() -> None:
    zone = FLEET.zones[0]
    later = Span(WEEK.first_s + 2 * DAY_S, WEEK.end_s + 3 * DAY_S)
    skipped = 2 * DAY_S // WEEK.bucket_s
    assert np.array_equal(a_week(zone)[skipped:], lifts_seen(FLEET, zone, later)[: len(WEEK.starts_s) - skipped])


def test_people_work_in_shifts_take_breaks_and_rest_on_sunday() -> None:
    hours = MONDAY_0600 + np.arange(0, WEEK_S, 300, dtype=np.int64)
    pace = activity(hours, (1.0, 0.8, 0.0))
    shift, into_s = shift_of(hours)
    assert pace[shift == 2].max() == 0  # this site has no night shift
    assert pace[weekday_of(hours) == 6].max() == 0
    workday = pace[(weekday_of(hours) == 1) & (shift == 0)]
    assert workday[into_s[: len(workday)] == 4 * HOUR_S][0] < 0.1 * workday.max()  # the meal
    saturday, monday = (pace[(weekday_of(hours) == day) & (shift == 0)].sum() for day in (5, 0))
    assert 0 < saturday < monday / 2


def test_shares_add_up_and_the_risky_one_is_what_the_zone_has() -> None:
    risky = np.array([0.0, 0.1, 0.3])
    shares = label_shares(risky, 0.2, 0.3)
    assert shares.sum(axis=1) == pytest.approx(1.0)
    told = [technique != "unknown" for technique, _ in LABELS]
    high = [risk == "high" and technique != "unknown" for technique, risk in LABELS]
    assert shares[:, high].sum(axis=1) / shares[:, told].sum(axis=1) == pytest.approx(risky)
    assert shares[:, ~np.array(told)].sum(axis=1) == pytest.approx(0.2)


def test_the_bridge_is_told_when_the_product_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.fleet.work.outages", lambda *_: ())
    zone = FLEET.zones[2]
    totals = a_week(zone).sum(axis=1)
    starts = WEEK.starts_s.tolist()
    held = [
        Held(f"{start}-{number}", "z", start)
        for start, count in zip(starts, totals, strict=True)
        for number in range(count)
    ]
    let_go = Counter(release.bucket_start for release in releasable(held, WEEK.end_s, 300, 5))
    assert lifts_shown(FLEET, zone, WEEK, 5).sum(axis=1).tolist() == [let_go[start] for start in starts]


def test_lifts_of_an_agent_without_a_network_arrive_at_once_when_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    zone, began = FLEET.zones[0], MONDAY_0600 + 3 * HOUR_S
    cut_off = Outage(began, began + 2 * HOUR_S, blind=False)
    monkeypatch.setattr(
        "edge_agent.fleet.work.outages", lambda _seed, site, what, week: (cut_off,) if what == zone.agent else ()
    )
    shown, seen = lifts_shown(FLEET, zone, WEEK, 1).sum(axis=1), a_week(zone).sum(axis=1)
    first, last = 3 * 12 - 1, 5 * 12 - 1  # buckets whose end lies within the outage, and the first one after it
    assert shown[first:last].sum() == 0
    assert shown[last] == seen[first : last + 1].sum() > 0
    assert shown.sum() == seen.sum()


def test_outages_are_rare_and_of_both_kinds() -> None:
    found = [one for week in range(200) for one in outages(7, "leeds", "edge-1", week)]
    assert 20 < len(found) < 80
    assert {one.blind for one in found} == {True, False}


def test_events_are_the_products_own_and_add_up_to_the_counts() -> None:
    zone = FLEET.zones[0]
    counts = [int(any(posture.label == label for posture in POSTURES)) * 3 for label in range(len(LABELS))]
    ids = iter(f"00000000-0000-4000-8000-{number:012}" for number in range(100))
    events = list(events_of(FLEET, zone, NOON, counts, lambda: next(ids)))
    assert [from_json(to_json(event)) for event in events] == events
    assert {event.model for event in events} == {MODEL}
    assert Counter((event.technique, event.risk) for event in events) == {
        label: count for label, count in zip(LABELS, counts, strict=True) if count
    }


def test_the_history_has_the_series_of_the_bridges_page_and_no_others(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "bridge.sqlite", Room(2**20))
    for zone in FLEET.zones:
        ledger.declare(zone.place.site, [zone.place.zone], time.time())
    for site in FLEET.sites:
        for agent in site.agents:
            ledger.heard(site.name, agent, time.time(), online=True, at_s=time.time())
    registry = CollectorRegistry()
    telemetry = BridgeTelemetry(registry)
    site_page = SitePage(ledger, 1e9, telemetry.storage_errors)
    registry.register(site_page)
    _, body = Exposition(registry, site_page.lines).answer("", "")
    shown = {line.rsplit(" ", 1)[0] for line in body.decode().splitlines() if line[0] != "#"}
    ledger.close()

    def name(labels: dict[str, str]) -> str:
        return ",".join(f'{key}="{labels[key]}"' for key in sorted(labels) if key not in BRIDGE)

    scrapes = Scrapes(Span(NOON - 3600, NOON))
    curves = [curve for family in bridge_history(FLEET, scrapes) for curve in family.curves]
    told = {f"{curve.name}{{{name(dict(curve.labels))}}}".replace("{}", "") for curve in curves}
    assert told == shown


# From here on with a real broker and a real bridge.


def ready(bridge: Bridge) -> None:
    wait_for("the bridge", lambda: sample(page(bridge.port), "ergo_bridge_connected"))


def shown(bridge: Bridge) -> float:
    return sum(float(value) for value in re.findall(r"^ergo_lifts_total{.*} (\S+)$", page(bridge.port), re.M))


def counted(bridge: Bridge) -> float:
    return sample(page(bridge.port), 'ergo_bridge_messages_total{result="counted"}') or 0.0


def test_a_day_in_seconds_reaches_the_bridge_to_the_last_lift_that_may_leave(tmp_path: Path) -> None:
    fleet = draw_fleet(7, FleetSize(sites=1, zones_per_site=3, agents_per_site=1))
    day = Span(MONDAY_0600, MONDAY_0600 + 8 * HOUR_S)
    expected = {zone.place.zone: int(lifts_shown(fleet, zone, day, 5).sum()) for zone in fleet.zones}
    assert min(expected.values()) > 10
    stop = threading.Event()

    def lived_through(ended_s: int, _lifts: int) -> None:
        if ended_s == day.end_s:
            stop.set()

    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        at = MqttSettings(port=broker.port)
        with Bridge(BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite"), at) as bridge:
            ready(bridge)
            clock = Clock(day.first_s, time.time(), 100_000)
            simulate(Plan(fleet, lambda *_: at, tmp_path, PrivacySettings(), clock), stop, lived_through)
            wait_for("every lift", lambda: counted(bridge) == sum(expected.values()))
            text = page(bridge.port)
        for zone, lifts in expected.items():
            told = re.findall(rf'^ergo_lifts_total{{.*zone="{zone}"}} (\S+)$', text, re.M)
            assert sum(map(float, told)) == lifts
        assert listener.heard("/status") == ["online", "stopped"]


def test_an_agent_that_loses_its_power_is_told_offline_by_its_will_and_comes_back(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        name = AgentName("leeds", "edge-1")
        agent = SimulatedAgent(FLEET, name, MqttSettings(port=broker.port), tmp_path, PrivacySettings())
        agent.connect()
        wait_for("its birth", lambda: listener.heard("/status") == ["online"])
        agent.vanish()
        wait_for("its will", lambda: listener.heard("/status") == ["online", "offline"])
        agent.connect()
        wait_for("its return", lambda: listener.heard("/status") == ["online", "offline", "online"])
        agent.stop()
        wait_for("its end", lambda: listener.heard("/status")[-1] == "stopped")


def test_two_replicas_that_share_a_load_count_each_event_once(tmp_path: Path) -> None:
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path))
        at = MqttSettings(port=broker.port)
        state = tmp_path / "bridge.sqlite"
        replicas = [
            stack.enter_context(Bridge(BridgeSettings(replica=name, port=0, state_path=state), at)) for name in "ab"
        ]
        for bridge in replicas:
            ready(bridge)
        with Load(at, FLEET) as load:
            load.introduce(time.time())
            sent = load.run(1000, 3, threading.Event())
        assert sent.acknowledged > 0
        assert sent.refused == 0
        wait_for("all", lambda: sum(map(counted, replicas)) == sent.acknowledged, 60)
        assert shown(replicas[0]) == sent.acknowledged
        assert min(map(counted, replicas)) > 0


def test_no_event_is_lost_or_counted_twice_though_the_bridge_is_killed_under_load(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    config = tmp_path / "mosquitto.conf"  # it is not killed: it need not write its file after each message
    config.write_text(config.read_text().replace("autosave_on_changes true", "max_queued_messages 0"))
    port, state = free_port(), tmp_path / "bridge.sqlite"
    command = [sys.executable, "-c", BRIDGE_PROCESS, str(state), str(port), str(broker.port)]
    acknowledged = 0
    with broker, Load(MqttSettings(port=broker.port), FLEET) as load:
        for _ in range(3):
            process = subprocess.Popen(command)
            wait_for("its page", lambda: accepts_connections(port), 60)
            wait_for("its connection", lambda: sample(page(port), "ergo_bridge_connected"), 60)
            death = threading.Timer(1.0, process.kill)
            death.start()
            acknowledged += load.run(2000, 1.5, threading.Event()).acknowledged
            assert process.wait(20) == -signal.SIGKILL
        with Bridge(BridgeSettings(port=0, state_path=state), MqttSettings(port=broker.port)) as bridge:
            wait_for("every event", lambda: shown(bridge) == acknowledged, 60)
            last = load.run(100, 0.5, threading.Event()).acknowledged
            wait_for("the last ones", lambda: shown(bridge) == acknowledged + last)


def test_a_site_with_certificates_is_played_with_each_agents_own(tmp_path: Path) -> None:
    site = SiteCertificates(tmp_path / "north")
    site.make("north", ["127.0.0.1"], ["box-1", "box-2"])
    broker, bridge_port = SiteBroker(site.folder), free_port()
    settings = tmp_path / "fleet.yaml"
    settings.write_text(f"mqtt: {{host: 127.0.0.1, port: {broker.port}}}\nprivacy: {{min_lifts: 1}}\n")
    state = BridgeSettings(port=bridge_port, state_path=tmp_path / "bridge.sqlite")
    with ExitStack() as stack:
        broker.start()
        stack.callback(broker.stop)
        bridge = stack.enter_context(Bridge(state, broker.settings("bridge")))
        ready(bridge)
        words = ["simulate-fleet", "--config", str(settings), "--certs", str(site.folder), "--size", "1x4x1"]
        playing = subprocess.Popen([*PROGRAM, *words, "--days", "2", "--speed-up", "20000"], stdout=subprocess.PIPE)
        stack.callback(playing.kill)
        up = [f'ergo_agent_up{{agent="{agent}",site="north"}}' for agent in site.agents]
        wait_for("both agents", lambda: all(sample(page(bridge_port), series) for series in up), 60)
        wait_for("lifts", lambda: counted(bridge) > 20, 60)
        playing.send_signal(signal.SIGINT)
        said, _ = playing.communicate(timeout=60)
        assert playing.returncode == 0
        assert b"lifts seen" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--size", "2x6"], "--size 2x6 is no fleet"),
        (["--size", "0x2x1"], "is no fleet"),
        (["--size", "1x65x1"], "an agent names 64 zones at most"),
        (["--history", "fleet.om", "--rate", "5"], "--history writes a file and publishes nothing"),
        (["--rate", "5", "--speed-up", "2"], "--rate goes with neither"),
        (["--history", "nowhere/fleet.om"], "cannot write nowhere/fleet.om"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line_with_its_cure(words: list[str], told: str) -> None:
    said = edge_agent("simulate-fleet", *words)
    assert said.returncode == 2
    assert told in said.stderr
    assert said.stderr.splitlines()[-1].startswith("fix: ")
