"""Two whole deployments for the doctor, of real parts: one in which all is well, and one in which nothing is.

Their settings name files relative to the folder they live in, which must be the current one.
"""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import Progress

from edge_agent import certificates
from edge_agent.certificates import Identity
from edge_agent.doctor import Asked, Finding, Machine, examine, show
from edge_agent.doctor.clock import KernelClock
from edge_agent.settings import PoseSettings, Settings
from edge_agent.settings_file import load
from edge_agent.site_certificates import SiteCertificates
from tests.demo_clip import demo_frames, write_clip
from tests.demo_day import edge_agent
from tests.prometheus import Prometheus, prometheus
from tests.services import RtspServer, free_port, wait_for
from tests.test_transport import SiteBroker
from tests.videos import numbered_picture

WIDTH = 116
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Deployment:
    """What the doctor is shown; ``too_soon``: what it says of a view where it looked too seldom."""

    settings: Settings
    prometheus: str
    machine: Machine
    too_soon: tuple[str, ...] = ("looked too seldom to judge", "pictures were looked at in 6 s")

    def findings(self) -> list[Finding]:
        """Looking longer where it looked too seldom: how often it can depends on what else this machine does."""
        for watch_s in (6, 30, 90):
            found = self._found(watch_s)
            if not any(one.detail.endswith(self.too_soon) for one in found):
                break
        return found

    def _found(self, watch_s: float) -> list[Finding]:
        here = str(Path.cwd())
        asked = Asked(watch_s, self.prometheus)
        found = examine(self.settings, asked, Progress(disable=True), self.machine)
        return [replace(one, detail=one.detail.replace(here, "…"), fix=one.fix.replace(here, "…")) for one in found]


def printed(findings: list[Finding]) -> str:
    """As on a terminal of WIDTH columns."""
    paper = Console(file=StringIO(), width=WIDTH)
    show(findings, paper)
    assert isinstance(paper.file, StringIO)
    return "\n".join(line.rstrip() for line in paper.file.getvalue().splitlines()) + "\n"


@contextmanager
def healthy() -> Iterator[Deployment]:
    """Camera, agent, broker with certificates and access list, bridge, Prometheus: all run."""
    scene = [cv2.resize(frame.image, (960, 540), interpolation=cv2.INTER_AREA) for frame in demo_frames(12.0)]
    clip = write_clip(Path("camera.mp4"), [np.asarray(image, np.uint8) for image in 3 * scene], 15, 15)
    broker = _broker(Path("site"))
    pages = {"agent": free_port(), "bridge": free_port()}
    camera = RtspServer(str(clip.absolute()))
    # the agent looks but once a second, and the doctor beside it more often: two cores are all that there may be
    agents = _settings(broker, "agents/dock-box-1", pages, [f"source: {camera.url}, rate_hz: 1"])
    _compiled(Path("agents-own"))  # where it keeps how fast it first was, which a busy machine soon is no more
    Path("agent.yaml").write_text(agents.replace("cache_dir: compiled", "cache_dir: agents-own"))
    Path("site.yaml").write_text(agents.replace("rate_hz: 1", "rate_hz: 5"))
    Path("bridge.yaml").write_text(_settings(broker, "bridge", pages, []))
    jobs = [
        {"job_name": "hingewatch-bridge", "static_configs": [_target(pages["bridge"])]},
        {
            "job_name": "hingewatch-agents",
            "static_configs": [_target(pages["agent"]) | {"labels": {"site": "leeds", "agent": "dock-box-1"}}],
        },
    ]
    settings = load(Path("site.yaml"), {})
    try:
        with (
            edge_agent(Path("bridge.log").absolute(), "bridge", "--config", "bridge.yaml"),
            edge_agent(Path("agent.log").absolute(), "run", "--config", "agent.yaml"),
            prometheus(Path.cwd(), scrape_configs=jobs) as shown,
        ):
            wait_for("the whole chain", lambda: _runs(shown), PATIENCE_S)
            once = Deployment(settings, shown.url, _machine(synchronised=True))
            yield replace(once, too_soon=(*once.too_soon, "nobody was seen"))
    finally:
        camera.kill()
        broker.stop()


