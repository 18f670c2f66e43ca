"""What publisher and bridge share about MQTT 5: a session that lasts, and why one was refused."""

import ssl
import sys
from collections.abc import Callable
from typing import Final, Literal

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from prometheus_client import Counter

from edge_agent.errors import InputError
from edge_agent.settings import MqttSettings

log = structlog.get_logger()

KEEPALIVE_S: Final = 30
LONGEST_RETRY_S: Final = 30
MAX_PACKET_BYTES: Final = 128 * 1024
"""The largest we let the broker send: twice the largest health record. mosquitto 2.0.11 drops what is larger,
for us alone, and goes on with the next; its own limit is 256 MB."""
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}

_CREDENTIALS_FIX: Final = "check mqtt.username and the password (HINGEWATCH_MQTT_PASSWORD or mqtt.password_file)"
_FIXES: Final = {
    "Bad user name or password": _CREDENTIALS_FIX,
    "Not authorized": _CREDENTIALS_FIX + " and the broker's access list",
    "Unsupported protocol version": "use a broker that speaks MQTT 5, such as mosquitto 2",
    "Client identifier not valid": "check the agent's name and the broker's rules for client ids",
    "Session taken over": "another agent has this site and agent name: give each its own",
    "Quota exceeded": "raise the broker's limits",
}


def new_client(settings: MqttSettings, client_id: str, *, manual_ack: bool = False) -> Client:
    """A client that is configured but not connected.

    Raises InputError when the certificate authority file cannot be used.
    """
    client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5, manual_ack=manual_ack)
    client.reconnect_delay_set(min_delay=1, max_delay=LONGEST_RETRY_S)
    if settings.username is not None:
        client.username_pw_set(settings.username, _password(settings))
        if settings.ca_file is None and settings.host not in _LOOPBACK:
            log.warning("the MQTT password travels unencrypted", fix="set mqtt.ca_file and the broker's TLS port")
    if settings.ca_file is not None:
        try:
            client.tls_set(ca_certs=str(settings.ca_file.expanduser()), cert_reqs=ssl.CERT_REQUIRED)
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                f"cannot use the certificate authority {settings.ca_file}: {error}",
                "point mqtt.ca_file at the PEM file of the authority that signed the broker's certificate",
            ) from error
    return client


class Session:
    """Keeps a client connected; every failure is counted by cause (telemetry.CONNECT_FAILURES) with a fix.

    ``accepted`` and ``over`` are called in paho's thread when the broker has accepted us and when that ends.
    """

    def __init__(
        self,
        settings: MqttSettings,
        client: Client,
        failures: Counter,
        accepted: Callable[[], None],
        over: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._client = client
        self._failures = failures
        self._accepted = accepted
        self._over = over
        self._state: Literal["connecting", "refused", "accepted", "stopping"] = "connecting"
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect

    def start(self) -> None:
        """Connect from paho's own thread, and again whenever the connection is lost; returns at once.

        clean_start is False even for the first connection: a session opened with clean_start=True was lost in
        8 of 8 broker restarts, one opened without survived 8 of 8 (mosquitto 2.0.11).
        """
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._settings.session_expiry_s
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        self._client.connect_async(
            self._settings.host,
            self._settings.port,
            keepalive=KEEPALIVE_S,
            clean_start=False,
            properties=properties,
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect cleanly: the will does not fire, the session lasts."""
        self._state = "stopping"
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self,
        client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _props: Properties | None,
    ) -> None:
        if self._state == "stopping":
            client.disconnect()
        elif reason.is_failure:
            self._state = "refused"
            name = reason.getName()
            self._failed("refused", reason=name, fix=_FIXES.get(name, "look for this client in the broker's log"))
        else:
            self._state = "accepted"
            log.info("broker connected", broker=self._address())
            self._accepted()

    def _on_connect_fail(self, _client: Client, _data: object) -> None:
        error = sys.exc_info()[1]  # paho calls this while it handles the error, and passes none
        fix = "check that the broker runs, and mqtt.host and mqtt.port"
        if isinstance(error, ssl.SSLError):
            fix = "check that mqtt.ca_file signed the broker's certificate and that mqtt.port is its TLS port"
        self._failed("unreachable", reason=str(error), fix=fix)

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _props: Properties | None,
    ) -> None:
        ended, name = self._state, reason.getName()
        if ended != "stopping":
            self._state = "connecting"
        if ended == "accepted":
            self._failed("lost", reason=name, fix=_FIXES.get(name, "none needed if this is rare"))
        elif ended == "connecting":
            self._failed("no_answer", reason=name, fix="check mqtt.port, and mqtt.ca_file if that port speaks TLS")
        self._over()

    def _failed(self, cause: str, *, reason: str, fix: str) -> None:
        self._failures.labels(cause).inc()
        log.warning("broker connection failed", cause=cause, broker=self._address(), reason=reason, fix=fix)

    def _address(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"


def _password(settings: MqttSettings) -> str | None:
    return None if settings.password is None else settings.password.get_secret_value()
