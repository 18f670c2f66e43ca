"""paho's client for whoever takes thousands of messages a second.

paho 2.2 asks its socket for each part of each packet (five calls a message), decodes the properties of each, which
nobody here reads, in twice the time of all the rest, and sends each acknowledgement alone, with TLS in a record of
its own: 157 microseconds a message, 236 with TLS, where these three replacements leave 37 and 52. Connecting, keeping
alive, sessions and all else that is hard stay paho's. gmqtt and aiomqtt (which is paho) decode in Python as well.
"""

import socket
import ssl
import struct
from typing import Any, Final, cast

from paho.mqtt.client import PUBACK, Client, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode

from edge_agent.core.events import MAX_PAYLOAD_BYTES

READ_BYTES: Final = 64 * 1024
MOST_PAYLOAD_BYTES: Final = 16 * MAX_PAYLOAD_BYTES + 1
"""What is longer is refused for its length, and need not be kept until then."""
_QOS_1: Final = 1


class Receiver(Client):
    """Use it as a Client. Its messages' ``properties`` are None, it hands them to ``on_message`` only, and it is for
    subscriptions of QoS 0 and 1 with ``manual_ack``.
    """

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """All packets that were read, where paho stops after one and asks the system whether there are more."""
        code = super().loop_read(max_packets)
        while code == MQTTErrorCode.MQTT_ERR_SUCCESS and isinstance(self._sock, _Buffered) and self._sock.pending():
            code = super().loop_read(max_packets)
        return code

    def loop_write(self) -> MQTTErrorCode:
        """Acknowledgements that wait one behind the other go out in one piece."""
        waiting = self._out_packet
        joined = []
        while waiting and waiting[0]["command"] == PUBACK and waiting[0]["pos"] == 0:
            joined.append(waiting.popleft())
        if joined:
            first, packet = joined[0], b"".join(one["packet"] for one in joined)
            first["packet"], first["to_process"] = packet, len(packet)
            waiting.appendleft(first)
        return super().loop_write()

    def _create_socket(self) -> Any:
        return _Buffered(cast(socket.socket, super()._create_socket()))

    def _handle_publish(self) -> MQTTErrorCode:
        """A packet that is no PUBLISH is a broken connection, as for paho."""
        try:
            message = decoded(self._in_packet["command"], bytes(self._in_packet["packet"]))
        except (struct.error, IndexError):
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        handle = self.on_message
        if handle is not None:
            with self._in_callback_mutex:
                handle(self, self._userdata, message)
        return MQTTErrorCode.MQTT_ERR_SUCCESS


def decoded(header: int, packet: bytes) -> MQTTMessage:
    """A PUBLISH of MQTT 5 (its section 3.3), without its properties and what is beyond MOST_PAYLOAD_BYTES.

    header: its first byte. packet: what follows its length. Raises struct.error or IndexError where it is none.
    """
    (topic_bytes,) = struct.unpack_from("!H", packet)
    at = 2 + topic_bytes
    message = MQTTMessage(topic=packet[2:at])
    message.qos, message.retain, message.dup = header >> 1 & 3, bool(header & 1), bool(header & 8)
    if message.qos >= _QOS_1:
        (message.mid,) = struct.unpack_from("!H", packet, at)
        at += 2
    length, at = _variable(packet, at)
    message.payload = packet[at + length :][:MOST_PAYLOAD_BYTES]
    return message


def _variable(packet: bytes, at: int) -> tuple[int, int]:
    """A variable byte integer (section 1.5.5) and where it ends. Raises IndexError where it does not."""
    value = 0
    for shift in (0, 7, 14, 21):
        byte = packet[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise IndexError("no variable byte integer")


class _Buffered:
    """A socket that reads ahead; everything but ``recv`` and ``pending`` is the socket's own."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self._ahead = b""
        self._at = 0

    def recv(self, count: int) -> bytes:
        """As a socket that does not block: raises what that raises where nothing is there."""
        if self._at >= len(self._ahead):
            self._ahead, self._at = self._read(), 0
        part = self._ahead[self._at : self._at + count]
        self._at += len(part)
        return part

    def _read(self) -> bytes:
        """A TLS socket gives one record at a time, and that is one message. It tells its end as often as asked."""
        found = self._inner.recv(READ_BYTES)
        if not isinstance(self._inner, ssl.SSLSocket):
            return found
        try:
            while len(found) < READ_BYTES and (record := self._inner.recv(READ_BYTES)):
                found += record
        except OSError:  # mostly there is no more; what else it is will be raised again when nothing is left
            return found
        return found

    def pending(self) -> int:
        """Bytes that ``recv`` gives without asking the system; paho knows this of TLS sockets."""
        inner = self._inner.pending() if isinstance(self._inner, ssl.SSLSocket) else 0
        return len(self._ahead) - self._at + inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
