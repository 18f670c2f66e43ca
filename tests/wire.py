"""What a client says to a broker, byte by byte: MQTT 5 control packets (OASIS MQTT 5.0, chapters 2 and 3).

Only for a client that connects, publishes, subscribes and leaves; paho reads the properties. No library on
PyPI decodes a client's MQTT 5 packets without being a broker.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

KINDS = {1: "CONNECT", 3: "PUBLISH", 4: "PUBACK", 8: "SUBSCRIBE", 12: "PINGREQ", 14: "DISCONNECT"}


@dataclass(frozen=True)
class Connect:
    client_id: str
    keepalive_s: int
    clean_start: bool
    properties: dict[str, object]
    will: "Publish | None"
    credentials: tuple[bytes, ...]


@dataclass(frozen=True)
class Publish:
    """``number``: the packet identifier, 0 without an answer asked for."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    properties: dict[str, object] = field(default_factory=dict)
    resent: bool = False
    number: int = 0


@dataclass(frozen=True)
class Other:
    kind: str
    body: bytes


Packet = Connect | Publish | Other


def packets(stream: bytes) -> list[Packet]:
    """All of a client's side of a connection. Raises ValueError where a byte belongs to no packet."""
    return list(_packets(stream))


def _packets(stream: bytes) -> Iterator[Packet]:
    at = 0
    while at < len(stream):
        kind, flags = KINDS.get(stream[at] >> 4), stream[at] & 15
        length, used = _variable(stream[at + 1 : at + 5])
        body = stream[at + 1 + used : at + 1 + used + length]
        if kind is None or len(body) != length:
            raise ValueError(f"no packet of a client at byte {at}: {stream[at : at + 20]!r}")
        at += 1 + used + length
        if kind == "CONNECT":
            yield _connect(body)
        elif kind == "PUBLISH":
            yield _publish(body, flags)
        else:
            yield Other(kind, body)


def _variable(data: bytes) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(data):
        value |= (byte & 127) << 7 * count
        if byte < 128:
            return value, count + 1
    raise ValueError("a length without end")


def _field(body: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from(">H", body)
    if len(body) < 2 + length:
        raise ValueError("a field that is longer than its packet")
    return body[2 : 2 + length], body[2 + length :]


def _properties(body: bytes, kind: int) -> tuple[dict[str, object], bytes]:
    properties = Properties(kind)  # type: ignore[no-untyped-call]
    _, used = properties.unpack(body)  # type: ignore[no-untyped-call]
    return {name: value for name, value in vars(properties).items() if name[0].isupper()}, body[used:]


def _connect(body: bytes) -> Connect:
    name, rest = _field(body)
    version, flags, keepalive_s = struct.unpack_from(">BBH", rest)
    if (name, version) != (b"MQTT", 5):
        raise ValueError(f"not MQTT 5: {name!r} {version}")
    properties, rest = _properties(rest[4:], PacketTypes.CONNECT)
    client_id, rest = _field(rest)
    will = None
    if flags & 4:
        will_properties, rest = _properties(rest, PacketTypes.WILLMESSAGE)
        topic, rest = _field(rest)
        payload, rest = _field(rest)
        will = Publish(topic.decode(), payload, flags >> 3 & 3, bool(flags & 32), will_properties)
    credentials = []
    while rest:
        credential, rest = _field(rest)
        credentials.append(credential)
    return Connect(client_id.decode(), keepalive_s, bool(flags & 2), properties, will, tuple(credentials))


def _publish(body: bytes, flags: int) -> Publish:
    topic, rest = _field(body)
    qos = flags >> 1 & 3
    number = struct.unpack_from(">H", rest)[0] if qos else 0
    properties, payload = _properties(rest[2:] if qos else rest, PacketTypes.PUBLISH)
    resent = bool(flags & 8)
    return Publish(topic.decode(), payload, qos, bool(flags & 1), properties, resent, number)
