"""`make stack`: the whole chain on this machine, camera to alert, from Debian's packages; Ctrl-C ends all of it.

Not honcho or the like: they end all at once, and an agent whose broker is gone cannot say that it stops. Here the
last to start is the first to end. Run it in the project's folder: what was counted stays in build/stack and is gone
on with the next time.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

STATE: Final = Path("build/stack")
CAMERA_PORT: Final = 18554
PATIENCE_S: Final = 15.0
PORTS: Final = {"broker": 11883, "agent": 19108, "bridge": 19109, "prometheus": 19090, "alertmanager": 19093}
PAGES: Final = {
    "Overview, live": f"http://127.0.0.1:{PORTS['bridge']}/",
    "Prometheus, alerts": f"http://127.0.0.1:{PORTS['prometheus']}/classic/alerts",
    "Alertmanager, what it holds": f"http://127.0.0.1:{PORTS['alertmanager']}/api/v2/alerts",
    "Metrics of the bridge": f"http://127.0.0.1:{PORTS['bridge']}/metrics",
    "Metrics of the agent": f"http://127.0.0.1:{PORTS['agent']}/metrics",
}


def main() -> int:
    """Run until Ctrl-C or SIGTERM: 0. Until a process ends by itself, 1; when something is in the way, 2."""
    parser = argparse.ArgumentParser(description="the whole chain on this machine, camera to alert")
    parser.add_argument("video", nargs="?", default="edge_agent/assets/demo.mp4", help="a file, or rtsp://...")
    video: str = parser.parse_args().video
    taken = {name: port for name, port in PORTS.items() if _is_taken(port)}
    for name, port in taken.items():
        print(f"error: the {name} needs port {port}, which something else uses", file=sys.stderr)
    if taken:
        print("fix: stop it (ss -ltnp shows what it is), or another `make stack`", file=sys.stderr)
        return 2
    _make_folders()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as running:
        environ = os.environ | {"STACK_CAMERA": _camera_of(video)}
        processes = {
            name: running.enter_context(_process(name, command, environ))
            for name, command in _commands(video).items()
        }
        ended = _watch(processes, stop)
    if ended is not None:
        print(f"error: the {ended} has ended\n{_last_lines(ended)}\nfix: see {STATE / ended}.log", file=sys.stderr)
        return 1
    return 0


def _watch(processes: Mapping[str, "subprocess.Popen[bytes]"], stop: threading.Event) -> str | None:
    """Say where to look as soon as all pages answer. Returns the name of the first process that ended by itself."""
    console, shown = Console(), False
    with console.status("starting"):
        while not stop.wait(0.5) and not shown:
            if ended := next((name for name, process in processes.items() if process.poll() is not None), None):
                return ended
            shown = all(_answers(url) for url in PAGES.values())
    if shown:
        _tell_pages(console)
    while not stop.wait(0.5):
        if ended := next((name for name, process in processes.items() if process.poll() is not None), None):
            return ended
    print("ending, the agent first")
    return None


@contextmanager
def _process(name: str, command: list[str], environ: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """In a session of its own, so that Ctrl-C reaches it through us, in its turn."""
    with (STATE / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                print(f"the {name} does not end: killed", file=sys.stderr)
                process.kill()
                process.wait()


def _last_lines(name: str) -> str:
    return "\n".join((STATE / f"{name}.log").read_text(errors="replace").splitlines()[-5:])


def _commands(video: str) -> dict[str, list[str]]:
    """The first to start is the last to end."""
    agent, loopback = ".venv/bin/edge-agent", "--web.listen-address=127.0.0.1"
    commands = {
        "broker": [_program("mosquitto"), "-c", str(STATE / "mosquitto.conf")],
        "bridge": [agent, "bridge", "--config", "deploy/stack/site.yaml"],
        "prometheus": [
            _program("prometheus"), "--config.file=deploy/stack/prometheus.yml", "--log.level=warn",
            f"--storage.tsdb.path={STATE / 'prometheus'}", f"{loopback}:{PORTS['prometheus']}",
        ],
        "alertmanager": [
            _program("prometheus-alertmanager"), "--config.file=deploy/stack/alertmanager.yml", "--log.level=warn",
            f"--storage.path={STATE / 'alertmanager'}", f"{loopback}:{PORTS['alertmanager']}",
            "--cluster.listen-address=",
        ],
    }  # fmt: skip
    if "://" not in video:  # a file ends; behind a camera's address it begins anew
        commands["camera"] = [
            "/usr/bin/python3",
            "tests/rtsp_server.py",
            str(Path(video).resolve()),
            str(CAMERA_PORT),
        ]
    return commands | {"agent": [agent, "run", "--config", "deploy/stack/site.yaml"]}


def _camera_of(video: str) -> str:
    return video if "://" in video else f"rtsp://127.0.0.1:{CAMERA_PORT}/live"


def _program(name: str) -> str:
    """Debian keeps daemons in sbin, which is not on every PATH."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or name


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def _make_folders() -> None:
    for name in ("mosquitto", "prometheus", "alertmanager"):
        (STATE / name).mkdir(parents=True, exist_ok=True)
    settings = Path("deploy/stack/mosquitto.conf").read_text(encoding="utf-8")
    if os.geteuid() == 0:  # else mosquitto becomes a user who may not write here
        settings += "user root\n"
    (STATE / "mosquitto.conf").write_text(settings, encoding="utf-8")


def _tell_pages(console: Console) -> None:
    table = Table.grid(padding=(0, 2))
    for name, url in PAGES.items():
        table.add_row(f"[bold]{name}[/]", url)
    console.print("[bold green]Everything runs.[/] A lift shows within a quarter of a minute.", table, sep="\n")
    console.print(f"What each says: {STATE}/*.log. Grafana: see deploy/compose.yaml. [bold]Ctrl-C ends it.[/]")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
