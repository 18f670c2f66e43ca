"""The whole chain on one machine, to look at: agent → real broker on loopback → bridge → /metrics."""

import logging
import signal
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from edge_agent.agent import Look
from edge_agent.box import Box
from edge_agent.bridge import Bridge
from edge_agent.broker import EmbeddedBroker
from edge_agent.core.records import Lift, Technique
from edge_agent.settings import (
    BridgeSettings,
    CameraSettings,
    MqttSettings,
    OutboxSettings,
    PrivacySettings,
    Settings,
)
from edge_agent.video import is_live, probe, redact

_SITE, _CAMERA = "demo-site", "dock-1"
_PATIENCE_S = 15.0
# Okabe and Ito's colour-blind-safe palette.
_COLOURS: dict[Technique, str] = {
    "hinge": "#009E73",
    "squat": "#56B4E9",
    "rounded_back": "#D55E00",
    "unknown": "#999999",
}
_NEXT = """[bold]Next, your own camera or clip:[/]
  make demo VIDEO=my.mp4
  make demo VIDEO=rtsp://user:password@camera/stream
  make demo VIDEO=0                                   a USB camera
[bold]One clip in detail:[/]
  .venv/bin/edge-agent analyze my.mp4 --video seen.mp4 --report report.html
[bold]A site:[/]
  cp configs/example.yaml my-site.yaml
  .venv/bin/edge-agent run --config my-site.yaml"""


def run_demo(source: str | None) -> None:
    """Watch the project's own clip, or ``source``, and show each lift and the counters it became.

    Raises InputError when the source cannot be read.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    console = Console()
    with ExitStack() as stack:
        clip = source or str(stack.enter_context(as_file(files("edge_agent") / "assets" / "demo.mp4")))
        told = probe(clip)  # before anything starts: a camera of a site is waited for, a typing mistake is not
        duration_s = None if is_live(clip) else told.duration_s
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hingewatch-demo-")))
        broker = stack.enter_context(EmbeddedBroker())
        settings = _settings(clip, folder, broker.port)
        bridge = stack.enter_context(Bridge(settings.bridge, settings.mqtt))
        page = f"http://{settings.bridge.host}:{bridge.port}/metrics"
        _introduce(console, source, page, broker.port)
        _wait_until(lambda: _scrape(page, "ergo_bridge_connected").total() == 1)  # what it does not hear is lost
        counted = _watch(settings, duration_s, console)
        _show_counters(console, page, counted)
    console.print(_NEXT, highlight=False, soft_wrap=True)


def _settings(clip: str, folder: Path, broker_port: int) -> Settings:
    return Settings(
        site=_SITE,
        agent="demo",
        cameras=(CameraSettings(name=_CAMERA, source=clip),),
        # So that a lift is a number within seconds: at a site, five lifts of five minutes leave together.
        privacy=PrivacySettings(bucket_s=1, min_lifts=1),
        mqtt=MqttSettings(port=broker_port),
        outbox=OutboxSettings(path=folder / "outbox.sqlite"),
        bridge=BridgeSettings(port=0, state_path=folder / "bridge.sqlite"),
    )


def _introduce(console: Console, source: str | None, page: str, broker_port: int) -> None:
    shown = redact(source) if source else "the project's own clip (simulated people)"
    console.print(f"[bold]Hingewatch demo[/]  watching {shown}")
    console.print(f"agent → MQTT broker 127.0.0.1:{broker_port} → bridge → {page}\n", style="dim", highlight=False)


def _watch(settings: Settings, duration_s: float | None, console: Console) -> Counter[str]:
    """Run the agent to the clip's end, or to Ctrl-C; return what it saw."""
    stop = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: stop.set())
    box = Box(settings, CollectorRegistry())
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[now]}")
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            account = _Account(bar, bar.add_task("watching", total=duration_s, now=""))
            box.run(stop, account.add)
    finally:
        signal.signal(signal.SIGINT, before)
    return account.lifts


class _Account:
    """What is told on the terminal while the agent works."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self.lifts: Counter[str] = Counter()
        self._bar, self._task = bar, task

    def add(self, _camera: str, look: Look) -> None:
        bending = sum(person.moment.depth > 0.5 for person in look.people)
        now = f"{look.time_s:5.1f} s  people {len(look.people)}  bending {bending}"
        self._bar.update(self._task, completed=look.time_s, now=now)
        for lift in look.lifts:
            self.lifts[lift.technique] += 1
            self._tell(lift)

    def _tell(self, lift: Lift) -> None:
        colour = _COLOURS[lift.technique]
        sure = f"{lift.confidence:4.0%}" if lift.confidence else "    "
        name = lift.technique.replace("_", " ")
        print_ = self._bar.console.print
        print_(
            f"{lift.peak_s:6.1f} s  [bold {colour}]{name:<13}[/] {sure}  person {lift.person}, seen from {lift.view}",
            highlight=False,
        )
        for reason in lift.reasons:
            print_(Padding(reason, (0, 0, 0, 10)), style="dim", highlight=False)


def _show_counters(console: Console, page: str, seen: Counter[str]) -> None:
    """The counters as Prometheus would scrape them, once every event has made its way."""
    arrived = _wait_until(lambda: _scrape(page, "ergo_lifts_total").total() >= seen.total())
    table = Table("technique", "risk", "ergo_lifts_total", box=SIMPLE_HEAD, pad_edge=False)
    for (technique, risk), count in sorted(_scrape(page, "ergo_lifts_total").items()):
        if count:
            table.add_row(technique, risk, str(count))
    console.print(f"\n{page} says" if seen else "\nno lift was seen, so every counter stands at 0", highlight=False)
    if seen:
        console.print(table)
    if not arrived:
        console.print(f"[red]{seen.total()} lifts were seen, fewer are counted: please report this[/]")


def _wait_until(done: Callable[[], bool]) -> bool:
    give_up_s = time.monotonic() + _PATIENCE_S
    while not done():
        if time.monotonic() > give_up_s:
            return False
        time.sleep(0.05)
    return True


def _scrape(page: str, name: str) -> Counter[tuple[str, str]]:
    """The page's samples of one name, by technique and risk where they have these labels."""
    with urllib.request.urlopen(page, timeout=5) as answer:  # noqa: S310 - our own page on loopback
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return Counter({(s.labels.get("technique", ""), s.labels.get("risk", "")): int(s.value) for s in samples})
