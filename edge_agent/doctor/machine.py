"""The box itself: Python, what may be written, disk, memory, clock."""

import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.doctor.clock import KernelClock, read_kernel_clock
from edge_agent.doctor.finding import Facts, Finding, State
from edge_agent.process import swapped_to
from edge_agent.settings import Settings

FREE_FAIL_BYTES, FREE_WARN_BYTES = 100_000_000, 1_000_000_000
"""A full outbox of 100,000 events takes about 50 MB; below twice that it may not fit. Warn well before."""
_NTP_FIX: Final = (
    "switch NTP on: timedatectl set-ntp true (in a container: on its host); event times are rounded, not corrected"
)


@dataclass(frozen=True, slots=True)
class Machine:
    """The box as its kernel shows it; another in tests."""

    root: Path = Path("/")
    clock: Callable[[], KernelClock | None] = read_kernel_clock


def look_at_machine(settings: Settings, machine: Machine) -> Iterator[Finding]:
    """Everything that needs no network."""
    kernel = f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}"
    yield Finding("python", "ok", f"{platform.python_version()} on {kernel}")
    yield from _paths(settings)
    yield _disk(settings.outbox.path)
    yield _memory(machine.root)
    yield _clock(machine.clock())


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
    fix = (
        "" if state == "ok" else f"free some: an outbox that cannot be written loses lifts; du -x {folder} | sort -n"
    )
    return Finding("disk", state, f"{free / 1e9:.1f} GB free at {folder}", fix, {"free_bytes": free})


def _memory(root: Path) -> Finding:
    """Pictures are in memory only: what else could put memory on a disk? The agent itself cannot be dumped."""
    swap = swapped_to(root / "proc", root / "sys")
    if not swap:
        return Finding("memory", "ok", "the agent leaves no core dump; none of its memory is swapped to a disk")
    fix = "swapoff -a, or encrypt it; under systemd MemorySwapMax=0 keeps the agent out of it"
    return Finding("memory", "warn", f"pictures in memory may be swapped in the clear to {', '.join(swap)}", fix)


def _clock(kernel: KernelClock | None) -> Finding:
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if time.time() < Path(__file__).stat().st_mtime - 86400:
        return Finding("clock", "fail", f"{now} lies before this program was installed", "set the clock")
    if kernel is None:
        return Finding("clock", "ok", f"{now}; whether it is kept by NTP is not known here")
    if not kernel.synchronised:
        return Finding("clock", "warn", f"{now}, not kept by NTP", _NTP_FIX, {"ntp": "no"})
    facts: Facts = {"ntp": "yes", "max_error_s": kernel.max_error_s}
    return Finding("clock", "ok", f"{now}, kept by NTP: wrong by {kernel.max_error_s:.2f} s at most", "", facts)