@contextmanager
def broken() -> Iterator[Deployment]:
    """The box has a GPU without driver, an unkept clock, swap, a damaged outbox, and no place for the bridge's; its
    cameras are dead, silent, and wrongly set; the broker takes nothing from it; nobody reads its page."""
    broker = _broker(Path("site"), lambda acl: acl.replace("topic write ergo/v1/leeds/+/lift", ""))
    soon = datetime.now(UTC) - timedelta(days=certificates.DAYS - 10)
    certificates.new_client(Identity.read(broker.folder, "ca"), "leeds.dock-box-1", soon).write(Path("."), "own")
    Path("outbox.sqlite").write_bytes(b"not what it was" * 400)
    Path("full").touch()
    camera = RtspServer(str(_wrongly_set(Path("wrongly-set.mp4")).absolute()))
    with _silent() as port, prometheus(Path.cwd()) as shown:
        cameras = [
            f"source: 'rtsp://viewer:hunter2@127.0.0.1:{free_port()}/stream'",
            f"source: 'rtsp://127.0.0.1:{port}/stream', open_timeout_s: 1",
            f"source: {camera.url}",
        ]
        text = _settings(broker, "", {"agent": free_port(), "bridge": free_port()}, cameras)
        Path("site.yaml").write_text(text.replace("site/.", "own.").replace("bridge.sqlite", "full/bridge.sqlite"))
        yield Deployment(load(Path("site.yaml"), {}), shown.url, _machine(synchronised=False))
    camera.kill()
    broker.stop()


def _broker(folder: Path, changed: Callable[[str], str] = lambda acl: acl) -> SiteBroker:
    SiteCertificates(folder).make("leeds", ["127.0.0.1"], ["dock-box-1"])
    acl = folder / "acl"
    acl.write_text(changed(acl.read_text()))
    running = SiteBroker(folder.absolute())
    running.start()
    return running


def _settings(broker: SiteBroker, identity: str, pages: dict[str, int], cameras: list[str]) -> str:
    _compiled(Path("compiled"))
    zone = "{name: pallet-line, polygon: [[0, 0], [1, 0], [1, 1], [0, 1]], workers: 6}"
    names = ["dock-3", "aisle-1", "gate-2"]
    listed = "".join(
        f"  - {{name: {name}, {camera}, zones: [{zone}]}}\n" for name, camera in zip(names, cameras, strict=False)
    )
    return (
        "site: leeds\nagent: dock-box-1\n"
        + (f"cameras:\n{listed}" if listed else "")
        + f"pose: {{cache_dir: compiled}}\noutbox: {{path: outbox.sqlite}}\nmetrics: {{port: {pages['agent']}}}\n"
        f"bridge: {{state_path: bridge.sqlite, port: {pages['bridge']}}}\n"
        f"mqtt: {{port: {broker.port}, ca_file: site/ca.pem,"
        f" cert_file: site/{identity}.pem, key_file: site/{identity}.key}}\n"
    )


def _compiled(folder: Path) -> None:
    """The networks as this machine has compiled them already."""
    folder.mkdir(exist_ok=True)
    for compiled in PoseSettings().cache_dir.expanduser().glob("*.blob"):
        if not (folder / compiled.name).exists():
            (folder / compiled.name).symlink_to(compiled)


def _target(port: int) -> dict[str, object]:
    return {"targets": [f"127.0.0.1:{port}"]}


def _runs(shown: Prometheus) -> bool:
    return (
        shown.value('up{job="hingewatch-agents"}') == 1
        and shown.value('ergo_agent_up{site="leeds",agent="dock-box-1"}') == 1
        and shown.value("edge_agent_camera_up") == 1
    )


def _machine(*, synchronised: bool) -> Machine:
    """A box whose hardware and clock are known, whatever machine this is."""
    root = Path("machine").absolute()
    (root / "proc").mkdir(parents=True, exist_ok=True)
    if not synchronised:
        (root / "proc/swaps").write_text("Filename\tType\tSize\tUsed\tPriority\n/dev/sda2\tpartition\t8\t0\t-2\n")
        gpu = root / "sys/bus/pci/devices/0000:00:02.0"
        gpu.mkdir(parents=True)
        (gpu / "vendor").write_text("0x8086\n")
        (gpu / "class").write_text("0x030000\n")
        (root / "dev/dri").mkdir(parents=True)
        (root / "dev/dri/renderD128").touch()
    return Machine(root, lambda: KernelClock(synchronised, 0.02))


def _wrongly_set(path: Path) -> Path:
    """Six small pictures a second, and one keyframe in all of five seconds; nobody in view."""
    return write_clip(path, [numbered_picture(number, 320, 240) for number in range(30)], 6, 300)


@contextmanager
def _silent() -> Iterator[int]:
    """A server that takes connections and says a word of the answer now and then, for ever."""
    over = threading.Event()

    def mumble(client: socket.socket) -> None:
        with client:
            while not over.wait(0.2):
                try:
                    client.sendall(b"R")
                except OSError:
                    return

    def serve() -> None:
        while not over.is_set():
            try:
                threading.Thread(target=mumble, args=(listener.accept()[0],), daemon=True).start()
            except TimeoutError:
                continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        server = threading.Thread(target=serve)
        server.start()
        yield listener.getsockname()[1]
        over.set()
        server.join()
