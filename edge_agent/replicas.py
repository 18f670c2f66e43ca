"""What a replica does for one that has fallen silent: it takes up that one's queue.

A broker must not give the messages of one session to another. mosquitto 2.0.11 goes on dealing a dead replica
its share of a shared subscription (50 of 100 in our measurement) and keeps them in its session until that
expires. So a replica that stays dead would hold back, and in the end lose, half the lifts. Replicas therefore
sign the ledger they share; whose signature is old has its session continued by another, until it is back.

mosquitto 2.0.11 forgets shared subscriptions, unlike others, when it restarts: until the first replica has
subscribed again it queues for none and answers "No matching subscribers" (36 of 36 in our measurement).
Whoever then deletes the event loses it.
"""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from edge_agent import mqtt
from edge_agent.bridge_telemetry import BridgeTelemetry
from edge_agent.ledger import Ledger

log = structlog.get_logger()

SIGN_S: Final = 10.0
SILENT_S: Final = 60.0

Connect = Callable[[str, Callable[[], None]], mqtt.Session]
"""Continue the session of the replica of this name; call the function when that connection ends."""


class StandIn:
    """A thread that signs the ledger and stands in for whoever no longer does."""

    def __init__(self, own_name: str, ledger: Ledger, telemetry: BridgeTelemetry, connect: Connect) -> None:
        self._own_name = own_name
        self._ledger = ledger
        self._telemetry = telemetry
        self._connect = connect
        self._sessions: dict[str, mqtt.Session] = {}
        self._over: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="stand-in", daemon=True)

    def start(self) -> None:
        """Return at once."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the sessions of others to them."""
        self._over.put(None)
        self._thread.join()

    def _run(self) -> None:
        name: str | None = ""
        while name is not None:
            if name:
                self._leave(name)
            try:
                self._sign()
            except sqlite3.Error:  # said and retried where messages are taken in
                self._telemetry.storage_errors.inc()
            name = self._next_over()
        for other in list(self._sessions):
            self._leave(other)

    def _next_over(self) -> str | None:
        """The name of one who is back, "" when it is time to sign again, None when it is time to stop."""
        try:
            return self._over.get(timeout=SIGN_S)
        except queue.Empty:
            return ""

    def _sign(self) -> None:
        """Also for those we stand in for, lest a third replica does so too."""
        now_s = time.time()
        for name in (self._own_name, *self._sessions):
            self._ledger.sign(name, now_s)
        silent = self._ledger.take_silent(now_s, SILENT_S)
        if silent is not None:
            log.warning("a replica is silent, standing in for it", replica=silent, fix="start it again")
            self._sessions[silent] = self._connect(silent, lambda: self._over.put(silent))
            self._telemetry.standing_in.set(len(self._sessions))

    def _leave(self, name: str) -> None:
        """Its connection ended: mostly because the replica itself is back. If not, it will be silent again."""
        session = self._sessions.pop(name, None)
        if session is not None:
            session.stop()
            self._telemetry.standing_in.set(len(self._sessions))
            log.info("no longer standing in", replica=name)
