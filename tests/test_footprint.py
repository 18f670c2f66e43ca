"""What the agent touches while it watches people: the kernel's own account of every file and every connection."""

import json
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, replace
from email.parser import BytesHeaderParser
from pathlib import Path

import pytest
import yaml

from edge_agent.core.events import SCHEMA, from_json, health_topic, status_topic, to_json, topic
from edge_agent.mqtt import KEEPALIVE_S, MAX_PACKET_BYTES, RECEIVE_MAXIMUM
from edge_agent.process import swapped_to
from edge_agent.settings import MqttSettings, PoseSettings
from tests.demo_clip import DEMO_CLIP
from tests.services import Listener, Mosquitto, free_port, page
from tests.test_privacy import HEALTH_FIELDS, LIFT_FIELDS
from tests.trace import Address, Stream, Trace, read_trace, run_traced
from tests.wire import Connect, Other, Publish, packets

DNS_PORT = 53
PICTURE_MAGIC = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"RIFF",
    b"BM",
    b"\x1aE\xdf\xa3",
    b"\x00\x00\x00\x18ftyp",
    b"\x00\x00\x00 ftyp",
)
NUMBERS_LINE = re.compile(
    r"# (HELP|TYPE) edge_agent_\w+ [\w .,;:'()/°-]+"
    r'|edge_agent_\w+(\{(\w+="[\w.+-]{1,64}",?)+\})? (-?[\d.]+(e[+-]?\d+)?|\+Inf|NaN)'
)
"""All that a metrics page may say: words from our own source, and numbers."""
LOG_FIELDS = {
    "event", "level", "timestamp", "camera", "source", "what", "fix", "model", "device", "site", "agent",
    "metrics_port", "cause", "host", "port", "reason", "broker",
}  # fmt: skip


@dataclass(frozen=True)
class Footprint:
    """All of a run that watched the demo clip from its beginning to its end."""

    home: Path
    broker: Address
    metrics: Address
    trace: Trace
    pages: set[bytes]
    log: str

    def sent_to_broker(self) -> bytes:
        """All of the one connection."""
        (stream,) = (stream for stream in self.trace.streams if stream.there == self.broker)
        return stream.sent

    def wakes_itself(self, stream: Stream) -> bool:
        """paho's own thread, over a pair of sockets of this process."""
        return stream.here in self.trace.connected and set(stream.sent) == {ord("0")}


def settings(home: Path, broker_port: int, metrics_port: int) -> dict[str, object]:
    return {
        "site": "north",
        "agent": "box-1",
        "cameras": [{"name": "dock", "source": str(DEMO_CLIP)}],
        "pose": {"models_dir": str(PoseSettings().models_dir), "cache_dir": str(home / "compiled")},
        "privacy": {"bucket_s": 1, "min_lifts": 1},
        "mqtt": {"port": broker_port},
        "outbox": {"path": str(home / "state" / "outbox.sqlite")},
        "metrics": {"port": metrics_port},
    }


def read_pages(port: int, stop: threading.Event, pages: set[bytes]) -> None:
    """The agent's page twice a second, from its start to its end."""
    while not stop.wait(0.5):
        try:
            pages.add(page(port).encode())
        except OSError:
            continue


@pytest.fixture(scope="module")
def footprint(tmp_path_factory: pytest.TempPathFactory) -> Footprint:
    folder, home = tmp_path_factory.mktemp("footprint"), tmp_path_factory.mktemp("home")
    metrics_port, stop, pages = free_port(), threading.Event(), set[bytes]()
    reader = threading.Thread(target=read_pages, args=(metrics_port, stop, pages))
    with Mosquitto(folder) as broker, Listener(broker.port) as listener:
        (folder / "site.yaml").write_text(yaml.safe_dump(settings(home, broker.port, metrics_port)))
        agent = [sys.executable, "-B", "-c", "from edge_agent.cli import main; main()", "run", "--config"]
        environ = {"HOME": str(home), "TMPDIR": str(home), "XDG_CACHE_HOME": str(home)}
        reader.start()
        try:
            ran = run_traced([*agent, str(folder / "site.yaml")], folder, environ)
        finally:
            stop.set()
            reader.join()
        assert len(listener.heard("/lift")) == 5
        port = broker.port
    return Footprint(
        home=home,
        broker=("127.0.0.1", port),
        metrics=("127.0.0.1", metrics_port),
        trace=read_trace(folder),
        pages=pages,
        log=ran.stderr,
    )


def test_it_writes_its_outbox_and_its_compiled_networks_and_nothing_else(footprint: Footprint) -> None:
    elsewhere = {path for path in footprint.trace.written if not path.is_relative_to(footprint.home)}
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
    assert footprint.broker in footprint.trace.connected
    assert {address for address, _ in footprint.trace.connected} == {"127.0.0.1"}, (
        "paho wakes itself over loopback too"
    )
    assert DNS_PORT not in {port for _, port in footprint.trace.connected}
    # port 0: any free one, of a connection's own end
    assert {place for place in footprint.trace.bound if place[1]} == {footprint.metrics}


def test_nothing_is_sent_but_to_the_broker_and_to_who_asks_for_the_page(footprint: Footprint) -> None:
    """The kernel's account of all bytes put into any socket."""
    for stream in footprint.trace.streams:
        asked_for = stream.here == footprint.metrics
        assert stream.there == footprint.broker or asked_for or footprint.wakes_itself(stream), stream.socket
    assert not footprint.trace.unread


