"""The doctor at whole deployments, real ones, and at each thing that can be wrong with one."""

import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from rich.progress import Progress

from edge_agent.doctor import Asked, examine
from edge_agent.doctor.broker import Meeting, _access, look_at_broker
from edge_agent.doctor.cameras import look_at_camera
from edge_agent.doctor.clock import read_kernel_clock
from edge_agent.doctor.devices import HARDWARE, Hardware, why_unused
from edge_agent.doctor.finding import Finding
from edge_agent.doctor.machine import _clock
from edge_agent.doctor.outbox import look_at_outbox
from edge_agent.doctor.prometheus import _agents_page, _bridges_page, _itself
from edge_agent.outbox import Outbox
from edge_agent.prometheus_api import Series
from edge_agent.settings import (
    CameraSettings,
    MetricsSettings,
    MqttSettings,
    OutboxSettings,
    PoseSettings,
    PrivacySettings,
    Settings,
)
from edge_agent.side_by_side import side_by_side
from edge_agent.telemetry import AgentTelemetry
from scripts.doctor.tables import DOCUMENT, block
from tests.deployments import broken, healthy, printed
from tests.lift_events import an_event
from tests.services import free_port
from tests.test_transport import SiteBroker, broker, connected
from tests.trace import read_trace, run_traced

__all__ = ["broker"]

ROOT = Path(__file__).parents[1]
SITE = Settings(site="leeds", agent="dock-box-1")


def told(table: str) -> list[str]:
    """The table's words: no figures, for they differ, no lines' ends, for they follow the figures' lengths; and not
    whether a busy machine came too late with some pictures."""
    late = r"; \d+% of the pictures .* busy with others|give this box fewer .*? to lite; "
    words = re.sub(late, "", " ".join(table.split()))
    words = re.sub(r"\d+% (from the side|obliquely|from front or back|half hidden),? ?", "", words)
    return re.sub(r"\d+(\.\d+)*", "0", words).split()


def documented(name: str) -> str:
    found = block(name).search(DOCUMENT.read_text(encoding="utf-8"))
    assert found is not None
    return found[0]


