"""WS-Discovery: one multicast question, and who answers it.

Not the WSDiscovery package: it also announces services of its own in threads of its own, and parses what comes with
the standard library's parser. IPv4 only, as the installers of cameras do.
"""

import fcntl
import socket
import struct
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from edge_agent.errors import InputError, RunError
from edge_agent.onvif.checked import device_url, plain
from edge_agent.onvif.soap import OnvifError, envelope, parse, text, texts

GROUP: Final = ("239.255.255.250", 3702)
MOST_DEVICES: Final = 256
MOST_DATAGRAMS: Final = 4096
_ASKED_AT_S: Final = (0.0, 0.5)
"""Twice: a datagram may be lost, and cameras wait up to half a second before they answer."""
_SIOCGIFADDR: Final = 0x8915  # netdevice(7)
_SCOPE: Final = "onvif://www.onvif.org/"


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answered. ``url``: of its device service, at ``host``; ``name`` and ``model`` are its own words."""

    host: str
    url: str
    name: str = ""
    model: str = ""


def discover(seconds: float, interfaces: Sequence[str] = ()) -> list[Answer]:
    """Whoever answers within this time, in the order of their addresses.

    ``interfaces``: names such as eth0; none are all. Raises InputError for an unknown one, RunError where none can
    send.
    """
    message_id = f"urn:uuid:{uuid.uuid4()}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        found = dict.fromkeys(_answers(asker, message_id, _known(interfaces), seconds))
    return sorted(found, key=lambda answer: (socket.inet_aton(answer.host), answer.url))


def _known(names: Sequence[str]) -> list[str]:
    known = [name for _, name in socket.if_nameindex()]
    for name in names:
        if name not in known:
            raise InputError(f"no network interface is called {name}", f"name some of {', '.join(known)}")
    return list(names) or known


def _answers(asker: socket.socket, message_id: str, interfaces: list[str], seconds: float) -> Iterator[Answer]:
    begun_s, asked, hosts = time.monotonic(), 0, set[str]()
    for _ in range(MOST_DATAGRAMS):
        now_s = time.monotonic() - begun_s
        if now_s >= seconds or len(hosts) == MOST_DEVICES:
            return
        if asked < len(_ASKED_AT_S) and now_s >= _ASKED_AT_S[asked]:
            _ask(asker, message_id, interfaces)
            asked += 1
        asker.settimeout(min(0.1, seconds - now_s))
        try:
            reply, (host, _) = asker.recvfrom(65_535)
        except OSError:  # nothing yet; or the message that a port of ours was refused
            continue
        answer = answer_of(reply, host, message_id)
        if answer is not None:
            hosts.add(host)
            yield answer


def _ask(asker: socket.socket, message_id: str, interfaces: list[str]) -> None:
    probe, sent = _probe(message_id), 0
    for name in interfaces:
        try:
            # by its address too (struct ip_mreqn, ip(7)): by its number alone another's may be the sender's
            membership = struct.pack("4s4si", bytes(4), _address_of(asker, name), socket.if_nametoindex(name))
            asker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, membership)
            asker.sendto(probe, GROUP)
            sent += 1
        except OSError:
            continue  # it is down, or has no address
    if not sent:
        raise RunError("no network interface can send", "connect this machine to the cameras' network")


def _address_of(asker: socket.socket, interface: str) -> bytes:
    """Its first IPv4 address. Raises OSError where it has none."""
    answer = fcntl.ioctl(asker, _SIOCGIFADDR, struct.pack("256s", interface.encode()))
    return answer[20:24]


def _probe(message_id: str) -> bytes:
    header = (
        f"<a:MessageID>{message_id}</a:MessageID>"
        "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>"
        "<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>"
    )
    return envelope("<d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe>", header)


def answer_of(reply: bytes, host: str, message_id: str) -> Answer | None:
    """What a datagram from ``host`` says; None where it is no answer to our question, or names no address there.

    Of another machine it may not speak: whoever answers could else have the password sent anywhere.
    """
    try:
        root = parse(reply)
    except OnvifError:
        return None
    if text(root, "s:Header/a:RelatesTo") != message_id:
        return None
    match = "s:Body/d:ProbeMatches/d:ProbeMatch"
    urls = [url for word in " ".join(texts(root, f"{match}/d:XAddrs")).split() if (url := device_url(word, host))]
    if not urls:
        return None
    scopes = " ".join(texts(root, f"{match}/d:Scopes")).split()
    url = min(urls, key=lambda each: not each.startswith("http:"))  # their https is mostly signed by themselves
    return Answer(host, url, _scope(scopes, "name"), _scope(scopes, "hardware"))


def _scope(scopes: list[str], kind: str) -> str:
    start = f"{_SCOPE}{kind}/"
    return next((plain(unquote(scope.removeprefix(start))) for scope in scopes if scope.startswith(start)), "")
