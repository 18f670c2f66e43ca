"""The durable queue between a lift and the broker's acknowledgement.

One SQLite table holds both the events held back for privacy and those ready to be sent, so neither a
restart nor a power cut loses one. A row leaves only when the broker has acknowledged it, or when the outbox
is full.

Acknowledged is not yet safe: mosquitto answers first and writes its file later (every ``autosave_interval``,
1800 s by default). Killed in between, it forgets events it has acknowledged. So a row stays, marked, until
the same connection has answered again ``keep_acknowledged_s`` later; after a lost connection or a restart of
the agent the marked rows are sent again. The bridge knows them by their ids and counts them once.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from edge_agent import outbox_tables as tables
from edge_agent.core.events import LiftEvent, bucket_start, from_json, to_json
from edge_agent.core.release import Held, Release, releasable
from edge_agent.rescue import open_outbox
from edge_agent.settings import OutboxSettings, PrivacySettings
from edge_agent.telemetry import AgentTelemetry

log = structlog.get_logger()

RETRY_S = 1.0
"""Between two attempts to write while the disk fails: the frame loop calls many times a second."""
_RISK_RANK = {"low": 0, "medium": 1, "high": 2}
_LONG_AGO_S = 7 * 86_400
"""Acknowledged this long before a start: the broker has written its file since, sending again is for nothing."""


class Outbox:
    """Every method may be called from any thread; a failing disk raises ``sqlite3.Error`` unless said."""

    def __init__(self, settings: OutboxSettings, privacy: PrivacySettings, telemetry: AgentTelemetry) -> None:
        """Raises InputError when the file cannot be used."""
        self._privacy = privacy
        self._max_events = settings.max_events
        self._telemetry = telemetry
        self._unsaved: deque[LiftEvent] = deque(maxlen=settings.max_events)
        self._failing = False
        self._retry_at_s = 0.0
        self._last_bucket: int | None = None
        self._shown_bucket: int | None = None
        self._keep_acknowledged_s = settings.keep_acknowledged_s
        self._acknowledged: deque[tuple[float, str]] = deque()
        self._lock = threading.RLock()
        self._database, rescued = open_outbox(settings.path)
        if rescued is not None:
            telemetry.outbox_damaged.inc()
            telemetry.outbox_rescued.inc(rescued)
        self._forget_long_acknowledged()
        self._show_depth()
        telemetry.outbox_oldest_age.set_function(lambda: self.oldest_age_s(time.time()))

    def hold(self, event: LiftEvent) -> None:
        """Keep an event until ``release`` lets it go. Never raises for a failing disk.

        An event that cannot be written now waits in memory and is written with the next one or at the next
        release.
        """
        with self._lock:
            if len(self._unsaved) == self._unsaved.maxlen:
                self._telemetry.outbox_dropped.labels(self._unsaved[0].risk).inc()
            self._unsaved.append(event)
            self._save()

    def release(self, now_s: float) -> tuple[LiftEvent, ...]:
        """At the first call after a bucket has ended: make ready what may leave, and return it.

        Call it about once a second with the unix time; it does nothing in between. A bucket whose release
        could not be written is tried again at the next call.
        """
        bucket = bucket_start(now_s, self._privacy.bucket_s)
        released: tuple[LiftEvent, ...] = ()
        with self._lock:
            self._save()
            if bucket != self._last_bucket and not self._waits_to_retry():
                released = self._try_release(bucket, now_s)
            if bucket != self._shown_bucket:  # whatever the disk does
                self._shown_bucket = bucket
                self._telemetry.end_bucket(now_s, self._privacy.min_lifts)
        return released

    def head(self, limit: int) -> tuple[LiftEvent, ...]:
        """The first ``limit`` ready events, in the order in which they are to be sent."""
        with self._lock:
            rows = self._database.execute(tables.HEAD, (limit,)).fetchall()
        return tuple(from_json(payload) for (payload,) in rows)

    def delivered(self, event_ids: Sequence[str]) -> None:
        """Mark what the broker has acknowledged; forget what this connection acknowledged long enough ago.

        Call it with every answer of the broker, also with no ids: that the same connection still answers
        shows that the broker has lived on and has written its file.
        """
        now_s, clock_s = time.time(), time.monotonic()
        safe = [event_id for at_s, event_id in self._acknowledged if at_s + self._keep_acknowledged_s < clock_s]
        if not event_ids and not safe:
            return
        with self._lock:
            with self._database:
                rows = [self._database.execute(tables.ACKNOWLEDGE, (event_id,)).fetchone() for event_id in event_ids]
                self._database.executemany("DELETE FROM events WHERE event_id = ?", [(each,) for each in safe])
            self._acknowledged.extend((clock_s, event_id) for event_id in event_ids)
            for _ in safe:
                self._acknowledged.popleft()
            for row in filter(None, rows):
                self._telemetry.delivery.observe(max(0.0, now_s - row[0]))
        self._show_ready()

    def doubt(self) -> None:
        """Nothing that was acknowledged until now is safe any more. Needs no disk, so it cannot come too late."""
        with self._lock:
            self._acknowledged.clear()

    def send_again(self) -> None:
        """The connection was lost, perhaps with the broker: what is acknowledged and still kept is ready again."""
        self.doubt()
        again = -1
        while again:
            with self._lock, self._database:
                again = self._database.execute(tables.SEND_AGAIN).rowcount
            self._telemetry.outbox_sent_again.inc(again)
        self._show_ready()

    def postpone(self, event_id: str) -> None:
        """Move an event the broker refused to the end, so that it does not hold up the others."""
        with self._lock, self._database:
            self._database.execute(tables.MOVE_TO_END, (event_id,))

    @property
    def unsaved(self) -> int:
        """Events that wait in memory for the disk to take them: not yet durable."""
        return len(self._unsaved)

    def depth(self) -> tuple[int, int]:
        """How many events are (held back, ready). Not for the outside: the former moves with every lift."""
        with self._lock:
            total, ready = self._database.execute(tables.DEPTH).fetchone()
        return total - ready + len(self._unsaved), ready

    def shown_depth(self) -> tuple[int, int]:
        """(held back when the last bucket ended, ready): what metrics and health records may tell."""
        return self._held_shown, self.depth()[1]

    def oldest_age_s(self, now_s: float) -> float:
        """Seconds since the oldest ready event became ready; 0 when there is none."""
        with self._lock:
            (oldest,) = self._database.execute("SELECT min(ready_at_s) FROM events WHERE position > 0").fetchone()
        return 0.0 if oldest is None else max(0.0, now_s - oldest)

    def close(self) -> None:
        """Write what waits in memory, or count it as dropped where the disk does not let us; close the file."""
        with self._lock:
            self._retry_at_s = 0.0
            self._save()
            self._give_up_unsaved()
            self._telemetry.outbox_oldest_age.set_function(lambda: 0.0)
            self._database.close()

    def _save(self) -> None:
        if not self._unsaved or self._waits_to_retry():
            return
        rows = [(e.event_id, e.zone, e.bucket_start, _RISK_RANK[e.risk], to_json(e)) for e in self._unsaved]
        try:
            with self._database:
                self._database.executemany(tables.INSERT, rows)
        except sqlite3.Error as error:
            self._write_failed(error)
            return
        self._write_worked()
        self._unsaved.clear()

    def _make_room(self) -> list[str]:
        """What is acknowledged goes first and is no loss; then the least risk. Returns the risks given up.

        At a bucket's end only: at once, what is ready would shrink at the moment of each lift, for all to see.
        """
        (total,) = self._database.execute("SELECT count(*) FROM events").fetchone()
        excess = total - self._max_events
        if excess <= 0:
            return []
        excess -= self._database.execute(tables.FORGET_OLDEST_ACKNOWLEDGED, (excess,)).rowcount
        least = self._database.execute(
            "SELECT position, risk FROM events WHERE position > 0 ORDER BY risk, position LIMIT ?", (excess,)
        ).fetchall()
        self._database.executemany("DELETE FROM events WHERE position = ?", [(position,) for position, _ in least])
        words = {rank: word for word, rank in _RISK_RANK.items()}
        return [words[rank] for _, rank in least]

    def _forget_long_acknowledged(self) -> None:
        with suppress(sqlite3.Error), self._database:  # a full disk: they are sent once more
            self._database.execute(tables.FORGET_LONG_ACKNOWLEDGED, (time.time() - _LONG_AGO_S,))
        with suppress(sqlite3.Error):
            self.send_again()

    def _try_release(self, bucket: int, now_s: float) -> tuple[LiftEvent, ...]:
        try:
            with self._database:
                released = self._release(now_s)
                dropped = self._make_room()
        except sqlite3.Error as error:
            self._write_failed(error)
            return ()
        self._write_worked()
        self._last_bucket = bucket
        for event in released:
            self._telemetry.lifts.labels(event.technique).inc()
        for risk in dropped:
            self._telemetry.outbox_dropped.labels(risk).inc()
        if dropped:
            log.warning("outbox full, events given up", events=len(dropped), fix="restore the broker connection")
        self._show_depth()
        return released

    def _release(self, now_s: float) -> tuple[LiftEvent, ...]:
        waiting = {
            event_id: (Held(event_id, zone, bucket), payload)
            for event_id, zone, bucket, payload in self._database.execute(
                "SELECT event_id, zone, bucket_start, payload FROM events WHERE ready_at_s IS NULL"
            )
        }
        held = (row for row, _ in waiting.values())
        releases = releasable(held, now_s, self._privacy.bucket_s, self._privacy.min_lifts)
        events = tuple(_renamed(waiting[release.event_id][1], release) for release in releases)
        self._database.executemany(
            tables.MAKE_READY, [(now_s, event.bucket_start, to_json(event), event.event_id) for event in events]
        )
        return events

    def _waits_to_retry(self) -> bool:
        return time.monotonic() < self._retry_at_s

    def _write_failed(self, error: sqlite3.Error) -> None:
        self._telemetry.outbox_write_errors.inc()
        self._retry_at_s = time.monotonic() + RETRY_S
        if not self._failing:  # once per outage: a log that fills up must not finish off a full disk
            log.error("outbox write failed, kept in memory", error=str(error), fix="free space on the outbox's disk")
        self._failing = True

    def _write_worked(self) -> None:
        if self._failing:
            log.info("outbox can be written again")
        self._failing, self._retry_at_s = False, 0.0

    def _give_up_unsaved(self) -> None:
        if not self._unsaved:
            return
        for event in self._unsaved:
            self._telemetry.outbox_dropped.labels(event.risk).inc()
        fix = "free space on the outbox's disk before the next start"
        log.error("lifts lost: the outbox could not be written to the end", events=len(self._unsaved), fix=fix)
        self._unsaved.clear()

    def _show_depth(self) -> None:
        self._held_shown = self.depth()[0]
        self._telemetry.outbox_events.labels("held").set(self._held_shown)
        self._show_ready()

    def _show_ready(self) -> None:
        self._telemetry.outbox_events.labels("ready").set(self.depth()[1])
        self._telemetry.outbox_events.labels("acknowledged").set(len(self._acknowledged))


def _renamed(payload: str, release: Release) -> LiftEvent:
    """The event under the bucket it leaves with."""
    return replace(from_json(payload), bucket_start=release.bucket_start)