def test_of_a_healthy_deployment_every_line_is_ok(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with healthy() as deployment:
        findings = deployment.findings()
    assert [finding for finding in findings if finding.state != "ok" or finding.fix] == []
    assert told(printed(findings)) == told(documented("healthy")), "run: python -m scripts.doctor.tables"
    facts = {finding.check: finding.facts for finding in findings}
    camera, view = facts["camera dock-3"], facts["camera dock-3 view"]
    assert (camera["codec"], camera["width_px"], camera["height_px"]) == ("h264", 960, 540)
    assert camera["fps"] == pytest.approx(15, abs=0.5)
    assert camera["keyframe_s"] == pytest.approx(1, abs=0.1)
    assert view["grey_levels_of_256"] == pytest.approx(141, abs=40)
    assert view["person_height_px_of_720"] == pytest.approx(372, abs=40)


def test_of_a_broken_one_every_fault_is_told_with_its_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with broken() as deployment:
        findings = deployment.findings()
    state = {finding.check: finding.state for finding in findings}
    assert {check for check in state if state[check] == "fail"} == {
        "bridge.state_path", "outbox", "camera dock-3", "camera aisle-1", "broker access", "prometheus: agent",
        "prometheus: bridge",
    }  # fmt: skip
    assert {check for check in state if state[check] == "warn"} == {
        "memory", "clock", "driver GPU", "camera gate-2 size", "camera gate-2 rate", "camera gate-2 keyframes",
        "camera gate-2 view", "certificates",
    }  # fmt: skip
    assert all(finding.fix for finding in findings if finding.state != "ok")
    assert "hunter2" not in printed(findings)
    assert told(printed(findings)) == told(documented("broken")), "run: python -m scripts.doctor.tables"


def test_it_writes_nothing_at_all_and_needs_no_other_program(tmp_path: Path) -> None:
    """As in a container: read-only root, nothing on the PATH. The kernel tells every file that is opened to write."""
    site = tmp_path / "site.yaml"
    clip = {"name": "dock", "source": str(ROOT / "edge_agent/assets/demo.mp4")}
    port = free_port()
    settings = {
        "cameras": [clip],
        "pose": {"models_dir": str(PoseSettings().models_dir), "cache_dir": str(tmp_path / "compiled")},
        "outbox": {"path": str(tmp_path / "outbox.sqlite")},
        "bridge": {"state_path": str(tmp_path / "bridge.sqlite")},
        "mqtt": {"port": port},
    }
    site.write_text(yaml.safe_dump(settings))
    command = [
        sys.executable,
        "-B",
        "-c",
        "import sys; from edge_agent.cli import main\ntry: main()\nexcept SystemExit as e: sys.exit(e.code != 1)",
    ]
    ran = run_traced(
        [*command, "doctor", "--config", str(site)], tmp_path, {"PATH": "/nowhere", "TMPDIR": "/nowhere"}
    )
    assert "Connection refused" in ran.stdout, "only the broker is missing"
    assert {path for path in read_trace(tmp_path).written if not path.is_relative_to("/dev")} == set()


def test_asking_what_may_be_written_is_heard_by_nobody(broker: SiteBroker) -> None:
    settings = Settings(site="north", agent="edge-1", mqtt=broker.settings("agents/edge-1"))
    with connected(broker.settings("bridge")) as (_, heard, _answers):
        found = {finding.check: finding for finding in look_at_broker(settings)}
        with connected(broker.settings("agents/edge-1")) as (client, _, answers):
            client.publish("ergo/v1/north/edge-1/health", b"end", qos=1).wait_for_publish(10)
            assert answers
        deadline = time.monotonic() + 10
        while not heard and time.monotonic() < deadline:
            time.sleep(0.02)
    assert found["broker access"].detail == "we may write what is ours, and not another site's"
    assert found["broker"].detail.endswith("TLS 1.3")
    assert (broker.folder / "log").read_text().count("New client connected") - 2 == 3, (
        "one for each question, no more"
    )
    assert [message.payload for message in heard] == [b"end"]


@pytest.mark.parametrize(
    ("host", "may_write", "state", "told_of"),
    [
        ("broker.example", (True, True, False), "ok", "not another site's"),
        ("broker.example", (True, True, True), "warn", "another site's lifts too"),
        ("127.0.0.1", (True, True, True), "ok", "of this machine only"),
        ("broker.example", (True, False, False), "fail", "we may not write own/b"),
        ("broker.example", (True, True, None), "warn", "did not say"),
    ],
)
def test_what_the_broker_lets_us_write(
    host: str, may_write: tuple[bool | None, ...], state: str, told_of: str
) -> None:
    met = Meeting(may_write=dict(zip(("own/a", "own/b", "other"), may_write, strict=True)))
    finding = _access(MqttSettings(host=host), met, ["own/a", "own/b"], "other")
    assert (finding.state, told_of in finding.detail, bool(finding.fix)) == (state, True, state != "ok")


def test_a_bridges_settings_are_looked_at_as_a_bridges(broker: SiteBroker, tmp_path: Path) -> None:
    """On its machine there are no models and no cameras, and its certificate is no agent's."""
    away = PoseSettings(models_dir=tmp_path, cache_dir=tmp_path)
    settings = Settings(site="north", mqtt=broker.settings("bridge"), pose=away)
    found = {one.check: one for one in examine(settings, Asked(), Progress(disable=True))}
    assert found["broker access"].detail == "as a bridge we may write nothing"
    assert not any(one.failed for one in found.values())
    assert not any(check.startswith(("model", "camera", "openvino")) for check in found)


# The outbox.


def outbox_settings(folder: Path, page: int = 1) -> Settings:
    return Settings(outbox=OutboxSettings(path=folder / "outbox.sqlite"), metrics=MetricsSettings(port=page))


def filled(folder: Path) -> Outbox:
    outbox = Outbox(
        outbox_settings(folder).outbox, PrivacySettings(bucket_s=1, min_lifts=1), AgentTelemetry(CollectorRegistry())
    )
    outbox.hold(an_event(bucket_start=int(time.time()) - 10))
    outbox.release(time.time())
    return outbox


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_waits_in_the_outbox_is_counted_and_the_file_not_touched(tmp_path: Path) -> None:
    assert "no file yet" in look_at_outbox(outbox_settings(tmp_path)).detail
    filled(tmp_path).close()
    before = contents(tmp_path)
    found = look_at_outbox(outbox_settings(tmp_path))
    assert found.detail.startswith("no agent runs; 1 event waits for the broker, the oldest for")
    assert contents(tmp_path) == before


def test_an_outbox_that_is_in_use_without_an_agents_page_is_told(tmp_path: Path) -> None:
    outbox = filled(tmp_path)
    found = look_at_outbox(outbox_settings(tmp_path, free_port()))
    outbox.close()
    assert (found.state, "no agent's page answers" in found.detail) == ("warn", True)


def test_events_that_wait_for_hours_are_a_warning(tmp_path: Path) -> None:
    filled(tmp_path).close()
    with sqlite3.connect(tmp_path / "outbox.sqlite") as database:
        database.execute("UPDATE events SET ready_at_s = ready_at_s - 10000")
    database.close()
    found = look_at_outbox(outbox_settings(tmp_path))
    assert (found.state, "the oldest for 3 h" in found.detail) == ("warn", True)


def test_after_the_agent_was_killed_what_waits_is_counted_and_the_file_not_touched(tmp_path: Path) -> None:
    """Its journal still lies beside it."""
    fill = "from pathlib import Path\nfrom tests.test_doctor import filled\nimport os, sys\n"
    fill += "kept = filled(Path(sys.argv[1]))\nos.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", fill, str(tmp_path)], cwd=ROOT, check=False)
    before = contents(tmp_path)
    assert "outbox.sqlite-wal" in before
    assert look_at_outbox(outbox_settings(tmp_path)).detail.startswith("no agent runs; 1 event waits")
    assert contents(tmp_path) == before


