"""Real brokers and cameras for tests: plain context managers, no fakes.

Everything listens on loopback, on a port that was free, and keeps its files in the directory it is given.
"""

import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

Value = TypeVar("Value")
SYSTEM_PYTHON = "/usr/bin/python3"  # Debian's GStreamer bindings live here


class MissingProgramError(Exception):
    """A program that the tests need is not installed."""


def program(name: str) -> str:
    """Full path of an installed program; Debian keeps daemons in sbin, which is not on every PATH."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise MissingProgramError(f"{name} is not installed: run `make setup-test`")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(what: str, look: Callable[[], Value | None], timeout_s: float = 15.0) -> Value:
    """Look until the answer is truthy and return it. Raises TimeoutError naming ``what``."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        seen = look()
        if seen:
            return seen
        time.sleep(0.02)
    raise TimeoutError(f"waited {timeout_s:.0f} s for {what}")


def accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True


class Mosquitto:
    """Debian's mosquitto, its files in ``directory``; ``stop``, ``kill``, ``start`` keep port and files."""

    def __init__(
        self,
        directory: Path,
        *,
        password: str | None = None,
        access_list: str | None = None,
        tls: bool = False,
    ) -> None:
        """``password``: user ``agent`` must give it. ``access_list``: an ACL file's text.

        ``tls``: with a certificate signed by ``directory``/ca.pem.
        """
        self.port = free_port()
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        lines = [
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {directory}/",
            "autosave_interval 1",
            "autosave_on_changes true",
            f"allow_anonymous {'false' if password else 'true'}",
            f"log_dest file {directory}/mosquitto.log",
        ]
        if os.geteuid() == 0:
            lines.append("user root")
        if password:
            passwords = directory / "passwords"
            subprocess.run([program("mosquitto_passwd"), "-b", "-c", passwords, "agent", password], check=True)
            lines.append(f"password_file {passwords}")
        if access_list:
            (directory / "acl").write_text(access_list)
            lines.append(f"acl_file {directory}/acl")
        if tls:
            make_authority(directory)
            sign_certificate(directory)
            lines += [f"certfile {directory}/server.pem", f"keyfile {directory}/server.key"]
        self._config = directory / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        self._process = subprocess.Popen(
            [program("mosquitto"), "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for("mosquitto", lambda: accepts_connections(self.port))

    def stop(self) -> None:
        self._end(kill=False)

    def kill(self) -> None:
        """As a power cut: SIGKILL."""
        self._end(kill=True)

    def _end(self, *, kill: bool) -> None:
        if self._process is None:
            return
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        self._process.wait(10)
        self._process = None

    def __enter__(self) -> "Mosquitto":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class RtspServer:
    """A GStreamer RTSP server in a process of its own, so that it can be killed like a camera's power."""

    def __init__(self, source: str, port: int = 0) -> None:
        script = Path(__file__).with_name("rtsp_server.py")
        command = [SYSTEM_PYTHON, str(script), source, str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        if not self.url:
            assert self.process.stderr is not None
            raise MissingProgramError(f"no RTSP test server; run `make setup-test`: {self.process.stderr.read()}")
        self.port = int(self.url.split(":")[2].partition("/")[0])

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def make_authority(directory: Path, name: str = "ca") -> Path:
    """A certificate authority: ``name``.pem and ``name``.key; returns the former."""
    authority = directory / f"{name}.pem"
    _openssl(
        f"req -x509 {_NEW_KEY} -keyout {directory}/{name}.key -out {authority} -days 2 -subj /CN={name}",
        directory,
    )
    return authority


_NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"


def sign_certificate(directory: Path, days: int = 2) -> None:
    """server.pem and server.key for 127.0.0.1, signed by ca.pem; ``days=-1``: expired since yesterday."""
    (directory / "names").write_text("subjectAltName=IP:127.0.0.1")
    _openssl(f"req {_NEW_KEY} -keyout server.key -out server.csr -subj /CN=localhost", directory)
    signing = f"x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days {days}"
    _openssl(f"{signing} -out server.pem", directory)


def _openssl(arguments: str, directory: Path) -> None:
    command = [program("openssl"), *arguments.split()]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)


class Listener:
    """A subscriber that keeps what it hears, and can publish anything, forged payloads included.

    Its session outlives the broker, as the bridge's does.
    """

    def __init__(
        self, port: int, topics: str = "ergo/#", *, password: str | None = None, ca: Path | None = None
    ) -> None:
        self.messages: list[MQTTMessage] = []
        self._subscribed = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"listener-{uuid.uuid4().hex[:8]}", protocol=MQTTv5
        )
        self._client.on_connect = lambda client, *_: client.subscribe(topics, qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _client, _data, message: self.messages.append(message)
        if password:
            self._client.username_pw_set("agent", password)
        if ca:
            self._client.tls_set(ca_certs=str(ca))
        session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", port, clean_start=False, properties=session)

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> None:
        """Publish with QoS 1 and wait for the acknowledgement."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def publish_soon(self, topic: str, payload: str | bytes) -> None:
        """Publish with QoS 1 and do not wait; a later ``publish`` waits for this one too."""
        self._client.publish(topic, payload, qos=1)

    def heard(self, suffix: str) -> list[str]:
        """The payloads of the topics that end in ``suffix``, in order of arrival."""
        return [message.payload.decode() for message in list(self.messages) if message.topic.endswith(suffix)]

    def __enter__(self) -> "Listener":
        self._client.loop_start()
        if not self._subscribed.wait(10):
            raise TimeoutError("the listener could not subscribe")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def page(port: int) -> str:
    """What ``/metrics`` on this port says now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        text: str = reply.read().decode()
        return text


def sample(text: str, series: str) -> float | None:
    """The value of one series of a metrics page, written as the page writes it; None when absent."""
    for line in text.splitlines():
        if line.startswith(f"{series} "):
            return float(line.rsplit(" ", 1)[1])
    return None


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False
