"""``edge-agent doctor``: everything the agent needs, looked at once; each failure with its cure.

It changes nothing: no folder is made, nothing is published, no session is left on the broker.
"""

import json
import os
import platform
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import openvino as ov
from paho.mqtt.client import Client, ConnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from edge_agent import mqtt
from edge_agent.anonymity import weaknesses
from edge_agent.camera import probe
from edge_agent.credentials import OWN_EXPIRED_FIX
from edge_agent.errors import HingewatchError
from edge_agent.pose.devices import candidates, open_first
from edge_agent.pose.eyes import FINDER, graphs_of, marker_of
from edge_agent.pose.network import new_core
from edge_agent.pose.speed import SLOWED, SLOWED_FIX, measure
from edge_agent.process import swapped_to
from edge_agent.settings import CameraSettings, MqttSettings, PoseSettings, Settings

State = Literal["ok", "warn", "fail"]

FREE_FAIL_BYTES, FREE_WARN_BYTES = 100_000_000, 1_000_000_000
"""A full outbox of 100,000 events takes about 50 MB; below twice that it may not fit. Warn well before."""

BROKER_TIMEOUT_S = 5.0
RENEW_DAYS = 30
"""A month is time enough to reach every box of a site."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table; ``fix`` is empty where nothing need be done."""

    check: str
    state: State
    detail: str
    fix: str = ""

    @property
    def failed(self) -> bool:
        """Whether the agent cannot do its work because of this."""
        return self.state == "fail"


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, from the box itself outwards to cameras and broker."""
    yield Finding("python", "ok", f"{platform.python_version()} on {platform.platform()}")
    core = new_core()
    yield _devices(core, settings.pose.device)
    for model in (FINDER, marker_of(settings.pose)):
        yield _model(core, model, settings.pose)
    yield from _paths(settings)
    yield _disk(settings.outbox.path)
    yield _memory()
    yield _clock()
    yield from _cameras(settings.cameras)
    yield _broker(settings.mqtt, f"{settings.site}.{settings.agent}")
    for weakness in weaknesses(settings):
        yield Finding("privacy", "warn", weakness.what, weakness.fix)


def show(findings: list[Finding]) -> None:
    """Print a table for people."""
    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    table = Table("", "check", box=None)
    table.add_column("what was seen", overflow="fold")
    for finding in findings:
        colour = colours[finding.state]
        cure = f"\n[bold]fix:[/bold] {escape(finding.fix)}" if finding.fix else ""
        table.add_row(f"[{colour}]{finding.state}[/]", finding.check, escape(finding.detail) + cure)
    Console().print(table)


def show_json(findings: list[Finding]) -> None:
    """Print the same for programs."""
    print(json.dumps([asdict(finding) for finding in findings], indent=2))


def _devices(core: ov.Core, wanted: str) -> Finding:
    version, here = ov.__version__.split("-")[0], core.available_devices
    detail = f"{version}: asked for {wanted}; this machine has {', '.join(here)}"
    names = {name.partition(".")[0] for name in here} | {"AUTO"}
    if not any(name.partition(".")[0] in names for name in candidates(wanted, here)):
        return Finding(
            "openvino", "fail", detail, "set pose.device to AUTO:NPU,GPU,CPU, or install the device's driver"
        )
    if here == ["CPU"] and wanted != "CPU":
        return Finding("openvino", "warn", detail, "fine on a CPU-only box; else install the NPU or GPU driver")
    return Finding("openvino", "ok", detail)


def _model(core: ov.Core, model: str, pose: PoseSettings) -> Finding:
    """Opened as the agent does it: the file proven by its hash, the device by the self-test."""
    check = f"model {model}"
    try:
        opened = [open_first(core, graph, pose.device) for graph in graphs_of(model, pose)]
        speeds = [measure(one.network, pose.cache_dir) for one in opened]
    except HingewatchError as error:
        return Finding(check, "fail", error.what, error.fix)
    slowest = max(speeds, key=lambda speed: speed.slowdown)
    detail = f"answers rightly on {opened[-1].network.device}, in {speeds[-1].answer_ms:.0f} ms"
    for fallback in (fallback for one in opened for fallback in one.fallbacks):
        return Finding(
            check, "warn", f"{detail}; not on {fallback.device}: {fallback.error.what}", fallback.error.fix
        )
    if slowest.slowdown >= SLOWED:
        return Finding(check, "warn", f"{detail}, {slowest.slowdown:.1f} times as long as at first", SLOWED_FIX)
    return Finding(check, "ok", detail)


def _paths(settings: Settings) -> Iterator[Finding]:
    for key, path in (
        ("outbox.path", settings.outbox.path),
        ("bridge.state_path", settings.bridge.state_path),
        ("pose.cache_dir", settings.pose.cache_dir),
    ):
        nearest = _nearest(path)
        # the folder counts even where the file exists: SQLite writes its journal beside it
        folder = nearest.parent if nearest == path and path.is_file() else nearest
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) and os.access(nearest, os.W_OK):
            yield Finding(key, "ok", f"{path} can be written")
        else:
            fix = f"give this user write access to {folder}, or point {key} elsewhere"
            yield Finding(key, "fail", f"{path} cannot be written", fix)


def _nearest(path: Path) -> Path:
    """The path itself or its nearest parent that exists."""
    return next(each for each in (path, *path.absolute().parents) if each.exists())


def _disk(outbox: Path) -> Finding:
    folder = _nearest(outbox)
    free = shutil.disk_usage(folder).free
    state: State = "fail" if free < FREE_FAIL_BYTES else "warn" if free < FREE_WARN_BYTES else "ok"
    return Finding("disk", state, f"{free / 1e9:.1f} GB free at {folder}", "" if state == "ok" else "free some")


def _memory() -> Finding:
    """Pictures are in memory only: what else could put memory on a disk? The agent itself cannot be dumped."""
    swap = swapped_to()
    if not swap:
        return Finding("memory", "ok", "the agent leaves no core dump; none of its memory is swapped to a disk")
    fix = "swapoff -a, or encrypt it; under systemd MemorySwapMax=0 keeps the agent out of it"
    return Finding("memory", "warn", f"pictures in memory may be swapped in the clear to {', '.join(swap)}", fix)


def _clock() -> Finding:
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.time() < Path(__file__).stat().st_mtime - 86400:
        return Finding("clock", "fail", f"{now} lies before this program was installed", "set the clock")
    timedatectl = shutil.which("timedatectl")
    if timedatectl is None:
        return Finding("clock", "ok", f"{now}; whether it is kept by NTP is not known here")
    asked = subprocess.run(  # noqa: S603 - a fixed command
        [timedatectl, "show", "--property=NTPSynchronized", "--value"],
        capture_output=True,
        text=True,
        timeout=5,
        check=False,
    )
    if asked.stdout.strip() == "no":
        fix = "switch NTP on: timedatectl set-ntp true; event times are rounded, not corrected"
        return Finding("clock", "warn", f"{now}, not kept by NTP", fix)
    return Finding("clock", "ok", now)


def _cameras(cameras: tuple[CameraSettings, ...]) -> Iterator[Finding]:
    if not cameras:
        yield Finding("cameras", "warn", "none configured", "add one, see configs/example.yaml")
        return
    with ThreadPoolExecutor(max_workers=8) as pool:  # dead cameras wait side by side
        yield from pool.map(_camera, cameras)


def _camera(camera: CameraSettings) -> Finding:
    try:
        seen = probe(camera.source, camera.open_timeout_s)
    except HingewatchError as error:
        return Finding(f"camera {camera.name}", "fail", error.what, error.fix)
    return Finding(f"camera {camera.name}", "ok", f"{seen.width}x{seen.height}, {seen.fps:.0f} frames/s")


def _broker(settings: MqttSettings, identity: str) -> Finding:
    address = f"{settings.host}:{settings.port}"
    answered = threading.Event()
    answers: list[ReasonCode] = []

    def on_connect(
        _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _props: Properties | None
    ) -> None:
        answers.append(reason)
        answered.set()

    try:
        client = mqtt.new_client(settings, f"hingewatch-doctor-{uuid.uuid4().hex[:8]}", identity=identity)
        client.connect_timeout = BROKER_TIMEOUT_S
        client.on_connect = on_connect
        client.connect(settings.host, settings.port, clean_start=True)
    except HingewatchError as error:
        return Finding("broker", "fail", error.what, error.fix)
    except OSError as error:
        _, fix = mqtt.why_not_connected(client, error)
        return Finding("broker", "fail", f"{address}: {error.strerror or error}", f"{fix}; events wait meanwhile")
    client.loop_start()
    answered.wait(BROKER_TIMEOUT_S)
    client.disconnect()
    client.loop_stop()
    return _broker_answer(address, answers, mqtt.expiry_s(client))


def _broker_answer(address: str, answers: list[ReasonCode], expiry_s: float) -> Finding:
    if not answers and 0 < expiry_s < time.time():
        return Finding("broker", "fail", f"{address} hung up: our certificate has ended", OWN_EXPIRED_FIX)
    if not answers:
        fix = "check that mqtt.port is an MQTT port; with TLS, that the broker accepts our certificate (see its log)"
        return Finding("broker", "fail", f"{address} accepts connections but does not answer", fix)
    if answers[0].is_failure:
        fix = "check mqtt.username, its password and the broker's access list"
        return Finding("broker", "fail", f"{address} refused: {answers[0]}", fix)
    detail, days = f"{address} answers: {answers[0]}", (expiry_s - time.time()) / 86_400
    if not expiry_s:
        return Finding("broker", "ok", detail)
    if days < RENEW_DAYS:
        return Finding(
            "broker", "warn", f"{detail}; our certificate ends in {days:.0f} days", "edge-agent certs renew"
        )
    return Finding("broker", "ok", f"{detail}; our certificate ends in {days:.0f} days")
