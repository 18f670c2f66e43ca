"""What publisher and bridge share about MQTT 5: a session that lasts, and why one was refused."""

import sys
from collections.abc import Callable
from typing import Final, Literal, TypeVar

import structlog
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from prometheus_client import Counter

from edge_agent.credentials import Credentials, cause_of
from edge_agent.receiver import Receiver
from edge_agent.settings import MqttSettings

log = structlog.get_logger()

AnyClient = TypeVar("AnyClient", bound=Client)

KEEPALIVE_S: Final = 30
LONGEST_RETRY_S: Final = 30
MAX_PACKET_BYTES: Final = 128 * 1024
"""The largest we let the broker send: twice the largest health record. mosquitto 2.0.11 drops what is larger,
for us alone, and goes on with the next; its own limit is 256 MB."""
RECEIVE_MAXIMUM: Final = 2048
"""Unacknowledged messages that we let the broker have under way to us: as many as the bridge commits at once, and as
many again that come meanwhile. mosquitto sends 20 unless told."""
_CREDENTIALS_FIX: Final = "check mqtt.username and the password (HINGEWATCH_MQTT_PASSWORD or mqtt.password_file)"
_HUNG_UP: Final = "check mqtt.port: it may want TLS"
_FIXES: Final = {
    "Bad user name or password": _CREDENTIALS_FIX,
    "Not authorized": _CREDENTIALS_FIX + " and the broker's access list",
    "Unsupported protocol version": "use a broker that speaks MQTT 5, such as mosquitto 2",
    "Client identifier not valid": "check the agent's name and the broker's rules for client ids",
    "Session taken over": "another agent has this site and agent name: give each its own",
    "Quota exceeded": "raise the broker's limits",
}


def new_client(
    settings: MqttSettings, client_id: str, *, identity: str | None = None, manual_ack: bool = False
) -> Client:
    """A client that is configured but not connected.

    ``identity``: the name that its certificate must bear, where the site's own authority made it.
    Raises InputError when a certificate, its key or the authority cannot be used.
    """
    kind = Receiver if manual_ack else Client
    client = kind(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTv5, manual_ack=manual_ack)
    return configured(client, settings, identity)


def configured(client: AnyClient, settings: MqttSettings, identity: str | None) -> AnyClient:
    """The client with what the settings say of user and certificates. Raises InputError as `new_client` does."""
    client.reconnect_delay_set(min_delay=1, max_delay=LONGEST_RETRY_S)
    if settings.username is not None:
        client.username_pw_set(settings.username, _password(settings))
    if settings.tls:
        credentials = Credentials(settings, identity)
        client.tls_set_context(credentials.context)
        client.user_data_set(credentials)
    elif settings.plaintext:
        log.warning("what is sent to the broker travels unencrypted", fix="drop mqtt.plaintext, and use TLS")
    return client


def hear(client: Client, heard: Callable[[bytes], None]) -> None:
    """Have ``heard`` called, in paho's thread, with what comes over a subscription; a refused one is logged."""

    def told(_client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _props: Properties | None) -> None:
        if any(reason.is_failure for reason in reasons):
            fix = "write its access list anew: edge-agent certs renew"
            log.error("broker lets nothing be ordered here", reason=reasons[0].getName(), fix=fix)

    client.on_message = lambda _client, _data, message: heard(bytes(message.payload))
    client.on_subscribe = told


def expiry_s(client: Client) -> float:
    """Unix time at which the certificates it uses end; 0 without TLS, or without files of our own."""
    credentials = _credentials_of(client)
    return 0.0 if credentials is None else credentials.expiry_s()


def why_not_connected(client: Client, error: BaseException | None) -> tuple[str, str]:
    """A word of telemetry.CONNECT_FAILURES, and the fix."""
    credentials = _credentials_of(client)
    return cause_of(error, trust_ended=credentials is not None and credentials.trust_ended())


def _credentials_of(client: Client) -> Credentials | None:
    data = client.user_data_get()
    return data if isinstance(data, Credentials) else None


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
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self._client.connect_async(
            self._settings.host,
            self._settings.port,
            keepalive=KEEPALIVE_S,
            clean_start=False,
            properties=properties,
        )
        self._client.loop_start()

    @property
    def alive(self) -> bool:
        """False where an error that nobody foresaw has ended the thread that connects, and connects again."""
        return self._client._thread is not None  # paho has no other way to tell

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

    def _on_connect_fail(self, client: Client, _data: object) -> None:
        error = sys.exc_info()[1]  # paho calls this while it handles the error, and passes none
        cause, fix = why_not_connected(client, error)
        self._failed(cause, reason=str(error), fix=fix)

    def _on_disconnect(
        self,
        client: Client,
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
            credentials = _credentials_of(client)
            cause, fix = ("no_answer", _HUNG_UP) if credentials is None else credentials.why_no_answer()
            self._failed(cause, reason=name, fix=fix)
        self._over()

    def _failed(self, cause: str, *, reason: str, fix: str) -> None:
        self._failures.labels(cause).inc()
        log.warning("broker connection failed", cause=cause, broker=self._address(), reason=reason, fix=fix)

    def _address(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"


def _password(settings: MqttSettings) -> str | None:
    return None if settings.password is None else settings.password.get_secret_value()
