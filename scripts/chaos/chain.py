"""One chain of real processes: driver -> link -> mosquitto -> link -> bridge, and an account at its end."""

import faulthandler
import multiprocessing
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

import structlog

from edge_agent import bridge
from edge_agent.errors import HingewatchError, InputError
from edge_agent.log_lines import LossyLogger
from edge_agent.settings import BridgeSettings, MqttSettings
from scripts.chaos.agent import AGENT, SITE, Orders, drive, lines
from scripts.chaos.link import Link
from tests.services import Mosquitto, free_port, page, sign_certificate, wait_for

PATIENCE_S: Final = 90.0
"""paho waits up to 30 s between two attempts after a long outage, and the machine may be slow."""
DISK_MB: Final = 8
AUTOSAVE_S: Final = 2
"""The driver keeps what is acknowledged for longer (``agent.KEEP_ACKNOWLEDGED_S``)."""
AGENT_ID: Final = f"hingewatch-{SITE}-{AGENT}"

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["scripts.chaos.chain"])


@dataclass(frozen=True, slots=True)
class Account:
    """What was made and what became of it. ``ghosts``: counted ids that no driver ever made."""

    made: int
    counted: int
    lost: int
    duplicated: int
    ghosts: int


class Chain:
    """``with Chain(directory, tls=...) as chain``; its disk is a small one of its own where we are root."""

    def __init__(self, directory: Path, *, tls: bool, seed: int) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self.tls = tls
        self.dials = _processes.RawArray("d", [0.0, 10.0])
        self.disk = directory / "disk"
        self.disk.mkdir()
        self.has_own_disk = _mounted(self.disk)
        (directory / "broker").mkdir()
        self.broker = Mosquitto(directory / "broker", tls=tls)
        _as_at_a_site(directory / "broker" / "mosquitto.conf")
        self.agent_link = Link(self.broker.port, seed)
        self.bridge_link = Link(self.broker.port, seed)
        self.outbox = self.disk / "outbox.sqlite"
        self._bridge_settings = BridgeSettings(port=free_port(), state_path=directory / "bridge.sqlite")
        self.agent: ForkServerProcess | None = None
        self.bridge: ForkServerProcess | None = None

    def __enter__(self) -> "Chain":
        try:
            self.broker.start()
            self.start_bridge()
            wait_for("the bridge to subscribe", self._subscribed, PATIENCE_S)
            self.start_agent()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self.agent, self.bridge):
            if process is not None and process.is_alive():
                process.kill()
                process.join()
        self.agent_link.close()
        self.bridge_link.close()
        self.broker.stop()
        if self.has_own_disk:
            subprocess.run(["umount", self.disk], check=False)

    def start_agent(self) -> None:
        """Start the driver; a moment later it makes lifts."""
        orders = Orders(self.directory, self.outbox, self._at(self.agent_link.port), self.dials)
        self.agent = _started(drive, orders, self.directory / "agent.log")

    def start_bridge(self) -> None:
        """Start what ``edge-agent bridge`` runs."""
        settings = (self._bridge_settings, self._at(self.bridge_link.port))
        self.bridge = _started(_bridge, settings, self.directory / "bridge.log")

    def supervise(self) -> None:
        """As systemd would: start again whoever could not start, on a disk that was full or a port that was taken."""
        for process, start in ((self.agent, self.start_agent), (self.bridge, self.start_bridge)):
            if process is None or process.is_alive():
                continue
            if process.exitcode != InputError.exit_code:
                raise AssertionError(f"agent or bridge ended by itself with {process.exitcode}")
            start()

    def kill_agent(self) -> None:
        """SIGKILL."""
        _kill(self.agent)

    def kill_bridge(self) -> None:
        """SIGKILL."""
        _kill(self.bridge)

    def recorded(self) -> set[str]:
        """The ids that were in the outbox's file."""
        return lines(self.directory / "recorded")

    def counted(self) -> int:
        """What the bridge shows; 0 while it is away."""
        text = self._page()
        return sum(
            int(float(line.rsplit(" ", 1)[1])) for line in text.splitlines() if line.startswith("ergo_lifts_total")
        )

    def catch_up(self) -> float:
        """Seconds until all that is recorded now, and at least one lift made since, is counted."""
        began_s, goal = time.monotonic(), len(self.recorded()) + 1
        wait_for(f"{goal} lifts to be counted", lambda: self._counts(goal), PATIENCE_S)
        return time.monotonic() - began_s

    def drain(self) -> None:
        """Stop making lifts and wait until all that is recorded is counted."""
        rate_hz, self.dials[1] = self.dials[1], 0.0
        time.sleep(0.5)
        wait_for("everything to be counted", lambda: self._counts(len(self.recorded())), PATIENCE_S)
        self.dials[1] = rate_hz

    def leave_traces(self, folder: Path) -> None:
        """Copy logs and files of agent, broker and bridge, with where each thread is and what the bridge shows."""
        for process in (self.agent, self.bridge):
            if process is not None and process.is_alive() and process.pid is not None:
                os.kill(process.pid, signal.SIGUSR1)
        (self.directory / "bridge.page").write_text(self._page())
        time.sleep(1.0)
        shutil.copytree(self.directory, folder, dirs_exist_ok=True)

    def finish(self) -> Account:
        """End the driver as an administrator would, start it once more for what it had no time to send, and compare.

        Files are left as they are where something is missing.
        """
        self.supervise()
        self._end_agent()
        self.dials[1] = 0.0
        self.start_agent()
        with suppress(TimeoutError):  # the account will tell
            wait_for("the rest", lambda: self._counts(len(self.recorded())), PATIENCE_S)
        time.sleep(1.0)  # for what is counted twice
        self._end_agent()
        assert self.bridge is not None
        self.bridge.terminate()
        self.bridge.join(30)
        return self._account()

    def _end_agent(self) -> None:
        assert self.agent is not None
        self.agent.terminate()
        self.agent.join(30)

    def _subscribed(self) -> bool:
        self.supervise()
        return _slowly("ergo_bridge_connected 1.0" in self._page())

    def _counts(self, goal: int) -> bool:
        self.supervise()
        return _slowly(self.counted() >= goal)

    def _account(self) -> Account:
        database = sqlite3.connect(self._bridge_settings.state_path)
        seen = {str(uuid.UUID(bytes=identity)) for (identity,) in database.execute("SELECT id FROM ids")}
        (shown,) = database.execute("SELECT sum(lifts) FROM lifts").fetchone()
        database.close()
        recorded, intended = self.recorded(), lines(self.directory / "intended")
        return Account(
            len(recorded), len(recorded & seen), len(recorded - seen), shown - len(seen), len(seen - intended)
        )

    def renew_certificate(self, *, days: int) -> None:
        """Give the broker a certificate good for so many days; -1: expired since yesterday. It restarts."""
        self.broker.stop()
        sign_certificate(self.directory / "broker", days)
        self.broker.start()

    def _at(self, port: int) -> MqttSettings:
        return MqttSettings(port=port, ca_file=self.directory / "broker" / "ca.pem" if self.tls else None)

    def _page(self) -> str:
        try:
            return page(self._bridge_settings.port)
        except OSError:
            return ""


