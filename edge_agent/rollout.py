"""Settings that change while the box runs: the file, read again on SIGHUP, and on top what was ordered from afar.

Nothing is taken by halves: what cannot be read, is not allowed, or names a network that fails its self-test is
refused as a whole, and the box goes on as it was. Lifts in progress go on too, but on a camera that must be opened
anew.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import structlog

from edge_agent import standing as stood
from edge_agent.agent import Look
from edge_agent.box import Arrangement, Box
from edge_agent.core.events import settings_topic
from edge_agent.core.health import Ordered
from edge_agent.core.trial import Trial
from edge_agent.errors import HingewatchError, InputError
from edge_agent.order_keys import public_key
from edge_agent.orders import Order, RefusedOrderError, changed, opened
from edge_agent.post import Sight
from edge_agent.settings import Settings
from edge_agent.settings_file import SettingsError
from edge_agent.standing import Standing

log = structlog.get_logger()

_TURN_S: Final = 0.5
_WHILE_RUNNING: Final = frozenset({"cameras", "pose", "technique"})
"""What of the file can change without a restart; the bridge's part is not the agent's."""
_NOT_OURS: Final = frozenset({"bridge"})
_Asked = bytes | Literal["file", "weigh", "stop"]
"""bytes: an order."""


@dataclass(slots=True)
class _Attempt:
    """An order that one camera tries out. tries: whether it has it already, or is still counted as it was."""

    order: Order
    payload: str
    wanted: Settings
    sight: Sight
    trial: Trial
    errors_before: float = 0.0
    tries: bool = False


class Rollout:
    """A thread of its own, since networks take seconds to open. Make it before the box runs; ``stop`` it after."""

    def __init__(self, box: Box, file: Settings, read: Callable[[], Settings], standing: Standing) -> None:
        """``file``: what the box would run with but for the order in force. Raises InputError for an unusable key."""
        self._box, self._file, self._read = box, file, read
        self._standing = standing
        self._present, self._sight = box.settings, box.sight
        self._attempt: _Attempt | None = None
        self._bucket = 0
        self._asked: queue.SimpleQueue[_Asked] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="rollout", daemon=True)
        self._key = public_key(file.orders.trusted_key) if file.orders.trusted_key else None
        box.ordered = standing.last
        if self._key:
            box.publisher.listen(settings_topic(file.site, file.agent), self._asked.put)

    def start(self) -> None:
        """Return at once."""
        self._thread.start()

    def stop(self) -> None:
        """What is just being opened is waited for."""
        self._asked.put("stop")
        self._thread.join()

    def reload(self) -> None:
        """Read the file again. May be called in a signal handler."""
        self._asked.put("file")

    def saw(self, camera: str, look: Look) -> None:
        """Every look of the box, in its loop: what is on trial is judged by it."""
        attempt = self._attempt
        if attempt is not None and camera == attempt.order.canary:
            for lift in look.lifts:
                attempt.trial.saw(unknown=lift.unknown_reason is not None, with_new=attempt.tries)

    def _run(self) -> None:
        while (asked := self._next()) != "stop":
            try:
                self._do(asked)
            except Exception:  # or nothing could be changed any more until a restart
                self._box.telemetry.settings_changes.labels("file" if asked == "file" else "order", "refused").inc()
                log.exception(
                    "settings not changed, by our mistake", fix="please report it; a restart reads the file"
                )

    def _next(self) -> _Asked:
        try:
            return self._asked.get(timeout=_TURN_S)
        except queue.Empty:
            return "weigh"

    def _do(self, asked: _Asked) -> None:
        if asked == "weigh":
            self._weigh()
        elif asked == "file":
            self._take_file()
        elif isinstance(asked, bytes):
            self._take_order(asked)

    def _take_file(self) -> None:
        try:
            file = self._read()
            self._refuse_a_restart(file)
            order = self._standing.order(self._key) if self._key else None
            wanted = changed(file, order.changes) if order else file
            sight = self._sight_for(wanted)
        except SettingsError as error:
            self._refuse_file([(flaw.what, flaw.fix) for flaw in error.flaws])
        except HingewatchError as error:
            self._refuse_file([(error.what, error.fix)])
        except RefusedOrderError as error:
            fix = "mend the file, or withdraw the order: edge-agent orders send --withdraw"
            self._refuse_file([(f"what was ordered does not fit the new file: {error.what}", fix)])
        else:
            self._file = file
            self._adopt(wanted, sight)
            self._box.telemetry.settings_changes.labels("file", "applied").inc()
            log.info("settings read again", cameras=[camera.name for camera in wanted.cameras])
            if self._attempt is not None:  # it was weighed against what is no more
                self._try_out(self._attempt.order, self._attempt.payload)

    def _refuse_a_restart(self, file: Settings) -> None:
        fixed = set(Settings.model_fields) - _WHILE_RUNNING - _NOT_OURS
        touched = sorted(name for name in fixed if getattr(file, name) != getattr(self._file, name))
        if touched:
            what = f"{', '.join(touched)} cannot change while the agent runs; nothing was taken"
            raise InputError(what, "restart the agent: systemctl restart hingewatch-agent")
        if not file.cameras:
            raise InputError("the file names no cameras any more; nothing was taken", "name one, or stop the agent")

    def _refuse_file(self, flaws: list[tuple[str, str]]) -> None:
        for what, fix in flaws:
            log.error("settings not taken, the agent goes on as it was", what=what, fix=fix)
        # Counted last: whoever sees the count finds the reasons in the log.
        self._box.telemetry.settings_changes.labels("file", "refused").inc()

    def _take_order(self, payload: bytes) -> None:
        """A forger is told nothing, and changes nothing that is told."""
        if not payload or self._key is None:  # empty: the retained message was cleared
            return
        try:
            order = self._for_us(opened(payload, self._key))
        except RefusedOrderError as error:
            self._refuse_order(error)
            return
        pending = self._attempt.order.number if self._attempt else 0
        if order.number not in {self._standing.last.order_number, pending}:
            self._try_out(order, payload.decode())

    def _for_us(self, order: Order) -> Order:
        if (order.site, order.agent) != (self._file.site, self._file.agent):
            raise RefusedOrderError("not_for_us", f"it is for {order.site}.{order.agent}")
        if order.number < self._standing.last.order_number:
            raise RefusedOrderError("out_of_date", "a newer one was taken before")
        return order

    def _try_out(self, order: Order, payload: str) -> None:
        """At once on all cameras, or first on the one that is named."""
        if self._attempt is not None and self._attempt.tries:
            self._adopt(self._present, self._sight)
        self._forget_attempt()
        try:
            attempt = self._prepared(order, payload)
        except RefusedOrderError as error:
            self._refuse_order(error)
            self._note(Ordered(order.number, "refused", error.reason))
            return
        if order.canary is None:
            self._apply(attempt)
            return
        self._attempt = attempt
        self._box.telemetry.settings_on_trial.set(1)
        self._show(Ordered(order.number, "on_trial"))
        log.info("order on trial", number=order.number, camera=order.canary, lifts=order.lifts)

    def _prepared(self, order: Order, payload: str) -> _Attempt:
        wanted = changed(self._file, order.changes)
        if order.canary is not None and order.canary not in {camera.name for camera in wanted.cameras}:
            raise RefusedOrderError("unknown_camera", order.canary)
        try:
            sight = self._sight_for(wanted)
        except HingewatchError as error:
            raise RefusedOrderError("cannot_run", error.what) from error
        return _Attempt(order, payload, wanted, sight, Trial(order.lifts))

    def _weigh(self) -> None:
        """At a bucket's end only: what is told of a trial must not tell the moment of a lift."""
        bucket = int(time.time() // self._file.privacy.bucket_s)
        if bucket == self._bucket:
            return
        self._bucket = bucket
        attempt = self._attempt
        if attempt is None:
            return
        if attempt.tries and self._network_errors() > attempt.errors_before:
            attempt.trial.failure = True
        phase = attempt.trial.phase
        if phase == "trying" and not attempt.tries:
            self._let_canary_try(attempt)
        elif phase == "passed":
            self._apply(attempt)
        elif phase == "failed":
            self._roll_back(attempt)

    def _let_canary_try(self, attempt: _Attempt) -> None:
        attempt.errors_before = self._network_errors()
        new = {camera.name: (camera, attempt.sight) for camera in attempt.wanted.cameras}
        present = {camera.name: (camera, self._sight) for camera in self._present.cameras}
        posts = [new[name] if name == attempt.order.canary else post for name, post in present.items()]
        self._box.adopt(Arrangement(posts, self._sight))
        attempt.tries = True
        log.info("camera tries the order out", camera=attempt.order.canary)

    def _apply(self, attempt: _Attempt) -> None:
        self._adopt(attempt.wanted, attempt.sight)
        self._standing = Standing(Ordered(attempt.order.number, "applied"), attempt.payload)
        self._forget_attempt()
        self._note(self._standing.last)
        self._box.telemetry.settings_changes.labels("order", "applied").inc()
        log.info("order applied", number=attempt.order.number)

    def _roll_back(self, attempt: _Attempt) -> None:
        self._adopt(self._present, self._sight)
        self._forget_attempt()
        self._note(Ordered(attempt.order.number, "rolled_back"))
        self._box.telemetry.settings_changes.labels("order", "rolled_back").inc()
        why = "a network failed" if attempt.trial.failure else f"unknown: {attempt.trial.change.words}"
        log.error(
            "order rolled back", number=attempt.order.number, why=why, fix="look at that camera with these settings"
        )

    def _forget_attempt(self) -> None:
        self._attempt = None
        self._box.telemetry.settings_on_trial.set(0)

    def _refuse_order(self, error: RefusedOrderError) -> None:
        self._box.telemetry.settings_changes.labels("order", "refused").inc()
        log.error("order refused, the agent goes on as it was", reason=error.reason, what=error.what, fix=_FIX)

    def _note(self, last: Ordered) -> None:
        self._standing = self._standing.with_last(last)
        stood.write(self._file.orders.state_path, self._standing)
        self._show(last)

    def _show(self, ordered: Ordered) -> None:
        self._box.ordered = ordered
        self._box.publisher.tell_health()

    def _adopt(self, settings: Settings, sight: Sight) -> None:
        self._present, self._sight = settings, sight
        self._box.adopt(Arrangement([(camera, sight) for camera in settings.cameras], sight))

    def _sight_for(self, settings: Settings) -> Sight:
        """Networks are opened, and prove themselves, only where they are others. Raises InputError or RunError."""
        same = settings.pose == self._present.pose
        eyes = self._sight.eyes if same else self._box.open_eyes(settings.pose)
        return Sight(eyes, settings.technique.thresholds)

    def _network_errors(self) -> float:
        return sum(
            sample.value
            for metric in self._box.telemetry.inference_errors.collect()
            for sample in metric.samples
            if sample.name.endswith("_total")
        )


_FIX: Final = "see who sent it, and with which key: edge-agent orders send says what became of one's own"
