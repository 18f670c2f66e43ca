"""``edge-agent setup``: opens the cameras and the page, and ends by itself."""

import getpass
import threading
import time
from collections.abc import Callable

import structlog

from edge_agent.errors import InputError
from edge_agent.pose.eyes import Eyes
from edge_agent.setup.listening import Listening
from edge_agent.setup.server import SetupServer
from edge_agent.setup.site_file import SiteFile
from edge_agent.setup.watch import Aims

log = structlog.get_logger()


def setup(file: SiteFile, port: int, minutes: float, stop: threading.Event, tell: Callable[[str], None]) -> None:
    """Serve the page until the time is over or ``stop`` is set; ``tell`` gets what to open.

    Raises InputError for a file without cameras or a taken port, RunError when no device can run the networks.
    """
    settings = file.read().settings
    if not settings.cameras:
        raise InputError(f"{file.path} names no cameras", "add one, see configs/example.yaml")
    with Aims(settings, Eyes(settings.pose)) as aims:
        until_s = time.monotonic() + 60 * minutes
        listening = Listening(SetupServer(file, aims, until_s), port)
        log.warning("the setup page is served", user=getpass.getuser(), port=listening.port, minutes=minutes)
        try:
            with listening as address:
                tell(f"{address}\n{_from_elsewhere(listening.port)}")
                stop.wait(until_s - time.monotonic())
        finally:
            log.warning("the setup page has ended")


def _from_elsewhere(port: int) -> str:
    return (
        f"It works once, on this machine. From another: ssh -L {port}:127.0.0.1:{port} THIS-BOX, and open it there."
    )
