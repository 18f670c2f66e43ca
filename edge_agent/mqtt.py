"""What publisher and bridge share about MQTT 5: a session that lasts, and why one was refused."""

import ssl
import sys
from typing import Final

import structlog
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.errors import InputError
from edge_agent.settings import MqttSettings

log = structlog.get_logger()

KEEPALIVE_S: Final = 30
LONGEST_RETRY_S: Final = 30

_CREDENTIALS_FIX: Final = (
    "check mqtt.username and the password (HINGEWATCH_MQTT_PASSWORD or mqtt.password_file)"
)
_FIXES: Final = {
    "Bad user name or password": _CREDENTIALS_FIX,
    "Not authorized": _CREDENTIALS_FIX + " and the broker's access list",
    "Unsupported protocol version": "use a broker that speaks MQTT 5, such as mosquitto 2",
    "Client identifier not valid": "check the agent's name and the broker's rules for client ids",
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
    if settings.ca_file is not None:
        try:
            client.tls_set(ca_certs=str(settings.ca_file.expanduser()), cert_reqs=ssl.CERT_REQUIRED)
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                f"cannot use the certificate authority {settings.ca_file}: {error}",
                "point mqtt.ca_file at the PEM file of the authority that signed the broker's certificate",
            ) from error
    return client


def start(client: Client, settings: MqttSettings) -> None:
    """Connect from paho's own thread, and again whenever the connection is lost.

    clean_start is False even for the first connection: a session opened with clean_start=True was lost in 8
    of 8 broker restarts, one opened without survived 8 of 8 (mosquitto 2.0.11).
    """
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = settings.session_expiry_s
    client.connect_async(
        settings.host,
        settings.port,
        keepalive=KEEPALIVE_S,
        clean_start=False,
        properties=properties,
    )
    client.loop_start()


def log_refused(settings: MqttSettings, reason: ReasonCode) -> None:
    """The broker answered, with a no."""
    name = reason.getName()
    log.error(
        "broker refused the connection",
        broker=_address(settings),
        reason=name,
        fix=_FIXES.get(name, "look for this client in the broker's log"),
    )


def log_unreachable(settings: MqttSettings) -> None:
    """Nobody answered. For paho's ``on_connect_fail``, which runs while the error is handled."""
    error = sys.exc_info()[1]
    fix = "check that the broker runs, and mqtt.host and mqtt.port"
    if isinstance(error, ssl.SSLError):
        fix = "check that mqtt.ca_file signed the broker's certificate and that mqtt.port is its TLS port"
    log.warning("broker unreachable, retrying", broker=_address(settings), error=str(error), fix=fix)


def _address(settings: MqttSettings) -> str:
    return f"{settings.host}:{settings.port}"


def _password(settings: MqttSettings) -> str | None:
    return None if settings.password is None else settings.password.get_secret_value()
