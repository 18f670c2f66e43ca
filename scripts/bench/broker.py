"""What deploy/k8s's broker and two bridges carry: lifts a second, and memory for what an absent bridge did not fetch.

.venv/bin/python -m scripts.bench.broker [--lifts 20000]

mosquitto with the configuration, certificates and access list of the pod, `edge-agent bridge` twice, ten agents that
publish as fast as they are acknowledged; all on this machine. First with both bridges there, then with both away.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import yaml
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.core.events import to_json, topic
from edge_agent.site_certificates import SiteCertificates
from scripts.bench.live import AGENT
from tests.lift_events import a_fresh_event
from tests.services import accepts_connections, free_port, page, program, sample, wait_for

AGENTS: Final = 10
ZONES: Final = 20
SITE: Final = "north"
CONFIGURATION: Final = Path(__file__).parents[2] / "deploy/k8s/base/broker/mosquitto.conf"
PATIENCE_S: Final = 1800.0


class Site:
    """Certificates, broker and bridges in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.certs = folder, folder / "certs"
        self.port = free_port()
        SiteCertificates(self.certs).make(SITE, ["127.0.0.1"], [f"box-{number}" for number in range(AGENTS)])
        text = CONFIGURATION.read_text().replace("/site/", f"{self.certs}/").replace("/mosquitto/data/", f"{folder}/")
        text = text.replace("listener 8883", f"listener {self.port}").replace(
            "listener 1883", f"listener {free_port()}"
        )
        (folder / "mosquitto.conf").write_text(f"{text}user root\n")

    @contextmanager
    def broker(self) -> "Iterator[subprocess.Popen[bytes]]":
        """Until it answers; its start is part of what is measured."""
        with (self.folder / "mosquitto.log").open("a") as log:
            command = [program("mosquitto"), "-c", str(self.folder / "mosquitto.conf")]
            process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603
            try:
                wait_for("mosquitto", lambda: accepts_connections(self.port), PATIENCE_S)
                yield process
            finally:
                process.terminate()
                process.wait(PATIENCE_S)

    @contextmanager
    def bridges(self) -> Iterator[list[int]]:
        """Two, each with a file of its own; their ports, once they have subscribed."""
        with ExitStack() as stack:
            ports = [free_port() for _ in range(2)]
            for number, port in enumerate(ports):
                stack.enter_context(self._bridge(number, port))
            for port in ports:
                wait_for("a bridge", lambda port=port: _read(port, "ergo_bridge_connected"), PATIENCE_S)
            yield ports

    @contextmanager
    def _bridge(self, number: int, port: int) -> Iterator[None]:
        settings = {
            "mqtt": {"host": "127.0.0.1", "port": self.port, **self._files("bridge")},
            "bridge": {"port": port, "state_path": str(self.folder / f"bridge-{number}.sqlite")},
        }
        path = self.folder / f"bridge-{number}.yaml"
        path.write_text(yaml.safe_dump(settings))
        with (self.folder / f"bridge-{number}.log").open("a") as log:
            command = [*AGENT, "bridge", "--config", str(path)]
            process = subprocess.Popen(command, stderr=log)  # noqa: S603 - the agent itself
            try:
                yield
            finally:
                process.terminate()
                process.wait(60)

    def _files(self, name: str) -> dict[str, str]:
        certs = self.certs
        return {
            "ca_file": f"{certs}/ca.pem", "cert_file": f"{certs}/{name}.pem", "key_file": f"{certs}/{name}.key"
        }  # fmt: skip

    def publish(self, lifts: int) -> float:
        """Lifts acknowledged a second, by ten agents at once."""
        clients = [self._client(f"box-{number}") for number in range(AGENTS)]
        began_s = time.monotonic()
        messages = []
        for number in range(lifts):
            event = a_fresh_event(site=SITE, zone=f"zone-{number % ZONES}")
            messages.append(clients[number % AGENTS].publish(topic(SITE, event.zone), to_json(event), qos=1))
        for message in messages:
            message.wait_for_publish(PATIENCE_S)
        took_s = time.monotonic() - began_s
        for client in clients:
            client.disconnect()
            client.loop_stop()
        return lifts / took_s

    def _client(self, agent: str) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"bench-{agent}", protocol=MQTTv5)
        files = self._files(f"agents/{agent}")
        client.tls_set(ca_certs=files["ca_file"], certfile=files["cert_file"], keyfile=files["key_file"])
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        return client


def _read(port: int, series: str) -> float:
    try:
        return sample(page(port), series) or 0.0
    except OSError:
        return 0.0


def _until_counted(ports: list[int], lifts: int) -> None:
    """By the bridge that is behind. Asked once a second: the pages are made by the processes that are measured."""
    ends_s = time.monotonic() + PATIENCE_S
    while min(_read(port, 'ergo_bridge_messages_total{result="counted"}') for port in ports) < lifts:
        if time.monotonic() > ends_s:
            raise TimeoutError(f"the bridges did not count {lifts} lifts")
        time.sleep(1)


def _rss_mb(process: "subprocess.Popen[bytes]") -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return round(int(status.partition("VmRSS:")[2].split()[0]) / 1024, 1)


def _seconds(act: Callable[[], object]) -> float:
    began_s = time.monotonic()
    act()
    return round(time.monotonic() - began_s, 2)


def measure(folder: Path, lifts: int) -> dict[str, float]:
    """Both bridges there; both away; the broker started anew with all that; both back."""
    site, told = Site(folder), {"lifts": float(lifts)}
    with ExitStack() as running:
        broker = running.enter_context(site.broker())
        with site.bridges() as ports:
            began_s = time.monotonic()
            told["acknowledged_per_s"] = round(site.publish(lifts), 1)
            _until_counted(ports, lifts)
            told["counted_by_both_per_s"] = round(lifts / (time.monotonic() - began_s), 1)
        told["broker_rss_mb"] = _rss_mb(broker)
        told["acknowledged_per_s_bridges_away"] = round(site.publish(lifts), 1)
        told["broker_rss_mb_bridges_away"] = _rss_mb(broker)
    told["file_mb_bridges_away"] = round((folder / "mosquitto.db").stat().st_size / 2**20, 1)
    with ExitStack() as running:
        told["broker_start_s"] = _seconds(lambda: running.enter_context(site.broker()))
        began_s = time.monotonic()
        with site.bridges() as ports:  # a page counts since its own start
            _until_counted(ports, lifts)
            told["fetched_by_both_per_s"] = round(lifts / (time.monotonic() - began_s), 1)
    return told


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="what deploy/k8s's broker and bridges carry")
    parser.add_argument("--lifts", type=int, default=20_000)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), parser.parse_args().lifts), indent=2))
