"""A camera that dies, hangs or sends noise, beside one that is well: how soon it is back, and the other."""

import random
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Final

from edge_agent.camera import Camera
from edge_agent.frames import CameraTelemetry
from edge_agent.settings import CameraSettings
from scripts.chaos.link import Link
from tests.services import RtspServer, wait_for

FAULTS: Final = ("dies", "hangs", "garbage", "garbage_then_restart")
BOUND_S: Final = 5.0
LONGEST_S: Final = 12.0
"""Of a fault: longer than stall_timeout_s and open_timeout_s, so that back-offs grow."""
GAP_S: Final = 1.0
"""Without a frame for so long, the other camera would count as disturbed; it sends 15 a second."""


@dataclass
class Account(CameraTelemetry):
    """What one camera showed."""

    blind_s: float = 0.0
    frames_at_s: list[float] = field(default_factory=list)

    def frame(self, camera: str) -> None:
        """Note when."""
        self.frames_at_s.append(time.monotonic())

    def dropped(self, camera: str, reason: str) -> None:
        """Not of interest."""

    def up(self, camera: str, up: bool) -> None:
        """Not of interest."""

    def blind(self, camera: str, seconds: float) -> None:
        """Sum up."""
        self.blind_s += seconds

    def reconnect(self, camera: str) -> None:
        """Not of interest."""

    def failed(self, camera: str, reason: str) -> None:
        """Not of interest."""


@dataclass
class Recovery:
    """Seconds from the camera's return to its next frame, by fault; the other camera's longest gap."""

    by_fault: dict[str, list[float]] = field(default_factory=lambda: {fault: [] for fault in FAULTS})
    longest_gap_s: float = 0.0

    @property
    def late(self) -> list[str]:
        """The faults after which it took longer than BOUND_S, and ``other camera`` where that one was disturbed."""
        late = [name for name, took_s in self.by_fault.items() if max(took_s) >= BOUND_S]
        return late + ["other camera"] * (self.longest_gap_s >= GAP_S)


def torment_camera(times: int, seed: int, told: Callable[[], None] = lambda: None) -> Recovery:
    """Each fault so many times, in random order and of random length. Raises TimeoutError if it never recovers."""
    chance, recovery = random.Random(seed), Recovery()
    with ExitStack() as stack:
        good_server, servers = RtspServer("pattern"), [RtspServer("pattern")]
        stack.callback(good_server.kill)
        stack.callback(_kill_all, servers)
        link = Link(servers[0].port, seed)
        stack.callback(link.close)
        ill, good = Account(), Account()
        for name, url, account in (
            ("ill", f"rtsp://127.0.0.1:{link.port}/live", ill),
            ("good", good_server.url, good),
        ):
            camera = Camera(CameraSettings(name=name, source=url), account, threading.Event())
            camera.start()
            stack.callback(camera.close)
            wait_for(f"the {name} camera", partial(_seen_since, account, 0.0), 60)
        faults = list(FAULTS) * times
        chance.shuffle(faults)
        for fault in faults:
            back_s = _suffer(fault, link, servers, chance.uniform(0.5, LONGEST_S))
            wait_for(f"frames after it {fault}", partial(_seen_since, ill, back_s), 60)
            first_s = next(at_s for at_s in ill.frames_at_s if at_s > back_s)
            recovery.by_fault[fault].append(first_s - back_s)
            told()
        seen = good.frames_at_s
        recovery.longest_gap_s = max(b - a for a, b in pairwise(seen))
    return recovery


def _kill_all(servers: list[RtspServer]) -> None:
    for server in servers:
        server.kill()


def _seen_since(account: Account, since_s: float) -> bool:
    return bool(account.frames_at_s) and account.frames_at_s[-1] > since_s


def _suffer(fault: str, link: Link, servers: list[RtspServer], length_s: float) -> float:
    """Do it, and return the monotonic time at which the camera was back."""
    if fault == "dies":
        servers[-1].kill()
        time.sleep(length_s)
        servers.append(RtspServer("pattern", servers[-1].port))
    else:
        link.suffer("hole" if fault == "hangs" else "garbage")
        time.sleep(length_s)
        if fault == "garbage_then_restart":
            link.suffer("cut")
        link.heal()
    return time.monotonic()
