"""systemctl.py ROOT COMMAND...: so much of systemd as install.sh asks for, over the units below ROOT. Real processes.

Not played: Restart=, the units' confinement, and its user.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def command_of(root: Path, unit: str) -> list[str]:
    """ExecStart, with the paths that lie below ROOT."""
    text = (root / f"etc/systemd/system/{unit}.service").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    return [
        str(root / word[1:]) if word.startswith("/") else word for word in line.removeprefix("ExecStart=").split()
    ]


def alive(pid_file: Path) -> int | None:
    """The process, unless it is over; one that nobody has waited for is."""
    try:
        pid = int(pid_file.read_text())
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return None
    return None if state == "Z" else pid


def stop(pid_file: Path) -> None:
    deadline_s = time.monotonic() + 20
    while pid := alive(pid_file):
        os.kill(pid, signal.SIGTERM if time.monotonic() < deadline_s else signal.SIGKILL)
        time.sleep(0.1)
    pid_file.unlink(missing_ok=True)


def start(root: Path, unit: str, pid_file: Path) -> None:
    pid_file.parent.mkdir(parents=True, exist_ok=True)
    home = root / "var/lib/hingewatch"
    with pid_file.with_suffix(".log").open("a") as log:
        process = subprocess.Popen(
            command_of(root, unit),
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"HOME": str(home)},
        )
    pid_file.write_text(str(process.pid))


def switch(root: Path, timer: str, *, on: bool) -> int:
    """On where there is a file of this name; whoever plays the clock looks."""
    if not (root / f"etc/systemd/system/{timer}").exists():
        return 1
    switched = root / f"run/{timer}"
    switched.parent.mkdir(exist_ok=True)
    switched.touch()
    if not on:
        switched.unlink()
    return 0


def main(folder: str, command: str, *words: str) -> int:
    root = Path(folder)
    with (root / "systemctl.log").open("a") as log:
        log.write(f"{command} {' '.join(words)}\n")
    if command == "daemon-reload":
        return 0
    unit = words[-1]
    if command in {"enable", "disable"}:
        return switch(root, unit, on=command == "enable")
    pid_file = root / f"run/{unit}.pid"
    if command == "is-active":
        return 0 if alive(pid_file) else 3
    stop(pid_file)
    if command in {"start", "restart"}:
        start(root, unit, pid_file)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
