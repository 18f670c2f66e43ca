"""The broker: does it let us in, for how long yet, and may we write what is ours and nothing else?

The last is asked without effect. A message of QoS 2 is passed on when its sender releases it (PUBREL); the broker
judges it when it comes, and answers (PUBREC). So what we ask with is never released, and forgotten with the session,
which ends with the connection. So it is with mosquitto, where a test listens. Brokers are free to pass it on at once:
there the bridge would hear an empty health record, which changes nothing, and an empty lift, which it rejects.
"""

import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509
from paho.mqtt.client import Client, ConnectFlags, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent import mqtt
from edge_agent.certificates import name_of
from edge_agent.core.events import health_topic, topic
from edge_agent.credentials import OWN_EXPIRED_FIX
from edge_agent.doctor.finding import Finding
from edge_agent.errors import HingewatchError, RunError
from edge_agent.settings import LOOPBACK, MqttSettings, Settings
from edge_agent.site_certificates import BRIDGE
from edge_agent.zones import zone_names

BROKER_TIMEOUT_S: Final = 5.0
RENEW_DAYS: Final = 30
"""A month is time enough to reach every box of a site."""
_REFUSED_FROM: Final = 0x80
_ACL_FIX: Final = (
    "write the access list anew: edge-agent certs agent FOLDER AGENT (or renew) on the broker's machine, then send "
    "mosquitto a SIGHUP"
)
_NO_ACL_FIX: Final = "give the broker the access list that edge-agent certs init writes (acl_file)"


class Asker(Client):
    """Publishes with QoS 2 and never releases, so that what it asks with is judged, and delivered to nobody."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._answer: int | None = None
        self._answered = threading.Event()

    def may_write(self, topic: str, timeout_s: float) -> bool | None:
        """None where the broker does not answer in time. Once only: see ``_meet``."""
        self.publish(topic, b"", qos=2)
        self._answered.wait(timeout_s)
        return None if self._answer is None else self._answer < _REFUSED_FROM

    def _handle_pubrec(self) -> MQTTErrorCode:
        """paho's own answers PUBREL. The packet is its message's number, then, unless all is well, the reason."""
        packet = bytes(self._in_packet["packet"])
        self._answer = packet[2] if len(packet) > 2 else 0
        self._answered.set()
        return MQTTErrorCode.MQTT_ERR_SUCCESS


@dataclass(slots=True)
class Meeting:
    """What came of a connection: the broker's answer, if any, the TLS version, and what may be written.

    ``ends_s``: when our certificate, or trust in the broker's, ends; 0 where there is none, as ``brokers_end_s``.
    """

    answers: list[ReasonCode] = field(default_factory=list)
    tls: str = ""
    ends_s: float = 0.0
    brokers_end_s: float = 0.0
    may_write: dict[str, bool | None] = field(default_factory=dict)


def look_at_broker(settings: Settings) -> Iterator[Finding]:
    """One line for the connection, one for the certificates, one for the access list."""
    bridge = is_bridge(settings)
    zones = [zone for camera in settings.cameras for zone in zone_names(camera)] or ["zone"]
    own = [health_topic(settings.site, settings.agent), topic(settings.site, zones[0])]
    other = topic("other-site" if settings.site != "other-site" else "another-site", "zone")
    identity = BRIDGE if bridge else f"{settings.site}.{settings.agent}"
    try:
        met = _meet(_asker(settings.mqtt, identity), settings.mqtt, own[0])
        for each in [own[1], other] if met.may_write else []:
            met.may_write |= _meet(_asker(settings.mqtt, identity), settings.mqtt, each).may_write
    except HingewatchError as error:
        yield Finding("broker", "fail", error.what, error.fix)
        return
    yield from _told(settings.mqtt, met)
    if met.may_write and bridge:
        yield _bridges_access(met)
    elif met.may_write:
        yield _access(settings.mqtt, met, own, other)


def _asker(settings: MqttSettings, identity: str) -> Asker:
    """Raises InputError where the certificate is unfit, or another's."""
    client = Asker(CallbackAPIVersion.VERSION2, f"hingewatch-doctor-{uuid.uuid4().hex[:8]}", protocol=MQTTv5)
    return mqtt.configured(client, settings, identity)


def is_bridge(settings: Settings) -> bool:
    """Whether these are a bridge's settings: no cameras, and the certificate that was made for the bridge."""
    if settings.cameras or settings.mqtt.cert_file is None:
        return False
    try:
        certificate = x509.load_pem_x509_certificate(settings.mqtt.cert_file.read_bytes())
    except (OSError, ValueError):  # said where it is used
        return False
    return name_of(certificate) == BRIDGE


