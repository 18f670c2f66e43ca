"""The real agent on real RTSP streams and a real broker, all on this machine, and what its metrics page says."""

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from edge_agent.errors import RunError
from scripts.bench.figures import SOURCE_HZ
from tests.services import Listener, Mosquitto, free_port

AGENT = (sys.executable, "-c", "from edge_agent.cli import main; main()")
"""`edge-agent` of the code that stands here, whatever is installed."""

BUCKET_S = 1
"""Of privacy: what moves with people is shown, and sent, so often. A site's is five minutes."""
WATCHED = "camera watched"
"""What the agent logs when it has looked at a camera's first picture."""

FLAPPING = "flapping"
"""The camera that loses its power every minute: told apart, for what it misses is not the box's fault."""

_FLAP_PERIOD_S, _OUTAGE_S = 60.0, 5.0
_ROOT = Path(__file__).parents[2]
_LOOP_S = 60
_OPEN_S, _END_S = 60.0, 30.0
_RESTING = (3, 4)  # idle and waiting for a disk, of /proc/stat's first line


@dataclass(frozen=True, slots=True)
class Reading:
    """The agent's page at one moment, and the kernel's account of its process.

    machine_s: CPU time of all programs, the agent's included. dropped: frames by reason; these and frames are as of
    shown_s, unix time of the last bucket's end. to_outbox, to_broker:
    histograms, how many took at most so many seconds. Cameras up, frames, dropped and blind_s are without the camera
    that flaps, whose returns are reconnects.
    """

    at_s: float
    shown_s: float
    cameras_up: int
    frames: float
    dropped: dict[str, float]
    blind_s: float
    reconnects: float
    to_outbox: dict[float, float]
    to_broker: dict[float, float]
    cpu_s: float
    machine_s: float
    rss_mb: float


class Agent:
    """A running agent. ``first_frame_s``: from its start until a frame of any camera had been looked at."""

    def __init__(self, process: subprocess.Popen[bytes], page: str, log: Path) -> None:
        self._process, self._page, self._log = process, page, log
        self.first_frame_s = 0.0

    def wait(self, cameras: int) -> None:
        """Until all cameras are up. Raises RunError when they are not within a minute."""
        begin_s = time.monotonic()
        while time.monotonic() < begin_s + _OPEN_S:
            try:
                now = self.read()
            except urllib.error.URLError:  # its page comes last
                time.sleep(0.05)
                continue
            if not self.first_frame_s and WATCHED in self._log.read_text(encoding="utf-8"):
                self.first_frame_s = now.at_s - begin_s
            if now.cameras_up == cameras and self.first_frame_s:
                return
            time.sleep(0.05)
        raise RunError(f"{cameras} streams did not come up in {_OPEN_S:.0f} s", f"see {self._last_words()}")

    def read(self) -> Reading:
        """Raises RunError when the agent has ended, URLError while it does not answer."""
        if self._process.poll() is not None:
            raise RunError("the agent ended by itself", f"see its last words: {self._last_words()}")
        with urllib.request.urlopen(self._page, timeout=10) as answer:  # noqa: S310
            return reading(answer.read().decode(), self._process.pid)

    def _last_words(self) -> str:
        return " ".join(self._log.read_text(encoding="utf-8").splitlines()[-2:])


def reading(page: str, process: int) -> Reading:
    """Counters from a page, CPU time and memory of a process from the kernel."""
    everyone = Path("/proc/stat").read_text(encoding="ascii").split()[1:9]
    spent = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    rss_kb = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    everything = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    samples = [one for one in everything if one.labels.get("camera") != FLAPPING]
    dropped: dict[str, float] = {}
    for one in samples:
        if one.name == "edge_agent_frames_dropped_total":
            dropped[one.labels["reason"]] = dropped.get(one.labels["reason"], 0.0) + one.value
    to_outbox, to_broker = (
        {float(one.labels["le"]): one.value for one in samples if one.name == f"edge_agent_{name}_seconds_bucket"}
        for name in ("lift_latency", "delivery")
    )
    return Reading(
        at_s=time.monotonic(),
        shown_s=_sum(samples, "edge_agent_people_shown_until_timestamp_seconds"),
        cameras_up=round(_sum(samples, "edge_agent_camera_up")),
        frames=_sum(samples, "edge_agent_frames_total"),
        dropped=dropped,
        blind_s=_sum(samples, "edge_agent_camera_blind_seconds_total"),
        reconnects=_sum(everything, "edge_agent_camera_reconnects_total"),
        to_outbox=to_outbox,
        to_broker=to_broker,
        cpu_s=(int(spent[11]) + int(spent[12])) / ticks_per_s,
        machine_s=sum(int(ticks) for place, ticks in enumerate(everyone) if place not in _RESTING) / ticks_per_s,
        rss_mb=rss_kb / 1024,
    )


