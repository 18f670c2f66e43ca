"""Settings change while the agent runs, from the file and from afar; what cannot be taken leaves all as it was."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from edge_agent.agent import Look
from edge_agent.box import Box
from edge_agent.core.health import Ordered
from edge_agent.errors import InputError, RunError
from edge_agent.order_keys import new_key, private_key
from edge_agent.ordering import Errand
from edge_agent.orders import Changes, Order, sealed
from edge_agent.rollout import Rollout
from edge_agent.service import run
from edge_agent.settings import CameraSettings, MqttSettings, OrderSettings, OutboxSettings, PrivacySettings, Settings
from edge_agent.standing import Standing, read
from tests.demo_clip import DEMO_CLIP
from tests.demo_day import edge_agent, site_file
from tests.lift_events import a_lift
from tests.services import Listener, Mosquitto, RtspServer, accepts_connections, page, sample, wait_for

PATIENCE_S = 60
"""The box's loop begins when the networks' speed has been measured, which takes a busy machine long."""
EVERYWHERE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def zone(name: str) -> dict[str, Any]:
    return {"name": name, "polygon": EVERYWHERE, "workers": 9}


# The program, and its file.


def changes_counted(port: int, result: str) -> float:
    return sample(page(port), f'edge_agent_settings_changes_total{{result="{result}",source="file"}}') or 0.0


def test_the_file_is_read_again_on_sighup_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    server = RtspServer(str(DEMO_CLIP))
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        site = site_file(tmp_path, {"dock": server.url}, broker.port)
        settings = yaml.safe_load(site.read_text())
        port = settings["metrics"]["port"]

        def saved(**changes: Any) -> None:
            site.write_text(yaml.safe_dump(settings | changes))
            agent.send_signal(signal.SIGHUP)

        def zones() -> list[str]:
            return list(json.loads(listener.heard("/health")[-1])["zones"])

        log = tmp_path / "agent.log"
        try:
            with edge_agent(log, "run", "--config", site) as agent:
                wait_for("the agent", lambda: accepts_connections(port) and listener.heard("/health"), 60)
                wait_for("the camera", lambda: "camera watched" in log.read_text(), PATIENCE_S)

                saved(cameras=[{"name": "dock", "source": server.url, "zones": [zone("bay")]},
                               {"name": "gate", "source": str(tmp_path / "away.mp4")}])  # fmt: skip
                wait_for("it to be taken", lambda: changes_counted(port, "applied") == 1, 30)
                wait_for("the second camera", lambda: 'edge_agent_camera_up{camera="gate"}' in page(port))

                saved(cameras=[{"name": "dock", "source": server.url, "sauce": 1}])
                wait_for("it to be refused", lambda: changes_counted(port, "refused") == 1, 30)
                assert "unknown key `sauce`" in log.read_text()
                saved(privacy={"bucket_s": 2, "min_lifts": 1})
                wait_for("that too", lambda: changes_counted(port, "refused") == 2, 30)
                assert "privacy cannot change while the agent runs" in log.read_text()

                saved(cameras=[{"name": "dock", "source": server.url, "zones": [zone("bay")]}])
                wait_for("one camera again", lambda: 'camera="gate"' not in page(port), 30)
                agent.send_signal(signal.SIGTERM)
                assert agent.wait(30) == 0
        finally:
            server.kill()
        assert log.read_text().count("camera watched") == 1, "the camera that stayed was not opened anew"


# A box in this process.


def test_a_lift_in_progress_survives_a_change_and_counts_where_the_new_zones_say(
    tmp_path: Path, first_lift_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock = {"name": "dock", "source": str(first_lift_clip)}
    camera, changed = (CameraSettings.model_validate(dock | {"zones": [zone(name)]}) for name in ("before", "after"))
    settings = Settings(cameras=(camera,), outbox=OutboxSettings(path=tmp_path / "outbox.sqlite"),
                        privacy=PrivacySettings(bucket_s=3600, min_lifts=5))  # fmt: skip
    box = Box(settings, CollectorRegistry())
    rollout = Rollout(box, settings, lambda: settings.model_copy(update={"cameras": (changed,)}), Standing())
    bent = threading.Event()

    def seen(_camera: str, look: Look) -> None:
        if not bent.is_set() and any(person.moment.depth > 0.5 for person in look.people):
            bent.set()
            rollout.reload()
            wait_for("it to be taken", lambda: not box._arrangements.empty())

    held: list[str] = []
    monkeypatch.setattr(box.outbox, "hold", lambda event: held.append(event.zone))
    rollout.start()
    box.run(threading.Event(), seen)
    rollout.stop()
    assert bent.is_set()
    assert held == ["after"]


@dataclass
class Site:
    """A box with two cameras beside a real broker."""

    settings: Settings
    box: Box
    rollout: Rollout
    key: Path
    stop: threading.Event = field(default_factory=threading.Event)

    def order(self, number: int, canary: str | None = None, **changes: Any) -> Order:
        wanted = Changes.model_validate(changes)
        return Order(site="north", agent="box-1", number=number, changes=wanted, canary=canary)

    def outcome(self, order: Order) -> str:
        with Errand(self.settings.mqtt, order, self.key) as errand:
            return errand.outcome(30, lambda _: None)

    def lifts(self, count: int, unknown: int, camera: str = "dock") -> None:
        for number in range(count):
            lift = a_lift(unknown_reason="view" if number < unknown else None)
            self.rollout.saw(camera, Look(0.0, (), (lift,)))

    def changes(self, result: str) -> float:
        return float(self.box.telemetry.settings_changes.labels("order", result)._value.get())

    @property
    def rounded_deg(self) -> set[float]:
        return {post.watch._thresholds.rounded_deg for post in self.box._posts.values()}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    server = RtspServer(str(DEMO_CLIP))
    key = tmp_path / "orders.key"
    new_key(key)
    with Mosquitto(tmp_path) as broker:
        settings = Settings.model_validate({
            "site": "north", "agent": "box-1", "mqtt": {"port": broker.port},
            "cameras": [{"name": name, "source": server.url, "zones": [zone(name)], "rate_hz": 1}
                        for name in ("dock", "gate")],
            "privacy": {"bucket_s": 1, "min_lifts": 1},
            "outbox": {"path": str(tmp_path / "outbox.sqlite")},
            "orders": {"trusted_key": str(key.with_suffix(".pub")), "state_path": str(tmp_path / "order.json")},
        })  # fmt: skip
        box = Box(settings, CollectorRegistry())
        site = Site(settings, box, Rollout(box, settings, lambda: settings, Standing()), key)
        thread = threading.Thread(target=box.run, args=(site.stop, lambda *_: None))
        thread.start()
        site.rollout.start()
        try:
            yield site
        finally:
            site.stop.set()
            thread.join(60)
            site.rollout.stop()
            server.kill()


def test_an_order_is_applied_told_and_kept_over_a_restart(site: Site) -> None:
    assert site.outcome(site.order(1, technique={"rounded_deg": 40})) == "applied"
    wait_for("all cameras", lambda: site.rounded_deg == {40.0}, PATIENCE_S)
    kept = read(site.settings.orders.state_path)
    assert kept.last == Ordered(1, "applied")
    assert kept.in_force is not None
    assert site.outcome(site.order(2)) == "applied", "withdrawn: an order of nothing"
    wait_for("all cameras", lambda: site.rounded_deg == {33.0}, PATIENCE_S)


def test_the_command_orders_what_a_file_says_and_withdraws_it(site: Site, tmp_path: Path) -> None:
    (tmp_path / "operator.yaml").write_text(f"site: north\nmqtt: {{port: {site.settings.mqtt.port}}}\n")
    (tmp_path / "changes.yaml").write_text("technique: {rounded_deg: 41}\n")

    def send(*words: str) -> None:
        command = [str(Path(sys.executable).with_name("edge-agent")), "orders", "send", *words]
        command += ["--config", "operator.yaml", "--key", str(site.key), "--agent", "box-1"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, done.stderr
        assert "applied" in done.stdout

    send("changes.yaml")
    wait_for("all cameras", lambda: site.rounded_deg == {41.0}, PATIENCE_S)
    send("--withdraw")
    wait_for("the file's own", lambda: site.rounded_deg == {33.0}, PATIENCE_S)


def test_what_is_refused_is_told_by_a_word_and_what_was_in_force_stays(site: Site) -> None:
    assert site.outcome(site.order(5, technique={"rounded_deg": 40})) == "applied"
    assert site.outcome(site.order(6, cameras={"attic": {"rate_hz": 5}})) == "refused"
    assert site.box.ordered == Ordered(6, "refused", "unknown_camera")
    wait_for("all cameras", lambda: site.rounded_deg == {40.0}, PATIENCE_S)

    assert site.outcome(site.order(7, pose={"precision": "int8"})) == "refused"  # nothing quantised is here
    assert site.box.ordered == Ordered(7, "refused", "cannot_run")
    assert site.rounded_deg == {40.0}
    assert site.changes("refused") == 2


def test_a_forger_and_an_old_order_played_again_change_nothing_that_is_told(site: Site) -> None:
    assert site.outcome(site.order(9, technique={"rounded_deg": 40})) == "applied"
    other = site.key.with_name("other.key")
    new_key(other)
    with Listener(site.settings.mqtt.port) as listener:
        topic = "ergo/v1/north/box-1/settings"
        listener.publish(topic, sealed(site.order(10, technique={"rounded_deg": 60}), private_key(other)))
        listener.publish(topic, sealed(site.order(8, technique={"rounded_deg": 60}), private_key(site.key)))
        foreign = site.order(11, technique={"rounded_deg": 60}).model_copy(update={"agent": "box-2"})
        listener.publish(topic, sealed(foreign, private_key(site.key)))
        listener.publish(topic, "")
        wait_for("three refusals", lambda: site.changes("refused") == 3, PATIENCE_S)
    assert site.box.ordered == Ordered(9, "applied")
    wait_for("all cameras", lambda: site.rounded_deg == {40.0}, PATIENCE_S)


def test_one_camera_tries_it_out_and_the_others_follow_where_nothing_got_worse(site: Site) -> None:
    assert site.outcome(site.order(3, canary="dock", technique={"rounded_deg": 40})) == "on_trial"
    assert site.rounded_deg == {33.0}, "first its lifts are counted as it is"
    site.lifts(30, unknown=6)
    wait_for("one camera to try it", lambda: site.rounded_deg == {33.0, 40.0}, PATIENCE_S)
    site.lifts(30, unknown=8)
    wait_for("all cameras", lambda: site.rounded_deg == {40.0}, PATIENCE_S)
    wait_for("it to be kept", lambda: read(site.settings.orders.state_path).last == Ordered(3, "applied"), PATIENCE_S)
    assert site.changes("applied") == 1


def test_what_makes_lifts_unknown_is_rolled_back_by_itself(site: Site) -> None:
    with Listener(site.settings.mqtt.port) as listener:
        assert site.outcome(site.order(4, canary="dock", technique={"min_confidence": 0.95})) == "on_trial"
        site.lifts(30, unknown=6)
        site.lifts(500, unknown=0, camera="gate")  # another camera's do not count
        wait_for(
            "the trial", lambda: len({post.watch._thresholds.min_confidence for post in posts(site)}) == 2, PATIENCE_S
        )
        site.lifts(30, unknown=20)
        wait_for("it to be told", lambda: '"rolled_back"' in listener.heard("/health")[-1], PATIENCE_S)
        wait_for(
            "the camera", lambda: {post.watch._thresholds.min_confidence for post in posts(site)} == {0.6}, PATIENCE_S
        )
    assert site.changes("rolled_back") == 1
    wait_for(
        "it to be kept",
        lambda: read(site.settings.orders.state_path) == Standing(Ordered(4, "rolled_back")),
        PATIENCE_S,
    )


def posts(site: Site) -> list[Any]:
    return list(site.box._posts.values())


def test_an_order_that_was_applied_holds_from_the_start_after_a_restart(site: Site, tmp_path: Path) -> None:
    assert site.outcome(site.order(1, technique={"rounded_deg": 40})) == "applied"
    again = site.settings.model_copy(update={
        "metrics": site.settings.metrics.model_copy(update={"port": 0}),
        "outbox": OutboxSettings(path=tmp_path / "again.sqlite"),
        "mqtt": MqttSettings(port=site.settings.mqtt.port),
    })  # fmt: skip
    told: list[Settings] = []
    service_box = Box.run

    def note(box: Box, stop: threading.Event, seen: Callable[[str, Look], None]) -> None:
        told.append(box.settings)
        stop.set()
        service_box(box, stop, seen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Box, "run", note)
        run(again, lambda: again, threading.Event())
    assert told[0].technique.rounded_deg == 40


def test_who_sends_an_order_is_told_when_nobody_is_there_to_take_it(tmp_path: Path) -> None:
    new_key(tmp_path / "orders.key")
    order = Order(site="north", agent="box-9", number=1)
    with (
        Mosquitto(tmp_path) as broker,
        Errand(MqttSettings(port=broker.port), order, tmp_path / "orders.key") as errand,
        pytest.raises(RunError, match="has said nothing of it"),
    ):
        errand.outcome(1.0, lambda _: None)


def test_a_key_that_cannot_be_used_is_told_at_the_start(tmp_path: Path) -> None:
    settings = Settings(
        cameras=(CameraSettings(name="dock", source="0"),),
        outbox=OutboxSettings(path=tmp_path / "outbox.sqlite"),
        orders=OrderSettings(trusted_key=tmp_path / "nowhere.pub"),
    )
    box = Box(settings, CollectorRegistry())
    with pytest.raises(InputError, match="cannot use"):
        Rollout(box, settings, lambda: settings, Standing())
    box.outbox.close()