def _meet(client: Asker, settings: MqttSettings, topic: str) -> Meeting:
    """One connection for each question: mosquitto 2.0.11 hangs up on who goes on after a refused QoS 2.

    Raises RunError where there is no connection.
    """
    met, answered = Meeting(), threading.Event()

    def on_connect(
        _client: Client, _data: object, _flags: ConnectFlags, reason: ReasonCode, _props: Properties | None
    ) -> None:
        met.answers.append(reason)
        connection = client.socket()
        if isinstance(connection, ssl.SSLSocket):
            met.tls = connection.version() or ""
            met.brokers_end_s = _end_s(connection)
        answered.set()

    client.connect_timeout = BROKER_TIMEOUT_S
    client.on_connect = on_connect
    try:
        client.connect(settings.host, settings.port, clean_start=True)
    except OSError as error:
        _, fix = mqtt.why_not_connected(client, error)
        what = f"{settings.host}:{settings.port}: {error.strerror or error}"
        raise RunError(what, f"{fix}; events wait meanwhile") from error
    client.loop_start()
    try:
        if answered.wait(BROKER_TIMEOUT_S) and not met.answers[0].is_failure:
            met.may_write = {topic: client.may_write(topic, BROKER_TIMEOUT_S)}
    finally:
        client.disconnect()
        client.loop_stop()
    met.ends_s = mqtt.expiry_s(client)
    return met


def _told(settings: MqttSettings, met: Meeting) -> Iterator[Finding]:
    address = f"{settings.host}:{settings.port}"
    if not met.answers:
        yield _no_answer(address, met)
        return
    if met.answers[0].is_failure:
        fix = "check mqtt.username, its password and the broker's access list"
        yield Finding("broker", "fail", f"{address} refused: {met.answers[0]}", fix)
        return
    line = f", {met.tls.replace('TLSv', 'TLS ')}" if met.tls else ", no TLS"
    yield Finding("broker", "ok", f"{address} answers: {met.answers[0]}{line}", "", {"tls": met.tls or None})
    if met.ends_s or met.brokers_end_s:
        yield _certificates(met)


def _no_answer(address: str, met: Meeting) -> Finding:
    if 0 < met.ends_s < time.time():
        return Finding("broker", "fail", f"{address} hung up: our certificate has ended", OWN_EXPIRED_FIX)
    fix = "check that mqtt.port is an MQTT port; with TLS, that the broker accepts our certificate (see its log)"
    return Finding("broker", "fail", f"{address} accepts connections but does not answer", fix)


def _certificates(met: Meeting) -> Finding:
    now_s = time.time()
    ends = {"ours, or trust in the broker's,": met.ends_s, "the broker's": met.brokers_end_s}
    days = {whose: round((end_s - now_s) / 86_400, 1) for whose, end_s in ends.items() if end_s}
    first = min(days, key=lambda whose: days[whose])
    detail, facts = f"{first} ends first, in {days[first]:.0f} days", {"days_left": days[first]}
    if days[first] < RENEW_DAYS:
        fix = "edge-agent certs renew FOLDER, then copy the new files over the old ones, here and to the broker"
        return Finding("certificates", "warn", detail, fix, facts)
    return Finding("certificates", "ok", detail, "", facts)


def _end_s(connection: ssl.SSLSocket) -> float:
    ends = (connection.getpeercert() or {}).get("notAfter")
    return ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else 0.0


def _access(settings: MqttSettings, met: Meeting, own: list[str], other: str) -> Finding:
    refused = [each for each in own if met.may_write.get(each) is False]
    if refused:
        what = f"we may not write {', '.join(refused)}: no lift would be taken"
        return Finding("broker access", "fail", what, _ACL_FIX)
    if None in met.may_write.values():
        return Finding("broker access", "warn", "the broker did not say what we may write", "see the broker's log")
    if not met.may_write[other]:
        return Finding("broker access", "ok", "we may write what is ours, and not another site's")
    if settings.host in LOOPBACK:
        return Finding("broker access", "ok", "we may write all, on a broker of this machine only")
    return Finding("broker access", "warn", "we may write what is ours, but another site's lifts too", _NO_ACL_FIX)


def _bridges_access(met: Meeting) -> Finding:
    if any(met.may_write.values()):
        return Finding("broker access", "warn", "a bridge needs to read only, and this may write lifts", _NO_ACL_FIX)
    return Finding("broker access", "ok", "as a bridge we may write nothing")
