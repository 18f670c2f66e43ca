"""The `/metrics` page of agent and bridge, served to Prometheus; beside it `/healthy`, and the bridge's overview.

prometheus_client's own server has neither a time limit nor a limit of connections: each slow client costs it
a thread for ever. A server library with limits of its own (waitress) closes idle connections too, but when
its limit is reached it waits for them, and the scrape with it. Hence these few lines on top of it: when too
many are connected, the one that has been here longest is cut off. A scrape takes milliseconds; whoever
dawdles is the one who goes.
"""

import gzip
import io
import re
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from socketserver import BaseRequestHandler
from typing import Any, Final, cast
from wsgiref.simple_server import WSGIRequestHandler

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import ThreadingWSGIServer, choose_encoder, gzip_accepted

from edge_agent.errors import InputError
from edge_agent.telemetry import each

MAX_CONNECTIONS: Final = 16
"""Each is a thread. Prometheus keeps one."""
MAX_HEAD_BYTES: Final = 8192
"""Of request line and headers; Prometheus sends about 300 bytes. A body is never read."""
SILENCE_S: Final = 5.0
REASONS: Final = ("crowded_out", "broken", "not_found", "method")


@dataclass(frozen=True, slots=True)
class Document:
    """A page, and the Content-Security-Policy it is shown under."""

    text: str
    policy: str
    media_type: str = "text/html"
    status: HTTPStatus = HTTPStatus.OK


Pages = Mapping[str, Callable[[], Document]]
"""By path. Each is called in a thread of its own."""
Lines = Callable[[], Mapping[str, bytes]]
"""By the name of a counter that the registry shows without samples, the lines of its samples."""
Headers = list[tuple[str, str]]
HEALTHY: Final = "/healthy"


def health(why_stuck: Callable[[], str | None]) -> Pages:
    """The page that a liveness probe reads: 200 while there is no reason to restart, else 503 and the reason."""

    def document() -> Document:
        reason = why_stuck()
        status = HTTPStatus.OK if reason is None else HTTPStatus.SERVICE_UNAVAILABLE
        return Document(f"{reason or 'healthy'}\n", "default-src 'none'", "text/plain", status)

    return {HEALTHY: document}


@dataclass(frozen=True, slots=True)
class Exposition:
    """The metrics page, written by prometheus_client but for ``lines``; its own app knows no such thing."""

    registry: CollectorRegistry
    lines: Lines = dict

    def answer(self, accept: str, accept_encoding: str) -> tuple[Headers, bytes]:
        """Headers and body. Both arguments are the request's headers of that name, perhaps empty.

        Packed at the fastest level: at the one that prometheus_client takes, the bridge's largest page takes twelve
        times as long to pack and is a fifth smaller.
        """
        encode, media_type = choose_encoder(accept)
        body = encode(self.registry)
        for counter, lines in self.lines().items():
            head = re.compile(rb"^# TYPE %b(_total)? counter\n" % counter.encode(), re.MULTILINE)
            body = head.sub(lambda found, lines=lines: found[0] + lines, body, count=1)  # type: ignore[misc]
        if not gzip_accepted(accept_encoding):
            return [("Content-Type", media_type)], body
        return [("Content-Type", media_type), ("Content-Encoding", "gzip")], gzip.compress(body, compresslevel=1)


def serve(
    metrics: Exposition, host: str, port: int, *, prefix: str, pages: Pages | None = None
) -> tuple[int, Callable[[], None]]:
    """Serve ``/metrics``, and ``pages`` beside it, from a daemon thread. Returns the real port and what stops it.

    prefix: of the one metric that is added, which counts the requests that got no page.
    Raises InputError when the address cannot be bound.
    """
    refused = Counter(
        f"{prefix}_page_refusals", "Requests that got no metrics page", ["reason"], registry=metrics.registry
    )
    each(refused.labels, REASONS)
    try:
        server = _Server(host, port, _app(metrics, refused, pages or {}), refused)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"cannot serve metrics on {host}:{port}: {error}",
            "choose another metrics host or port in the settings",
        ) from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return server.server_port, stop


class _Request(WSGIRequestHandler):
    timeout = SILENCE_S

    def setup(self) -> None:
        """Take the request's head and nothing more, whatever the client goes on to send."""
        super().setup()
        head = b""
        while b"\r\n\r\n" not in head and len(head) < MAX_HEAD_BYTES:
            part = self.connection.recv(MAX_HEAD_BYTES - len(head))
            if not part:
                break
            head += part
        self.rfile = io.BufferedReader(io.BytesIO(head))

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a stranger must not fill the log."""


class _Server(ThreadingWSGIServer):
    def __init__(self, host: str, port: int, app: Callable[..., Iterable[bytes]], refused: Counter) -> None:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        self.address_family = family
        self._refused = refused
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        super().__init__((str(address[0]), port), cast(type[BaseRequestHandler], _Request))
        self.set_app(app)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            if len(self._open) >= MAX_CONNECTIONS:
                _hang_up(self._open.pop(0))
                self._refused.labels("crowded_out").inc()
            self._open.append(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            if request in self._open:
                self._open.remove(request)
        super().shutdown_request(request)

    def handle_error(self, *_: Any) -> None:
        """A client that was cut off, fell silent or went away; nothing of ours."""
        self._refused.labels("broken").inc()


def _hang_up(connection: socket.socket) -> None:
    """Wake the thread that reads from it; the thread closes it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _app(metrics: Exposition, refused: Counter, pages: Pages) -> Callable[..., Iterable[bytes]]:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if path != "/metrics" and path not in pages:
            return _refuse(start_response, HTTPStatus.NOT_FOUND, refused.labels("not_found"))
        if asked not in {"GET", "HEAD"}:
            return _refuse(start_response, HTTPStatus.METHOD_NOT_ALLOWED, refused.labels("method"))
        if path in pages:
            status, headers, body = _shown(pages[path]())
        else:
            accepts = (environ.get(f"HTTP_{name}", "") for name in ("ACCEPT", "ACCEPT_ENCODING"))
            status, (headers, body) = HTTPStatus.OK, metrics.answer(*accepts)
        start_response(f"{status.value} {status.phrase}", headers)
        return [body if asked == "GET" else b""]

    return app


def _shown(document: Document) -> tuple[HTTPStatus, Headers, bytes]:
    headers = [
        ("Content-Type", f"{document.media_type}; charset=utf-8"),
        ("Content-Security-Policy", document.policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    ]
    return document.status, headers, document.text.encode()


def _refuse(start_response: Callable[..., Any], status: HTTPStatus, count: Counter) -> Iterable[bytes]:
    count.inc()
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain"), ("Allow", "GET, HEAD")])
    return [f"{status.phrase}\n".encode()]