def _as_at_a_site(config: Path) -> None:
    """What ``certs init`` writes, in compressed time: it saves seldom, and drops nothing that a bridge must fetch.

    There it is a minute; killed in between, the broker forgets what it has acknowledged. By default it drops, of what
    it has acknowledged, all beyond 1,000 messages for a client that is away.
    """
    every_change = "autosave_interval 1\nautosave_on_changes true\n"
    text = config.read_text()
    assert every_change in text
    config.write_text(text.replace(every_change, f"autosave_interval {AUTOSAVE_S}\nmax_queued_messages 0\n"))


def _started(run: Callable[..., None], what: object, log: Path) -> ForkServerProcess:
    process = _processes.Process(target=_logged, args=(run, what, log), daemon=True)
    process.start()
    return process


def _logged(run: Callable[..., None], what: object, log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(file, stream.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.register(signal.SIGUSR1)
    structlog.configure(logger_factory=LossyLogger)
    try:
        run(what)
    except HingewatchError as error:
        with suppress(OSError):  # the log may be on the disk that refuses
            os.write(sys.stdout.fileno(), f"error: {error.what}\n".encode())
        sys.exit(error.exit_code)


def _bridge(settings: tuple[BridgeSettings, MqttSettings]) -> None:
    bridge.run(*settings)


def _kill(process: ForkServerProcess | None) -> None:
    assert process is not None
    process.kill()
    process.join()


def _slowly(seen: bool) -> bool:
    if not seen:
        time.sleep(0.1)
    return seen


def _mounted(directory: Path) -> bool:
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "chaos", str(directory)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
