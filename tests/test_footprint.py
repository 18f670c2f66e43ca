"""What the agent touches while it watches people: the kernel's own account of every file and every connection."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from edge_agent.settings import PoseSettings
from tests.demo_clip import DEMO_CLIP
from tests.services import Listener, Mosquitto, free_port, program

WRITTEN = re.compile(r'(?:open|openat|creat)\((?:AT_FDCWD[^,]*, )?"([^"]+)", [^)]*(?:O_WRONLY|O_RDWR|O_CREAT)')
RENAMED = re.compile(r'(?:rename|renameat|renameat2|link|linkat|symlink|symlinkat|mknod)\(.*"([^"]+)"[^"]*\)')
CONNECTED = re.compile(r'connect\(.*sin6?_port=htons\((\d+)\).*?inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"')
LISTENED = re.compile(r'bind\(.*sin6?_port=htons\((\d+)\).*?inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"')
DNS_PORT = 53
ENVELOPE_BYTES = 64
"""Of an MQTT message beside topic and payload: header, id, the schema's name; and the byte by which paho wakes."""
SESSION_BYTES = 512
"""Connecting with a will, pings, acknowledgements and goodbye, once for all."""
SENT = re.compile(r"send(?:to|msg)\(.*\) = (\d+)$", re.MULTILINE)
CALLS = "sendto,sendmsg,connect,bind,open,openat,creat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod"
PICTURE_MAGIC = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"RIFF",
    b"BM",
    b"\x1aE\xdf\xa3",
    b"\x00\x00\x00\x18ftyp",
    b"\x00\x00\x00 ftyp",
)


@dataclass(frozen=True)
class Footprint:
    """All of a run that watched the demo clip from its beginning to its end. Sockets: (address, port)."""

    home: Path
    broker_port: int
    metrics_port: int
    written: set[Path]
    connected: set[tuple[str, int]]
    bound: set[tuple[str, int]]
    sent_bytes: int
    heard_bytes: int


@pytest.fixture(scope="module")
def footprint(tmp_path_factory: pytest.TempPathFactory) -> Footprint:
    folder, home = tmp_path_factory.mktemp("footprint"), tmp_path_factory.mktemp("home")
    trace, metrics_port = folder / "trace", free_port()
    with Mosquitto(folder) as broker, Listener(broker.port) as listener:
        site = {
            "cameras": [{"name": "dock", "source": str(DEMO_CLIP)}],
            "pose": {"models_dir": str(PoseSettings().models_dir), "cache_dir": str(home / "compiled")},
            "privacy": {"bucket_s": 1, "min_lifts": 1},
            "mqtt": {"port": broker.port},
            "outbox": {"path": str(home / "state" / "outbox.sqlite")},
            "metrics": {"port": metrics_port},
        }
        (folder / "site.yaml").write_text(yaml.safe_dump(site))
        agent = [sys.executable, "-B", "-c", "from edge_agent.cli import main; main()", "run", "--config"]
        strace = [
            program("strace"),
            "-f",
            "--seccomp-bpf",
            "-qq",
            "-s",
            "300",
            "-e",
            f"trace={CALLS}",
            "-o",
            str(trace),
        ]
        environ = os.environ | {"HOME": str(home), "TMPDIR": str(home), "XDG_CACHE_HOME": str(home)}
        subprocess.run([*strace, *agent, str(folder / "site.yaml")], env=environ, check=True, timeout=300)
        assert len(listener.heard("/lift")) == 5
        heard_bytes = sum(len(message.topic) + len(message.payload) for message in listener.messages)
        messages = len(listener.messages)
        port = broker.port
    told = trace.read_text(errors="replace")
    return Footprint(
        home=home,
        broker_port=port,
        metrics_port=metrics_port,
        written={Path(path) for path in WRITTEN.findall(told) + RENAMED.findall(told)},
        connected={(address, int(port)) for port, address in CONNECTED.findall(told)},
        bound={(address, int(port)) for port, address in LISTENED.findall(told)},
        sent_bytes=sum(map(int, SENT.findall(told))),
        heard_bytes=heard_bytes + messages * ENVELOPE_BYTES,
    )


def test_it_writes_its_outbox_and_its_compiled_networks_and_nothing_else(footprint: Footprint) -> None:
    elsewhere = {path for path in footprint.written if not path.is_relative_to(footprint.home)}
    assert elsewhere <= {Path("/dev/null")}
    left = {path.relative_to(footprint.home) for path in footprint.home.rglob("*") if path.is_file()}
    assert {path for path in left if path.parts[0] != "compiled"} <= {
        Path("state/outbox.sqlite"),
        Path("state/outbox.sqlite-wal"),
    }
    assert {path.suffix for path in left if path.parts[0] == "compiled"} <= {".blob", ".json"}


def test_no_picture_and_no_file_for_others_is_left(footprint: Footprint) -> None:
    for path in footprint.home.rglob("*"):
        if path.is_file():
            assert not path.read_bytes().startswith(PICTURE_MAGIC), path
        if path.parent != footprint.home / "compiled":  # OpenVINO chooses its files' modes; their folder is closed
            assert path.stat().st_mode & 0o077 == 0, path


def test_it_speaks_to_the_broker_and_asks_nobody_for_a_name(footprint: Footprint) -> None:
    """OpenVINO reports its import to an analytics service, unless it is kept from it."""
    assert ("127.0.0.1", footprint.broker_port) in footprint.connected
    assert {address for address, _ in footprint.connected} == {"127.0.0.1"}, "paho wakes itself over loopback too"
    assert DNS_PORT not in {port for _, port in footprint.connected}
    # port 0: any free one, of a connection's own end
    assert {place for place in footprint.bound if place[1]} == {("127.0.0.1", footprint.metrics_port)}


def test_it_sent_what_was_heard_and_had_no_room_for_more(footprint: Footprint) -> None:
    """All bytes of all sockets: five lifts, health and status. A picture of a face takes thousands."""
    assert footprint.heard_bytes - footprint.sent_bytes < SESSION_BYTES * 2, "the count is of the right calls"
    assert footprint.sent_bytes <= footprint.heard_bytes + SESSION_BYTES


def test_a_process_that_sees_people_cannot_be_dumped() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import ctypes, os, resource; from edge_agent.process import leave_nothing_behind;"
            "leave_nothing_behind(); print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0));"
            "print(*resource.getrlimit(resource.RLIMIT_CORE), oct(os.umask(0)))",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == ["0", "0", "0", "0o77"]
