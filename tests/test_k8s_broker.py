"""deploy/k8s with real parts: the broker on its configuration and Secrets, two bridges as Prometheus sees them."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_agent.settings import OutboxSettings
from edge_agent.site_certificates import SiteCertificates
from tests.prometheus import prometheus
from tests.services import accepts_connections, free_port, program, wait_for
from tests.test_k8s import K8S, named, objects, pods, run, settings_text
from tests.two_bridges import two_bridges

CONF = (K8S / "base/broker/mosquitto.conf").read_text()


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `edge-agent certs init` writes for the demo."""
    folder = tmp_path_factory.mktemp("site") / "certs"
    SiteCertificates(folder).make("demo", ["broker", "127.0.0.1"], ["box-1", "box-2"])
    return folder


@pytest.fixture(scope="module")
def secrets(certs: Path) -> dict[str, dict[str, str]]:
    """The Secrets that secrets.sh makes of it: by name, each file's name and Base64 text."""
    printed = run(K8S / "secrets.sh", certs, "broker", "bridge", "box-1")
    return {one["metadata"]["name"]: one["data"] for one in yaml.safe_load_all(printed)}


def test_the_secrets_hold_what_each_pod_reads_and_nothing_else(secrets: dict[str, dict[str, str]]) -> None:
    for name, template in pods("demo"):
        (secret,) = [volume["secret"]["secretName"] for volume in template["spec"]["volumes"] if "secret" in volume]
        assert set(re.findall(r"/site/(\S+)", settings_text("demo", name))) == secrets[secret].keys()
    assert set(secrets) == {"broker-tls", "bridge-tls", "box-1-tls"}


def test_the_edge_names_its_secrets_as_the_script_does() -> None:
    for name, template in pods("edge-k3s"):
        agent = template["metadata"]["labels"]["app.kubernetes.io/instance"]
        (secret,) = [volume["secret"]["secretName"] for volume in template["spec"]["volumes"] if "secret" in volume]
        assert (name, secret) == (f"agent-{agent}", f"{agent}-tls")


