"""A broker with a queue, and bridges on one core that take it up: the parts of ``fleet``."""

import gzip
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Final

from edge_agent.fleet.layout import Fleet
from edge_agent.fleet.load import Load
from edge_agent.settings import BridgeSettings, MqttSettings
from tests.services import Mosquitto, accepts_connections, free_port, sample, wait_for

BRIDGE_CORE: Final = 0
PATIENCE_S: Final = 120.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@contextmanager
def broker(directory: Path, *, tls: bool) -> Iterator[MqttSettings]:
    """mosquitto as a site has it: no limit of queued messages. It has our cores, of which the bridge's is none."""
    running = Mosquitto(directory, tls=tls)
    config = directory / "mosquitto.conf"
    text = config.read_text().replace("autosave_interval 1\n", "").replace("autosave_on_changes true\n", "")
    config.write_text(f"{text}max_queued_messages 0\n")
    with running:
        yield MqttSettings(port=running.port, ca_file=directory / "ca.pem" if tls else None)


class PinnedBridge:
    """A bridge process on BRIDGE_CORE."""

    def __init__(self, state: Path, broker: MqttSettings, replica: str | None = None, zones: int = 1000) -> None:
        self.port = free_port()
        settings = BridgeSettings(
            port=self.port, state_path=state, replica=replica, max_zones=zones, max_agents=max(500, zones // 5)
        )
        self._words = [str(BRIDGE_CORE), settings.model_dump_json(), broker.model_dump_json()]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Wait for its page, not for its connection."""
        command = [sys.executable, "-m", "scripts.bench.pinned_bridge", *self._words]
        self._process = subprocess.Popen(command)  # noqa: S603 - our own words
        wait_for("the bridge", lambda: accepts_connections(self.port), PATIENCE_S)

    def subscribed(self) -> None:
        """Wait until the broker queues for it."""
        wait_for("its subscription", lambda: sample(self.page(), "ergo_bridge_connected") == 1, PATIENCE_S)

    def stop(self) -> None:
        """As systemd would."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    def page(self) -> str:
        """What it shows now."""
        return gzip.decompress(self._packed()).decode()

    def scrape_s(self) -> float:
        """How long the packed page takes, to its last byte."""
        began_s = time.perf_counter()
        self._packed()
        return time.perf_counter() - began_s

    def _packed(self) -> bytes:
        """As Prometheus asks for it."""
        address = f"http://127.0.0.1:{self.port}/metrics"
        asked = urllib.request.Request(address, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as reply:  # noqa: S310
            body: bytes = reply.read()
        return body

    def reading(self) -> "Reading":
        """What it has counted and spent until now."""
        assert self._process is not None
        text = self.page()
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return Reading(
            time.monotonic(),
            sample(text, 'ergo_bridge_messages_total{result="counted"}') or 0.0,
            shown(text),
            (int(words[11]) + int(words[12])) / _TICKS,
            _mib("VmRSS", status),
            _mib("VmHWM", status),
            _busy_s(),
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """counted: by this process. shown: all lifts on its page. core_busy_s: of BRIDGE_CORE, whoever used it."""

    at_s: float
    counted: float
    shown: float
    cpu_s: float
    rss_mib: float
    peak_mib: float
    core_busy_s: float


def shown(page: str) -> float:
    """All lifts of a page."""
    return sum(float(value) for value in re.findall(r"^ergo_lifts_total{.*} (\S+)$", page, re.M))


def queued(bridge: PinnedBridge, settings: MqttSettings, fleet: Fleet, events: int) -> int:
    """Let the bridge learn of the fleet and go; publish to its queue. Returns how many the broker acknowledged."""
    bridge.start()
    bridge.subscribed()
    with Load(settings, fleet) as load:
        load.introduce(time.time())
        zones = 12 * len(fleet.zones)
        wait_for("all zones", lambda: bridge.page().count("\nergo_lifts_total{") == zones, PATIENCE_S)
        bridge.stop()
        return published(load, events)


def published(load: Load, events: int) -> int:
    """As fast as broker and load can, about so many; returns how many the broker has acknowledged."""
    stop, sent = Event(), 0

    def count(more: int) -> None:
        nonlocal sent
        sent += more
        if sent >= events:
            stop.set()

    return load.run(1e6, 3600, stop, count).acknowledged


def between(before: Reading, after: Reading) -> dict[str, Any]:
    """What one bridge did in that time."""
    seconds, counted = after.at_s - before.at_s, after.counted - before.counted
    cpu_s = after.cpu_s - before.cpu_s
    return {
        "events": counted,
        "seconds": round(seconds, 2),
        "events_per_s": round(counted / seconds),
        "events_per_cpu_s": round(counted / cpu_s),
        "core_share_used": round(cpu_s / seconds, 2),
        "core_share_of_others": round(max(0.0, after.core_busy_s - before.core_busy_s - cpu_s) / seconds, 2),
    }


def _mib(name: str, status: str) -> float:
    match = re.search(rf"^{name}:\s+(\d+) kB", status, re.M)
    return round(int(match[1]) / 1024, 1) if match else 0.0


def _busy_s() -> float:
    """All but idle and waiting for the disk, stolen time included."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{BRIDGE_CORE}":
            user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, ticks[:8])
            return (user + nice + system + irq + softirq + steal) / _TICKS
    return 0.0
