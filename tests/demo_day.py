"""A day at a site in 40 seconds: camera, agent, broker, bridge and Prometheus, each a process of its own.

The broker is down while the agent starts and while the first lift is seen. A second camera is dead all day.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from paho.mqtt.client import MQTTMessage

from tests.demo_clip import DEMO_CLIP, true_lifts
from tests.prometheus import Prometheus, prometheus
from tests.services import Listener, Mosquitto, RtspServer, accepts_connections, free_port, page, sample, wait_for

PROGRAM = (sys.executable, "-c", "from edge_agent.cli import main; main()")
CAMERA_PASSWORD = "hunter2"
MQTT_PASSWORD = "swordfish"
ZONES = {"left": (0.0, 0.5), "right": (0.5, 1.0)}
LIFTS_SEEN = 'edge_agent_outbox_events{state="ready"}'
_PATIENCE_S = 90.0


@dataclass
class DemoDay:
    """What was left at the end of the day."""

    bucket_s: int = 1
    waiting_without_broker: float = 0.0
    counters: dict[tuple[str, str], float] = field(default_factory=dict)
    prometheus_sum: float | None = None
    agent_up: list[float | None] = field(default_factory=list)
    messages: list[MQTTMessage] = field(default_factory=list)
    agent_page: str = ""
    bridge_page: str = ""
    agent_log: list[dict[str, Any]] = field(default_factory=list)
    bridge_log: str = ""
    exit_codes: dict[str, int] = field(default_factory=dict)


def site_file(folder: Path, cameras: dict[str, str], broker_port: int, /, **sections: Any) -> Path:
    """A site's settings whose lifts leave within seconds; ``sections`` replace whole parts of it."""
    zones = [
        {"name": name, "polygon": [[x0, 0.0], [x1, 0.0], [x1, 1.0], [x0, 1.0]]} for name, (x0, x1) in ZONES.items()
    ]
    settings = {
        "site": "north",
        "agent": "box-1",
        "cameras": [{"name": name, "source": source, "zones": zones} for name, source in cameras.items()],
        "privacy": {"bucket_s": 1, "min_lifts": 1},
        "mqtt": {"port": broker_port, "username": "box-1"},
        "outbox": {"path": str(folder / "outbox.sqlite")},
        "metrics": {"port": free_port()},
        "bridge": {"port": free_port(), "state_path": str(folder / "bridge.sqlite")},
    }
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump(settings | sections))
    return path


@contextmanager
def edge_agent(log: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The program in the background, its stderr in ``log``; killed at the end if it still runs."""
    environ = os.environ | {"HINGEWATCH_MQTT_PASSWORD": MQTT_PASSWORD}
    with log.open("w") as stderr:
        process = subprocess.Popen([*PROGRAM, *map(str, arguments)], stderr=stderr, text=True, env=environ)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)


def live_through(folder: Path) -> DemoDay:
    """Raises TimeoutError naming what did not happen."""
    day = DemoDay()
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(folder))
        listener = stack.enter_context(Listener(broker.port, "#"))
        server = RtspServer(str(DEMO_CLIP))
        stack.callback(server.kill)
        cameras = {
            "dock": server.url.replace("rtsp://", f"rtsp://viewer:{CAMERA_PASSWORD}@"),
            "gate": f"rtsp://viewer:{CAMERA_PASSWORD}@127.0.0.1:{free_port()}/live",
        }
        site = site_file(folder, cameras, broker.port)
        settings = yaml.safe_load(site.read_text())
        agent_port, bridge_port = settings["metrics"]["port"], settings["bridge"]["port"]
        bridge = stack.enter_context(edge_agent(folder / "bridge.log", "bridge", "--config", site))
        shown = stack.enter_context(prometheus(folder, bridge_port))
        wait_for("the bridge's page", lambda: accepts_connections(bridge_port), _PATIENCE_S)
        wait_for("the bridge", lambda: sample(page(bridge_port), "ergo_bridge_connected"), _PATIENCE_S)
        broker.stop()

        agent = stack.enter_context(edge_agent(folder / "agent.log", "run", "--config", site))
        wait_for("the agent's page", lambda: accepts_connections(agent_port), _PATIENCE_S)
        day.waiting_without_broker = wait_for(
            "a lift in the outbox", lambda: sample(page(agent_port), LIFTS_SEEN), _PATIENCE_S
        )
        broker.start()
        count = len(true_lifts())
        wait_for("every lift in Prometheus", lambda: (_sum(shown) or 0) >= count, _PATIENCE_S)
        day.agent_up.append(shown.value("ergo_agent_up"))
        day.agent_page, day.bridge_page = page(agent_port), page(bridge_port)

        _end(day, "agent", agent)
        wait_for("goodbye", lambda: listener.heard("/status")[-1:] == ["stopped"])
        wait_for("the agent's end in Prometheus", lambda: shown.value("ergo_agent_up") == 0)
        day.agent_up.append(shown.value("ergo_agent_up"))
        day.prometheus_sum = _sum(shown)
        day.counters = {
            (series["metric"]["zone"], series["metric"]["technique"]): float(series["value"][1])
            for series in shown.query("sum by (zone, technique) (ergo_lifts_total)")
        }
        _end(day, "bridge", bridge)
        day.messages = list(listener.messages)
    day.agent_log = [json.loads(line) for line in (folder / "agent.log").read_text().splitlines()]
    day.bridge_log = (folder / "bridge.log").read_text()
    return day


def _sum(shown: Prometheus) -> float | None:
    return shown.value("sum(ergo_lifts_total)")


def _end(day: DemoDay, name: str, process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGTERM)
    day.exit_codes[name] = process.wait(30)