def test_a_file_that_is_no_outbox_or_of_another_version_fails(tmp_path: Path) -> None:
    file = tmp_path / "outbox.sqlite"
    file.write_bytes(b"no database" * 1000)
    assert look_at_outbox(outbox_settings(tmp_path)).failed
    file.unlink()
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    assert "another version (layout 9" in look_at_outbox(outbox_settings(tmp_path)).detail


# Devices.


def box(root: Path, *, pci_class: str = "", vendor: str = "0x8086", node: str = "", container: bool = False) -> Path:
    if pci_class:
        device = root / "sys/bus/pci/devices/0000:00:02.0"
        device.mkdir(parents=True)
        (device / "vendor").write_text(f"{vendor}\n")
        (device / "class").write_text(f"{pci_class}\n")
    if node:
        (root / node).parent.mkdir(parents=True)
        (root / node).touch()
    if container:
        (root / ".dockerenv").touch()
    return root


GPU, NPU = HARDWARE


def test_a_box_without_intels_devices_is_not_bothered(tmp_path: Path) -> None:
    box(tmp_path, pci_class="0x030000", vendor="0x10de")
    assert [why_unused(hardware, tmp_path) for hardware in HARDWARE] == [None, None]


@pytest.mark.parametrize(
    ("hardware", "there", "installed", "words"),
    [
        (GPU, {}, (), ("the kernel has no driver", "firmware-misc-nonfree")),
        (NPU, {"container": True}, (), ("this container was not given it", "--device /dev/accel")),
        (GPU, {"node": "dev/dri/renderD128"}, (), ("no libOpenCL.so.1", "intel-opencl-icd")),
        (NPU, {"node": "dev/accel/accel0"}, NPU.libraries[:1], ("no libze_intel_npu.so.1", "intel-level-zero-npu")),
        (NPU, {"node": "dev/accel/accel0"}, NPU.libraries, ("though a driver is there", "update the driver")),
    ],
    ids=["no driver", "container", "no OpenCL", "no Level Zero", "old"],
)
def test_hardware_that_lies_idle_is_told_with_what_to_install(
    tmp_path: Path, hardware: Hardware, there: dict[str, Any], installed: tuple[str, ...], words: tuple[str, str]
) -> None:
    box(tmp_path, pci_class=f"{hardware.pci_class}8000", **there)
    found = why_unused(hardware, tmp_path, has=lambda library: library in installed)
    assert found is not None
    assert all(word in said for word, said in zip(words, found, strict=True))