def test_every_byte_to_the_broker_belongs_to_a_message_of_the_list(footprint: Footprint) -> None:
    connect, *said, goodbye = packets(footprint.sent_to_broker())
    status = status_topic("north", "box-1")
    assert connect == Connect(
        client_id="hingewatch-north-box-1",
        keepalive_s=KEEPALIVE_S,
        clean_start=False,
        properties={
            "SessionExpiryInterval": MqttSettings().session_expiry_s,
            "MaximumPacketSize": MAX_PACKET_BYTES,
            "ReceiveMaximum": RECEIVE_MAXIMUM,
        },
        will=Publish(status, b"offline", qos=1, retain=True),
        credentials=(),
    )
    assert goodbye == Other("DISCONNECT", b"")
    published = [packet for packet in said if isinstance(packet, Publish)]
    assert {packet for packet in said if isinstance(packet, Other)} <= {Other("PINGREQ", b"")}
    assert [packet.number for packet in published] == list(range(1, 1 + len(published))), "a number tells nothing"

    lifts = [packet for packet in published if packet.topic == topic("north", "dock")]
    for lift in lifts:
        event = from_json(lift.payload)
        assert set(json.loads(lift.payload)) == set(LIFT_FIELDS)
        expected = Publish(
            topic("north", "dock"), to_json(event).encode(), 1, False, {"UserProperty": [("schema", SCHEMA)]}
        )
        assert replace(lift, number=0) == expected
    others = [packet for packet in published if packet not in lifts]
    assert replace(others[0], number=0) == Publish(status, b"online", qos=1, retain=True)
    assert replace(others[-1], number=0) == Publish(status, b"stopped", qos=1, retain=True)
    for health in others[1:-1]:
        record = json.loads(health.payload)
        assert set(record) == HEALTH_FIELDS
        assert replace(health, number=0) == Publish(
            health_topic("north", "box-1"), json.dumps(record).encode(), qos=1, retain=True
        )
    assert len(lifts) == 5


def test_lifts_of_a_bucket_leave_in_the_order_of_their_random_ids(footprint: Footprint) -> None:
    events = [
        from_json(packet.payload)
        for packet in packets(footprint.sent_to_broker())
        if isinstance(packet, Publish) and packet.topic.endswith("/lift")
    ]
    assert events == sorted(events, key=lambda event: (event.bucket_start, event.event_id))


def test_every_byte_of_its_page_is_a_number_or_a_word_of_our_own(footprint: Footprint) -> None:
    sent = [stream.sent for stream in footprint.trace.streams if stream.here == footprint.metrics]
    # a reader may come twice from the same port
    replies = [reply for stream in sent for reply in re.split(rb"(?=HTTP/1\.0 \d)", stream) if reply]
    assert replies
    for reply in replies:
        head, _, body = reply.partition(b"\r\n\r\n")
        status, _, fields = head.partition(b"\r\n")
        assert status == b"HTTP/1.0 200 OK"
        assert set(BytesHeaderParser().parsebytes(fields).keys()) <= {
            "Date",
            "Server",
            "Content-Type",
            "Content-Length",
        }
        assert body in footprint.pages
        for line in body.decode().splitlines():
            assert NUMBERS_LINE.fullmatch(line), line


def test_its_log_says_listed_things_only(footprint: Footprint) -> None:
    lines = footprint.log.splitlines()
    assert lines
    for line in lines:
        assert set(json.loads(line)) <= LOG_FIELDS, line


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


def test_many_threads_share_few_heaps() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import ctypes, threading; from edge_agent.process import keep_few_heaps; keep_few_heaps();"
            "libc, all_here = ctypes.CDLL(None), threading.Barrier(8);"
            "take = lambda: (all_here.wait(), libc.malloc(50_000), all_here.wait());"
            "threads = [threading.Thread(target=take) for _ in range(8)];"
            "[thread.start() for thread in threads]; [thread.join() for thread in threads];"
            "libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, 'stdout'))",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.count("<heap nr=") == 2  # of glibc: nine without


def test_what_is_free_between_what_is_not_goes_back() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import ctypes, re; from edge_agent.process import give_back_memory; libc = ctypes.CDLL(None);"
            "libc.malloc.restype = ctypes.c_void_p;"
            "mb = lambda: int(re.search(r'VmRSS:\\s+(\\d+)', open('/proc/self/status').read())[1]) / 1024;"
            "blocks = [libc.malloc(100_000) for _ in range(1000)];"
            "[ctypes.memset(block, 1, 100_000) for block in blocks];"
            "[libc.free(ctypes.c_void_p(block)) for block in blocks[:-1]];"
            "before = mb(); give_back_memory(); print(before - mb())",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert float(told.stdout) == pytest.approx(95, abs=5)


@pytest.mark.parametrize(
    ("place", "dm_uuid", "in_the_clear"),
    [
        ("/dev/sda2", None, True),
        ("/swapfile", None, True),
        ("/dev/zram0", None, False),
        ("/dev/dm-1", "CRYPT-LUKS2-0b7", False),
        ("/dev/dm-1", "LVM-9z", True),
    ],
)
def test_swap_is_told_of_unless_it_stays_in_memory_or_is_encrypted(
    tmp_path: Path, place: str, dm_uuid: str | None, in_the_clear: bool
) -> None:
    (tmp_path / "swaps").write_text(f"Filename\tType\tSize\tUsed\tPriority\n{place} partition 2097148 0 -2\n")
    block = tmp_path / "block" / Path(place).name / "dm"
    block.mkdir(parents=True)
    if dm_uuid:
        (block / "uuid").write_text(dm_uuid)
    assert swapped_to(tmp_path, tmp_path) == ((place,) if in_the_clear else ())
