"""What a liveness probe is told: a loop or a look that hangs is fatal; a camera or a broker that is away is not."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from edge_agent.agent import Look, Watch
from edge_agent.box import Box
from edge_agent.bridge import Bridge
from edge_agent.core import liveness
from edge_agent.core.liveness import STUCK_S, why_stuck
from edge_agent.core.records import Frame
from edge_agent.intake import Intake
from edge_agent.metrics_server import HEALTHY, Exposition, health, serve
from edge_agent.pose.network import within_quota
from edge_agent.settings import BridgeSettings, CameraSettings, MqttSettings, OutboxSettings, Settings
from tests.demo_clip import DEMO_CLIP
from tests.demo_day import edge_agent, site_file
from tests.services import Listener, Mosquitto, accepts_connections, free_port, page, sample, wait_for


def ask(port: int, path: str = HEALTHY) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_loop_that_turns_and_looks_that_end_are_well() -> None:
    assert why_stuck(0.2, []) is None
    assert why_stuck(STUCK_S, [0.1, STUCK_S]) is None


def test_what_hangs_is_named() -> None:
    assert why_stuck(75.0, []) == "the loop has not turned for 75 s"
    assert why_stuck(0.2, [0.1, 61.0, 3.0]) == "a look at a frame has not ended for 61 s"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        cameras=(CameraSettings(name="dock", source=str(DEMO_CLIP)),),
        mqtt=MqttSettings(port=free_port()),
        outbox=OutboxSettings(path=tmp_path / "outbox.sqlite"),
    )


@contextmanager
def running(settings: Settings, release: threading.Event) -> Iterator[int]:
    """A box in a thread; the port of its page. ``release`` is set at the end, for whatever hangs."""
    registry, stop = CollectorRegistry(), threading.Event()
    box = Box(settings, registry)
    port, stop_serving = serve(Exposition(registry), "127.0.0.1", 0, prefix="edge_agent", pages=health(box.why_stuck))
    thread = threading.Thread(target=box.run, args=(stop, lambda *_: None))
    thread.start()
    try:
        yield port
    finally:
        stop.set()
        release.set()
        thread.join(60)
        stop_serving()


def test_a_camera_and_a_broker_that_are_away_are_no_reason_to_restart(tmp_path: Path) -> None:
    """The program as it is started."""
    cameras = {"dock": str(DEMO_CLIP), "away": f"rtsp://127.0.0.1:{free_port()}/nothing"}
    site = site_file(tmp_path, cameras, free_port())
    port = yaml.safe_load(site.read_text())["metrics"]["port"]
    with edge_agent(tmp_path / "agent.log", "run", "--config", site) as agent:
        wait_for("its page", lambda: accepts_connections(port), 60)
        wait_for("the broker to be missed", lambda: missed(page(port), "edge_agent_mqtt"))
        wait_for("the camera to be missed", lambda: "camera down" in (tmp_path / "agent.log").read_text())
        wait_for("the other to be watched", lambda: "camera watched" in (tmp_path / "agent.log").read_text(), 60)
        assert ask(port) == (200, "healthy\n")
        assert agent.poll() is None


def test_a_look_that_hangs_as_in_a_driver_is_fatal_though_the_loop_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "STUCK_S", 2.0)
    release, hung = threading.Event(), threading.Event()

    def hang(_watch: Watch, frame: Frame) -> Look:
        hung.set()
        release.wait(120)
        return Look(frame.time_s, (), ())

    monkeypatch.setattr(Watch, "look", hang)
    with running(settings, release) as port:
        assert hung.wait(60)
        status, reason = wait_for("the probe to fail", lambda: refusal(port), 30)
        assert status == 503
        assert reason.startswith("a look at a frame has not ended for")


def test_a_loop_that_hangs_is_fatal(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a disk that never answers: what the loop calls does not come back."""
    monkeypatch.setattr(liveness, "STUCK_S", 2.0)
    release = threading.Event()
    monkeypatch.setattr(Box, "_end_finished", lambda *_: release.wait(120))
    with running(settings, release) as port:
        assert wait_for("the probe to fail", lambda: refusal(port), 30)[1].startswith("the loop has not turned")


def refusal(port: int) -> tuple[int, str] | None:
    answer = ask(port)
    return None if answer[0] == 200 else answer


def test_a_bridge_whose_broker_is_away_waits_and_is_well(tmp_path: Path) -> None:
    settings = BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite")
    with Bridge(settings, MqttSettings(port=free_port())) as bridge:
        wait_for("it to be missed", lambda: missed(page(bridge.port), "ergo_bridge"))
        assert ask(bridge.port) == (200, "healthy\n")


def missed(text: str, prefix: str) -> float | None:
    return sample(text, f'{prefix}_connect_failures_total{{cause="unreachable"}}')


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bridge_that_an_unforeseen_error_made_deaf_is_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it would show its counts for ever, and nobody would notice that they stand still."""

    def stumble(*_: object) -> None:
        raise ZeroDivisionError("nobody thought of this")

    monkeypatch.setattr(Intake, "take", stumble)
    settings = BridgeSettings(port=0, state_path=tmp_path / "bridge.sqlite")
    with Mosquitto(tmp_path) as broker, Bridge(settings, MqttSettings(port=broker.port)) as bridge:
        wait_for("the bridge", lambda: sample(page(bridge.port), "ergo_bridge_connected"))
        assert ask(bridge.port)[0] == 200
        with Listener(broker.port) as listener:
            listener.publish("ergo/v1/north/dock-1/lift", "{}")
        assert wait_for("the probe to fail", lambda: refusal(bridge.port), 30)[1].startswith("nothing is counted")


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [("max 100000\n", 8), ("200000 100000\n", 2), ("250000 100000\n", 2), ("50000 100000\n", 1), ("", 8)],
    ids=["no limit", "two cores", "two and a half", "half a core", "unreadable"],
)
def test_a_container_starts_no_more_threads_than_its_limit_lets_run(tmp_path: Path, cpu_max: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(cpu_max)
    assert within_quota(8, tmp_path / "cpu.max") == cores
    assert within_quota(8, tmp_path / "none") == 8