def _sum(samples: Sequence[Sample], name: str) -> float:
    return float(sum(one.value for one in samples if one.name == name))


def looped(folder: Path, duration_s: float, own: int, *source: str) -> list[Path]:
    """The source as so many cameras would send it (H.264, 640x360, a keyframe a second), over and over.

    Each begins at a moment of its own, drawn at random, for people do not bend in step. source: what FFmpeg calls it;
    a minute of it is used.
    """
    once, twice, turned = (folder / f"{name}.mp4" for name in ("once", "twice", "turned"))
    picture = f"scale=640:360,fps={SOURCE_HZ},format=yuv420p"
    encode = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "0", "-g", str(SOURCE_HZ), "-sc_threshold", "0")
    _ffmpeg(*source, "-t", str(_LOOP_S), "-vf", picture, "-an", *encode, str(once))
    _ffmpeg("-stream_loop", "1", "-i", str(once), "-c", "copy", str(twice))
    begins_s = np.random.default_rng(0).permutation(_LOOP_S)[:own]
    files = [folder / f"from-{begin_s}-s.mp4" for begin_s in begins_s]
    for begin_s, path in zip(begins_s, files, strict=True):
        # To begin elsewhere in a loop would send all that was left out at once, each time round.
        _ffmpeg("-ss", str(begin_s), "-i", str(twice), "-t", str(_LOOP_S), "-c", "copy", str(turned))
        _ffmpeg("-stream_loop", "-1", "-i", str(turned), "-t", str(duration_s), "-c", "copy", str(path))
    return files


def _ffmpeg(*words: str) -> None:
    command = ["ffmpeg", "-v", "error", "-y", *words]
    said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if said.returncode:
        raise RunError(f"ffmpeg cannot make the streams: {said.stderr.strip()}", "name a clip that plays elsewhere")


@contextmanager
def served(files: Sequence[Path]) -> Iterator[list[str]]:
    """One server's address for each file; every client has the video from its start."""
    with ExitStack() as stack:
        yield [stack.enter_context(_server(path)) for path in files]


@contextmanager
def flapping(path: Path) -> Iterator[str]:
    """The address of a camera that loses its power every minute, for five seconds."""
    over = threading.Event()
    with _server(path) as address:  # takes a free port, and gives it up
        port = int(address.split(":")[2].partition("/")[0])

    def flap() -> None:
        while not over.is_set():
            with _server(path, port):
                over.wait(_FLAP_PERIOD_S - _OUTAGE_S)
            over.wait(_OUTAGE_S)

    thread = threading.Thread(target=flap, name=FLAPPING)
    thread.start()
    try:
        yield address
    finally:
        over.set()
        thread.join()


@contextmanager
def _server(path: Path, port: int = 0) -> Iterator[str]:
    command = ["/usr/bin/python3", str(_ROOT / "tests" / "rtsp_server.py"), str(path), str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        address = server.stdout.readline().strip() if server.stdout else ""
        if not address:
            raise RunError("the RTSP server does not start", "run `make setup-test`, and see its message above")
        yield address
    finally:
        server.kill()
        server.wait()


def spread(addresses: Sequence[str], cameras: int) -> dict[str, str]:
    """So many cameras' sources, by their names."""
    return {f"camera-{i}": addresses[i % len(addresses)] for i in range(cameras)}


@contextmanager
def watching(folder: Path, sources: Mapping[str, str]) -> Iterator[Agent]:
    """The agent with these cameras, once all of them are up, but for the one that flaps."""
    port, log = free_port(), folder / "agent.log"
    (folder / "outbox.sqlite").unlink(missing_ok=True)
    with Mosquitto(folder) as broker, Listener(broker.port):
        site = {
            "cameras": [{"name": name, "source": source} for name, source in sources.items()],
            "privacy": {"bucket_s": BUCKET_S, "min_lifts": 1},
            "mqtt": {"port": broker.port},
            "metrics": {"port": port},
            "outbox": {"path": str(folder / "outbox.sqlite")},
        }
        settings = folder / "site.yaml"
        settings.write_text(yaml.safe_dump(site), encoding="utf-8")
        with log.open("wb") as words:
            process = subprocess.Popen([*AGENT, "run", "--config", settings], stderr=words, cwd=_ROOT)  # noqa: S603
        try:
            agent = Agent(process, f"http://127.0.0.1:{port}/metrics", log)
            agent.wait(len(sources.keys() - {FLAPPING}))
            yield agent
        finally:
            process.terminate()
            process.wait(_END_S)