# Clock and Prometheus.


def test_where_the_kernel_does_not_tell_of_ntp_it_is_not_known_and_no_failure() -> None:
    assert (_clock(None).state, "not known here" in _clock(None).detail) == ("ok", True)
    kernel = read_kernel_clock()
    assert kernel is None or kernel.max_error_s >= 0


@pytest.fixture
def clock_of_another() -> Iterator[list[float]]:
    """[port, how many seconds it is ahead]: a server that tells that time."""
    place = [0.0, 0.0]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", formatdate(time.time() + place[1], usegmt=True))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        place[0] = server.server_port
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield place
        server.shutdown()


@pytest.mark.parametrize(
    ("ahead_s", "state", "what"), [(0, "ok", "agree"), (60, "warn", "behind"), (-60, "warn", "ahead of")]
)
def test_a_clock_that_differs_from_prometheus_is_told(
    clock_of_another: list[float], ahead_s: float, state: str, what: str
) -> None:
    clock_of_another[1] = ahead_s
    found = _itself(f"http://127.0.0.1:{clock_of_another[0]:.0f}")
    assert (found.state, what in found.detail) == (state, True)


def one(value: float) -> list[Series]:
    return [Series((), [(0.0, value)])]


@pytest.mark.parametrize(
    ("found", "state", "what"),
    [
        (_agents_page(SITE, one(1), one(1)), "ok", "reads this agent's page"),
        (_agents_page(SITE, one(0), []), "fail", "finds this agent's page silent"),
        (_agents_page(SITE, [], one(1)), "warn", "not as this one's"),
        (_agents_page(SITE, [], []), "fail", "does not read"),
        (_bridges_page(SITE, [], []), "fail", "does not read a bridge's page"),
        (_bridges_page(SITE, one(0), []), "fail", "which has no broker"),
        (_bridges_page(SITE, one(1), one(0)), "warn", "does not hear this agent"),
        (_bridges_page(SITE, one(1), one(1)), "ok", "hears this agent"),
        (_bridges_page(SITE, one(1), None), "ok", "reads a bridge's page"),
    ],
    ids=range(9),
)
def test_what_prometheus_reads(found: Finding, state: str, what: str) -> None:
    assert (found.state, what in found.detail, bool(found.fix)) == (state, True, state != "ok")


# Whoever hangs.


def test_one_that_never_ends_holds_up_nobody() -> None:
    never = threading.Event()

    def work(number: int) -> int:
        if number == 1:
            never.wait()
        return number

    done: list[None] = []
    assert side_by_side(work, [0, 1, 2], 1.0, lambda: done.append(None)) == [0, None, 2]
    assert len(done) == 2
    never.set()


def test_an_error_that_nobody_foresaw_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 // number, [0], 10.0)


def test_a_camera_that_takes_connections_and_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = f"rtsp://127.0.0.1:{silent.getsockname()[1]}/x"
        (found,) = look_at_camera(CameraSettings(name="dock", source=source, open_timeout_s=0.5))
    assert "did not answer in time" in found.detail
