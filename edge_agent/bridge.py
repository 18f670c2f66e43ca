"""MQTT -> Prometheus: every lift event on the broker becomes one step of one counter, exactly once.

A message is acknowledged only after its effect is committed to the ledger (``counting``), and an id is counted
once, so a crash of the bridge at any instant neither loses nor repeats a lift. While the disk fails the bridge
keeps the messages and tries again; the broker queues the rest. Prometheus sees a zone's counters at 0 before the
first lift because an agent's health record, which precedes its events, names its zones.

The broker must be allowed to queue: mosquitto keeps 1,000 messages for an absent subscriber and drops the
rest, although it has acknowledged them to the agent (1,000 of 3,001 were left). Set its max_queued_messages
to 0, which is no limit.

Replicas share a subscription and a ledger, and each shows all counts. Prometheus scrapes them under two
``instance`` labels, so a query takes ``max without (instance) (...)`` before it sums.
"""

import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from paho.mqtt.client import Client
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from prometheus_client import CollectorRegistry

from edge_agent import mqtt
from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.counting import Counting
from edge_agent.errors import InputError
from edge_agent.intake import Intake
from edge_agent.ledger import Ledger, Room
from edge_agent.metrics_server import Exposition, health, serve
from edge_agent.overview_page import OverviewPage
from edge_agent.replicas import StandIn
from edge_agent.settings import BridgeSettings, MqttSettings
from edge_agent.site_certificates import BRIDGE
from edge_agent.site_page import SitePage

log = structlog.get_logger()

LIFTS: Final = "ergo/v1/+/+/lift"
AGENTS: Final = [("ergo/v1/+/+/status", 0), ("ergo/v1/+/+/health", 0)]
"""QoS 0: both are retained, so after an absence we get the last ones; queued, they would crowd out lifts."""


class Bridge:
    """``with Bridge(settings.bridge, settings.mqtt) as bridge: ... bridge.port``, or start and stop."""

    def __init__(self, settings: BridgeSettings, broker: MqttSettings) -> None:
        """Raises InputError when the state file or the certificates cannot be used."""
        self._settings = settings
        self._ledger = Ledger(
            settings.state_path,
            Room(settings.max_state_mib * 2**20, settings.max_zones, settings.max_agents),
            shared=settings.replica is not None,
            time_zone=ZoneInfo(settings.time_zone),
        )
        self._registry = CollectorRegistry()
        self._telemetry = BridgeTelemetry(self._registry)
        intake = Intake(self._ledger, self._telemetry)
        self._counting = Counting(intake, self._telemetry)
        self._overview = OverviewPage(self._ledger, intake.health, self._telemetry, settings)
        self._page = SitePage(self._ledger, settings.stale_after_s, self._telemetry.storage_errors)
        self._registry.register(self._page)
        self._broker = broker
        name = settings.replica
        self._client, self._session = self._new_session(name, self._on_accepted, self._on_over)
        self._telemetry.certificate_expiry.set_function(lambda: mqtt.expiry_s(self._client))
        self._client.on_subscribe = self._on_subscribe
        self._stand_in = name and StandIn(name, self._ledger, self._telemetry, self._connect_for)
        self.port = settings.port

    def start(self) -> None:
        """Serve ``/metrics`` and the overview, and connect. A broker that is absent or refuses is retried for ever.

        Raises InputError when the metrics address is taken.
        """
        try:
            self.port, self._stop_serving = serve(
                Exposition(self._registry, self._page.lines),
                self._settings.host,
                self._settings.port,
                prefix="ergo_bridge",
                pages={"/": self._overview.document, **health(self._why_stuck)},
            )
        except InputError:
            self._ledger.close()
            raise
        self._counting.start()
        self._session.start()
        if self._stand_in:
            self._stand_in.start()
        address = f"http://{self._settings.host}:{self.port}"
        log.info("bridge started", metrics=f"{address}/metrics", overview=f"{address}/")

    def stop(self) -> None:
        """Disconnect and stop serving; the broker goes on queueing for us."""
        self._counting.stop()
        if self._stand_in:
            self._stand_in.stop()
        self._session.stop()
        self._stop_serving()
        self._ledger.close()

    def __enter__(self) -> "Bridge":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _new_session(
        self, replica: str | None, accepted: Callable[[], None], over: Callable[[], None]
    ) -> tuple[Client, mqtt.Session]:
        """Each replica has a session of its own; all belong to the ledger they share."""
        suffix = "" if replica is None else f"-{replica}"
        client = mqtt.new_client(self._broker, self._ledger.identity + suffix, identity=BRIDGE, manual_ack=True)
        line = self._counting.line(client)

        def ended() -> None:
            line.end()
            over()

        return client, mqtt.Session(self._broker, client, self._telemetry.connect_failures, accepted, ended)

    def _connect_for(self, replica: str, over: Callable[[], None]) -> mqtt.Session:
        """Continue the session of a silent replica."""

        def accepted() -> None:
            client.subscribe(self._lifts(), qos=1)

        client, session = self._new_session(replica, accepted, over)
        session.start()
        return session

    def _why_stuck(self) -> str | None:
        """A broker that is away, or a disk that fails, is waited for and is no reason."""
        if not self._counting.alive:
            return "nothing is counted"
        return None if self._session.alive else "nothing listens to the broker"

    def _lifts(self) -> str:
        """Replicas share out the lifts."""
        return LIFTS if self._settings.replica is None else f"$share/{self._ledger.identity}/{LIFTS}"

    # paho's thread.

    def _on_accepted(self) -> None:
        """Retained messages cannot be shared: each replica takes all of them, which does no harm."""
        self._client.subscribe([(self._lifts(), 1), *AGENTS])

    def _on_over(self) -> None:
        self._telemetry.connected.set(0)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, reasons: list[ReasonCode], _props: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._telemetry.connect_failures.labels("refused").inc()
            log.error(
                "broker refused the subscription",
                fix="allow the bridge to read ergo/v1/# in the broker's access list",
            )
        else:
            self._telemetry.connected.set(1)
            log.info("bridge subscribed")


def run(settings: BridgeSettings, broker: MqttSettings) -> None:
    """Bridge until SIGINT or SIGTERM. Call it from the main thread. Raises InputError as Bridge does."""
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    with Bridge(settings, broker):
        asked_to_stop.wait()
