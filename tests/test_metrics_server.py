"""The metrics page under bad company: it stays small, quiet and there for Prometheus."""

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge

from edge_agent.errors import InputError
from edge_agent.metrics_server import MAX_CONNECTIONS, MAX_HEAD_BYTES, Exposition, serve
from tests.services import page, sample, wait_for

REFUSALS = "site_page_refusals_total"


@pytest.fixture
def port() -> Iterator[int]:
    registry = CollectorRegistry()
    Gauge("answer", "A gauge", registry=registry).set(42)
    port, stop = serve(Exposition(registry), "127.0.0.1", 0, prefix="site")
    yield port
    stop()


def says(port: int, request: bytes) -> bytes:
    """All that the server answers to these bytes; nothing where it hangs up on them."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        answer = b""
        try:
            connection.sendall(request)
            while part := connection.recv(65536):
                answer += part
        except (ConnectionResetError, BrokenPipeError):  # it closed before all was sent
            pass
        return answer


def refused(port: int, reason: str) -> float:
    return sample(page(port), f'{REFUSALS}{{reason="{reason}"}}') or 0.0


def server_threads() -> int:
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


def test_get_and_head_of_metrics_are_answered(port: int) -> None:
    assert sample(page(port), "answer") == 42
    head = says(port, b"HEAD /metrics HTTP/1.0\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK")
    assert b"answer" not in head
    assert b"answer 42.0" in says(port, b"GET /metrics?x=../../etc HTTP/1.1\r\nHost: x\r\n\r\n")


def zones_lifts(registry: CollectorRegistry, counts: dict[str, int]) -> None:
    lifts = Counter("lifts", "By zone", ["zone"], registry=registry)
    for zone, count in counts.items():
        lifts.labels(zone).inc(count)
    Gauge("answer", "A gauge", registry=registry).set(42)


@pytest.mark.parametrize("accept", ["", "text/plain;version=1.0.0", "application/openmetrics-text;version=1.0.0"])
def test_lines_written_elsewhere_stand_where_the_library_would_have_written_them(accept: str) -> None:
    whole, bare = CollectorRegistry(), CollectorRegistry()
    zones_lifts(whole, {"dock": 3, "bay": 0})
    zones_lifts(bare, {})
    page = Exposition(bare, lambda: {"lifts": b'lifts_total{zone="dock"} 3.0\nlifts_total{zone="bay"} 0.0\n'})

    headers, body = page.answer(accept, "")
    as_asked, expected = Exposition(whole).answer(accept, "")
    created = [line for line in expected.splitlines(keepends=True) if b"_created" in line]  # when we began to count
    assert headers == as_asked
    assert body == b"".join(line for line in expected.splitlines(keepends=True) if line not in created)

    packed_headers, packed = page.answer(accept, "gzip")
    assert ("Content-Encoding", "gzip") in packed_headers
    assert gzip.decompress(packed) == body


@pytest.mark.parametrize(
    ("request_line", "status", "reason"),
    [
        (b"GET / HTTP/1.0", b"404", "not_found"),
        (b"GET /metrics/../../../etc/passwd HTTP/1.0", b"404", "not_found"),
        (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.0", b"404", "not_found"),
        (b"GET http://elsewhere.example/metrics HTTP/1.0", b"404", "not_found"),
        (b"POST /metrics HTTP/1.0", b"405", "method"),
        (b"PUT /metrics HTTP/1.0", b"405", "method"),
        (b"OPTIONS /metrics HTTP/1.0", b"405", "method"),
    ],
    ids=lambda value: value.decode() if isinstance(value, bytes) else value,
)
def test_nothing_else_is(port: int, request_line: bytes, status: bytes, reason: str) -> None:
    answer = says(port, request_line + b"\r\n\r\n")
    assert status in answer.splitlines()[0]
    assert b"root:" not in answer
    assert refused(port, reason) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300),  # a TLS greeting
        b"\x00" * 50_000,
        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.0\r\n\r\n",
        b"GET /metrics HTTP/1.0\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
        b"POST /metrics HTTP/1.0\r\nContent-Length: 99999999\r\n\r\n" + b"z" * 1_000_000,
        b"GET /metrics HTTP/9.9.9\r\n\r\n",
        b"\r\n\r\n",
    ],
    ids=["tls", "nul", "long line", "many headers", "body", "version", "empty"],
)
def test_garbage_is_dropped_after_its_first_bytes(
    port: int, garbage: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert len(says(port, garbage)) < 5 * MAX_HEAD_BYTES  # an error page quotes the request, escaped
    assert sample(page(port), "answer") == 42
    assert capfd.readouterr() == ("", "")  # a stranger writes nothing into the log


def test_a_hundred_dawdlers_do_not_keep_prometheus_out(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            dawdler = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=20)))
            dawdler.sendall(b"GET /met")
        assert sample(page(port), "answer") == 42
        assert refused(port, "crowded_out") >= 100 - MAX_CONNECTIONS
        wait_for("the threads of those cut off to end", lambda: server_threads() <= MAX_CONNECTIONS)


def test_the_silent_are_cut_off_in_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.metrics_server._Request.timeout", 0.2)
    assert says(port, b"GET /metrics HTTP/1.0\r\n") == b""  # and then nothing more
    wait_for("it to be counted", lambda: refused(port, "broken") == 1)


def test_a_storm_of_connections_leaves_no_threads_behind(port: int) -> None:
    ends = time.monotonic() + 2.0

    def storm() -> None:
        while time.monotonic() < ends:
            says(port, b"GET /met\r\n\r\n")

    stormers = [threading.Thread(target=storm) for _ in range(8)]
    for stormer in stormers:
        stormer.start()
    while any(stormer.is_alive() for stormer in stormers):
        assert sample(page(port), "answer") == 42
        assert server_threads() < 4 * MAX_CONNECTIONS
    wait_for("quiet", lambda: server_threads() == 0)


def test_a_host_that_is_not_ours_is_named() -> None:
    with pytest.raises(InputError, match=r"203\.0\.113\.7:80"):
        serve(Exposition(CollectorRegistry()), "203.0.113.7", 80, prefix="site")
