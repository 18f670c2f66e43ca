"""A simulated ONVIF camera: answers WS-Discovery on loopback, and its services ask who you are, as cameras do."""

import base64
import hashlib
import socket
import struct
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

from edge_agent.onvif.discovery import GROUP
from edge_agent.onvif.soap import NAMESPACES

_SPACES = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
_FRESH = timedelta(seconds=5)
SCOPES = (
    "onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/name/{name} onvif://www.onvif.org/hardware/C-1"
)


def soap(body: str, header: str = "") -> bytes:
    return f"<s:Envelope {_SPACES}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>".encode()


def probe_match(message_id: str, url: str, name: str = "Dock%203") -> bytes:
    match = f"<d:Scopes>{SCOPES.format(name=name)}</d:Scopes><d:XAddrs>{url}</d:XAddrs>"
    header = f"<a:RelatesTo>{message_id}</a:RelatesTo>"
    return soap(f"<d:ProbeMatches><d:ProbeMatch>{match}</d:ProbeMatch></d:ProbeMatches>", header)


def token_of(asked: ElementTree.Element) -> str:
    return asked.findtext("trt:ProfileToken", "", NAMESPACES)


def profile(token: str, width: int, height: int) -> str:
    return f"""<trt:Profiles token="{token}"><tt:VideoEncoderConfiguration><tt:Encoding>H264</tt:Encoding>
        <tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>
        <tt:RateControl><tt:FrameRateLimit>15</tt:FrameRateLimit></tt:RateControl>
        </tt:VideoEncoderConfiguration></trt:Profiles>"""


class OnvifCamera:
    """``with OnvifCamera(...) as camera``; ``answers``: what it replies to each request, by the request's name."""

    def __init__(
        self,
        streams: dict[str, str],
        *,
        user: str = "viewer",
        password: str = "right",
        ahead: timedelta = timedelta(),
        name: str = "Dock%203",
        discoverable: bool = False,
    ) -> None:
        """``streams``: a profile's token -> its stream's address. ``ahead``: of the true time, its clock."""
        self._user, self._password, self._ahead, self._name = user, password, ahead, name
        self._nonces: set[bytes] = set()
        self._off = threading.Event()
        self.requests: list[str] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}/onvif/device_service"
        sizes = dict(zip(streams, ((1920, 1080), (1280, 720), (640, 360)), strict=False))
        self.answers: dict[str, Callable[[ElementTree.Element], str]] = {
            "GetSystemDateAndTime": lambda _: self._date(),
            "GetDeviceInformation": lambda _: "<tds:Manufacturer>Acme</tds:Manufacturer><tds:Model>C-1</tds:Model>",
            "GetCapabilities": lambda _: (
                f"<tt:Media><tt:XAddr>http://127.0.0.1:{self.port}/media</tt:XAddr></tt:Media>"
            ),
            "GetProfiles": lambda _: "".join(profile(token, *size) for token, size in sizes.items()),
            "GetStreamUri": lambda asked: f"<trt:MediaUri><tt:Uri>{streams[token_of(asked)]}</tt:Uri></trt:MediaUri>",
        }
        self._udp = self._join() if discoverable else None

    def __enter__(self) -> "OnvifCamera":
        self._threads = [threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)]
        if self._udp is not None:
            self._threads.append(threading.Thread(target=self._answer_probes, args=(self._udp,), daemon=True))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._off.set()
        for thread in self._threads:
            thread.join()
        if self._udp is not None:
            self._udp.close()

    @staticmethod
    def _join() -> socket.socket:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("", GROUP[1]))
        listener.settimeout(0.1)
        loopback = struct.pack("4s4si", socket.inet_aton(GROUP[0]), bytes(4), socket.if_nametoindex("lo"))
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, loopback)
        return listener

    def _answer_probes(self, listener: socket.socket) -> None:
        while not self._off.is_set():
            try:
                probe, sender = listener.recvfrom(65_535)
                message_id = ElementTree.fromstring(probe).findtext(".//a:MessageID", "", NAMESPACES)
                listener.sendto(probe_match(message_id, self.url, self._name), sender)
            except TimeoutError:
                continue

    def _date(self) -> str:
        now = datetime.now(UTC) + self._ahead
        clock = "".join(
            f"<tt:{unit}>{getattr(now, unit.lower())}</tt:{unit}>" for unit in ("Hour", "Minute", "Second")
        )
        date = "".join(f"<tt:{unit}>{getattr(now, unit.lower())}</tt:{unit}>" for unit in ("Year", "Month", "Day"))
        return f"<tt:UTCDateTime><tt:Time>{clock}</tt:Time><tt:Date>{date}</tt:Date></tt:UTCDateTime>"

    def _lets_in(self, envelope: ElementTree.Element) -> bool:
        """By its own clock, and each nonce once."""
        token = envelope.find(".//wsse:UsernameToken", NAMESPACES)
        if token is None:
            return False
        user, digest, nonce64, created = (
            token.findtext(path, "", NAMESPACES)
            for path in ("wsse:Username", "wsse:Password", "wsse:Nonce", "wsu:Created")
        )
        nonce, at = base64.b64decode(nonce64), datetime.fromisoformat(created)
        wanted = hashlib.sha1(nonce + created.encode() + self._password.encode()).digest()
        fresh = abs(datetime.now(UTC) + self._ahead - at) < _FRESH and nonce not in self._nonces
        self._nonces.add(nonce)
        return fresh and user == self._user and base64.b64decode(digest) == wanted

    def answer(self, request: bytes) -> tuple[int, bytes]:
        envelope = ElementTree.fromstring(request)
        asked = next(iter(envelope.find("s:Body", NAMESPACES) or []))
        space, _, name = asked.tag.rpartition("}")
        self.requests.append(name)
        if name != "GetSystemDateAndTime" and not self._lets_in(envelope):
            code = "<s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode>"
            return 400, soap(f"<s:Fault><s:Code><s:Value>s:Sender</s:Value>{code}</s:Code></s:Fault>")
        prefix = next(prefix for prefix, uri in NAMESPACES.items() if uri == space[1:])
        return 200, soap(f"<{prefix}:{name}Response>{self.answers[name](asked)}</{prefix}:{name}Response>")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self.answer

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                code, body = answer(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(code)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
