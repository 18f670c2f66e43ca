"""A Debian that systemd has booted, to install the real archive on: `systemd-nspawn` over a root of our making.

It shares this machine's network, so that the camera and the broker may run beside it.
"""

import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.services import wait_for

DEBIAN = Path(__file__).parents[1] / "build/box/debian"
PACKAGES = "ca-certificates,dbus,openssh-client,python3,python3-venv,systemd,systemd-sysv"
BOOT_S = 60.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class CannotBootError(Exception):
    """This machine boots no other: the message says why."""


def debian() -> Path:
    """Made once, half a minute; the box is a copy. Raises CannotBootError."""
    if os.geteuid() != 0:
        raise CannotBootError("only root boots a box")
    if not (shutil.which("systemd-nspawn") and shutil.which("mmdebstrap")):
        raise CannotBootError("systemd-nspawn or mmdebstrap is missing: apt-get install systemd-container mmdebstrap")
    if not DEBIAN.exists():
        DEBIAN.parent.mkdir(parents=True, exist_ok=True)
        unfinished = DEBIAN.with_name("unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        make = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", _release(), str(unfinished)]
        made = subprocess.run(make, capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise CannotBootError(f"mmdebstrap can make no Debian: {made.stderr.strip()[-200:]}")
        unfinished.rename(DEBIAN)
    return DEBIAN


def _release() -> str:
    """The box's Debian is ours, for an archive is for one version of Python."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


class RealBox:
    """``root`` is its file system; its process 1 is systemd."""

    def __init__(self, root: Path, boot: int) -> None:
        """``boot``: this machine's number for its process 1."""
        self.root = root
        self._boot = boot

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """As root on the box."""
        enter = ["nsenter", "-t", str(self._boot), "--mount", "--pid", "--ipc", "--uts", "--root", "--wd"]
        clean = ["env", "-i", f"PATH={PATH}", "LANG=C.UTF-8"]
        return subprocess.run([*enter, *clean, *command], capture_output=True, text=True, check=False, timeout=300)

    def said(self, *command: str) -> str:
        """What a command prints, whether it fails or not."""
        return self.run(*command).stdout.strip()

    def shows(self, unit: str, *names: str) -> dict[str, str]:
        """Properties of a unit."""
        lines = self.said("systemctl", "show", unit, *(f"--property={name}" for name in names)).splitlines()
        return dict(line.split("=", 1) for line in lines)


@contextmanager
def booted(root: Path, archive: Path) -> Iterator[RealBox]:
    """A box with the unpacked archive at /archive. Raises CannotBootError."""
    subprocess.run(["cp", "-a", str(debian()), str(root)], check=True)
    (root / "etc/machine-id").write_text("")
    nspawn = ["systemd-nspawn", "--quiet", "--directory", str(root), "--boot", "--register=no", "--keep-unit"]
    nspawn += ["--machine", "hingewatch-box", f"--bind-ro={archive}:/archive", "--console=pipe"]
    with (root.parent / "boot.log").open("w") as log:
        process = subprocess.Popen(nspawn, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        box = RealBox(root, _process_1(process))
        with suppress(TimeoutError):
            wait_for("the box", lambda: box.said("systemctl", "is-system-running") in {"running", "degraded"}, BOOT_S)
        if box.said("systemctl", "is-system-running") != "running":
            failed = box.said("systemctl", "list-units", "--failed", "--plain", "--no-legend")
            raise CannotBootError(f"systemd does not come up here: {failed or _end_of(log.name)}")
        yield box
    finally:
        _halt(process)


def _process_1(process: "subprocess.Popen[bytes]") -> int:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")

    def child() -> int | None:
        if process.poll() is not None:
            raise CannotBootError(f"systemd-nspawn ended with {process.returncode}")
        found = children.read_text().split()
        return int(found[0]) if found else None

    return wait_for("systemd-nspawn's child", child, BOOT_S)


def _halt(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_of(log: str) -> str:
    return Path(log).read_text(errors="replace").strip()[-200:]
