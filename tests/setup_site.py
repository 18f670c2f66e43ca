"""The setup page as an installer has it: real cameras behind it, a real browser before it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_agent.pose.eyes import Eyes
from edge_agent.setup.listening import Listening
from edge_agent.setup.server import SetupServer
from edge_agent.setup.site_file import SiteFile
from edge_agent.setup.watch import Aims

SITE = """\
# Leeds, dock side
site: leeds
cameras:
  - name: dock-3   # above the gate
    source: {source}
    rate_hz: 5
    # as agreed with the works council
    zones:
      - name: gate
        polygon: [[0.0, 0.0], [0.1, 0.0], [0.1, 0.1]]   # a far corner
        workers: 4
  - {{name: yard, source: "rtsp://viewer:s3cret@127.0.0.1:9/live"}}   # not mounted yet
"""


@dataclass
class Clock:
    """The time by which shown pictures end."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


class RecordedServer(SetupServer):
    """Keeps the path and every byte of each answer."""

    def __init__(self, file: SiteFile, aims: Aims, until_s: float, clock: Clock) -> None:
        super().__init__(file, aims, until_s, clock)
        self.sent: list[tuple[str, bytes]] = []

    @property
    def app(self) -> ASGIApp:
        inner = super().app

        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            async def keep(message: Message) -> None:
                if message["type"] == "http.response.body":
                    self.sent.append((scope["path"], message.get("body", b"")))
                await send(message)

            await inner(scope, receive, keep)

        return recorded


@dataclass
class Setup:
    """``opened`` has the session; any other browser has not."""

    path: Path
    server: RecordedServer
    aims: Aims
    port: int
    address: str
    clock: Clock
    text: str
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.server.door.folder}"

    def enter(self, browser: Browser) -> BrowserContext:
        """By the printed address, which works once."""
        context = browser.new_context()
        page = context.new_page()
        page.goto(self.address)
        assert page.url == self.url
        page.close()
        return context

    def page(self, context: BrowserContext, size: tuple[int, int] = (1366, 768)) -> Page:
        """The page over the file as it was at first."""
        self.path.write_text(self.text)
        for kept in self.path.parent.glob(f"{self.path.name}.before-*"):
            kept.unlink()
        page = context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(self.url)
        page.wait_for_selector("#floor polygon")
        return page


@contextmanager
def running_setup(folder: Path, source: str, eyes: Eyes) -> Iterator[Setup]:
    """A camera of this source and one that is not there, watched until the block ends."""
    path = folder / "site.yaml"
    path.write_text(SITE.format(source=source))
    file, clock = SiteFile(path, {}), Clock()
    with Aims(file.read().settings, eyes, clock) as aims:
        server = RecordedServer(file, aims, clock.now_s + 3600, clock)
        listening = Listening(server, 0)
        with listening as address:
            yield Setup(path, server, aims, listening.port, address, clock, path.read_text())
