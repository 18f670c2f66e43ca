"""How a camera tells what it sees and what it misses."""

from edge_agent.telemetry import AgentTelemetry


class CameraMetrics:
    """What ``frames.CameraTelemetry`` asks for, as metrics. Frames are counted where they are analysed."""

    def __init__(self, metrics: AgentTelemetry) -> None:
        self._metrics = metrics

    def frame(self, camera: str) -> None:
        """Nothing: a frame that waits is not yet analysed."""

    def dropped(self, camera: str, reason: str) -> None:
        """One picture was not used."""
        self._metrics.frames_dropped.labels(camera, reason).inc()

    def up(self, camera: str, up: bool) -> None:
        """Fresh frames arrive, or no longer do."""
        self._metrics.camera_up.labels(camera).set(up)

    def blind(self, camera: str, seconds: float) -> None:
        """This much more time passed unseen."""
        self._metrics.camera_blind.labels(camera).inc(seconds)

    def reconnect(self, camera: str) -> None:
        """Frames arrive again after an outage."""
        self._metrics.camera_reconnects.labels(camera).inc()

    def failed(self, camera: str, reason: str) -> None:
        """One attempt to open or read failed."""
        self._metrics.camera_failures.labels(camera, reason).inc()
