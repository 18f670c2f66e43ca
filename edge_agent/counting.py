"""Messages from the broker's connections into the ledger: as many as have come, in one commit, then acknowledged.

A commit waits for the disk. While it does, paho's threads go on taking messages off their sockets, and those are
the next to be committed. Nothing is acknowledged before its commit, so a crash at any instant loses nothing: the
broker sends again, and the ledger knows what it has counted.
"""

import queue
import sqlite3
import threading
from typing import Final, NamedTuple

import structlog
from paho.mqtt.client import Client, MQTTMessage

from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.intake import Intake
from edge_agent.mqtt import RECEIVE_MAXIMUM
from edge_agent.seldom import Seldom

log = structlog.get_logger()

STORAGE_RETRY_S: Final = 1.0
MOST_AT_ONCE: Final = RECEIVE_MAXIMUM // 2
STOP_SEEN_S: Final = 0.2
"""A thread that waits for a message, or for room for one, looks this often whether it should end."""


class Line:
    """One connection. What came over it is acknowledged on it or not at all: the next one has its own numbers."""

    def __init__(self, client: Client, counting: "Counting") -> None:
        self._client = client
        self._counting = counting
        self._connection = 0
        self._lock = threading.Lock()
        client.on_message = self._on_message

    def end(self) -> None:
        """The connection is lost. The broker sends again, on the next one, what was not acknowledged."""
        with self._lock:
            self._connection += 1

    def acknowledge(self, message: MQTTMessage, connection: int) -> None:
        """Unless that connection has ended."""
        with self._lock:
            if connection == self._connection:
                self._client.ack(message.mid, message.qos)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._counting.put(Delivery(message, self, self._connection))


class Delivery(NamedTuple):
    """A message, and over which connection of which line it came."""

    message: MQTTMessage
    line: Line
    connection: int


class Counting:
    """A thread that commits and acknowledges; start it before the connections, stop it before them."""

    def __init__(self, intake: Intake, telemetry: BridgeTelemetry) -> None:
        self._intake = intake
        self._telemetry = telemetry
        self._seldom = Seldom()
        self._stopping = threading.Event()
        self._waiting: queue.Queue[Delivery] = queue.Queue(RECEIVE_MAXIMUM)
        self._thread = threading.Thread(target=self._run, name="counting", daemon=True)

    def line(self, client: Client) -> Line:
        """Take this client's messages from now on. It must have been made with ``manual_ack``."""
        return Line(client, self)

    def put(self, delivery: Delivery) -> None:
        """Wait for room, and with it the broker. In paho's thread."""
        while not self._stopping.is_set():
            try:
                self._waiting.put(delivery, timeout=STOP_SEEN_S)
            except queue.Full:
                continue
            return

    def start(self) -> None:
        """Return at once."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether anything is counted."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish what is being committed. What still waits is not acknowledged, and so is sent again."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            deliveries = self._next()
            if deliveries and self._commit(deliveries):
                for message, line, connection in deliveries:
                    line.acknowledge(message, connection)

    def _next(self) -> list[Delivery]:
        """All that waits, at most MOST_AT_ONCE; none where nothing comes for a while."""
        found: list[Delivery] = []
        try:
            found.append(self._waiting.get(timeout=STOP_SEEN_S))
            while len(found) < MOST_AT_ONCE:
                found.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        return found

    def _commit(self, deliveries: list[Delivery]) -> bool:
        """Whatever it takes. False where we are to stop before it is done."""
        while not self._stopping.is_set():
            try:
                self._intake.take([message for message, _, _ in deliveries])
            except sqlite3.Error as error:
                self._telemetry.storage_errors.inc()
                times = self._seldom.times("storage")
                if times:
                    fix = "free space on its disk"
                    log.warning("cannot write the bridge's state, retrying", error=str(error), times=times, fix=fix)
                self._stopping.wait(STORAGE_RETRY_S)
                continue
            return True
        return False