def directives(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_brokers_configuration_is_what_certs_writes_but_for_two_things(certs: Path) -> None:
    written = (certs / "mosquitto.conf").read_text().replace(str(certs), "/site")
    ours, theirs = directives(CONF), directives(written)
    assert [line for line in theirs if line not in ours] == ["allow_anonymous false"]
    assert [line for line in ours if line not in theirs] == [
        "persistence_location /mosquitto/data/",
        "log_dest stdout",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "listener 1883 127.0.0.1",
        "allow_anonymous true",
    ]
    kept_s = OutboxSettings().keep_acknowledged_s
    assert kept_s > 60, "what a killed broker forgets, agents send again"


@dataclass
class Running:
    """mosquitto on the pod's configuration, with this machine's paths and ports."""

    process: "subprocess.Popen[bytes]"
    port: int
    probe_port: int
    certs: Path

    def client(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([program(name), *arguments], capture_output=True, text=True, timeout=15, check=False)

    def by_tls(self, *identity: str) -> list[str]:
        files = ["--cafile", str(self.certs / "ca.pem")]
        if identity:
            (path,) = identity
            files += ["--cert", f"{self.certs / path}.pem", "--key", f"{self.certs / path}.key"]
        return ["-h", "127.0.0.1", "-p", str(self.port), *files, "-V", "5"]


@pytest.fixture
def broker(certs: Path, tmp_path: Path) -> Iterator[Running]:
    port, probe_port = free_port(), free_port()
    text = CONF.replace("/site/", f"{certs}/").replace("/mosquitto/data/", f"{tmp_path}/")
    text = text.replace("listener 8883", f"listener {port} 127.0.0.1").replace(
        "listener 1883", f"listener {probe_port}"
    )
    (tmp_path / "mosquitto.conf").write_text(f"{text}user root\n")
    with (tmp_path / "log").open("w") as log:
        command = [program("mosquitto"), "-c", str(tmp_path / "mosquitto.conf")]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for("mosquitto", lambda: accepts_connections(port) and accepts_connections(probe_port))
            yield Running(process, port, probe_port, certs)
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(10)


def probe(broker: Running) -> list[str]:
    (container,) = named("demo", "StatefulSet", "broker")["spec"]["template"]["spec"]["containers"]
    name, *arguments = container["livenessProbe"]["exec"]["command"]
    return [program(name), *(str(broker.probe_port) if each == "1883" else each for each in arguments)]


def test_the_probe_passes_on_a_broker_that_answers_and_fails_on_one_that_hangs(broker: Running) -> None:
    """The kernel goes on accepting connections for one that hangs: a probe of the port would be content."""
    assert subprocess.run(probe(broker), check=False, timeout=30).returncode == 0
    broker.process.send_signal(signal.SIGSTOP)
    assert accepts_connections(broker.port)
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(probe(broker), check=False, timeout=3)


def test_who_has_no_certificate_is_let_in_by_loopback_alone_and_may_do_nothing_there(broker: Running) -> None:
    refused = broker.client("mosquitto_pub", *broker.by_tls(), "-t", "x", "-m", "x")
    assert refused.returncode != 0
    loopback = ["-h", "127.0.0.1", "-p", str(broker.probe_port), "-V", "5"]
    with ExitStack() as stack:
        bridge = stack.enter_context(subscriber(*broker.by_tls("bridge"), "-t", "ergo/v1/#"))
        stranger = stack.enter_context(subscriber(*loopback, "-t", "#"))

        def told() -> bool:
            lift = ["-q", "1", "-t", "ergo/v1/demo/left/lift", "-m"]
            broker.client("mosquitto_pub", *loopback, *lift, "forged")
            assert broker.client("mosquitto_pub", *broker.by_tls("agents/box-1"), *lift, "real").returncode == 0
            return bridge.poll() is not None

        wait_for("the bridge to hear of a lift", told, 30)
        assert bridge.communicate()[0] == "real\n"
        assert stranger.poll() is None, "it was told something"


@contextmanager
def subscriber(*arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """Ends with the first message, which it prints."""
    command = [program("mosquitto_sub"), *arguments, "-q", "1", "-C", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def operators_own(pod: str) -> dict[str, str]:
    """The labels that the Prometheus operator gives a target, before our relabelings, and what they are made from."""
    labels = {
        "namespace": "hingewatch",
        "service": "bridge",
        "pod": pod,
        "container": "bridge",
        "endpoint": "metrics",
    }
    return labels | {"__meta_kubernetes_pod_name": pod}


def relabelings() -> list[dict[str, Any]]:
    """Of the ServiceMonitor, in Prometheus' own spelling."""
    (endpoint,) = named("central", "ServiceMonitor", "hingewatch-bridge")["spec"]["endpoints"]
    spelt = {"sourceLabels": "source_labels", "targetLabel": "target_label"}
    return [{spelt.get(key, key): value for key, value in one.items()} for one in endpoint["relabelings"]]


def test_two_bridges_count_everything_and_the_rules_take_each_lift_once(tmp_path: Path) -> None:
    """With the operator's own labels, the pod's name among them, every lift would be counted twice."""
    rule_files = []
    for one in objects("central", "PrometheusRule"):
        rule_files.append(tmp_path / f"{one['metadata']['name']}.yml")
        rule_files[-1].write_text(yaml.safe_dump(one["spec"]))
    with two_bridges(tmp_path, lifts=3) as bridges:
        targets = [
            {"targets": [f"127.0.0.1:{bridge.port}"], "labels": operators_own(name)}
            for name, bridge in bridges.items()
        ]
        job = {"job_name": "any", "static_configs": targets, "relabel_configs": relabelings()}
        with prometheus(tmp_path, rule_files=rule_files, scrape_configs=[job]) as shown:
            wait_for(
                "both to be read", lambda: shown.value('sum(ergo_lifts_total{job="hingewatch-bridge"})') == 6, 60
            )
            assert shown.value("sum(max without (instance) (ergo_lifts_total))") == 3
            wait_for("the rules", lambda: shown.value("sum(site_zone_technique_risk:ergo_lifts:max)") == 3, 60)
            (first, second) = shown.query("ergo_bridge_connected")
            assert {first["metric"]["instance"], second["metric"]["instance"]} == bridges.keys()
